//! No wipe: a source that empties, or loses much at once, is held back, and the service keeps what it has.

use std::collections::BTreeMap;
use std::ops::Range;

use lictor::machine::Board;
use lictor::machine::board::ConfigState;
use lictor::machine::history::Outcome;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::lictor::{is_good, outcomes, pid};
use crate::harness::{Consul, Lictor, Setup, eventually};

const KEYS: usize = 9;

fn key(number: usize) -> String {
    format!("billing/KEY_{number}")
}

/// A service that is up on nine keys.
fn up(consul: &Consul, config: &str) -> Lictor {
    (0..KEYS).for_each(|number| consul.put(&key(number), "x"));
    let lictor = Setup::on_consul(consul.address()).checked().config(config).start();
    lictor.until_good();
    lictor
}

fn wipe(consul: &Consul) {
    consul.ask("DELETE", "/v1/kv/billing/?recurse", b"");
}

fn held(board: &Board) -> bool {
    board.config.state == ConfigState::Held && board.healthy
}

fn message(board: &Board) -> &str {
    board.config.message.as_deref().unwrap_or_default()
}

/// How many variables of the nine the service itself sees.
fn seen(lictor: &Lictor) -> usize {
    (0..KEYS).filter(|number| lictor.value(&format!("KEY_{number}")).is_some()).count()
}

#[test]
fn a_wiped_prefix_is_held_and_a_restore_key_by_key_restarts_nothing_until_it_is_whole() {
    let consul = Consul::start();
    let lictor = up(&consul, "");
    let before = lictor.board();
    wipe(&consul);
    let board = lictor.until("held", held);
    let expected = "Held: consul billing/ lost 9 of 9 keys (KEY_0, KEY_1, KEY_2, ..)";
    assert!(message(&board).starts_with(expected), "{}", message(&board));
    assert_eq!((pid(&board), seen(&lictor)), (pid(&before), KEYS));
    assert_eq!(lictor.status().0, 200);
    assert_eq!(lictor.get("/status?version=1.214").code, 200, "what the guard holds is settled");
    assert!(outcomes(&board).contains(&Outcome::Held), "{:#?}", board.history);
    let counted = "lictor_config_changes_total{result=\"held\"} 1";
    eventually("it is counted", || lictor.get("/metrics").text().contains(counted).then_some(()));

    for number in 0..KEYS - 1 {
        consul.put(&key(number), "restored");
        let left = format!("lost {} of 9 keys", KEYS - 1 - number);
        let board = lictor.until(&left, |board| message(board).contains(&left) && board.candidate.is_some());
        assert_eq!((pid(&board), board.restarts), (pid(&before), before.restarts), "{number}");
    }
    consul.put(&key(KEYS - 1), "restored");
    let after = lictor.until("applied as a whole", |board| is_good(board) && pid(board) != pid(&before));
    assert_eq!(after.restarts, before.restarts + 1);
    let runs = lictor.runs();
    assert_eq!(runs.len(), 2, "{runs:#?}");
    assert_eq!(lictor.value("KEY_0").as_deref(), Some("restored"));
}

#[test]
fn a_restore_of_what_was_there_restarts_nothing() {
    let consul = Consul::start();
    let lictor = up(&consul, "");
    let before = lictor.board();
    wipe(&consul);
    lictor.until("held", held);
    (0..KEYS).for_each(|number| consul.put(&key(number), "x"));
    let board = lictor.until_good();
    assert_eq!((pid(&board), board.restarts), (pid(&before), before.restarts));
}

#[test]
fn a_large_loss_is_held_and_a_small_one_is_not() {
    let consul = Consul::start();
    let lictor = up(&consul, "");
    let lose = |numbers: Range<usize>| {
        let delete = |number| json!({ "KV": { "Verb": "delete", "Key": key(number) } });
        let at_once = Value::Array(numbers.map(delete).collect()).to_string();
        assert_eq!(consul.ask("PUT", "/v1/txn", at_once.as_bytes()).code, 200);
    };
    lictor.until_applied(|| lose(0..2));
    assert_eq!(seen(&lictor), 7);
    lose(2..7);
    let board = lictor.until("held", held);
    assert_eq!(seen(&lictor), 7, "{board:#?}");
}

#[test]
fn a_wipe_is_still_held_after_a_restart_of_lictor_also_in_the_middle_of_a_restore() {
    for signal in [Signal::TERM, Signal::KILL] {
        let consul = Consul::start();
        let lictor = up(&consul, "");
        let good = lictor.board().config.fingerprint;
        wipe(&consul);
        lictor.until("held", held);
        lictor.restart(signal);
        let board = lictor.until("held again", held);
        assert_eq!((board.config.fingerprint, seen(&lictor)), (good, KEYS));

        (0..KEYS - 1).for_each(|number| consul.put(&key(number), "restored"));
        lictor.until("one is missing", |board| message(board).contains("lost 1 of 9 keys"));
        lictor.restart(signal);
        let board = lictor.until("held once more", held);
        assert_eq!(board.config.fingerprint, good, "half of a restore is not applied");
        consul.put(&key(KEYS - 1), "restored");
        lictor.until("whole", |board| is_good(board) && board.config.fingerprint != good);
        assert_eq!(lictor.value("KEY_8").as_deref(), Some("restored"));
    }
}

