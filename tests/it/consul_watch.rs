//! What is written to Consul reaches the service.

use crate::harness::{Consul, Setup, eventually};

#[test]
fn a_put_becomes_the_environment_of_the_service() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    consul.put("billingelse/COLOUR", "red");
    let lictor = Setup::on_consul(consul.address()).checked().start();
    lictor.until_good();
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
    assert_eq!(lictor.value("COLOUR"), None, "a prefix is a folder");

    let board = lictor.until_applied(|| consul.put("billing/GREETING", "good day"));
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
    assert_eq!(board.restarts, 1);
    lictor.until_applied(|| consul.put("billing/COLOUR", "blue"));
    assert_eq!(lictor.value("COLOUR").as_deref(), Some("blue"));
    lictor.until_applied(|| consul.delete("billing/COLOUR"));
    assert_eq!(lictor.value("COLOUR"), None);
}

#[test]
fn twenty_puts_in_a_burst_are_one_change() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let lictor =
        Setup::on_consul(consul.address()).checked().config("wait {\n  min = \"500ms\"\n  max = \"20s\"\n}\n").start();
    let before = lictor.until_good();
    let after = lictor.until_applied(|| (0..20).for_each(|number| consul.put(&format!("billing/KEY_{number}"), "x")));
    assert_eq!(lictor.value("KEY_19").as_deref(), Some("x"));
    assert_eq!(after.restarts, before.restarts + 1);
}

#[test]
fn edits_that_never_rest_are_acted_on_after_the_longest_wait() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let lictor =
        Setup::on_consul(consul.address()).checked().config("wait {\n  min = \"1s\"\n  max = \"1s\"\n}\n").start();
    lictor.until_good();
    let mut number = 0;
    eventually("the service runs on an edit", || {
        number += 1;
        consul.put("billing/GREETING", number.to_string());
        (lictor.runs().len() > 1).then_some(())
    });
    assert!(number > 2, "{number} edits are no crowd");
}

#[test]
fn the_later_of_two_prefixes_wins() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    consul.put("billing/COLOUR", "red");
    // A key that stays: a prefix that empties is held.
    consul.put("local/SIZE", "big");
    consul.put("local/COLOUR", "blue");
    let lictor = Setup::on_consul(consul.address()).checked().config("prefix {\n  path = \"local/\"\n}\n").start();
    lictor.until_good();
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
    assert_eq!(lictor.value("COLOUR").as_deref(), Some("blue"));
    lictor.until_applied(|| consul.delete("local/COLOUR"));
    assert_eq!(lictor.value("COLOUR").as_deref(), Some("red"));
}

#[test]
fn nothing_starts_before_every_required_source_has_answered() {
    let mut late = Consul::absent();
    let lictor = Setup::on_directory().checked();
    lictor.write("GREETING", "hello");
    let lictor = lictor
        .config(&format!("consul {{\n  address = \"{}\"\n}}\nprefix {{\n  path = \"billing/\"\n}}\n", late.address()))
        .start();
    let board =
        lictor.until("Consul is said to be away", |board| board.sources.iter().any(|one| one.freshness.errors > 1));
    assert!(board.process.is_none() && board.restarts == 0, "{board:#?}");
    assert!(lictor.runs().is_empty());

    late.launch();
    lictor.until_good();
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
}
