//! One host at a time: the turn, and after it leaving traffic.

use std::time::Duration;

use super::{ConfigState, Nature, Outcome, Part, Phase, Policy, Role, SECOND, StepSetting, Story, Weather};
use crate::machine::event::TurnRefusal;

fn turns(policy: &mut Policy) {
    policy.turn = StepSetting::Enabled;
}

fn turns_and_traffic(policy: &mut Policy) {
    turns(policy);
    policy.drain_max = Some(Duration::from_secs(30));
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
fn leaving_traffic_follows_the_turn_which_is_given_back_when_the_service_is_back_in_traffic() {
    let mut story = Story::good_on_a_with(turns_and_traffic);
    story.by_hand(Part::Traffic);
    story.wish("b");
    assert_eq!(story.did(), ["ask turn", "out"]);
    story.has_left();
    story.passes(15 * SECOND);
    assert_eq!(story.did(), ["stop", "start b", "in"], "good, but not back in traffic");
    story.is_back();
    assert_eq!(story.did(), ["return turn"]);
}

#[test]
fn a_turn_is_given_back_in_the_end_if_the_service_does_not_get_back_into_traffic() {
    let mut story = Story::good_on_a_with(turns_and_traffic);
    story.wish("b");
    story.by_hand(Part::Traffic);
    story.passes(200 * SECOND);
    assert_eq!(story.did(), ["ask turn", "out", "stop", "start b", "in"]);
    story.passes(20 * SECOND);
    assert_eq!(story.did(), ["return turn"]);
}

#[test]
fn a_change_that_another_host_took_back_waits_and_is_settled() {
    let mut story = Story::good_on_a_with(turns);
    story.by_hand(Part::Turn);
    story.wish("b");
    story.turn_refused(TurnRefusal::Waits("2 before it".into()));
    assert_eq!(story.board().config.message.as_deref(), Some("Waits: 2 before it"));
    assert!(!story.board().config.settled);
    let halted = TurnRefusal::Halted { by: "host-b".into(), why: "exited with 1".into() };
    story.turn_refused(halted.clone());
    story.turn_refused(halted);
    let board = story.board();
    assert_eq!((board.config.state, board.config.settled), (ConfigState::Halted, true));
    assert_eq!(board.config.message.as_deref(), Some("Halted: taken back by host-b: exited with 1"));
    assert_eq!(story.records(), [Outcome::Halted], "once");
    story.turn_granted();
    assert_eq!(story.running(), "b on 1", "somebody has released it");
}

#[test]
fn a_process_leaves_traffic_before_it_is_stopped_for_any_reason() {
    type Stop = fn(&mut Story);
    let stops: [(&str, Stop); 5] = [
        ("operator", Story::restart),
        ("shutdown", Story::shutdown),
        ("revert", Story::revert),
        ("config", |story| story.wish("c")),
        ("liveness", |story| {
            story.weather("Alive", Weather::Failing);
            story.passes(5 * SECOND);
        }),
    ];
    for (name, stop) in stops {
        let mut story = Story::good_on_a_with(|policy| {
            policy.drain_max = Some(Duration::from_secs(30));
            policy.checks.push(super::check("Alive", Role::Liveness));
        });
        story.becomes_good("b");
        story.by_hand(Part::Traffic);
        stop(&mut story);
        assert_eq!((story.did(), story.board().phase), (vec!["out".to_owned()], Phase::Leaving), "{name}");
        story.has_left();
        assert_eq!(story.did().first().map(String::as_str), Some("stop"), "{name}");
    }
}

#[test]
fn a_process_that_is_never_reported_out_of_traffic_is_stopped_in_the_end() {
    let mut story = Story::good_on_a_with(|policy| policy.drain_max = Some(Duration::from_secs(30)));
    story.by_hand(Part::Traffic);
    story.shutdown();
    story.passes(39 * SECOND);
    assert_eq!(story.did(), ["out"]);
    story.passes(2 * SECOND);
    assert_eq!(story.did(), ["stop"]);
    assert!(story.machine.is_finished());
}

#[test]
fn the_end_of_a_process_takes_it_out_of_traffic() {
    let mut story = Story::good_on_a_with(|policy| policy.drain_max = Some(Duration::from_secs(30)));
    story.exits(1);
    story.passes(15 * SECOND);
    assert_eq!(story.did(), ["out", "start a", "in"]);
}

#[test]
fn the_first_start_needs_no_turn() {
    let mut story = Story::with(turns_and_traffic);
    story.by_hand(Part::Turn);
    story.wish("a");
    story.passes(15 * SECOND);
    assert_eq!(story.did(), ["start a", "in"]);
}

#[test]
fn a_crash_restart_needs_no_turn() {
    let mut story = Story::good_on_a_with(turns_and_traffic);
    story.by_hand(Part::Turn);
    story.exits(1);
    story.passes(15 * SECOND);
    assert_eq!(story.did(), ["out", "start a", "in"]);
}

#[test]
fn a_revert_needs_no_turn_and_ends_before_the_turn_is_given_back() {
    let mut story = Story::good_on_a_with(turns);
    story.nature("b on", Nature::Sick);
    story.wish("b");
    story.passes(90 * SECOND);
    assert_eq!(story.did(), ["ask turn", "stop", "start b", "halt b", "stop", "start a"]);
    story.passes(15 * SECOND);
    assert_eq!(story.did(), ["return turn"]);
}

#[test]
fn a_revert_after_the_turn_was_lost_asks_for_no_turn() {
    let mut story = Story::good_on_a_with(turns);
    story.nature("b on", Nature::Dies);
    story.wish("b");
    story.turn_lost();
    story.passes(15 * SECOND);
    assert_eq!(story.did(), ["ask turn", "stop", "start b", "halt b", "start a"]);
    assert_eq!(story.quarantine(), ["b on 1"]);
}

#[test]
fn an_inconclusive_revert_gives_the_turn_back_too() {
    let mut story = Story::good_on_a_with(turns);
    story.wish("b");
    story.weather("Web", Weather::Failing);
    story.passes(181 * SECOND);
    assert_eq!(story.did(), ["ask turn", "stop", "start b", "halt b", "stop", "start a", "end halt b", "return turn"]);
}

#[test]
fn a_turn_lost_while_the_process_leaves_traffic_changes_nothing() {
    let mut story = Story::good_on_a_with(turns_and_traffic);
    story.by_hand(Part::Traffic);
    story.wish("b");
    story.turn_lost();
    assert_eq!(story.did(), ["ask turn", "out"]);
    story.has_left();
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
fn a_newer_wish_gives_the_old_turn_back_and_asks_for_its_own() {
    let mut story = Story::good_on_a_with(turns);
    story.by_hand(Part::Turn);
    story.wish("b");
    story.wish("c");
    assert_eq!(story.did(), ["ask turn", "return turn", "ask turn"]);
    story.turn_granted();
    assert_eq!(story.running(), "c on 1");
}

#[test]
fn a_turn_is_given_back_if_the_good_environment_is_not_healthy_by_the_deadline() {
    let mut story = Story::good_on_a_with(turns_and_traffic);
    story.becomes_good("b");
    story.weather("Web", Weather::Failing);
    story.wish("a");
    story.passes(89 * SECOND);
    assert_eq!(story.did(), ["ask turn", "out", "stop", "start a"]);
    story.passes(2 * SECOND);
    assert_eq!(story.did(), ["return turn"]);
    assert_eq!(story.state(), ConfigState::Good, "it has no trial to fail");
}
