//! A newer wish overtakes an older one at every step.

use std::time::Duration;

use super::story::environment;
use super::{ConfigState, Nature, Outcome, Part, SECOND, StepSetting, Story};

#[test]
fn while_settling_only_the_newest_goes_on() {
    let mut story = Story::good_on_a_with(|policy| policy.quiet_min = std::time::Duration::from_millis(100));
    story.wish("b");
    story.wish("c");
    story.passes(SECOND);
    assert_eq!(story.starts(), ["c on 1"]);
}

#[test]
fn while_it_is_checked_the_older_check_is_given_up() {
    let mut story = Story::good_on_a_with(|policy| policy.check_command = StepSetting::Enabled);
    story.by_hand(Part::Check);
    story.wish("b");
    story.wish("c");
    assert_eq!(story.did(), ["check b", "cancel check", "check c"]);
    story.checked(Ok(()));
    assert_eq!(story.starts(), ["c on 1"]);
}

#[test]
fn while_it_waits_for_its_turn_the_newest_is_started_in_the_end() {
    let mut story = Story::good_on_a_with(|policy| policy.turn = StepSetting::Enabled);
    story.by_hand(Part::Turn);
    story.wish("b");
    story.wish("c");
    assert_eq!(story.running(), "a on 1", "nobody was granted anything");
    story.turn_granted();
    assert_eq!(story.starts(), ["c on 1"]);
}

#[test]
fn while_it_leaves_traffic_the_newest_is_started_in_the_end() {
    let mut story = Story::good_on_a_with(|policy| policy.drain_max = Some(Duration::from_secs(30)));
    story.by_hand(Part::Traffic);
    story.wish("b");
    story.wish("c");
    assert_eq!(story.running(), "a on 1");
    story.has_left();
    assert_eq!(story.starts(), ["c on 1"]);
}

#[test]
fn nothing_starts_while_a_process_is_being_stopped_then_the_newest_wins() {
    let mut story = Story::good_on_a();
    story.by_hand(Part::Stop);
    story.wish("b");
    assert_eq!(story.did(), ["stop"]);
    story.wish("c");
    story.wish("d");
    story.passes(20 * SECOND);
    assert_eq!(story.did(), [""; 0], "it is still being stopped");
    story.exits(0);
    assert_eq!(story.starts(), ["d on 1"]);
    assert_eq!(story.records(), [Outcome::Superseded, Outcome::Superseded], "b and c, though they were never started");
}

#[test]
fn the_newest_wish_is_started_although_it_has_not_settled_when_the_process_has_ended() {
    let mut story = Story::good_on_a_with(|policy| policy.quiet_min = std::time::Duration::from_secs(1));
    story.by_hand(Part::Stop);
    story.wish("b");
    story.passes(2 * SECOND);
    story.wish("c");
    story.exits(0);
    assert_eq!(story.running(), "nothing");
    story.passes(SECOND);
    assert_eq!(story.starts(), ["c on 1"]);
}

#[test]
fn on_trial_it_ends_the_trial_as_superseded_without_a_verdict() {
    let mut story = Story::good_on_a();
    story.wish("b");
    story.passes(5 * SECOND);
    assert_eq!(story.state(), ConfigState::Trial);
    story.wish("c");
    assert_eq!(story.records(), [Outcome::Superseded]);
    assert_eq!(story.running(), "c on 1");
    assert_eq!(story.quarantine(), [""; 0]);
    assert_eq!(story.state(), ConfigState::Trial, "the newer one is on trial now");
    story.passes(15 * SECOND);
    assert_eq!(story.good(), ["c", "a"], "b has never been good");
}

#[test]
fn a_revert_does_not_go_back_to_what_was_superseded() {
    let mut story = Story::good_on_a();
    story.wish("b");
    story.passes(5 * SECOND);
    story.nature("c on", Nature::Dies);
    story.wish("c");
    story.passes(20 * SECOND);
    assert_eq!(story.starts(), ["b on 1", "c on 1", "a on 1"]);
}

#[test]
fn a_superseded_wish_that_comes_back_is_tried_again() {
    let mut story = Story::good_on_a();
    story.wish("b");
    story.passes(5 * SECOND);
    story.wish("c");
    story.wish("b");
    story.passes(15 * SECOND);
    assert_eq!(story.running(), "b on 1");
    assert_eq!(story.good(), ["b", "a"]);
}

#[test]
fn a_wish_for_what_runs_already_ends_the_journey_of_another() {
    let mut story = Story::good_on_a_with(|policy| policy.turn = StepSetting::Enabled);
    story.by_hand(Part::Turn);
    story.wish("b");
    story.wish("a");
    assert_eq!(story.did(), ["ask turn", "return turn"]);
    story.passes(60 * SECOND);
    assert_eq!(story.starts(), [""; 0]);
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn a_wish_for_the_good_one_supersedes_a_trial_and_needs_none_itself() {
    let mut story = Story::good_on_a();
    story.wish("b");
    story.passes(5 * SECOND);
    story.wish("a");
    assert_eq!(story.running(), "a on 1");
    assert_eq!(story.records(), [Outcome::Superseded]);
    assert_ne!(story.state(), ConfigState::Trial);
}

#[test]
fn while_a_failed_one_is_being_stopped_the_newest_is_started_and_not_the_good_one() {
    let mut story = Story::good_on_a();
    story.nature("b on", Nature::Sick);
    story.wish("b");
    story.by_hand(Part::Stop);
    story.passes(91 * SECOND);
    assert_eq!(story.did(), ["stop", "start b", "stop"]);
    story.wish("c");
    story.exits(0);
    assert_eq!(story.running(), "c on 1");
    story.passes(15 * SECOND);
    assert_eq!(story.good(), ["c", "a"]);
}

#[test]
fn the_same_wish_again_changes_nothing() {
    let mut story = Story::good_on_a();
    story.wish("b");
    story.passes(5 * SECOND);
    story.wish("b");
    story.passes(7 * SECOND);
    assert_eq!(story.starts(), ["b on 1"]);
    assert_eq!(story.good(), ["b", "a"], "its trial went on");
}

#[test]
fn while_the_good_one_proves_itself_after_a_failure_the_failed_one_is_superseded_and_not_the_good_one() {
    let mut story = Story::good_on_a();
    story.nature("b on", Nature::Dies);
    story.wish("b");
    story.passes(2 * SECOND);
    assert_eq!(story.running(), "a on 1");
    story.wish("c");
    let last = story.board().history.pop().expect("a line");
    assert_eq!(last.outcome, Outcome::Superseded);
    assert_eq!(last.environment, Some(environment("b").fingerprint()));
    story.passes(15 * SECOND);
    assert_eq!(story.quarantine(), [""; 0], "without a verdict");
    assert_eq!(story.good(), ["c", "a"]);
}
