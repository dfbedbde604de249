//! One host at a time: the turn, and the draining behind it.

use super::{ConfigState, Nature, Part, Policy, SECOND, Step, Story, Weather};

fn turns(policy: &mut Policy) {
    policy.turn = Step::Configured;
}

fn turns_and_drains(policy: &mut Policy) {
    turns(policy);
    policy.drain = Step::Configured;
}

#[test]
fn a_restart_for_config_waits_for_its_turn_and_gives_it_back_when_good() {
    let mut story = Story::good_on_a_with(turns);
    story.by_hand(Part::Turn);
    story.wish("b");
    story.passes(600 * SECOND);
    assert_eq!(story.did(), ["ask turn"]);
    assert_eq!(story.state(), ConfigState::Pending);
    story.turn_granted();
    assert_eq!(story.did(), ["stop", "start b"]);
    story.passes(10 * SECOND);
    assert_eq!(story.did(), [""; 0], "held until healthy");
    story.passes(2 * SECOND);
    assert_eq!(story.did(), ["return turn"]);
}

#[test]
fn draining_follows_the_turn_and_ends_before_it_is_given_back() {
    let mut story = Story::good_on_a_with(turns_and_drains);
    story.by_hand(Part::Drain);
    story.wish("b");
    assert_eq!(story.did(), ["ask turn", "drain"]);
    story.drained();
    story.passes(15 * SECOND);
    assert_eq!(story.did(), ["stop", "start b", "undrain", "return turn"]);
}

#[test]
fn the_first_start_needs_no_turn() {
    let mut story = Story::with(turns_and_drains);
    story.by_hand(Part::Turn);
    story.wish("a");
    story.passes(15 * SECOND);
    assert_eq!(story.did(), ["start a"]);
}

#[test]
fn a_crash_restart_needs_no_turn() {
    let mut story = Story::good_on_a_with(turns_and_drains);
    story.by_hand(Part::Turn);
    story.exits(1);
    story.passes(15 * SECOND);
    assert_eq!(story.did(), ["start a"]);
}

#[test]
fn a_revert_needs_no_turn_and_ends_before_the_turn_is_given_back() {
    let mut story = Story::good_on_a_with(turns);
    story.nature("b on", Nature::Sick);
    story.wish("b");
    story.passes(90 * SECOND);
    assert_eq!(story.did(), ["ask turn", "stop", "start b", "stop", "start a"]);
    story.passes(15 * SECOND);
    assert_eq!(story.did(), ["return turn"]);
}

#[test]
fn a_revert_of_a_wish_that_had_a_turn_lost_asks_for_none() {
    let mut story = Story::good_on_a_with(turns);
    story.nature("b on", Nature::Dies);
    story.wish("b");
    story.turn_lost();
    story.passes(15 * SECOND);
    assert_eq!(story.did(), ["ask turn", "stop", "start b", "start a"]);
    assert_eq!(story.quarantine(), ["b on 1"]);
}

#[test]
fn an_inconclusive_revert_gives_the_turn_back_too() {
    let mut story = Story::good_on_a_with(turns);
    story.wish("b");
    story.weather("Web", Weather::Failing);
    story.passes(181 * SECOND);
    assert_eq!(story.did(), ["ask turn", "stop", "start b", "stop", "start a", "return turn"]);
}

#[test]
fn a_turn_lost_before_the_switch_sends_the_wish_back_to_ask_again() {
    let mut story = Story::good_on_a_with(turns_and_drains);
    story.by_hand(Part::Turn);
    story.by_hand(Part::Drain);
    story.wish("b");
    story.turn_granted();
    story.turn_lost();
    assert_eq!(story.did(), ["ask turn", "drain", "ask turn", "undrain"]);
    story.passes(60 * SECOND);
    assert_eq!(story.running(), "a on 1");
    story.turn_granted();
    story.drained();
    assert_eq!(story.running(), "b on 1");
}

#[test]
fn a_turn_lost_while_waiting_for_it_is_asked_for_again() {
    let mut story = Story::good_on_a_with(turns);
    story.by_hand(Part::Turn);
    story.wish("b");
    story.turn_lost();
    assert_eq!(story.did(), ["ask turn", "ask turn"]);
    story.turn_granted();
    assert_eq!(story.running(), "b on 1");
}

#[test]
fn a_turn_lost_later_changes_nothing() {
    let mut story = Story::good_on_a_with(turns);
    story.by_hand(Part::Stop);
    story.wish("b");
    story.turn_lost();
    assert_eq!(story.did(), ["ask turn", "stop"]);
    story.exits(0);
    story.passes(15 * SECOND);
    assert_eq!(story.did(), ["start b"], "nothing is asked for and nothing given back");
    assert_eq!(story.good(), ["b", "a"]);
}

#[test]
fn a_wish_that_supersedes_a_trial_has_one_turn_at_a_time() {
    let mut story = Story::good_on_a_with(turns);
    story.wish("b");
    story.passes(5 * SECOND);
    story.wish("c");
    story.passes(15 * SECOND);
    assert_eq!(story.running(), "c on 1");
    let did = story.did();
    let count = |word: &str| did.iter().filter(|done| *done == word).count();
    assert_eq!(count("ask turn"), count("return turn"), "{did:?}");
}

#[test]
fn a_good_one_that_does_not_get_healthy_by_the_deadline_keeps_no_other_host_waiting() {
    let mut story = Story::good_on_a_with(turns_and_drains);
    story.becomes_good("b");
    story.weather("Web", Weather::Failing);
    story.wish("a");
    story.passes(89 * SECOND);
    assert_eq!(story.did(), ["ask turn", "drain", "stop", "start a"]);
    story.passes(2 * SECOND);
    assert_eq!(story.did(), ["undrain", "return turn"]);
    assert_eq!(story.state(), ConfigState::Good, "it has no trial to fail");
}
