//! What cannot be an environment is refused as a whole; the service keeps its process and its configuration.

use lictor::machine::Board;
use lictor::machine::board::ConfigState;

use crate::harness::lictor::{is_good, pid};
use crate::harness::{Consul, Setup};

fn refused(value: &[u8]) {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let lictor = Setup::on_consul(consul.address()).checked().start();
    let before = lictor.until_good();

    consul.put("billing/COLOUR", value);
    let board = lictor.until("rejected", |board| board.config.state == ConfigState::Rejected);
    assert_eq!((pid(&board), board.healthy), (pid(&before), true));
    let message = board.config.message.unwrap();
    assert!(message.contains("COLOUR"), "which key: {message}");
    let (code, status) = lictor.status();
    assert_eq!(code, 200);
    assert!(status["Config"].as_str().unwrap().starts_with("Rejected: "), "{status}");
    assert_eq!(lictor.get("/status?version=1.214").code, 409, "the newest wish is not what runs");

    consul.put("billing/COLOUR", "red");
    lictor.until("applied once mended", |board| is_good(board) && lictor.value("COLOUR").as_deref() == Some("red"));
}

#[test]
fn a_nul_in_a_value_is_rejected() {
    refused(b"re\0d");
}

#[test]
fn a_value_larger_than_exec_takes_is_rejected() {
    refused(&vec![b'x'; 200_000]);
}

#[test]
fn more_than_exec_takes_in_all_is_rejected_and_mended() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    // Some of the big ones may be good by then, and taking them away again is not what is tried here.
    let guard = "guard {\n  max_loss = \"100%\"\n}\n";
    let lictor = Setup::on_consul(consul.address()).checked().config(guard).start();
    let before = lictor.until_good();
    // Each is small enough; together they are more than the kernel takes.
    let value = vec![b'x'; 120_000];
    (0..40).for_each(|number| consul.put(&format!("billing/BIG_{number}"), &value));
    // The first of them still fit, and one may have been on its way to being tried.
    let rejected = |board: &Board| board.config.state == ConfigState::Rejected && board.healthy;
    lictor.until("rejected, and healthy on what fitted", rejected);
    consul.ask("DELETE", "/v1/kv/billing/BIG_?recurse", b"");
    let board = lictor.until_good();
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
    assert!(board.restarts >= before.restarts);
}

#[test]
fn odd_names_and_raw_bytes_reach_the_service_and_an_equals_sign_is_refused() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    consul.put("billing/odd-name.1", "kept");
    consul.put("billing/a%3Db", "refused");
    consul.put("billing/GREETING_2", "  two\nlines\n");
    let lictor = Setup::on_consul(consul.address()).checked().start();
    let board = lictor.until_good();
    assert_eq!(lictor.value("odd-name.1").as_deref(), Some("kept"));
    assert_eq!(lictor.value("GREETING_2").as_deref(), Some("  two\nlines\n"), "values are not trimmed");
    let said = format!("{:?} {}", board.sources[0].freshness.warnings, lictor.log());
    assert!(said.contains("a=b"), "the refused key is named: {said}");
}

#[test]
fn no_value_reaches_the_log_the_board_or_a_page() {
    let consul = Consul::start();
    let secret = "correct-horse-battery-staple";
    consul.put("billing/PASSWORD", secret);
    let lictor = Setup::on_consul(consul.address()).checked().config("log {\n  level = \"trace\"\n}\n").start();
    lictor.until_good();
    assert_eq!(lictor.value("PASSWORD").as_deref(), Some(secret));
    for path in ["/board", "/env", "/status", "/health", "/health?warn"] {
        let text = lictor.get(path).text();
        assert!(!text.contains(secret), "{path}: {text}");
    }
    assert!(lictor.get("/env").text().contains("PASSWORD"), "its name may be known");
    assert!(!lictor.log().contains(secret), "{}", lictor.log());
}
