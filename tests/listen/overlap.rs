//! `handover = "overlap"`: a real service takes over from another one of its kind under an open load.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use lictor::machine::RunId;
use lictor::machine::board::{BesideRole, Board, ConfigState};
use lictor::machine::history::Outcome;
use rustix::process::Signal;

use crate::harness::lictor::{is_good, outcomes, pid};
use crate::harness::{Lictor, Setup, eventually, program};
use crate::load::{self, Load};

/// So many changes, unless `LICTOR_CHANGES` asks for more.
pub fn changes(few: usize) -> usize {
    std::env::var("LICTOR_CHANGES").ok().and_then(|count| count.parse().ok()).unwrap_or(few)
}

/// A service whose habits are variables, on a socket that lictor holds.
pub fn setup() -> Setup {
    let setup = overlapping();
    let address = format!("{}:8080", setup.host());
    listening(setup, &address, &address)
}

/// The same at another address, which is reached by `near` from this host.
pub fn setup_at(address: &str, near: &str) -> Setup {
    listening(overlapping(), address, near)
}

fn overlapping() -> Setup {
    let setup = Setup::on_directory();
    setup.write("GREETING", "hello 0");
    setup.write("GRACEFUL", "1");
    setup.write("LINGER", "300ms");
    setup
}

fn listening(setup: Setup, address: &str, near: &str) -> Setup {
    setup
        .config(&format!("listen \"http\" {{\n  address = \"{address}\"\n}}\n"))
        .config("apply {\n  handover = \"overlap\"\n  min_healthy = \"300ms\"\n  deadline = \"2s\"\n}\n")
        .config(&format!(
            "check \"Web\" {{\n  http {{\n    url = \"http://{near}/healthz\"\n  }}\n  \
             interval = \"50ms\"\n  timeout = \"300ms\"\n}}\n"
        ))
}

pub fn load(lictor: &Lictor) -> Load {
    let url = format!("http://{}:8080/", lictor.setup().host());
    Load::begin(&["-url", &url, "-new", "500", "-get", "60", "-post", "60"])
}

pub fn failed(outcomes: &[load::Outcome; 3]) -> [u64; 3] {
    outcomes.each_ref().map(|outcome| outcome.failed)
}

/// One process is there, it is good, and nothing leaves.
pub fn is_alone(board: &Board) -> bool {
    is_good(board) && board.beside.is_none()
}

fn is_gone(lictor: &Lictor, pid: u32) {
    eventually("the process is gone", || {
        lictor.service_processes().iter().all(|process| process.pid != pid).then_some(())
    });
}

/// A change that is good, until it is alone.
pub fn good(lictor: &Lictor, number: usize) {
    let before = pid(&lictor.board());
    lictor.setup().write("GREETING", format!("hello {number}, once more"));
    lictor.until("another one is good", |board| is_alone(board) && pid(board) != before);
}

/// A change that is bad by this habit, until it has been taken back and the candidate is gone.
pub fn bad(lictor: &Lictor, number: usize, habit: &str, value: &str) -> Board {
    let before = lictor.until("alone", |board| board.healthy && board.beside.is_none());
    let restarts = before.restarts;
    lictor.setup().write("GREETING", format!("bad {number}"));
    lictor.setup().write(habit, value);
    let board = lictor.until("taken back", |board| {
        board.restarts > restarts
            && board.config.state == ConfigState::Reverted
            && board.beside.is_none()
            && board.healthy
    });
    assert_eq!(pid(&board), pid(&before), "the old one serves on: {}", lictor.log());
    std::fs::remove_file(lictor.setup().path("conf.d").join(habit)).unwrap();
    lictor.setup().write("GREETING", format!("good again {number}"));
    lictor.until("good again", |board| is_alone(board) && board.restarts > restarts + 1);
    board
}

#[test]
fn good_changes_under_load_lose_nothing() {
    let lictor = setup().start();
    lictor.until("alone", is_alone);
    let load = load(&lictor);
    let began = Instant::now();
    let times = changes(15);
    for number in 1..=times {
        let before = pid(&lictor.board());
        lictor.setup().write("GREETING", format!("hello {number}"));
        let board = lictor.until("another one is good", |board| is_alone(board) && pid(board) != before);
        assert!(board.healthy);
    }
    let took = began.elapsed();
    let outcomes = load.end();
    println!("{times} good changes in {took:?}: {outcomes:#?}");
    assert!(outcomes[0].sent > 500, "{outcomes:#?}");
    assert_eq!(failed(&outcomes), [0; 3], "{outcomes:#?}\n{}", lictor.log());
    assert_eq!(lictor.board().sockets, None);
}

