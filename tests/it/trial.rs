//! New config is on trial; what the service does not bear is taken back, and the host stays in service.

use lictor::machine::board::{ConfigState, Phase, StepName};
use lictor::machine::history::Outcome;

use crate::harness::dependency::Dependency;
use crate::harness::lictor::{is_good, outcomes};
use crate::harness::{Consul, Setup};

fn greeted(consul: &Consul) -> Setup {
    consul.put("billing/GREETING", "hello");
    Setup::on_consul(consul.address()).checked()
}

#[test]
fn a_value_that_ends_the_service_is_reverted_and_a_mended_one_applied() {
    let consul = Consul::start();
    let lictor = greeted(&consul).start();
    let good = lictor.until_good();

    consul.put("billing/EXIT_CODE", "1");
    let board = lictor.until_reverted_to(good.config.fingerprint);
    assert!(!board.config.quarantine.is_empty(), "{:#?}", board.config);
    assert!(outcomes(&board).contains(&Outcome::Reverted), "{:#?}", board.history);
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
    assert_eq!(lictor.value("EXIT_CODE"), None);
    let (code, status) = lictor.status();
    assert_eq!((code, status["Web"].as_str()), (200, Some("Healthy")), "{status}");
    assert!(status["Config"].as_str().unwrap().starts_with("Reverted: "), "{status}");

    consul.put("billing/GREETING", "good day");
    let board = lictor.board();
    assert!(board.healthy, "another bad wish does not take the host out of service");
    lictor.until_applied(|| consul.delete("billing/EXIT_CODE"));
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
    let (code, status) = lictor.status();
    assert_eq!((code, status.get("Config")), (200, None), "{status}");
}

#[test]
fn a_value_that_makes_the_service_sick_is_reverted_at_the_deadline() {
    let consul = Consul::start();
    let lictor = greeted(&consul).start();
    let good = lictor.until_good();

    consul.put("billing/SICK", "1");
    lictor.until("on trial", |board| board.config.state == ConfigState::Trial);
    lictor.until_reverted_to(good.config.fingerprint);
    assert_eq!(lictor.value("SICK"), None);
    assert_eq!(lictor.status().0, 200);
}

#[test]
fn a_value_that_makes_the_service_flap_is_reverted_at_the_deadline() {
    let consul = Consul::start();
    // It flaps faster than a check with its normal `fall` would notice, and never stays well for `min_healthy`.
    let lictor = greeted(&consul).config("apply {\n  min_healthy = \"1s\"\n}\n").start();
    let good = lictor.until_good();

    consul.put("billing/FLAP", "400ms");
    let board = lictor.until_reverted_to(good.config.fingerprint);
    assert!(!board.config.quarantine.is_empty(), "{:#?}", board.config);
    assert_eq!(lictor.value("FLAP"), None);
}

#[test]
fn a_harmless_change_while_a_dependency_is_down_is_inconclusive_and_applied_later() {
    let consul = Consul::start();
    let mut dependency = Dependency::start();
    consul.put("billing/DEPENDENCY", dependency.address().to_string());
    let lictor = greeted(&consul).start();
    let before = lictor.until_good();

    dependency.stop();
    lictor.until("sick without its dependency", |board| !board.healthy && board.phase == Phase::Up);
    consul.put("billing/GREETING", "good day");
    let board = lictor.until("inconclusive", |board| board.config.state == ConfigState::Inconclusive);
    assert!(board.config.quarantine.is_empty(), "nothing is known against it: {:#?}", board.config);
    assert!(outcomes(&board).contains(&Outcome::Inconclusive), "{:#?}", board.history);
    assert!(board.config.message.is_some_and(|message| message.contains("healthy on neither")));

    dependency.launch();
    let board = lictor
        .until("applied after all", |board| is_good(board) && board.config.fingerprint != before.config.fingerprint);
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
    assert!(board.config.quarantine.is_empty(), "{:#?}", board.config);
}

#[test]
fn a_newer_wish_ends_a_trial_without_a_verdict() {
    let consul = Consul::start();
    let lictor = greeted(&consul).config("apply {\n  deadline = \"60s\"\n}\n").start();
    lictor.until_good();

    consul.put("billing/SICK", "1");
    // Not before its process runs: until then nothing is on trial that could be superseded.
    lictor
        .until("on trial", |board| board.candidate.as_ref().is_some_and(|candidate| candidate.step == StepName::Trial));
    consul.put("billing/COLOUR", "red");
    lictor.until("the first of them is superseded", |board| outcomes(board).contains(&Outcome::Superseded));
    consul.delete("billing/SICK");
    let board = lictor.until_good();
    assert_eq!(lictor.value("COLOUR").as_deref(), Some("red"));
    assert!(board.config.quarantine.is_empty(), "{:#?}", board.config);
}

#[test]
fn a_bad_value_is_not_tried_again_because_lictor_was_restarted() {
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::KILL] {
        let consul = Consul::start();
        let lictor = greeted(&consul).start();
        let good = lictor.until_good();
        consul.put("billing/EXIT_CODE", "1");
        lictor.until_reverted_to(good.config.fingerprint);
        let tried = || lictor.runs().iter().filter(|run| run["env"].get("EXIT_CODE").is_some()).count();
        let before = tried();
        assert!(before > 0, "it has been tried once");

        lictor.restart(signal);
        lictor.until_reverted_to(good.config.fingerprint);
        assert_eq!(tried(), before, "after {signal:?}");
        consul.delete("billing/EXIT_CODE");
        let mended = lictor.until_good();
        assert_eq!(mended.config.fingerprint, good.config.fingerprint, "the mended value is what runs already");
    }
}

#[test]
fn the_same_value_written_again_restarts_nothing() {
    let consul = Consul::start();
    let lictor = greeted(&consul).start();
    let before = lictor.until_good();
    consul.put("billing/GREETING", "hello");
    // A change after it shows that it has been seen.
    let after = lictor.until_applied(|| consul.put("billing/COLOUR", "red"));
    assert_eq!(after.restarts, before.restarts + 1);
}

#[test]
fn what_keeps_ending_soon_after_it_was_good_is_taken_back() {
    let consul = Consul::start();
    let lictor = greeted(&consul).start();
    let good = lictor.until_good().config.fingerprint;
    consul.put("billing/EXIT_AFTER", "1500ms");
    lictor.until("it was good", |board| {
        board.history.iter().filter(|entry| entry.outcome == Outcome::Applied).count() == 2
    });
    let board = lictor.until_reverted_to(good);
    assert!(board.config.message.is_some_and(|said| said.contains("keeps ending soon after it was good")));
    let crashes = board.history.iter().filter(|entry| entry.outcome == Outcome::Exited).count();
    assert_eq!(crashes, 3, "a single crash reverts nothing: {:#?}", board.history);
}
