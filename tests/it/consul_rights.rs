//! Tokens: what is denied is never taken for empty, and a new token is taken up without a restart.

use std::fs;

use crate::harness::lictor::{finish, is_good, said};
use crate::harness::{Consul, Setup};

const READ: &str = "key_prefix \"billing/\" { policy = \"read\" }";
const NOTHING: &str = "key_prefix \"elsewhere/\" { policy = \"read\" }";

fn on(consul: &Consul, token: &str) -> Setup {
    let setup = Setup::on_consul(consul.address());
    fs::write(setup.path("token"), token).unwrap();
    let file = setup.path("token");
    let retry = "  retry {\n    max_backoff = \"500ms\"\n  }\n";
    setup.checked().config(&format!("consul {{\n  token_file = \"{}\"\n{retry}}}\n", file.display()))
}

#[test]
fn an_unknown_token_starts_nothing_and_is_named_as_the_reason() {
    let consul = Consul::with_tokens();
    consul.put("billing/GREETING", "hello");
    let secret = "6d1f3c1e-0000-4000-8000-3a6f7e2d9b11";
    let lictor = on(&consul, secret).start();
    let board = lictor.until("denied", |board| board.sources[0].freshness.class.as_deref() == Some("denied"));
    assert!(board.process.is_none(), "{board:#?}");
    assert_eq!(board.sources[0].keys, None, "denied is not empty");
    assert!(!lictor.log().contains(secret), "the token stands in the log");
    assert!(!lictor.admin("/board").unwrap().text().contains(secret), "the token stands on the board");
}

#[test]
fn a_token_without_the_right_is_denied_not_empty() {
    let consul = Consul::with_tokens();
    consul.put("billing/GREETING", "hello");
    consul.policy("reader", NOTHING);
    let lictor = on(&consul, &consul.token("reader").secret).start();
    let board = lictor.until("denied", |board| board.sources[0].freshness.class.as_deref() == Some("denied"));
    assert!(board.process.is_none(), "{board:#?}");
    consul.policy("reader", READ);
    lictor.until_good();
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
}

#[test]
fn no_token_where_one_is_needed_is_denied_not_empty() {
    let consul = Consul::with_tokens();
    consul.put("billing/GREETING", "hello");
    let lictor = Setup::on_consul(consul.address()).checked().start();
    let board = lictor.until("denied", |board| board.sources[0].freshness.class.as_deref() == Some("denied"));
    assert!(board.process.is_none(), "{board:#?}");
    assert_eq!(board.sources[0].keys, None);
}

#[test]
fn doctor_asks_with_the_token_of_the_file_and_names_a_file_that_is_missing() {
    let consul = Consul::with_tokens();
    consul.put("billing/GREETING", "hello");
    consul.policy("reader", READ);
    let setup = on(&consul, &consul.token("reader").secret);
    let found = finish(setup.configured("doctor"));
    assert_eq!(found.status.code(), Some(0), "{}", said(&found));
    assert!(said(&found).contains("1 key can be read"), "{}", said(&found));
    fs::remove_file(setup.path("token")).unwrap();
    let found = finish(setup.configured("doctor"));
    assert_eq!(found.status.code(), Some(1), "{}", said(&found));
    let named = |line: &str| line.starts_with("wrong") && line.contains("token_file");
    assert!(said(&found).lines().any(named), "{}", said(&found));
}

#[test]
fn a_token_that_is_rotated_is_taken_up_and_the_service_runs_on() {
    let consul = Consul::with_tokens();
    consul.put("billing/GREETING", "hello");
    consul.policy("reader", READ);
    let first = consul.token("reader");
    let lictor = on(&consul, &first.secret).start();
    let before = lictor.until_good();

    let second = consul.token("reader");
    consul.revoke(&first);
    fs::write(lictor.setup().path("token.new"), &second.secret).unwrap();
    fs::rename(lictor.setup().path("token.new"), lictor.setup().path("token")).unwrap();
    // Long before a poll with the first token ends by itself, a change shows whether the second is used.
    let after = lictor.until_applied(|| consul.put("billing/GREETING", "good day"));
    assert_eq!(after.restarts, before.restarts + 1, "only the change restarted it");
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
}

#[test]
fn rights_that_are_lost_leave_the_service_alone() {
    let consul = Consul::with_tokens();
    consul.put("billing/GREETING", "hello");
    consul.policy("reader", READ);
    let lictor = on(&consul, &consul.token("reader").secret).start();
    lictor.until_good();
    consul.policy("reader", NOTHING);
    // A write ends the open poll, so that the loss shows at once. That poll itself was still allowed.
    consul.put("billing/COLOUR", "red");
    let board = lictor.until("denied", |board| board.sources[0].freshness.class.as_deref() == Some("denied"));
    assert!(board.sources[0].keys.is_some_and(|keys| keys > 0), "what was read is kept: {:?}", board.sources);
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
    consul.put("billing/GREETING", "good day");
    consul.policy("reader", READ);
    lictor.until("the value that was denied", |board| {
        is_good(board) && lictor.value("GREETING").as_deref() == Some("good day")
    });
}
