//! A deployment and a change of the configuration at once: what runs in the end, and who is to blame.
//!
//! A deployment is a new file in the place of the service, and then a lictor that is stopped and started as systemd does it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lictor::machine::Board;
use lictor::machine::board::{ConfigState, StepName};
use lictor::machine::history::Outcome;
use rustix::process::Signal;

use crate::harness::lictor::{is_good, outcomes, pid};
use crate::harness::program::{NEW, OLD};
use crate::harness::{Lictor, Setup, eventually};

fn up_with(more: &str) -> Lictor {
    let setup = Setup::on_directory().checked().config(more);
    setup.write("GREETING", "hello");
    let lictor = setup.start();
    lictor.until_good();
    lictor
}

fn up() -> Lictor {
    up_with("")
}

/// A trial does not end by itself while a test looks at it.
const PATIENT: &str = "apply {\n  deadline = \"60s\"\n}\n";

fn runs(version: &str) -> impl Fn(&Board) -> bool {
    move |board| is_good(board) && board.build.running.version.as_deref() == Some(version)
}

fn on_trial(board: &Board) -> bool {
    board.candidate.as_ref().is_some_and(|candidate| candidate.step == StepName::Trial) && board.process.is_some()
}

/// What a deployment does, with something happening while lictor is away.
fn deploy(lictor: &Lictor, install: impl Fn(&Lictor), meanwhile: impl Fn()) {
    lictor.signal(Signal::TERM);
    assert!(lictor.ended().success());
    install(lictor);
    meanwhile();
    lictor.start();
}

fn new_build(lictor: &Lictor) {
    lictor.install(NEW);
}

/// A program that ends at once.
fn broken_build(lictor: &Lictor) {
    let broken = lictor.setup().path("service.broken");
    fs::write(&broken, "#!/bin/sh\nexit 3\n").unwrap();
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(&broken, lictor.setup().path("service")).unwrap();
}

fn on_disk(lictor: &Lictor, name: &str) -> String {
    fs::read_to_string(lictor.setup().path("state").join(name)).unwrap_or_default()
}

#[test]
fn a_new_build_on_the_old_environment_is_on_trial_and_then_what_was_asked_for() {
    let lictor = up_with("apply {\n  min_healthy = \"2s\"\n}\n");
    let before = lictor.board().config.fingerprint;
    deploy(&lictor, new_build, || ());
    let board = lictor.until("on trial", on_trial);
    assert_eq!(board.config.fingerprint, before);
    assert_eq!(lictor.get(&format!("/status?version={NEW}")).code, 503, "not settled yet");
    assert_eq!(lictor.get(&format!("/status?version={NEW}&wait=30s")).code, 200);
    assert_eq!(lictor.board().config.state, ConfigState::Good);
}

#[test]
fn a_new_environment_that_the_old_build_does_not_bear_is_taken_back_on_it() {
    let lictor = up();
    let before = lictor.board().config.fingerprint;
    deploy(&lictor, |_| (), || lictor.setup().write("MIN_VERSION", NEW));
    let board = lictor.until_reverted_to(before);
    assert_eq!(board.build.running.version.as_deref(), Some(OLD));
    assert_eq!(board.config.quarantine.len(), 1);
    // The build that it was written for is another matter.
    deploy(&lictor, new_build, || ());
    lictor.until("good on the new build", runs(NEW));
    assert_eq!(lictor.value("MIN_VERSION").as_deref(), Some(NEW));
}

#[test]
fn if_both_are_new_the_wish_is_tried_first_on_the_new_build() {
    let lictor = up();
    deploy(&lictor, new_build, || lictor.setup().write("MIN_VERSION", NEW));
    lictor.until("good on both", runs(NEW));
    assert_eq!(lictor.value("MIN_VERSION").as_deref(), Some(NEW));
    assert_eq!(lictor.runs().len(), 2, "it was started once, on both");
}

#[test]
fn if_both_are_new_and_the_wish_is_bad_the_new_build_runs_on_the_good_environment() {
    let lictor = up();
    let before = lictor.board().config.fingerprint;
    deploy(&lictor, new_build, || lictor.setup().write("EXIT_CODE", "1"));
    let board = lictor.until_reverted_to(before);
    assert_eq!(board.build.running.version.as_deref(), Some(NEW));
    assert_eq!(board.config.quarantine.len(), 1);
    assert_eq!(lictor.status().0, 200);
    let answer = lictor.get(&format!("/status?version={NEW}&wait=30s"));
    assert_eq!(answer.code, 409, "what was wanted with it does not run");
}

