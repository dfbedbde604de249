//! What an earlier lictor left on disk.

use super::story::{build, environment};
use super::{ConfigState, Good, Handover, Nature, Pair, Part, Quarantined, Restored, SECOND, Story};
use crate::machine::GenerationId;
use crate::machine::ledger::Standing;

fn good(name: &str, on: &str) -> Good {
    Good { environment: environment(name), builds: vec![build(on)], generation: GenerationId(3), at_unix_ms: 1 }
}

fn quarantined(name: &str, on: &str) -> Quarantined {
    let pair = Pair { environment: environment(name).fingerprint(), build: build(on) };
    Quarantined { pair, reason: "exited with 1".into(), at_unix_ms: 2, standing: Standing::Proved }
}

fn left(good: Vec<Good>, quarantine: Vec<Quarantined>) -> Story {
    let restored = Restored { good, quarantine, next_generation: GenerationId(5), ..Restored::default() };
    Story::restored(restored, |_| {})
}

#[test]
fn a_good_pair_starts_without_a_trial() {
    let mut story = left(vec![good("a", "1")], vec![]);
    story.wish("a");
    assert_eq!(story.starts(), ["a on 1"]);
    assert_eq!(story.state(), ConfigState::Good);
    assert!(story.board().config.settled);
}

#[test]
fn a_pair_in_quarantine_is_not_started_the_good_one_is() {
    let mut story = left(vec![good("a", "1")], vec![quarantined("b", "1")]);
    story.wish("b");
    story.passes(600 * SECOND);
    assert_eq!(story.starts(), ["a on 1"]);
    assert_eq!(story.state(), ConfigState::Reverted);
    assert_eq!(story.quarantine(), ["b on 1"]);
}

#[test]
fn a_pair_in_quarantine_with_another_build_is_tried() {
    let mut story = left(vec![good("a", "1")], vec![quarantined("b", "2")]);
    story.wish("b");
    assert_eq!(story.starts(), ["b on 1"]);
}

#[test]
fn another_wish_is_on_trial_and_goes_back_to_what_was_good() {
    let mut story = left(vec![good("a", "1")], vec![]);
    story.nature("b on", Nature::Dies);
    story.wish("b");
    assert_eq!(story.starts(), ["b on 1"]);
    story.passes(20 * SECOND);
    assert_eq!(story.starts(), ["a on 1"]);
    assert_eq!(story.quarantine(), ["b on 1"]);
}

#[test]
fn a_new_build_is_distinguished_from_a_new_environment_after_a_restart_of_lictor_too() {
    let mut story = left(vec![good("a", "0")], vec![]);
    story.nature("a on", Nature::Dies);
    story.wish("a");
    story.passes(20 * SECOND);
    assert_eq!(story.state(), ConfigState::BuildFailed);
    assert_eq!(story.quarantine(), [""; 0]);
}

#[test]
fn generations_go_on_where_they_were() {
    let mut story = left(vec![good("a", "1")], vec![]);
    story.wish("b");
    assert!(story.board().config.generation >= GenerationId(5));
}

/// A process that outlived lictor is taken over if it runs a good pair; any other serves until there is something to
/// start in its place.
#[test]
fn a_process_on_a_good_environment_is_taken_over_as_it_is() {
    let mut story = left(vec![good("a", "1")], vec![]);
    story.adopted("a", "1");
    story.wish("a");
    story.passes(60 * SECOND);
    assert_eq!(story.did(), [""; 0]);
    assert_eq!(story.state(), ConfigState::Good);
    assert!(story.board().config.settled && story.board().healthy);
}

#[test]
fn a_process_on_an_unknown_environment_is_stopped_before_anything_is_started() {
    let mut story = left(vec![good("a", "1")], vec![]);
    story.by_hand(Part::Stop);
    story.adopted("z", "1");
    story.wish("a");
    story.passes(60 * SECOND);
    assert_eq!(story.did(), ["stop"]);
    story.exits(0);
    assert_eq!(story.did(), ["start a"]);
}

/// lictor was killed while the process that it had started was on trial.
#[test]
fn a_process_that_runs_the_wish_already_is_not_started_again() {
    for (good_before, on_trial) in [(vec![good("a", "1")], "z"), (vec![], "z"), (vec![good("z", "0")], "z")] {
        let mut story = left(good_before, vec![]);
        story.adopted(on_trial, "1");
        story.wish(on_trial);
        story.passes(SECOND);
        assert_eq!(story.state(), ConfigState::Trial, "it has to prove itself all the same");
        assert!(!story.board().config.settled);
        story.passes(60 * SECOND);
        assert_eq!(story.did(), [""; 0]);
        assert_eq!(story.state(), ConfigState::Good);
        assert!(story.board().config.settled && story.board().healthy);
        // From here on it is treated like any other process.
        story.wish("b");
        story.passes(60 * SECOND);
        assert_eq!(story.did(), ["stop", "start b"]);
    }
}

