//! The watch never dies: whatever happens to the agent, the next change is seen, and the service runs on meanwhile.

use std::time::Duration;

use crate::harness::lictor::{is_good, pid};
use crate::harness::proxy::Proxy;
use crate::harness::{Consul, Lictor, Setup};

/// A service that is up on `hello`, and whose lictor finds Consul at `address`.
fn up(consul: &Consul, address: std::net::SocketAddr) -> Lictor {
    consul.put("billing/GREETING", "hello");
    let lictor = Setup::on_consul(address)
        .config("consul {\n  retry {\n    max_backoff = \"500ms\"\n  }\n}\n")
        .checked()
        .start();
    lictor.until_good();
    lictor
}

fn failing(lictor: &Lictor) -> lictor::machine::Board {
    lictor.until("Consul is said to be away", |board| board.sources[0].freshness.error.is_some())
}

#[test]
fn an_agent_that_comes_back_with_its_data_is_followed_again() {
    let mut consul = Consul::with_data();
    let lictor = up(&consul, consul.address());
    let before = lictor.board();
    consul.kill();
    let away = failing(&lictor);
    assert_eq!(pid(&away), pid(&before), "the service runs on");
    assert_eq!(lictor.status().0, 200);
    consul.launch();
    let back = lictor.until("in contact again", |board| board.sources[0].freshness.error.is_none());
    assert_eq!(pid(&back), pid(&before), "the same data restarts nothing");
    lictor.until_applied(|| consul.put("billing/GREETING", "good day"));
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
}

#[test]
fn an_agent_that_comes_back_without_its_data_is_followed_again() {
    let mut consul = Consul::start();
    // Other keys push the index up, so that the new agent's is lower.
    (0..60).for_each(|number| consul.put(&format!("other/{number}"), "x"));
    let lictor = up(&consul, consul.address());
    let index = consul.index("billing/");
    consul.kill();
    failing(&lictor);
    consul.launch();
    consul.put("billing/GREETING", "after the loss");
    assert!(consul.index("billing/") < index, "the index has been reset");
    lictor.until("the value of the new agent", |board| {
        is_good(board) && lictor.value("GREETING").as_deref() == Some("after the loss")
    });
    lictor.until_applied(|| consul.put("billing/GREETING", "good day"));
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
}

#[test]
fn an_index_that_is_reset_behind_a_proxy_is_noticed_within_the_wait() {
    let mut consul = Consul::start();
    (0..60).for_each(|number| consul.put(&format!("other/{number}"), "x"));
    let proxy = Proxy::before(consul.address());
    let lictor = up(&consul, proxy.address());
    let index = consul.index("billing/");
    let before = lictor.board();

    proxy.hide();
    consul.kill();
    consul.launch();
    consul.put("billing/GREETING", "after the loss");
    assert!(consul.index("billing/") < index, "the trap is set: a query with the old index sleeps");
    proxy.open();
    // The wait is 25 s, and Consul may add a sixteenth.
    let limit = Duration::from_secs(45);
    let after = lictor.until_within(limit, "another environment", |board| {
        is_good(board) && board.config.fingerprint != before.config.fingerprint
    });
    assert_eq!(lictor.value("GREETING").as_deref(), Some("after the loss"));
    assert_eq!(after.sources[0].freshness.errors, before.sources[0].freshness.errors, "no outage was to be seen");
}

#[test]
fn a_line_that_is_cut_is_taken_up_again() {
    let consul = Consul::start();
    let proxy = Proxy::before(consul.address());
    let lictor = up(&consul, proxy.address());
    proxy.cut();
    let away = failing(&lictor);
    assert!(away.healthy);
    consul.put("billing/GREETING", "good day");
    let before = away.config.fingerprint;
    proxy.open();
    lictor.until("what was written meanwhile", |board| is_good(board) && board.config.fingerprint != before);
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
}

#[test]
fn a_consul_that_is_absent_at_the_start_is_waited_for() {
    let mut consul = Consul::absent();
    let lictor = Setup::on_consul(consul.address()).checked().start();
    let board = failing(&lictor);
    assert!(board.process.is_none());
    assert_eq!(lictor.status().0, 503);
    consul.launch();
    // An empty folder is an answer; the value comes when it is written.
    consul.put("billing/GREETING", "hello");
    lictor.until("up on the value", |board| is_good(board) && lictor.value("GREETING").is_some());
}
