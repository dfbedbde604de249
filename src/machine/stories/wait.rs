//! The quiet time: several edits become one change.

use std::time::Duration;

use super::{ConfigState, Nature, Outcome, Part, Policy, SECOND, Story, Weather};

fn wait(policy: &mut Policy) {
    policy.quiet_min = Duration::from_secs(1);
    policy.quiet_max = Duration::from_secs(4);
}

#[test]
fn a_change_waits_until_it_has_been_quiet() {
    let mut story = Story::good_on_a_with(wait);
    story.wish("b");
    story.passes(SECOND - 1);
    assert_eq!(story.starts(), [""; 0]);
    assert_eq!(story.state(), ConfigState::Pending);
    story.passes(1);
    assert_eq!(story.starts(), ["b on 1"]);
}

#[test]
fn every_edit_starts_the_quiet_time_anew() {
    let mut story = Story::good_on_a_with(wait);
    story.wish("b");
    story.passes(900);
    story.wish("c");
    story.passes(900);
    assert_eq!(story.starts(), [""; 0]);
    story.passes(100);
    assert_eq!(story.starts(), ["c on 1"]);
}

#[test]
fn after_the_maximum_a_change_goes_on_although_edits_continue() {
    let mut story = Story::good_on_a_with(wait);
    for name in ["b", "c", "d", "e", "f", "g"] {
        story.wish(name);
        story.passes(700);
    }
    assert_eq!(story.starts(), ["g on 1"], "four seconds after the first edit");
}

#[test]
fn with_a_minimum_of_zero_a_change_goes_on_at_once() {
    let mut story = Story::good_on_a();
    story.wish("b");
    assert_eq!(story.starts(), ["b on 1"]);
}

#[test]
fn the_first_start_is_not_delayed() {
    let mut story = Story::with(wait);
    story.wish("a");
    assert_eq!(story.starts(), ["a on 1"]);
}

#[test]
fn an_edit_that_is_undone_in_time_changes_nothing() {
    let mut story = Story::good_on_a_with(wait);
    story.wish("b");
    story.passes(500);
    story.wish("a");
    story.passes(60 * SECOND);
    assert_eq!(story.starts(), [""; 0]);
    assert_eq!(story.state(), ConfigState::Good);
}

/// A key that changes every three seconds, while a trial takes ten.
fn restless(story: &mut Story, changes: usize) {
    for name in ('b'..='y').cycle().take(changes) {
        story.wish(&name.to_string());
        story.passes(3 * SECOND);
    }
}

/// Two trials in a row are superseded at once; after that a newer wish waits while a trial is going on: for
/// `min_healthy` from its first edit on, then for twice as long each time, up to `deadline`, by which every trial has
/// its verdict.
#[test]
fn a_key_that_changes_all_the_time_still_gets_verdicts() {
    let mut story = Story::good_on_a();
    restless(&mut story, 40);
    let (starts, records) = (story.starts(), story.records());
    let verdicts = records.iter().filter(|outcome| **outcome == Outcome::Applied).count();
    assert!(verdicts >= 6, "in two minutes: {records:?}");
    assert!(starts.len() <= 27, "instead of 40: {starts:?}");
    let longest = records.split(|outcome| *outcome == Outcome::Applied).map(<[_]>::len).max();
    assert!(longest <= Some(3), "so many in a row are superseded: {records:?}");
}

#[test]
fn once_the_key_stops_changing_the_newest_wish_runs() {
    let mut story = Story::good_on_a();
    restless(&mut story, 17);
    story.wish("z");
    story.passes(90 * SECOND);
    assert_eq!((story.running(), story.good()[0]), ("z on 1", "z"));
}

#[test]
fn a_correction_of_a_mistake_does_not_wait() {
    let mut story = Story::good_on_a();
    for name in ["b", "c"] {
        story.wish(name);
        story.passes(SECOND);
    }
    story.wish("d");
    assert_eq!(story.starts(), ["b on 1", "c on 1", "d on 1"]);
    story.passes(15 * SECOND);
    story.wish("e");
    story.wish("f");
    assert_eq!(story.starts(), ["e on 1", "f on 1"], "a verdict forgets what was superseded");
}

#[test]
fn a_wish_does_not_wait_for_a_trial_that_has_failed() {
    let mut story = Story::good_on_a();
    for name in ["b", "c"] {
        story.wish(name);
        story.passes(SECOND);
    }
    story.nature("d on", Nature::Dies);
    story.wish("d");
    story.passes(500);
    story.wish("e");
    assert_eq!(story.starts(), ["b on 1", "c on 1", "d on 1"], "its trial goes on");
    story.passes(600);
    assert_eq!(story.running(), "e on 1");
}

#[test]
fn while_nothing_runs_the_newest_wish_does_not_wait() {
    let mut story = Story::good_on_a();
    story.weather("Web", Weather::Silent);
    for name in ["b", "c", "d"] {
        story.wish(name);
        story.passes(SECOND);
    }
    story.by_hand(Part::Stop);
    story.wish("e");
    story.passes(11 * SECOND);
    assert_eq!(story.did().last().map(String::as_str), Some("stop"));
    story.wish("f");
    story.exits(0);
    assert_eq!(story.running(), "f on 1");
}
