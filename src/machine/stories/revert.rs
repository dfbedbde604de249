//! What follows from a failed trial.

use super::{ConfigState, Nature, Outcome, SECOND, Story, Weather};

/// `b` has failed, `a` runs and is good again.
fn reverted() -> Story {
    let mut story = Story::good_on_a();
    story.nature("b on 1", Nature::Dies);
    story.wish("b");
    story.passes(15 * SECOND);
    assert_eq!(story.starts(), ["b on 1", "a on 1"]);
    assert_eq!(story.quarantine(), ["b on 1"]);
    story.forget();
    story
}

#[test]
fn it_goes_back_and_quarantines_only_once_the_good_one_is_healthy_again() {
    let mut story = Story::good_on_a();
    story.nature("b on", Nature::Dies);
    story.wish("b");
    story.passes(SECOND);
    assert_eq!(story.running(), "a on 1");
    assert!(story.message().starts_with("Reverting: "), "{}", story.message());
    assert_eq!(story.state(), ConfigState::Trial, "there is no verdict yet");
    story.passes(500);
    assert_eq!(story.quarantine(), [""; 0], "not healthy yet");
    story.passes(15 * SECOND);
    assert_eq!(story.quarantine(), ["b on 1"]);
    assert_eq!(story.records(), [Outcome::Exited, Outcome::Reverted]);
    assert_eq!(story.state(), ConfigState::Reverted);
    assert!(story.message().starts_with("Reverted: "), "{}", story.message());
    assert_eq!(story.good(), ["a"]);
}

#[test]
fn it_goes_back_on_the_present_build() {
    let mut story = Story::good_on_a();
    story.installed("2");
    story.nature("b on", Nature::Dies);
    story.wish("b");
    story.passes(15 * SECOND);
    assert_eq!(story.starts(), ["b on 2", "a on 2"]);
    assert_eq!(story.quarantine(), ["b on 2"], "that pair, not b with build 1");
}

#[test]
fn a_pair_in_quarantine_is_not_tried_again_while_nothing_changes() {
    let mut story = reverted();
    story.wish("b");
    story.passes(600 * SECOND);
    assert_eq!(story.starts(), [""; 0]);
    story.exits(1);
    story.passes(120 * SECOND);
    assert_eq!(story.starts(), ["a on 1"], "a crash restart neither");
    story.restart();
    story.passes(120 * SECOND);
    assert_eq!(story.starts(), ["a on 1"], "nor an operator's restart");
}

