//! Consul is away, or lictor itself: what was known, and since when.

use crate::harness::{Consul, eventually};
use crate::records::{instance, put};
use crate::server::Server;
use crate::tab::Tab;

#[test]
fn while_consul_is_away_what_was_known_is_shown_and_since_when() {
    let mut consul = Consul::with_data();
    put(&consul, "billing", &instance("host-a", "1.215"));
    let server = Server::of(&consul);
    let mut tab = Tab::new();
    tab.follow(&server.at("/service/billing"));
    tab.until_text("host-a");
    consul.kill();
    let text = tab.until_text("Consul has not answered since");
    assert!(text.contains("This is the last known state") && text.contains("host-a"), "{text}");
    assert_eq!(tab.barriers(), Vec::<String>::new());
    tab.picture("consul-away");
    // Whoever comes only now is told the same.
    tab.follow(&server.at("/"));
    assert!(tab.text().contains("Consul has not answered since"));
    consul.launch();
    eventually("it answers again", || (!tab.text().contains("has not answered")).then_some(()));
    put(&consul, "billing", &instance("host-b", "1.215"));
    tab.until_text("2 instances");
    tab.is_at_peace_with(&server.url);
}

#[test]
fn consul_need_not_be_there_at_the_start() {
    let mut consul = Consul::absent();
    let server = Server::of(&consul);
    let mut tab = Tab::new();
    tab.follow(&server.at("/"));
    tab.until_text("Nothing is known yet");
    consul.launch();
    put(&consul, "billing", &instance("host-a", "1.215"));
    tab.until_text("1 service");
}

#[test]
fn a_page_whose_lictor_is_gone_says_so() {
    let consul = Consul::start();
    put(&consul, "billing", &instance("host-a", "1.215"));
    let mut server = Server::of(&consul);
    let mut tab = Tab::new();
    tab.follow(&server.at("/service/billing"));
    tab.until_text("host-a");
    server.stop();
    let text = tab.until_text("The connection to lictor is lost since");
    assert!(text.contains("host-a"), "{text}");
}
