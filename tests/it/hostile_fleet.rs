//! The fleet's folder as somebody else has written it, on a real Consul: it is said, it ends nothing, and never lets more
//! than the limit pass.

use std::process::{Command, Stdio};
use std::time::Duration;

use lictor::machine::board::ConfigState;

use crate::fleet::{fleet_of, joined, keys, member, operator, waits};
use crate::harness::lictor::is_good;
use crate::harness::{Consul, Lictor, Setup, eventually};

/// The most that Consul keeps under one key.
const LARGEST: usize = 512 << 10;

/// Waits until a lictor has said this in its log.
fn says(lictor: &Lictor, text: &str) {
    eventually(&format!("it says: {text}"), || lictor.log().contains(text).then_some(()));
}

#[test]
fn records_halts_and_marks_that_no_lictor_wrote_are_said_and_cost_nothing() {
    let consul = Consul::start();
    let lictors = fleet_of(&consul, &["svc-a", "svc-b"], "");
    let large = vec![b'{'; LARGEST];
    let layouts: [&[u8]; 3] = [b"\xff\0{", br#"{"state":"halt","by":7,"pairs":[1]}"#, &large];
    for (number, layout) in layouts.iter().enumerate() {
        consul.put(&format!("lictor/svc/rollout/odd{number}"), layout);
        consul.put(&format!("lictor/svc/instances/odd{number}"), layout);
    }
    // Somebody writes over a record: whose it is stands in its session, and it is written again.
    let records = keys(&consul, "lictor/svc/instances/");
    let ours = records.iter().find(|key| key.ends_with("svc-a")).unwrap();
    consul.put(ours, b"mine");
    consul.put("billing/GREETING", "good day");
    for lictor in &lictors {
        lictor.until("good", |board| is_good(board) && board.restarts == 1);
        for (number, layout) in layouts.iter().enumerate() {
            says(lictor, &format!("rollout/odd{number} holds {} bytes that no lictor wrote", layout.len()));
        }
    }
    says(&lictors[0], "svc-a holds 4 bytes that no lictor wrote");
    eventually("its record is its own again", || {
        let shown = operator(&consul, &lictors[0], &[]);
        (shown.contains("svc-a") && shown.contains("svc-b") && shown.contains("was not written by a lictor"))
            .then_some(())
    });

    // A mark counts, whatever it holds: its instance may be out.
    consul.put("lictor/svc/out/odd", &large);
    consul.put("billing/GREETING", "good night");
    for lictor in &lictors {
        assert_eq!(waits(lictor, "1 before it; odd has it").restarts, 1);
        says(lictor, "out/odd holds 524288 bytes that no lictor wrote");
    }
    // So does a hold.
    consul.put("lictor/svc/hold", b"\x01\x02");
    consul.delete("lictor/svc/out/odd");
    for lictor in &lictors {
        assert_eq!(waits(lictor, "an operator holds the whole fleet").restarts, 1);
    }
    consul.delete("lictor/svc/hold");
    for lictor in &lictors {
        lictor.until("good", |board| is_good(board) && board.restarts == 2);
    }
}

#[test]
fn a_plain_consul_lock_has_another_layout_and_lets_nobody_pass() {
    let consul = Consul::start();
    let lictors = fleet_of(&consul, &["svc-a", "svc-b"], "");
    let program = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/consul");
    let address = consul.address().to_string();
    let mut command = Command::new(program);
    command.args(["lock", "-http-addr", &address, "lictor/svc/turn", "sleep", "600"]);
    let mut lock = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("it is locked", || {
        keys(&consul, "lictor/svc/turn/").contains(&"lictor/svc/turn/.lock".into()).then_some(())
    });
    consul.put("billing/GREETING", "good day");
    for lictor in &lictors {
        assert_eq!(waits(lictor, "lictor/svc/turn/.lock is not a semaphore").restarts, 0);
    }
    // It takes its key away when it ends.
    crate::harness::processes::signal(lock.id(), rustix::process::Signal::TERM);
    lock.wait().unwrap();
    for lictor in &lictors {
        lictor.until("good", |board| is_good(board) && board.restarts == 1);
    }
}

#[test]
fn a_key_of_the_marks_that_is_none_is_said_and_nothing_restarts() {
    let consul = Consul::start();
    let lictors = fleet_of(&consul, &["svc-a"], "");
    consul.put("lictor/svc/key", b"mine");
    consul.put("billing/GREETING", "good day");
    let board = waits(&lictors[0], "lictor/svc/key is not the key of a fleet: delete it");
    assert_eq!(board.restarts, 0);
    consul.delete("lictor/svc/key");
    lictors[0].until("good", |board| is_good(board) && board.restarts == 1);
}

#[test]
fn a_limit_that_differs_between_hosts_is_said_and_the_smaller_one_holds() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let wide = [member(&consul, "svc-a", "  limit = 3\n"), member(&consul, "svc-b", "  limit = 3\n")];
    let narrow = member(&consul, "svc-c", "");
    for lictor in wide.iter().chain([&narrow]) {
        lictor.until_good();
    }
    joined(&consul, 3);
    consul.put("billing/GREETING", "good day");
    for lictor in wide.iter().chain([&narrow]) {
        lictor.until("good", |board| is_good(board) && board.restarts == 1);
    }
    let said = |lictor: &Lictor, text: &str| {
        crate::harness::wait::within(Duration::from_mins(2), text, || lictor.log().contains(text).then_some(()));
    };
    said(&wide[0], "limit = 3 in fleet {} here, but svc-c on node-1 has 1");
    let differs = "limit = 1 in fleet {} here, but svc-a on node-1 has 3, svc-b on node-1 has 3";
    said(&narrow, differs);
    // Whoever looks sees it too, until it is the same.
    narrow.until("shown", |board| board.fleet.iter().any(|problem| problem.starts_with(differs)));
    let status = narrow.cli("status", &[]);
    let shown = crate::harness::lictor::said(&status);
    assert!(shown.lines().any(|line| line.starts_with("  fleet") && line.contains(differs)), "{shown}");
}

#[test]
fn a_prefix_that_differs_between_hosts_is_said() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let registered = |name: &str, prefix: &str| {
        let more = format!(
            "name = \"{name}\"\nregistration {{\n  service = \"svc\"\n  port = 8080\n}}\nfleet {{\n  prefix = \"{prefix}\"\n}}\n"
        );
        Setup::on_consul(consul.address()).checked().config(&more).start()
    };
    let here = registered("svc-a", "lictor/svc/");
    let there = registered("svc-b", "lictor/other/");
    for lictor in [&here, &there] {
        lictor.until_good();
    }
    let text = "Consul's catalog lists svc-b on node-1 as svc, without a record here: another fleet.prefix";
    crate::harness::wait::within(Duration::from_mins(2), text, || here.log().contains(text).then_some(()));
    here.until("shown", |board| board.fleet.iter().any(|problem| problem.starts_with(text)));
    assert_eq!(there.board().config.state, ConfigState::Good);
}
