//! What an operator asks for is done, or refused with the reason, and the answer comes when it is so.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::process::Output;
use std::time::Duration;

use lictor::machine::Board;
use lictor::machine::board::{ConfigState, Phase};
use lictor::machine::history::Outcome;
use rustix::process::Signal;

use crate::harness::client::Request;
use crate::harness::lictor::{outcomes, pid, said};
use crate::harness::{Lictor, Setup, eventually};

fn up() -> Lictor {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    let lictor = setup.start();
    lictor.until_good();
    lictor
}

#[track_caller]
fn ends(output: &Output, code: i32, word: &str) {
    let text = said(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(word), "{word:?} is not in {text:?}");
}

fn held(board: &Board) -> bool {
    board.config.state == ConfigState::Held && board.healthy
}

#[test]
fn a_hold_stops_a_wish_and_survives_lictor() {
    for signal in [Signal::TERM, Signal::KILL] {
        let lictor = up();
        ends(&lictor.cli("hold", &["waiting", "for", "the", "DBA"]), 0, "every change is held");
        let before = lictor.board();
        lictor.setup().write("GREETING", "good day");
        lictor.until("held", held);
        let (code, status) = lictor.status();
        let said = status["Config"].as_str().unwrap();
        assert_eq!((code, said.starts_with("Held: waiting for the DBA; since 20")), (200, true), "{said}");
        let page = lictor.get("/metrics").text();
        assert!(page.lines().any(|line| line.starts_with("lictor_config_held_seconds")), "{page}");
        assert_eq!(lictor.get("/status?version=1.214").code, 200, "what an operator holds is settled");

        lictor.restart(signal);
        let board = lictor.until("held again", held);
        assert_eq!(board.config.fingerprint, before.config.fingerprint, "on the good environment");
        assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
        let own = rustix::process::getuid().as_raw();
        assert_eq!(board.hold.map(|hold| (hold.reason, hold.who)), Some(("waiting for the DBA".to_owned(), Some(own))));

        let board = lictor.until_applied(|| ends(&lictor.cli("unhold", &[]), 0, "the operator's hold has ended"));
        assert_eq!((lictor.value("GREETING").as_deref(), board.hold), (Some("good day"), None));
        lictor.restart(signal);
        assert_eq!(lictor.until_good().hold, None, "it does not come back");
    }
}

#[test]
fn a_hold_with_a_limit_ends_by_itself() {
    let lictor = up();
    ends(&lictor.cli("hold", &["--for", "1s500ms"]), 0, "held for 1s 500ms");
    lictor.setup().write("GREETING", "good day");
    lictor.until("held", held);
    let board = lictor.until("let go", |board| board.hold.is_none());
    assert!(board.history.iter().any(|entry| entry.why.contains("the hold is over")), "{:#?}", board.history);
    lictor.until("applied", |board| board.config.state == ConfigState::Good && board.healthy);
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
}

#[test]
fn retry_tries_what_is_quarantined_and_tells_the_verdict() {
    let lictor = up();
    ends(&lictor.cli("retry", &[]), 1, "nothing holds the newest change");
    let good = lictor.board().config.fingerprint;
    lictor.setup().write("EXIT_CODE", "1");
    let board = lictor.until_reverted_to(good);
    let wish = board.config.wish.unwrap().to_string();

    ends(&lictor.cli("retry", &["000000000000"]), 1, "is not the newest change");
    ends(&lictor.cli("retry", &[&wish, "--timeout", "20s"]), 1, "Reverted");
    let board = lictor.until_reverted_to(good);
    let reverts = outcomes(&board).iter().filter(|outcome| **outcome == Outcome::Reverted).count();
    assert_eq!(reverts, 2, "{:#?}", board.history);
    ends(&lictor.cli("release", &[]), 1, "nothing is held by the guard");
}

#[test]
fn revert_goes_back_and_holds_until_unhold() {
    let lictor = up();
    ends(&lictor.cli("revert", &[]), 1, "no other good environment");
    lictor.until_applied(|| lictor.setup().write("GREETING", "good day"));

    let answer = lictor.cli("revert", &[]);
    ends(&answer, 0, "is healthy on");
    let board = lictor.board();
    assert!(held(&board), "{:#?}", board.config);
    assert!(said(&answer).contains(&format!("pid {}", pid(&board))), "{}", said(&answer));
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));

    lictor.restart(Signal::KILL);
    lictor.until("still held", held);
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"), "lictor comes back to where it was sent");
    lictor.until_applied(|| ends(&lictor.cli("unhold", &[]), 0, "the operator's hold has ended"));
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
}

#[test]
fn restart_is_answered_when_another_process_is_healthy() {
    let lictor = up();
    let before = pid(&lictor.board());
    let answer = lictor.cli("restart", &[]);
    let board = lictor.board();
    assert!(board.healthy && pid(&board) != before, "{board:#?}");
    ends(&answer, 0, &format!("svc is healthy on {}, pid {}", board.config.fingerprint.unwrap(), pid(&board)));
    assert_eq!(board.config.state, ConfigState::Good);

    lictor.until_applied(|| lictor.setup().write("SLOW_START", "2s"));
    ends(&lictor.cli("restart", &["--timeout", "200ms"]), 1, "goes on, but was not done in time");
    lictor.until("it goes on all the same", |board| board.healthy && board.phase == Phase::Up);
}