#[test]
fn bad_changes_that_never_get_ready_cost_nothing() {
    let lictor = setup().start();
    lictor.until("alone", is_alone);
    let load = load(&lictor);
    let kinds = [("EXIT_CODE", "3"), ("SICK", "1"), ("DEAF", "1")];
    for number in 0..changes(6) {
        let (habit, value) = kinds[number % kinds.len()];
        bad(&lictor, number, habit, value);
    }
    let outcomes = load.end();
    println!("{} bad changes: {outcomes:#?}", changes(6));
    assert_eq!(failed(&outcomes), [0; 3], "{outcomes:#?}\n{}", lictor.log());
}

/// Only answers of the sick one are bad, and no connection fails.
#[test]
fn what_sickens_in_use_is_left_at_once() {
    let lictor = setup().start();
    lictor.until("alone", is_alone);
    let load = load(&lictor);
    let kinds = [("SICK_IN_USE", "0s"), ("SICK_IN_USE", "150ms")];
    for number in 0..changes(6) {
        let (habit, value) = kinds[number % kinds.len()];
        bad(&lictor, number, habit, value);
    }
    let outcomes = load.end();
    println!("{} that sicken: {outcomes:#?}", changes(6));
    for outcome in &outcomes {
        let errors = outcome.whole["errors"].as_object().unwrap();
        let others: Vec<_> = errors.iter().filter(|(error, _)| *error != "status 503").collect();
        assert!(others.is_empty(), "{outcomes:#?}\n{}", lictor.log());
    }
}

/// What hangs keeps the requests that it has taken; all others are served by the old one, those in its queue included.
#[test]
fn what_hangs_in_use_loses_what_it_had_taken_alone() {
    let lictor = setup().start();
    lictor.until("alone", is_alone);
    let load = load(&lictor);
    let times = changes(3);
    for number in 0..times {
        bad(&lictor, number, "HANG_IN_USE", "1");
    }
    let outcomes = load.end();
    println!("{times} that hang: {outcomes:#?}");
    let [new, ..] = &outcomes;
    // Accepted before it hung, or in the middle of it.
    assert!(new.failed <= 40 * times as u64, "{outcomes:#?}\n{}", lictor.log());
    assert!(new.failed * 20 < new.sent, "{outcomes:#?}");
}

#[test]
fn a_candidate_gets_probes_and_no_connections_until_it_is_ready() {
    let lictor = setup().start();
    let before = pid(&lictor.until("alone", is_alone));
    let load = load(&lictor);
    lictor.setup().write("SICK", "1");
    let board = lictor.until("it warms up", |board| {
        board.beside.as_ref().is_some_and(|beside| beside.role == BesideRole::New && beside.process.pid.is_some())
    });
    assert!(board.healthy && pid(&board) == before, "{board:#?}");
    let other = board.beside.unwrap().process.pid.unwrap();
    lictor.until("taken back", |board| board.config.state == ConfigState::Reverted);
    assert_eq!(failed(&load.end()), [0; 3], "{}", lictor.log());
    is_gone(&lictor, other);
    assert_eq!(outcomes(&lictor.board()).last(), Some(&Outcome::Reverted));
}

/// lictor is killed while a candidate warms up, and again when it has taken over: the one that is connected to goes on.
#[test]
fn a_killed_lictor_keeps_the_one_that_is_connected_to() {
    let lictor = setup().start();
    let good = pid(&lictor.until("alone", is_alone));
    let load = load(&lictor);
    lictor.setup().write("SICK", "1");
    let warms = |board: &Board| board.beside.as_ref().is_some_and(|beside| beside.process.pid.is_some());
    let other = lictor.until("two run", warms).beside.unwrap().process.pid.unwrap();
    lictor.restart(Signal::KILL);
    let board = lictor.until("it is back", |board| board.process.is_some());
    assert_eq!((pid(&board), board.process.unwrap().run), (good, RunId(1)));
    is_gone(&lictor, other);
    lictor.until("decided anew", |board| board.config.state == ConfigState::Reverted && board.beside.is_none());

    std::fs::remove_file(lictor.setup().path("conf.d/SICK")).unwrap();
    lictor.setup().write("GREETING", "hello 2");
    let board = lictor
        .until("it has taken over", |board| board.beside.as_ref().is_some_and(|beside| beside.role == BesideRole::Old));
    let new = pid(&board);
    let steered = format!("new connections go to this run run={}", board.process.unwrap().run.0);
    crate::harness::eventually("what was ordered is done", || lictor.log().contains(&steered).then_some(()));
    lictor.restart(Signal::KILL);
    let board = lictor.until("it is back", |board| board.process.is_some());
    assert_eq!(pid(&board), new, "{}", lictor.log());
    lictor.until_within(Duration::from_secs(20), "good in the end", is_alone);
    let outcomes = load.end();
    assert_eq!(failed(&outcomes), [0; 3], "{outcomes:#?}\n{}", lictor.log());
}