#[test]
fn if_both_are_new_and_the_build_is_bad_the_environment_is_not_to_blame() {
    let lictor = up();
    deploy(&lictor, broken_build, || lictor.setup().write("COLOUR", "red"));
    let board = lictor.until("the build is to blame", |board| board.config.state == ConfigState::BuildFailed);
    assert!(board.config.quarantine.is_empty(), "{:#?}", board.config);
    assert_eq!(lictor.status().0, 503, "CodeDeploy rolls back");
    deploy(&lictor, |lictor| lictor.install(OLD), || ());
    lictor.until("rolled back, on the new wish", runs(OLD));
    assert_eq!(lictor.value("COLOUR").as_deref(), Some("red"));
}

#[test]
fn a_deployment_during_a_trial_gives_no_verdict_on_it() {
    let lictor = up_with(PATIENT);
    let good = lictor.board().config.fingerprint;
    lictor.setup().write("SICK", "1");
    lictor.until("on trial", on_trial);
    deploy(&lictor, new_build, || ());
    let board = lictor.until("on trial again, on the new build", |board| {
        on_trial(board) && board.build.running.version.as_deref() == Some(NEW)
    });
    assert!(board.config.quarantine.is_empty() && !outcomes(&board).contains(&Outcome::Reverted), "{board:#?}");
    assert_eq!(board.config.good, good, "what is gone back to is still known");
    lictor.setup().write("SICK", "");
    lictor.until("good on the new build", runs(NEW));
}

#[test]
fn a_restart_by_an_operator_during_a_trial_puts_the_new_build_on_trial() {
    let lictor = up_with(PATIENT);
    lictor.setup().write("SICK", "1");
    let runs_on_trial = |board: &Board| on_trial(board) && board.process.as_ref().is_some_and(|it| it.pid.is_some());
    let before_pid = pid(&lictor.until("on trial", runs_on_trial));
    lictor.install(NEW);
    lictor.until("the new file is seen", |board| board.build.outdated);
    let restart = lictor.cli("restart", &["--timeout", "100ms"]);
    assert_eq!(restart.status.code(), Some(1), "it cannot get healthy: {restart:?}");
    let board = lictor.until("on trial on the new build", |board| {
        on_trial(board)
            && board.build.running.version.as_deref() == Some(NEW)
            && board.process.as_ref().and_then(|process| process.pid).is_some_and(|pid| pid != before_pid)
    });
    assert!(board.config.quarantine.is_empty(), "{board:#?}");
    lictor.setup().write("SICK", "");
    lictor.until("good on the new build", runs(NEW));
}

#[test]
fn a_stop_during_a_trial_is_a_stop_and_the_wish_is_tried_by_the_next_lictor() {
    let lictor = up_with(PATIENT);
    eventually("what is good is written down", || (!on_disk(&lictor, "good.json").is_empty()).then_some(()));
    let good = on_disk(&lictor, "good.json");
    lictor.setup().write("SICK", "1");
    lictor.until("on trial", on_trial);
    lictor.signal(Signal::TERM);
    assert!(lictor.ended().success());
    assert!(lictor.service_processes().is_empty(), "{:?}", lictor.service_processes());
    assert_eq!(on_disk(&lictor, "good.json"), good, "nothing was found out");
    assert!(!on_disk(&lictor, "quarantine.json").contains("reason"), "{}", on_disk(&lictor, "quarantine.json"));
    lictor.start();
    lictor.until("on trial again", on_trial);
    lictor.setup().write("SICK", "");
    lictor.until_good();
}

#[test]
fn a_change_while_lictor_stops_starts_nothing_and_counts_at_the_next_start() {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    setup.write("SLOW_STOP", "1s");
    let lictor = setup.start();
    lictor.until_good();
    lictor.signal(Signal::TERM);
    lictor.until("it is stopping", |board| board.stopping);
    lictor.setup().write("GREETING", "good day");
    assert!(lictor.ended().success());
    assert_eq!(lictor.runs().len(), 1, "nothing was started any more");
    eventually("nothing is left", || lictor.service_processes().is_empty().then_some(()));
    lictor.start();
    lictor.until_good();
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
    assert_eq!(lictor.runs().len(), 2, "it was started once, on the new value");
}
