//! What breaks a rule of `key {}` is rejected before anything is touched, and never shown by its value.

use base64::Engine;
use lictor::machine::board::{Board, ConfigState, Phase};
use lictor::machine::history::Outcome;
use rustix::process::Signal;

use crate::harness::lictor::{is_good, outcomes, pid};
use crate::harness::program::OLD;
use crate::harness::{Consul, Setup};

const KEYS: &str = r#"
key "PORT" {
  type = "port"
  min  = 1024
}
key "COLOUR" {
  one_of  = ["red", "green"]
  default = "green"
  public  = true
}
key "DATABASE_*" {
  type = "url"
}
key "DATABASE_NAME" {
  pattern = "[a-z]+"
}
key "GREETING" {
  required = true
}
"#;

fn is_rejected(board: &Board) -> bool {
    board.config.state == ConfigState::Rejected
}

/// Several keys at once: Consul makes one change of it.
fn transaction(consul: &Consul, pairs: &[(&str, &str)]) {
    let set = |(key, value): &(&str, &str)| {
        let value = base64::engine::general_purpose::STANDARD.encode(value);
        serde_json::json!({"KV": {"Verb": "set", "Key": key, "Value": value}})
    };
    let body = serde_json::Value::Array(pairs.iter().map(set).collect()).to_string();
    let answer = consul.ask("PUT", "/v1/txn", body.as_bytes());
    assert_eq!(answer.code, 200, "{}", answer.text());
}

fn on(consul: &Consul) -> Setup {
    consul.put("billing/GREETING", "hello");
    Setup::on_consul(consul.address()).checked().config(KEYS)
}

#[test]
fn a_wish_that_breaks_the_schema_never_touches_the_running_service() {
    let consul = Consul::start();
    let lictor = on(&consul).start();
    let good = lictor.until_good();
    assert_eq!(lictor.value("COLOUR").as_deref(), Some("green"), "a default fills what no source gives");

    transaction(
        &consul,
        &[
            ("billing/PORT", "s3cr3t-port"),
            ("billing/COLOUR", "s3cr3t-colour"),
            ("billing/DATABASE_URL", "s3cr3t-url"),
            ("billing/DATABASE_NAME", "S3CR3T"),
        ],
    );
    let board = lictor.until("rejected", is_rejected);
    assert_eq!(pid(&board), pid(&good));
    assert_eq!(board.config.fingerprint, good.config.fingerprint);
    assert_eq!(outcomes(&board).last(), Some(&Outcome::Rejected), "{:#?}", board.history);
    let (code, status) = lictor.status();
    let said = status["Config"].as_str().unwrap();
    assert_eq!(code, 200, "a config problem takes no host out of service");
    assert!(said.starts_with("Rejected: "), "{said}");
    for name in ["PORT", "COLOUR", "DATABASE_URL", "DATABASE_NAME"] {
        assert!(said.contains(name), "all at once: {said}");
    }
    assert_eq!(lictor.get(&format!("/status?version={OLD}")).code, 409);
    let told = format!("{}{}{said}", lictor.log(), lictor.get("/board").text());
    assert!(!told.to_lowercase().contains("s3cr3t"), "a value was shown: {told}");

    transaction(
        &consul,
        &[
            ("billing/PORT", "8080"),
            ("billing/COLOUR", "red"),
            ("billing/DATABASE_URL", "postgres://db/app"),
            ("billing/DATABASE_NAME", "app"),
        ],
    );
    lictor.until("the mended one is applied", |board| {
        is_good(board) && board.config.fingerprint != good.config.fingerprint
    });
    assert_eq!(lictor.value("COLOUR").as_deref(), Some("red"));
    let env = lictor.get("/env").json();
    assert!(env.to_string().contains("red"), "a public value may be shown: {env}");
    assert_eq!(lictor.get(&format!("/status?version={OLD}")).code, 200);
}

#[test]
fn a_first_start_on_a_rejected_wish_starts_nothing_and_says_so() {
    let consul = Consul::start();
    consul.put("billing/PORT", "80");
    let lictor = on(&consul).start();
    let board = lictor.until("rejected", is_rejected);
    assert_eq!((board.phase, board.process), (Phase::Absent, None));
    let (code, status) = lictor.status();
    assert_eq!((code, status["Config"].as_str().is_some_and(|said| said.contains("PORT"))), (503, true), "{status}");
    consul.put("billing/PORT", "8080");
    lictor.until_good();
    assert_eq!(lictor.runs().len(), 1);
}

#[test]
fn a_start_on_a_rejected_wish_uses_the_last_good_environment() {
    let consul = Consul::start();
    let lictor = on(&consul).start();
    let good = lictor.until_good();
    lictor.signal(Signal::TERM);
    lictor.ended();
    consul.delete("billing/GREETING");
    consul.put("billing/OTHER", "1");
    lictor.start();
    let board = lictor.until("rejected, and healthy on the last good one", |board| is_rejected(board) && board.healthy);
    assert_eq!(board.config.fingerprint, good.config.fingerprint);
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
    assert!(board.config.message.is_some_and(|said| said.contains("GREETING is required")));
}

#[test]
fn once_runs_nothing_on_what_breaks_the_schema() {
    let setup = Setup::on_directory().config("key \"GREETING\" {\n  required = true\n}\n");
    let mut command = setup.configured("run");
    command.arg("--once");
    let output = crate::harness::lictor::finish(command);
    let said = crate::harness::lictor::said(&output);
    assert_eq!((output.status.code(), said.contains("GREETING is required")), (Some(78), true), "{said}");
    assert!(!setup.path("runs").exists(), "nothing was run");
}