/// What `exec {}` says differs after a reload: the next start takes it up, beside the process that was started as before.
#[test]
fn another_command_takes_over_too() {
    let lictor = setup().start();
    let before = pid(&lictor.until("alone", is_alone));
    let load = load(&lictor);
    let host = lictor.setup().host();
    let command = format!(
        "[\"{}\", \"-set\", \"COLOUR=red\", \"-addr\", \"{host}:8080\"]",
        lictor.setup().path("service").display()
    );
    std::fs::write(lictor.setup().path("1.hcl"), one_more(&lictor, &format!("exec {{\n  command = {command}\n}}\n")))
        .unwrap();
    let reload = lictor.cli("reload", &[]);
    assert!(reload.status.success(), "{reload:?}");
    assert_eq!(pid(&lictor.board()), before, "it waits for a start");
    assert!(lictor.cli("restart", &[]).status.success(), "{}", lictor.log());
    let board = lictor.until("another one runs", |board| is_alone(board) && pid(board) != before);
    let words = std::fs::read(format!("/proc/{}/cmdline", pid(&board))).unwrap();
    assert!(String::from_utf8_lossy(&words).contains("COLOUR=red"));
    assert_eq!(failed(&load.end()), [0; 3], "{}", lictor.log());
}

/// The text of the second file of configuration, with something more.
fn one_more(lictor: &Lictor, text: &str) -> String {
    std::fs::read_to_string(lictor.setup().path("1.hcl")).unwrap() + text
}

/// A new build takes over as a change does, and one that fails is given up.
#[test]
fn builds_take_over_too() {
    let lictor = setup().start();
    let before = lictor.until("alone", is_alone);
    let load = load(&lictor);
    lictor.install(program::NEW);
    let restart = lictor.cli("restart", &[]);
    assert!(restart.status.success(), "{restart:?}");
    let board = lictor.until("the new one runs", |board| is_alone(board) && pid(board) != pid(&before));
    assert_eq!(board.build.running.version.as_deref(), Some(program::NEW));
    std::fs::write(lictor.setup().path("new"), "#!/bin/sh\nexit 3\n").unwrap();
    std::fs::set_permissions(lictor.setup().path("new"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::rename(lictor.setup().path("new"), lictor.setup().path("service")).unwrap();
    lictor.until("it is seen", |board| board.build.outdated);
    assert!(!lictor.cli("restart", &[]).status.success());
    let after = lictor.until("it is given up", |board| board.config.state == ConfigState::BuildFailed);
    assert_eq!(pid(&after), pid(&board));
    assert_eq!(failed(&load.end()), [0; 3], "{}", lictor.log());
}

/// The service listens on a port of its own, which a second process of it cannot have: the reason of the verdict says so.
#[test]
fn a_port_of_the_service_s_own_is_named_where_a_second_process_cannot_have_it() {
    let setup = setup();
    let free = std::net::TcpListener::bind((setup.host(), 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    setup.write("DEBUG_ADDR", format!("{}:{port}", setup.host()));
    drop(free);
    let lictor = setup.start();
    let before = pid(&lictor.until("alone", is_alone));
    lictor.setup().write("GREETING", "hello 1");
    let board =
        lictor.until("taken back", |board| board.config.state == ConfigState::Reverted && board.beside.is_none());
    assert_eq!(pid(&board), before);
    let said = format!("started beside a process that listens on port {port} by itself");
    let reasons = format!("{:?}", board.history);
    assert!(reasons.contains(&said), "{reasons}");
}