#[test]
fn restart_says_no_when_the_new_process_does_not_last() {
    // Without a check, a process counts as healthy from its start on.
    let setup = Setup::on_directory();
    setup.write("GREETING", "hello");
    let lictor = setup.start();
    lictor.until_good();
    let place = lictor.setup().path("service");
    std::fs::copy("/bin/false", place.with_extension("new")).unwrap();
    std::fs::rename(place.with_extension("new"), &place).unwrap();
    ends(&lictor.cli("restart", &[]), 1, "exited with 1");

    let dead = Setup::on_directory().config("exec {\n  command = [\"/bin/false\"]\n}\n").start();
    dead.until("it is down", |board| board.phase == Phase::BackingOff);
    ends(&dead.cli("restart", &[]), 1, "exited with 1");
}

#[test]
fn signal_reaches_the_service() {
    let lictor = up();
    ends(&lictor.cli("signal", &["USR2"]), 0, "SIGUSR2 is sent");
    eventually("the signal has arrived", || lictor.lines("signals").iter().any(|line| line == "USR2").then_some(()));
    ends(&lictor.cli("signal", &["NOSUCH"]), 2, "NOSUCH");
    let before = lictor.board();
    ends(&lictor.cli("signal", &["33"]), 2, "33");
    // A Go program that does not listen for it goes on; one that does has it.
    ends(&lictor.cli("signal", &["RTMIN+1"]), 0, "is sent");
    eventually("the real-time signal has arrived", || {
        lictor.lines("signals").iter().any(|line| line == "35").then_some(())
    });
    assert_eq!(lictor.board().process, before.process);
}

#[test]
fn a_verb_is_served_on_the_operator_s_socket_only() {
    let lictor = up();
    let before = lictor.board();
    let request = |method, path, body| Request { method, path, headers: &[], body };
    let port: SocketAddr = (lictor.setup().host(), 8127).into();
    for method in ["POST", "GET", "PUT"] {
        let answer = request(method, "/verb/restart", b"{}").tcp(port).unwrap();
        assert_eq!(answer.code, 405, "{method}");
    }
    assert_eq!(request("GET", "/history", b"").tcp(port).unwrap().code, 404);
    let socket = lictor.setup().path("admin.sock");
    let large = " ".repeat(17 * 1024);
    let over_socket = |method, path, body| request(method, path, body).unix(&socket).unwrap();
    assert_eq!(over_socket("GET", "/verb/restart", b"").code, 405);
    assert_eq!(over_socket("POST", "/verb/reboot", b"").code, 404);
    assert_eq!(over_socket("POST", "/verb/restart", b"{\"colour\":1}").code, 400);
    assert_eq!(over_socket("POST", "/verb/hold", large.as_bytes()).code, 400);
    assert_eq!(over_socket("POST", "/status", b"").code, 405);
    for path in ["/history", "/plan", "/board"] {
        let head = over_socket("HEAD", path, b"");
        assert_eq!((head.code, head.body.len()), (200, 0), "{path}");
        assert!(head.headers["content-length"].parse::<usize>().unwrap() > 2, "{path}: {:?}", head.headers);
        assert_eq!(over_socket("PUT", path, b"").code, 405, "{path}");
    }
    assert_eq!(lictor.board().restarts, before.restarts, "nothing of all that did anything");
}

#[test]
fn without_a_lictor_a_verb_ends_with_69() {
    let lictor = Setup::on_directory().prepared();
    for verb in ["restart", "hold", "unhold", "retry", "revert", "release", "reload", "env", "history"] {
        ends(&lictor.cli(verb, &[]), 69, "no lictor answers");
    }
}

#[test]
fn env_shows_names_and_what_a_wish_changes_but_no_value() {
    let setup = Setup::on_directory().checked().config("key \"COLOUR\" {\n  public = true\n}\n");
    setup.write("GREETING", "hunter2");
    setup.write("COLOUR", "red");
    let lictor = setup.start();
    lictor.until_good();
    let shown = lictor.cli("env", &[]);
    ends(&shown, 0, "GREETING");
    assert!(said(&shown).contains("red") && !said(&shown).contains("hunter2"), "{}", said(&shown));
    ends(&lictor.cli("env", &["--diff"]), 0, "the service runs on the newest values");
    ends(&lictor.cli("hold", &[]), 0, "held");
    lictor.setup().write("GREETING", "hunter3");
    lictor.until("held", held);
    let shown = lictor.cli("env", &["--diff"]);
    ends(&shown, 0, "~  GREETING");
    assert!(!said(&shown).contains("hunter") && !said(&shown).contains("COLOUR"), "{}", said(&shown));
}

#[test]
fn a_flood_on_the_status_port_does_not_lock_the_operator_out() {
    let lictor = up();
    let port: SocketAddr = (lictor.setup().host(), 8127).into();
    // Each begins a request and never ends it. The port has 256 places; the kernel's queue takes some of the rest.
    let mut slow: Vec<TcpStream> = Vec::new();
    for _ in 0..600 {
        let patience = if slow.len() < 300 { 20_000 } else { 10 };
        if let Ok(mut stream) = TcpStream::connect_timeout(&port, Duration::from_millis(patience)) {
            let _ = stream.write_all(b"GET /status HTTP/1.1\r\n");
            slow.push(stream);
        }
    }
    assert!(slow.len() >= 300, "only {} could connect", slow.len());
    ends(&lictor.cli("status", &[]), 0, "up, healthy");
    ends(&lictor.cli("restart", &[]), 0, "is healthy on");
    drop(slow);
}