#[test]
fn a_process_that_runs_the_wish_already_and_fails_is_taken_back() {
    let mut story = left(vec![good("a", "1")], vec![]);
    story.adopted("z", "1");
    story.wish("z");
    story.passes(SECOND);
    story.exits(1);
    story.passes(60 * SECOND);
    assert_eq!(story.running(), "a on 1");
    assert_eq!(story.quarantine(), ["z on 1"]);
    assert_eq!(story.state(), ConfigState::Reverted);
}

#[test]
fn a_process_of_another_build_or_of_a_pair_that_failed_does_not_run_the_wish() {
    let mut story = left(vec![good("a", "1")], vec![]);
    story.adopted("z", "0");
    story.wish("z");
    story.passes(60 * SECOND);
    assert_eq!(story.did(), ["stop", "start z"]);
    let mut story = left(vec![good("a", "1")], vec![quarantined("z", "1")]);
    story.adopted("z", "1");
    story.wish("z");
    story.passes(60 * SECOND);
    assert_eq!(story.did(), ["stop", "start a"]);
}

/// lictor could not go back to it.
#[test]
fn a_process_on_an_unknown_environment_is_stopped_first_although_processes_overlap() {
    let restored = Restored { good: vec![good("a", "1")], next_generation: GenerationId(5), ..Restored::default() };
    let mut story = Story::restored(restored, |policy| policy.handover = Handover::Overlap { share: 100 });
    story.adopted("z", "1");
    story.wish("b");
    story.passes(60 * SECOND);
    let did: Vec<_> = story.did().into_iter().filter(|what| !what.starts_with("steer")).collect();
    assert_eq!(did, ["stop", "start b"]);
}

#[test]
fn silent_sources_do_not_end_a_process_on_an_unknown_environment() {
    let mut story = left(vec![good("a", "1")], vec![]);
    story.adopted("z", "1");
    story.passes(600 * SECOND);
    assert_eq!(story.did(), [""; 0]);
    assert!(story.board().healthy);
    story.wish("a");
    story.passes(60 * SECOND);
    assert_eq!(story.did(), ["stop", "start a"]);
}

#[test]
fn a_process_that_was_taken_over_is_replaced_by_a_newer_wish_and_gone_back_to_when_that_fails() {
    let mut story = left(vec![good("a", "1")], vec![]);
    story.nature("b on", Nature::Dies);
    story.adopted("a", "1");
    story.wish("b");
    story.passes(30 * SECOND);
    assert_eq!(story.did(), ["stop", "start b", "start a"]);
    assert_eq!(story.quarantine(), ["b on 1"]);
}

#[test]
fn without_its_sources_the_good_environment_is_used_after_the_grace() {
    let mut story = left(vec![good("a", "1")], vec![]);
    story.passes(10 * SECOND - 1);
    assert_eq!(story.starts(), [""; 0]);
    story.passes(1);
    assert_eq!(story.starts(), ["a on 1"]);
    assert!(story.message().starts_with("Stale since "), "{}", story.message());
    assert!(story.board().config.settled, "nothing newer is known: a deployment can be validated meanwhile");
    story.wish("b");
    story.passes(15 * SECOND);
    assert_eq!(story.running(), "b on 1", "the sources were heard in the end");
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn without_its_sources_and_without_a_good_environment_nothing_starts() {
    let mut story = left(vec![], vec![]);
    story.passes(600 * SECOND);
    assert_eq!(story.starts(), [""; 0]);
}

/// lictor stopped while it went back from `b`, which had failed.
fn left_suspecting() -> Story {
    let suspected = Quarantined { standing: Standing::Suspected, ..quarantined("b", "1") };
    let mut story = left(vec![good("a", "1")], vec![suspected]);
    story.wish("b");
    story
}

#[test]
fn an_environment_that_was_being_taken_back_is_not_tried_again() {
    let mut story = left_suspecting();
    story.passes(5 * SECOND);
    assert_eq!(story.starts(), ["a on 1"]);
    assert_eq!(story.quarantine(), [""; 0], "there is no verdict yet");
    story.passes(10 * SECOND);
    assert_eq!(story.quarantine(), ["b on 1"], "the good one is healthy");
    assert_eq!(story.state(), ConfigState::Reverted);
}

#[test]
fn a_newer_wish_replaces_one_that_was_being_taken_back() {
    let mut story = left_suspecting();
    story.wish("c");
    story.passes(20 * SECOND);
    assert_eq!(story.running(), "c on 1");
}
