//! The page of one host, at `/` of its status port.

use crate::harness::{Consul, Setup};
use crate::tab::{Glass, Tab};

#[test]
fn one_host_has_its_board_for_people_at_its_status_port() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let lictor = Setup::on_consul(consul.address()).checked().start();
    lictor.until_good();
    let url = format!("http://{}:8127", lictor.setup().host());
    let mut tab = Tab::new();
    tab.follow(&format!("{url}/"));
    let text = tab.until_text("up, healthy");
    for words in ["svc", "Config", "Checks", "Sources", "consul billing/", "History"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let (_, history) = text.split_once("History").unwrap();
    assert!(history.contains("good"), "{text}");
    assert!(!text.contains("hello"), "a value: {text}");
    for (glass, shade) in [(Glass::DESK, "light"), (Glass::NIGHT, "dark"), (Glass::PHONE, "narrow")] {
        tab.look_through(glass);
        tab.fits();
        tab.picture(&format!("host-{shade}"));
        assert_eq!(tab.barriers(), Vec::<String>::new(), "{shade}");
    }
    consul.put("billing/EXIT_CODE", "3");
    tab.until_text("Reverted: ");
    assert!(tab.text().contains("EXIT_CODE"));
    tab.picture("host-reverted");
    assert_eq!(tab.barriers(), Vec::<String>::new());
    tab.is_at_peace_with(&url);
}