#[test]
fn a_new_wish_is_tried_although_another_is_in_quarantine() {
    let mut story = reverted();
    story.wish("c");
    story.passes(15 * SECOND);
    assert_eq!(story.running(), "c on 1");
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn with_a_new_build_it_is_tried_again() {
    let mut story = reverted();
    story.installed("2");
    story.passes(120 * SECOND);
    assert_eq!(story.starts(), ["b on 2"]);
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn when_an_operator_asks_it_is_tried_again_and_once() {
    let mut story = reverted();
    story.retry();
    story.passes(15 * SECOND);
    assert_eq!(story.starts(), ["b on 1", "a on 1"]);
    assert_eq!(story.quarantine(), ["b on 1"]);
    story.cured();
    story.retry();
    story.passes(15 * SECOND);
    assert_eq!(story.running(), "b on 1");
    assert_eq!(story.good(), ["b", "a"]);
    assert_eq!(story.quarantine(), [""; 0]);
}

/// `b` has failed while the database was down, so that `a` did not get healthy either.
fn inconclusive() -> Story {
    let mut story = Story::good_on_a();
    story.wish("b");
    story.weather("Web", Weather::Failing);
    story.passes(90 * SECOND);
    assert_eq!(story.running(), "a on 1");
    story.passes(90 * SECOND);
    assert_eq!(story.state(), ConfigState::Inconclusive);
    story
}

#[test]
fn healthy_on_neither_is_inconclusive_and_nothing_is_quarantined() {
    let mut story = inconclusive();
    assert_eq!(story.records(), [Outcome::Inconclusive]);
    assert_eq!(story.quarantine(), [""; 0]);
    assert!(story.message().contains("healthy on neither"), "{}", story.message());
    assert_eq!(story.running(), "a on 1", "it is left alone");
    story.passes(600 * SECOND);
    assert_eq!(story.starts(), ["b on 1", "a on 1"], "no trial while the service is ill");
}

/// An inconclusive wish waits until the service is healthy. If the good environment is never healthy again (a rotated
/// password), that would be a dead end. After ten deadlines nothing healthy is at stake.
#[test]
fn after_ten_deadlines_without_health_an_inconclusive_wish_is_tried_again() {
    let mut story = inconclusive();
    story.nature("a on", Nature::Sick);
    story.weather("Web", Weather::Passing);
    story.forget();
    story.passes(890 * SECOND);
    assert_eq!(story.starts(), [""; 0]);
    story.passes(30 * SECOND);
    assert_eq!(story.starts(), ["b on 1"]);
    assert_eq!(story.state(), ConfigState::Good);
}

/// The same value written again is not tried again.
#[test]
fn a_pair_in_quarantine_stays_there_when_its_wish_comes_back() {
    let mut story = reverted();
    story.wish("a");
    assert_eq!(story.state(), ConfigState::Good);
    story.wish("b");
    story.passes(60 * SECOND);
    assert_eq!(story.starts(), [""; 0]);
    assert_eq!(story.state(), ConfigState::Reverted);
}

#[test]
fn the_inconclusive_wish_is_tried_again_once_the_service_has_been_healthy_for_min_healthy() {
    let mut story = inconclusive();
    story.forget();
    story.weather("Web", Weather::Passing);
    story.passes(10 * SECOND);
    assert_eq!(story.starts(), [""; 0]);
    story.passes(90 * SECOND);
    assert_eq!(story.starts(), ["b on 1"]);
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn it_is_tried_again_at_longer_and_longer_intervals() {
    let mut story = inconclusive();
    let mut waits = Vec::new();
    for _ in 0..9 {
        story.forget();
        story.weather("Web", Weather::Passing);
        let from = story.now();
        while story.running() != "b on 1" {
            story.passes(SECOND);
        }
        waits.push(story.now().since(from).as_secs());
        story.weather("Web", Weather::Failing);
        story.passes(181 * SECOND);
        assert_eq!(story.running(), "a on 1");
    }
    assert!(waits.iter().all(|wait| (10..=80).contains(wait)), "{waits:?}");
    assert!(waits[3..].iter().max() > Some(&13), "the backoff grows: {waits:?}");
}

#[test]
fn a_good_one_that_exits_when_it_is_gone_back_to_is_inconclusive_too() {
    let mut story = Story::good_on_a();
    story.nature("on 1", Nature::Dies);
    story.wish("b");
    story.passes(200 * SECOND);
    assert_eq!(story.quarantine(), [""; 0]);
    assert!(story.records().contains(&Outcome::Inconclusive));
    assert_eq!(story.state(), ConfigState::Inconclusive);
    story.cured();
    story.passes(300 * SECOND);
    assert_eq!(story.running(), "b on 1", "it was healthy long enough to try again");
    assert_eq!(story.good(), ["b", "a"]);
}

#[test]
fn a_newer_wish_is_tried_at_once_while_it_is_inconclusive() {
    let mut story = inconclusive();
    story.forget();
    story.wish("c");
    assert_eq!(story.starts(), ["c on 1"]);
}

#[test]
fn without_revert_the_candidate_stays_and_backs_off() {
    let mut story = Story::good_on_a_with(|policy| policy.revert = super::Revert::Never);
    story.nature("b on", Nature::Dies);
    story.wish("b");
    story.passes(60 * SECOND);
    assert!(story.starts().iter().all(|pair| pair == "b on 1"));
    assert_eq!(story.quarantine(), [""; 0]);
    assert!(story.message().contains("exited with 1"), "{}", story.message());
}

/// The candidate may have left a stale lock, so the good environment is started again until its deadline, when the
/// verdict is due.
#[test]
fn one_crash_on_the_good_environment_decides_nothing() {
    for nature in [Nature::Dies, Nature::Refuses] {
        let mut story = Story::good_on_a();
        story.nature("on 1", nature);
        story.wish("b");
        story.passes(4 * SECOND);
        assert_eq!(story.state(), ConfigState::Trial, "{nature:?}: it is started again until its time is over");
        story.cured();
        story.passes(60 * SECOND);
        assert_eq!(story.running(), "a on 1");
        assert_eq!((story.state(), story.quarantine()), (ConfigState::Reverted, vec!["b on 1".to_owned()]));
    }
}

#[test]
fn a_service_that_keeps_crashing_on_the_good_environment_is_inconclusive_at_the_deadline() {
    let mut story = Story::good_on_a();
    story.nature("on 1", Nature::Dies);
    story.wish("b");
    story.passes(88 * SECOND);
    assert_eq!(story.state(), ConfigState::Trial);
    story.passes(15 * SECOND);
    assert_eq!(story.state(), ConfigState::Inconclusive);
    assert!(story.starts().iter().skip(1).all(|pair| pair == "a on 1"), "the candidate is not tried meanwhile");
}

#[test]
fn one_liveness_failure_on_the_good_environment_decides_nothing() {
    let mut story = Story::good_on_a_with(|policy| policy.checks.push(super::check("Alive", super::Role::Liveness)));
    story.nature("b on", Nature::Dies);
    story.wish("b");
    story.passes(3 * SECOND);
    assert_eq!(story.running(), "a on 1");
    story.weather("Alive", Weather::Failing);
    story.passes(2 * SECOND);
    story.weather("Alive", Weather::Passing);
    story.passes(30 * SECOND);
    assert_eq!((story.state(), story.quarantine()), (ConfigState::Reverted, vec!["b on 1".to_owned()]));
}
