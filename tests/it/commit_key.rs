//! `commit_key`: many edits are one change, made when the key is written after them.

use lictor::machine::Board;
use serde_json::json;

use crate::harness::lictor::{is_good, pid};
use crate::harness::{Consul, Lictor, Setup};

fn setup(consul: &Consul) -> Setup {
    Setup::on_consul(consul.address()).checked().config("commit_key = \"billing/.commit\"\n")
}

/// A service that is up on a sealed set.
fn up(consul: &Consul) -> Lictor {
    consul.put("billing/GREETING", "hello");
    consul.put("billing/COLOUR", "red");
    consul.put("billing/.commit", "1");
    let lictor = setup(consul).start();
    lictor.until_good();
    lictor
}

fn waits(board: &Board) -> bool {
    board.sources[0].freshness.warnings.iter().any(|warning| warning.contains("commit_key billing/.commit"))
}

#[test]
fn edits_wait_for_the_key_and_are_one_change_then() {
    let consul = Consul::start();
    let lictor = up(&consul);
    let before = lictor.board();
    assert_eq!(lictor.value(".commit"), None, "it is never a variable");
    consul.put("billing/GREETING", "good day");
    consul.delete("billing/COLOUR");
    let board = lictor.until("edits that wait", waits);
    assert_eq!((pid(&board), lictor.value("GREETING").as_deref()), (pid(&before), Some("hello")));
    let after = lictor.until_applied(|| consul.put("billing/.commit", "2"));
    assert_eq!(after.restarts, before.restarts + 1);
    assert_eq!((lictor.value("GREETING").as_deref(), lictor.value("COLOUR")), (Some("good day"), None));
    assert!(!waits(&after), "{:#?}", after.sources);
}

#[test]
fn a_transaction_with_the_key_in_it_is_one_change() {
    let consul = Consul::start();
    let lictor = up(&consul);
    let before = lictor.board();
    let set = |key: &str, value: &str| json!({ "KV": { "Verb": "set", "Key": key, "Value": value } });
    // "b25l" is base64.
    let body = json!([
        set("billing/.commit", "b25l"),
        set("billing/GREETING", "b25l"),
        { "KV": { "Verb": "delete", "Key": "billing/COLOUR" } },
    ]);
    let after = lictor.until_applied(|| {
        consul.ask("PUT", "/v1/txn", body.to_string().as_bytes());
    });
    assert_eq!(after.restarts, before.restarts + 1);
    assert_eq!((lictor.value("GREETING").as_deref(), lictor.value("COLOUR")), (Some("one"), None));
}

#[test]
fn at_the_first_start_only_a_sealed_set_counts() {
    let consul = Consul::start();
    consul.put("billing/.commit", "1");
    consul.put("billing/GREETING", "hello");
    let lictor = setup(&consul).start();
    let board = lictor.until("said", |board| board.sources[0].freshness.error.is_some());
    let error = board.sources[0].freshness.error.as_deref().unwrap();
    assert!(error.contains("edits wait for the commit_key billing/.commit"), "{error}");
    assert!(error.contains("this host has none: write the key"), "a fresh host cannot start: {error}");
    assert!(board.process.is_none());
    consul.put("billing/.commit", "2");
    lictor.until_good();
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
}

#[test]
fn a_restart_of_lictor_in_the_middle_of_edits_starts_what_was_sealed() {
    let consul = Consul::start();
    let lictor = up(&consul);
    consul.put("billing/GREETING", "half");
    lictor.until("edits that wait", waits);
    lictor.restart(rustix::process::Signal::TERM);
    lictor.until("up on what was good", |board| board.healthy);
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
    consul.put("billing/.commit", "2");
    lictor.until("what is sealed now", |board| is_good(board) && lictor.value("GREETING").as_deref() == Some("half"));
}

#[test]
fn a_wipe_is_no_sealed_set_and_a_sealed_loss_is_meant() {
    let consul = Consul::start();
    let lictor = up(&consul);
    let before = lictor.board();
    consul.ask("DELETE", "/v1/kv/billing/?recurse", b"");
    let board = lictor.until("the wipe waits", waits);
    assert_eq!((pid(&board), lictor.value("COLOUR").as_deref()), (pid(&before), Some("red")));
    // A restore key by key, the commit key last.
    consul.put("billing/GREETING", "restored");
    lictor.until("still waits", |board| waits(board) && pid(board) == pid(&before));
    consul.put("billing/.commit", "3");
    lictor.until("what was sealed", |board| is_good(board) && board.config.fingerprint != before.config.fingerprint);
    assert_eq!((lictor.value("GREETING").as_deref(), lictor.value("COLOUR")), (Some("restored"), None));
}

#[test]
fn a_fresh_host_that_may_starts_on_edits_and_later_ones_wait() {
    let consul = Consul::start();
    consul.put("billing/.commit", "1");
    consul.put("billing/GREETING", "hello");
    let lictor = setup(&consul).config("commit_start = \"any\"\n").start();
    let board = lictor.until_good();
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
    let warnings = &board.sources[0].freshness.warnings;
    assert!(warnings[0].starts_with("this host has started on edits without the commit_key"), "{warnings:?}");

    consul.put("billing/GREETING", "half");
    let later = |board: &Board| board.sources[0].freshness.warnings.iter().any(|text| text.starts_with("edits wait"));
    lictor.until("later edits wait", later);
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
    // It is fresh no more: after a restart it has what was good, and no half of an edit.
    lictor.restart(rustix::process::Signal::TERM);
    lictor.until("up on what was good", |board| board.healthy);
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
    consul.put("billing/.commit", "2");
    lictor.until("what is sealed now", |board| is_good(board) && lictor.value("GREETING").as_deref() == Some("half"));
}
