//! A proxy that lictor's environment names is for the service: what lictor asks itself is on this host or configured.

use std::io::ErrorKind;
use std::net::TcpListener;

use crate::harness::program::OLD;
use crate::harness::{Consul, Setup, address};

#[test]
fn lictor_goes_past_the_proxies_in_its_environment() {
    // It takes connections and answers none.
    let proxy = TcpListener::bind((address::loopback(), 3128)).unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    // The version is not where it is looked for first, so the service is asked.
    let mut setup = Setup::on_consul(consul.address()).checked();
    let host = setup.host();
    setup =
        setup.config(&format!("version {{\n  symbol = \"main.none\"\n  http   = \"http://{host}:8080/version\"\n}}\n"));
    for name in ["http", "https", "all"] {
        setup = setup.variable(&format!("{name}_proxy"), &url);
        setup = setup.variable(&format!("{}_PROXY", name.to_uppercase()), &url);
    }
    let lictor = setup.start();
    lictor.until_good();
    assert_eq!(lictor.value("HTTP_PROXY").as_deref(), Some(&*url), "the service inherits it");
    let told = lictor.until("the service has told its version", |board| board.build.running.version.is_some());
    assert_eq!(told.build.running.version.as_deref(), Some(OLD));
    assert_eq!(told.build.running.source.as_deref(), Some("declared"));
    lictor.until_applied(|| consul.put("billing/GREETING", "good day"));
    proxy.set_nonblocking(true).unwrap();
    let asked = proxy.accept().map(|(_, from)| from);
    assert_eq!(asked.map_err(|error| error.kind()), Err(ErrorKind::WouldBlock), "the proxy was asked");
}