#[test]
fn an_operator_lets_a_wipe_through() {
    let consul = Consul::start();
    let lictor = up(&consul, "");
    wipe(&consul);
    let board = lictor.until("held", held);
    let wish = board.config.wish.unwrap().to_string();
    let running = board.config.fingerprint.unwrap().to_string();
    let refused = lictor.cli("release", &[&running]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let released = lictor.cli("release", &[&wish]);
    assert_eq!(released.status.code(), Some(0), "{released:?}");
    lictor.until_good();
    assert_eq!(seen(&lictor), 0);
    assert_eq!(lictor.cli("release", &[]).status.code(), Some(1), "nothing is held any more");
}

#[test]
fn an_empty_source_is_applied_where_that_is_meant() {
    let consul = Consul::start();
    let lictor = up(&consul, "guard {\n  empty = \"apply\"\n}\n");
    lictor.until_applied(|| wipe(&consul));
    assert_eq!(seen(&lictor), 0);
}

#[test]
fn rights_that_are_cut_are_denied_and_nothing_is_held() {
    let consul = Consul::with_tokens();
    (0..KEYS).for_each(|number| consul.put(&key(number), "x"));
    consul.policy("reader", "key_prefix \"billing/\" { policy = \"read\" }");
    let token = consul.token("reader").secret;
    let token = format!("consul {{\n  token = \"{token}\"\n}}\n");
    let lictor = Setup::on_consul(consul.address()).checked().config(&token).start();
    lictor.until_good();
    // All but one key are out of sight. The write ends the open poll, which was still allowed.
    consul.policy("reader", "key \"billing/KEY_0\" { policy = \"read\" }");
    consul.put(&key(0), "changed");
    let board = lictor.until("denied", |board| board.sources[0].freshness.class.as_deref() == Some("denied"));
    assert_ne!(board.config.state, ConfigState::Held, "{}", message(&board));
    assert_eq!(board.sources[0].keys, Some(KEYS), "what was read is kept");
    lictor.until("healthy", |board| board.healthy);
    assert_eq!(seen(&lictor), KEYS);
}

#[test]
fn each_source_counts_alone() {
    let consul = Consul::start();
    (0..KEYS * 10).for_each(|number| consul.put(&format!("global/OTHER_{number}"), "x"));
    (0..3).for_each(|number| consul.put(&key(number), "x"));
    let more = "prefix {\n  path = \"global/\"\n}\n";
    let lictor = Setup::on_consul(consul.address()).checked().config(more).start();
    lictor.until_good();
    wipe(&consul);
    let board = lictor.until("held", held);
    assert!(message(&board).contains("consul billing/ lost 3 of 3 keys (KEY_0, KEY_1, KEY_2)"), "{}", message(&board));
    let lost: BTreeMap<_, _> = board.sources.iter().map(|source| (&*source.name, source.keys)).collect();
    assert_eq!(lost, [("consul billing/", Some(0)), ("consul global/", Some(KEYS * 10))].into());
}

/// A second folder, beside `billing/`.
fn second(more: &str) -> String {
    format!("prefix {{\n  path = \"second/\"\n{more}}}\n")
}

#[test]
fn a_source_of_its_own_mind_is_applied_empty_and_the_others_are_held() {
    let consul = Consul::start();
    (0..KEYS).for_each(|number| consul.put(&format!("second/OTHER_{number}"), "x"));
    let lictor = up(&consul, &second("  empty = \"apply\"\n"));
    lictor.until_applied(|| {
        consul.ask("DELETE", "/v1/kv/second/?recurse", b"");
    });
    assert_eq!((lictor.value("OTHER_0"), seen(&lictor)), (None, KEYS));
    wipe(&consul);
    lictor.until("held", held);
    assert_eq!(seen(&lictor), KEYS);
}

#[test]
fn what_our_own_configuration_takes_away_or_adds_is_no_loss() {
    let consul = Consul::start();
    (0..KEYS * 2).for_each(|number| consul.put(&format!("second/OTHER_{number}"), "x"));
    let lictor = up(&consul, &second(""));
    let file = lictor.setup().path("2.hcl");
    lictor.until_applied(|| {
        std::fs::write(&file, "").unwrap();
        assert_eq!(lictor.cli("reload", &[]).status.code(), Some(0));
    });
    assert_eq!((lictor.value("OTHER_0"), seen(&lictor)), (None, KEYS), "not one key of it is missed");

    consul.ask("DELETE", "/v1/kv/second/?recurse", b"");
    std::fs::write(&file, second("")).unwrap();
    assert_eq!(lictor.cli("reload", &[]).status.code(), Some(0));
    let board = lictor.until("the empty one has answered", |board| board.sources.len() == 2 && is_good(board));
    assert_eq!(board.config.held_since, None);
}

#[test]
fn a_release_does_not_override_the_schema() {
    let consul = Consul::start();
    let lictor = up(&consul, "key \"KEY_0\" {\n  required = true\n}\n");
    let before = lictor.board();
    wipe(&consul);
    let board = lictor.until("held first", held);
    assert_eq!(board.config.violations.len(), 1, "known already: {:?}", board.config.violations);
    assert_eq!(lictor.cli("release", &[]).status.code(), Some(0));
    let board = lictor.until("rejected then", |board| board.config.state == ConfigState::Rejected);
    assert_eq!((pid(&board), seen(&lictor)), (pid(&before), KEYS));
    assert!(message(&board).contains("KEY_0 is required"), "{}", message(&board));
}
