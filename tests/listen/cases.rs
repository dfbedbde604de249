//! What may be so while one process takes over from another, case by case. `LICTOR_CHANGES` says how many changes each
//! sees; a few by default.

use std::collections::BTreeMap;
use std::net::TcpListener;

use lictor::machine::board::BesideRole;
use rustix::process::Signal;

use crate::harness::lictor::pid;
use crate::harness::{Lictor, Setup, processes};
use crate::load::{self, Load};
use crate::overlap::{bad, changes, failed, good, is_alone, load, setup, setup_at};
use crate::slow::Slow;

/// What all clients of a kind have got.
fn answered(count: usize) -> BTreeMap<String, usize> {
    BTreeMap::from([("200: 10 <nil>".to_owned(), count)])
}

fn address(lictor: &Lictor) -> String {
    format!("{}:8080", lictor.setup().host())
}

/// Each change under load, with clients of this kind that go on as soon as `when` is so.
#[expect(clippy::print_stdout, reason = "the figures, for whoever runs it with --nocapture")]
fn with_clients(setup: Setup, kind: &str, when: BesideRole) {
    let lictor = setup.start();
    lictor.until("alone", is_alone);
    let load = load(&lictor);
    for number in 0..changes(2) {
        let before = pid(&lictor.board());
        let clients = Slow::begin(kind, &address(&lictor), 5);
        lictor.setup().write("GREETING", format!("hello again {number}"));
        lictor.until("the other one", |board| board.beside.as_ref().is_some_and(|beside| beside.role == when));
        assert_eq!(clients.end(), answered(5), "change {number}: {}", lictor.log());
        lictor.until("another one is good", |board| is_alone(board) && pid(board) != before);
    }
    let outcomes = load.end();
    println!("{} changes with clients {kind}: {outcomes:#?}", changes(2));
    assert_eq!(failed(&outcomes), [0; 3], "{outcomes:#?}\n{}", lictor.log());
}

#[test]
fn a_client_in_the_middle_of_a_request_is_served_to_its_end() {
    with_clients(setup(), "body", BesideRole::Leaving);
}

/// It has connected and sent nothing: the old process lingers for such as this one.
#[test]
fn a_client_that_has_sent_nothing_yet_is_served() {
    let setup = setup();
    setup.write("LINGER", "1s");
    with_clients(setup, "silent", BesideRole::Leaving);
}

/// Its handshake ends in the queue of the old process, though new connections go to the new one by then.
#[test]
fn a_client_in_the_handshake_is_served() {
    with_clients(setup(), "half-open", BesideRole::Old);
}

/// The old process does not move, its queue is full, and more clients try to get in: the new one serves all of them.
#[test]
fn who_waits_in_a_full_queue_is_served_by_the_new_process() {
    let limit: usize = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap().trim().parse().unwrap();
    let full = limit.min(65_535) + 1;
    // Probes that nobody answers are in it as well.
    let enough = full - 50;
    let lictor = setup().start();
    for number in 0..changes(1) {
        let old = pid(&lictor.until("alone", is_alone));
        processes::signal(old, Signal::STOP);
        let clients = Slow::some_of("queued", &address(&lictor), full + 50, enough);
        lictor.setup().write("GREETING", format!("hello again {number}"));
        lictor.until("another one is good", |board| is_alone(board) && pid(board) != old);
        assert_eq!(clients.end(), answered(full + 50), "change {number}: {}", lictor.log());
    }
}

#[test]
fn whatever_the_address_good_changes_lose_nothing() {
    for (address, near) in [("0.0.0.0", "127.0.0.1"), ("[::1]", "[::1]"), ("[::]", "[::1]"), ("[::]", "127.0.0.1")] {
        let free = TcpListener::bind(format!("{address}:0")).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let lictor = setup_at(&format!("{address}:{port}"), &format!("{near}:{port}")).start();
        lictor.until("alone", is_alone);
        let url = format!("http://{near}:{port}/");
        let load = Load::begin(&["-url", &url, "-new", "300", "-get", "60", "-post", "60"]);
        for number in 0..changes(1) {
            good(&lictor, number);
        }
        let outcomes = load.end();
        println!("{} changes at {address} from {near}: {outcomes:#?}", changes(1));
        assert_eq!(failed(&outcomes), [0; 3], "{address} from {near}: {outcomes:#?}\n{}", lictor.log());
    }
}

#[expect(clippy::print_stdout, reason = "the figures, for whoever runs it with --nocapture")]
fn good_changes(setup: Setup, few: usize) -> [load::Outcome; 3] {
    let lictor = setup.start();
    lictor.until("alone", is_alone);
    let load = load(&lictor);
    for number in 0..changes(few) {
        good(&lictor, number);
    }
    let outcomes = load.end();
    println!("{} changes: {outcomes:#?}", changes(few));
    outcomes
}

#[test]
fn a_service_that_closes_its_socket_at_once_when_it_is_stopped_loses_nothing() {
    let setup = setup();
    setup.write("CLOSE", "term");
    assert_eq!(failed(&good_changes(setup, 2)), [0; 3]);
}

/// It is killed in the end, with what it has in hand on connections that are kept; a new connection never reaches it.
#[test]
fn a_service_that_never_stops_accepting_costs_no_new_connection() {
    let setup = setup();
    setup.write("IGNORE_TERM", "1");
    let [new, ..] = good_changes(setup, 1);
    assert!(new.sent > 100 && new.failed == 0, "{new:#?}");
}

/// Only its own answers are bad, from the first bad one to the next probe; 5 s when more than a few changes are asked for.
#[test]
fn what_sickens_after_seconds_in_use_is_left_at_once() {
    let (healthy, sickens) = if changes(1) == 1 { ("1500ms", "800ms") } else { ("6s", "5s") };
    let lictor = setup()
        .config(&format!(
            "apply {{\n  handover = \"overlap\"\n  min_healthy = \"{healthy}\"\n  deadline = \"12s\"\n}}\n"
        ))
        .start();
    lictor.until("alone", is_alone);
    let load = load(&lictor);
    for number in 0..changes(1) {
        bad(&lictor, number, "SICK_IN_USE", sickens);
    }
    let outcomes = load.end();
    println!("{} that sicken after {sickens}: {outcomes:#?}", changes(1));
    for outcome in &outcomes {
        let errors = outcome.whole["errors"].as_object().unwrap();
        assert!(errors.keys().all(|error| error == "status 503"), "{outcomes:#?}\n{}", lictor.log());
    }
}
