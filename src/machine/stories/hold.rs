//! The operator's hold, and the operator's other verbs.

use std::time::Duration;

use super::{ConfigState, Nature, Outcome, Part, SECOND, StepSetting, Story};

#[test]
fn a_hold_stops_wishes_before_their_turn() {
    let mut story = Story::good_on_a_with(|policy| policy.turn = StepSetting::Enabled);
    story.hold();
    story.wish("b");
    story.passes(900 * SECOND);
    assert_eq!(story.did(), [""; 0], "no turn is asked for, nothing is stopped");
    assert_eq!(story.state(), ConfigState::Held);
    assert!(story.message().starts_with("Held: ") && story.message().contains("night"), "{}", story.message());
    assert!(story.board().config.settled, "ValidateService may pass during a hold");
}

#[test]
fn after_the_hold_the_newest_wish_goes_on() {
    let mut story = Story::good_on_a();
    story.hold();
    story.wish("b");
    story.wish("c");
    story.unhold();
    story.passes(15 * SECOND);
    assert_eq!(story.starts(), ["c on 1"]);
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn a_wish_that_waits_for_its_turn_gives_up_its_place() {
    let mut story = Story::good_on_a_with(|policy| policy.turn = StepSetting::Enabled);
    story.by_hand(Part::Turn);
    story.wish("b");
    story.hold();
    assert_eq!(story.did(), ["ask turn", "return turn"]);
    story.unhold();
    story.turn_granted();
    assert_eq!(story.running(), "b on 1");
}

#[test]
fn a_process_that_only_leaves_traffic_for_a_wish_stays_and_gets_back_into_traffic() {
    let mut story = Story::good_on_a_with(|policy| {
        (policy.turn, policy.drain_max) = (StepSetting::Enabled, Some(Duration::from_secs(30)));
    });
    story.by_hand(Part::Traffic);
    story.wish("b");
    story.hold();
    assert_eq!(story.did(), ["ask turn", "out", "in"]);
    story.is_back();
    assert_eq!(story.did(), ["return turn"]);
    assert_eq!(story.running(), "a on 1", "nothing was touched");
    assert_eq!(story.state(), ConfigState::Held);
    story.unhold();
    story.has_left();
    assert_eq!(story.running(), "b on 1");
}

#[test]
fn a_running_trial_ends_during_the_hold_by_passing() {
    let mut story = Story::good_on_a();
    story.wish("b");
    story.passes(5 * SECOND);
    story.hold();
    story.passes(10 * SECOND);
    assert_eq!(story.starts(), ["b on 1"]);
    assert_eq!(story.good(), ["b", "a"]);
}

#[test]
fn a_running_trial_ends_during_the_hold_by_failing() {
    let mut story = Story::good_on_a();
    story.wish("b");
    story.passes(5 * SECOND);
    story.hold();
    story.exits(1);
    story.passes(15 * SECOND);
    assert_eq!(story.starts(), ["b on 1", "a on 1"]);
    assert_eq!(story.quarantine(), ["b on 1"]);
}

#[test]
fn any_start_during_a_hold_uses_the_good_environment() {
    let mut story = Story::good_on_a();
    story.hold();
    story.wish("b");
    story.exits(1);
    story.passes(10 * SECOND);
    assert_eq!(story.starts(), ["a on 1"], "a crash restart");
    story.restart();
    assert_eq!(story.starts(), ["a on 1"], "an operator's restart");
    story.installed("2");
    story.restart();
    assert_eq!(story.starts(), ["a on 2"], "on a new build");
}

#[test]
fn a_newer_wish_does_not_end_a_trial_during_a_hold() {
    let mut story = Story::good_on_a();
    story.wish("b");
    story.passes(5 * SECOND);
    story.hold();
    story.wish("c");
    story.passes(60 * SECOND);
    assert_eq!(story.starts(), ["b on 1"]);
    assert_eq!(story.good(), ["b", "a"]);
    story.unhold();
    assert_eq!(story.starts(), ["c on 1"]);
}

#[test]
fn a_service_that_never_ran_is_started_during_a_hold() {
    let mut story = Story::new();
    story.hold();
    story.wish("a");
    story.passes(15 * SECOND);
    assert_eq!(story.running(), "a on 1", "a hold is no reason to be down");
}

#[test]
fn an_inconclusive_wish_is_not_tried_again_during_a_hold() {
    let mut story = Story::good_on_a();
    story.nature("on 1", Nature::Sick);
    story.wish("b");
    story.passes(181 * SECOND);
    assert_eq!(story.records(), [Outcome::Inconclusive]);
    story.hold();
    story.cured();
    story.forget();
    story.passes(600 * SECOND);
    assert_eq!(story.starts(), [""; 0]);
    story.unhold();
    story.passes(120 * SECOND);
    assert_eq!(story.running(), "b on 1");
}

#[test]
fn the_revert_verb_goes_back_to_the_previous_good_one_and_holds() {
    let mut story = Story::good_on_a();
    story.becomes_good("b");
    story.revert();
    story.passes(60 * SECOND);
    assert_eq!(story.starts(), ["a on 1"]);
    assert_eq!(story.state(), ConfigState::Held);
    story.wish("c");
    story.passes(60 * SECOND);
    assert_eq!(story.starts(), [""; 0]);
    story.unhold();
    assert_eq!(story.starts(), ["c on 1"]);
}

#[test]
fn the_revert_verb_on_trial_goes_back_to_the_good_one() {
    let mut story = Story::good_on_a();
    story.wish("b");
    story.passes(5 * SECOND);
    story.revert();
    story.passes(60 * SECOND);
    assert_eq!(story.starts(), ["b on 1", "a on 1"]);
    assert_eq!(story.state(), ConfigState::Held);
}

#[test]
fn the_restart_verb_restarts_once() {
    let mut story = Story::good_on_a();
    story.restart();
    story.passes(600 * SECOND);
    assert_eq!(story.did(), ["stop", "start a"]);
}

#[test]
fn a_restart_by_the_operator_during_a_hold_ends_a_trial_and_uses_the_good_environment() {
    let mut story = Story::good_on_a();
    story.wish("b");
    story.passes(5 * SECOND);
    story.hold();
    story.restart();
    assert_eq!(story.starts(), ["b on 1", "a on 1"]);
    story.passes(60 * SECOND);
    assert_eq!(story.quarantine(), [""; 0], "b had no verdict");
    story.unhold();
    story.passes(15 * SECOND);
    assert_eq!(story.running(), "b on 1");
    assert_eq!(story.good(), ["b", "a"]);
}

#[test]
fn a_wish_is_not_started_if_a_hold_begins_while_its_old_process_is_being_stopped() {
    let mut story = Story::good_on_a();
    story.by_hand(Part::Stop);
    story.wish("b");
    story.hold();
    story.exits(0);
    assert_eq!(story.starts(), ["a on 1"]);
    assert_eq!(story.state(), ConfigState::Held);
}
