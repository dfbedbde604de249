//! A change that touches only keys marked `reload` or `ignore` leaves the process alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lictor::machine::board::ConfigState;
use lictor::machine::history::Outcome;
use rustix::process::Signal;

use crate::harness::lictor::{is_good, outcomes, pid};
use crate::harness::{Lictor, Setup, eventually};

const KEYS: &str = "key \"LEVEL\" {\n  on_change = \"reload\"\n}\nkey \"NOTE*\" {\n  on_change = \"ignore\"\n}\n";

/// With `app/service.env` as the file.
fn setup() -> Setup {
    let setup = Setup::on_directory().checked().config(KEYS);
    fs::create_dir(setup.path("app")).unwrap();
    let file = format!("exec {{\n  env_file = \"{}\"\n}}\n", setup.path("app/service.env").display());
    for (key, value) in [("GREETING", "hello"), ("LEVEL", "info"), ("NOTE", "a")] {
        setup.write(key, value);
    }
    setup.config(&file)
}

fn file(lictor: &Lictor) -> String {
    fs::read_to_string(lictor.setup().path("app/service.env")).unwrap()
}

fn is_reloaded(lictor: &Lictor) -> bool {
    lictor.lines("signals").iter().any(|signal| signal == "HUP")
}

#[test]
fn a_reload_key_is_written_to_the_file_and_then_signalled_to_the_same_process() {
    let lictor = setup().start();
    let good = lictor.until_good();
    let mode = lictor.setup().path("app/service.env").metadata().unwrap().permissions().mode();
    assert_eq!((mode & 0o7777, file(&lictor).contains("LEVEL=\"info\"\n")), (0o600, true), "written before the start");

    let board = lictor.until_applied(|| lictor.setup().write("LEVEL", "debug"));
    assert_eq!(pid(&board), pid(&good));
    assert!(file(&lictor).contains("LEVEL=\"debug\"\n"), "{}", file(&lictor));
    eventually("the service sees the signal", || is_reloaded(&lictor).then_some(()));
    assert_eq!(board.config.pending_restart, ["LEVEL"]);
    assert_eq!(outcomes(&board), [Outcome::Applied, Outcome::Reloaded], "{:#?}", board.history);
    assert_eq!(board.config.good, board.config.fingerprint);
    assert_eq!(lictor.value("LEVEL").as_deref(), Some("info"), "its environment block is as old as the process");

    let board = lictor.until_applied(|| lictor.setup().write("GREETING", "good day"));
    assert_eq!(lictor.value("LEVEL").as_deref(), Some("debug"));
    assert_eq!(board.config.pending_restart, Vec::<String>::new());
}

#[test]
fn an_ignored_key_is_recorded_and_nothing_else() {
    let lictor = setup().start();
    let good = lictor.until_good();
    let board = lictor.until_applied(|| lictor.setup().write("NOTE_TWO", "b"));
    assert_eq!(pid(&board), pid(&good));
    assert_eq!(outcomes(&board).last(), Some(&Outcome::Ignored));
    assert_eq!(board.config.pending_restart, ["NOTE_TWO"]);
    assert!(!is_reloaded(&lictor));
    let board = lictor.until_applied(|| lictor.setup().write("GREETING", "good day"));
    assert_ne!(pid(&board), pid(&good), "any other key restarts, and takes the ignored ones along");
    assert_eq!(lictor.value("NOTE_TWO").as_deref(), Some("b"));
}

#[test]
fn a_process_that_does_not_bear_the_signal_is_started_on_the_last_good_environment() {
    let lictor = setup().config("exec {\n  reload_signal = \"SIGINT\"\n}\n").start();
    let good = lictor.until_good();
    lictor.setup().write("LEVEL", "debug");
    let board = lictor.until_reverted_to(good.config.fingerprint);
    assert_ne!(pid(&board), pid(&good));
    assert!(outcomes(&board).contains(&Outcome::Reverted), "{:#?}", board.history);
    assert!(!board.config.quarantine.is_empty());
    assert!(file(&lictor).contains("LEVEL=\"info\"\n"), "the file is taken back, too: {}", file(&lictor));
    assert_eq!(lictor.status().0, 200);
}

#[test]
fn a_file_that_cannot_be_written_rejects_the_change_and_the_service_runs_on() {
    let lictor = setup().start();
    let good = lictor.until_good();
    let (app, away) = (lictor.setup().path("app"), lictor.setup().path("away"));
    fs::rename(&app, &away).unwrap();
    lictor.setup().write("LEVEL", "debug");
    let board = lictor.until("rejected", |board| board.config.state == ConfigState::Rejected);
    assert_eq!((pid(&board), board.config.fingerprint), (pid(&good), good.config.fingerprint));
    assert!(board.config.message.as_ref().is_some_and(|said| said.contains("app/service.env")), "{:#?}", board.config);
    assert!(!is_reloaded(&lictor), "nothing to read, nothing to be told");

    fs::rename(&away, &app).unwrap();
    lictor.until_applied(|| lictor.setup().write("LEVEL", "trace"));
    assert!(file(&lictor).contains("LEVEL=\"trace\"\n"));
}

#[test]
fn a_lictor_that_comes_after_takes_the_reloaded_process_up() {
    let lictor = setup().start();
    let good = lictor.until_good();
    let reloaded = lictor.until_applied(|| lictor.setup().write("LEVEL", "debug"));
    lictor.restart(Signal::KILL);
    let board = lictor.until("taken up, on the newest wish", |board| {
        is_good(board) && board.config.fingerprint == reloaded.config.fingerprint
    });
    assert_eq!(pid(&board), pid(&good));
    assert_eq!(board.config.pending_restart, ["LEVEL"], "it is still known what the process was started with");
}
