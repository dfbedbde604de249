//! A new build: lictor cannot take it back, unlike a new environment.

use super::{ConfigState, Nature, Outcome, Pace, Part, SECOND, StepSetting, Story};

/// Build 2 is installed and started under `a`, which is good with build 1.
fn new_build_under_a(nature: Nature) -> Story {
    let mut story = Story::good_on_a();
    story.installed("2");
    story.nature("on 2", nature);
    story.restart();
    story.forget();
    story
}

#[test]
fn a_new_build_that_fails_under_the_same_environment_is_not_ours_to_take_back() {
    for nature in [Nature::Dies, Nature::Sick] {
        let mut story = new_build_under_a(nature);
        story.passes(100 * SECOND);
        assert_eq!(story.state(), ConfigState::BuildFailed, "{nature:?}");
        assert!(story.message().to_lowercase().contains("build failed"), "{}", story.message());
        assert!(story.records().contains(&Outcome::BuildFailed), "{nature:?}");
        assert_eq!(story.quarantine(), [""; 0]);
        assert_eq!(story.good(), ["a"]);
    }
}

#[test]
fn a_new_build_that_fails_backs_off_and_is_good_once_it_is_healthy() {
    let mut story = new_build_under_a(Nature::Dies);
    story.passes(600 * SECOND);
    let failures = story.records().iter().filter(|record| **record == Outcome::BuildFailed).count();
    assert_eq!(failures, 1, "said once");
    let starts = story.starts();
    assert!(starts.iter().all(|pair| pair == "a on 2"), "{starts:?}");
    assert!((5..40).contains(&starts.len()), "it keeps trying, slower and slower: {}", starts.len());
    story.cured();
    story.passes(120 * SECOND);
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn another_build_is_tried_at_once() {
    let mut story = new_build_under_a(Nature::Dies);
    story.passes(601 * SECOND);
    while story.running() != "nothing" {
        story.passes(100);
    }
    story.forget();
    story.installed("3");
    assert_eq!(story.starts(), ["a on 3"]);
    story.passes(15 * SECOND);
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn if_both_changed_the_wish_comes_first_then_the_good_environment_on_the_new_build() {
    let mut story = Story::good_on_a();
    story.installed("2");
    story.nature("b on 2", Nature::Dies);
    story.wish("b");
    story.passes(20 * SECOND);
    assert_eq!(story.starts(), ["b on 2", "a on 2"]);
    assert_eq!(story.quarantine(), ["b on 2"]);
    assert_eq!(story.state(), ConfigState::Reverted);
}

#[test]
fn if_both_changed_and_both_fail_the_build_is_to_blame() {
    for nature in [Nature::Dies, Nature::Sick] {
        let mut story = Story::good_on_a();
        story.installed("2");
        story.nature("on 2", nature);
        story.wish("b");
        story.passes(200 * SECOND);
        assert_eq!(story.state(), ConfigState::BuildFailed, "{nature:?}");
        assert_eq!(story.quarantine(), [""; 0]);
        assert_eq!(story.starts()[..2], ["b on 2", "a on 2"]);
    }
}

#[test]
fn a_new_build_under_the_same_environment_is_on_trial() {
    let mut story = Story::good_on_a();
    story.installed("2");
    story.restart();
    story.passes(5 * SECOND);
    assert_eq!(story.running(), "a on 2");
    assert!(!story.board().config.settled, "ValidateService has to wait");
    story.passes(10 * SECOND);
    assert_eq!(story.state(), ConfigState::Good);
    assert!(story.board().config.settled);
}

#[test]
fn a_good_pair_is_started_without_a_trial() {
    let mut story = Story::good_on_a();
    story.restart();
    assert_eq!(story.starts(), ["a on 1"]);
    assert_eq!(story.state(), ConfigState::Good);
    assert!(story.board().config.settled);
    assert_eq!(story.pace(), Some(Pace::Normal));
    assert_eq!(story.board().candidate, None);
}

#[test]
fn an_old_build_that_is_put_back_is_good_with_the_environments_that_it_was_good_with() {
    let mut story = Story::good_on_a();
    story.installed("2");
    story.restart();
    story.passes(15 * SECOND);
    story.installed("1");
    story.restart();
    assert_eq!(story.running(), "a on 1");
    assert_eq!(story.state(), ConfigState::Good, "no trial");
}

#[test]
fn an_old_build_that_is_put_back_is_still_in_quarantine_with_what_failed_on_it() {
    let mut story = Story::good_on_a();
    story.nature("b on 1", Nature::Dies);
    story.wish("b");
    story.passes(15 * SECOND);
    story.installed("2");
    story.passes(180 * SECOND);
    assert_eq!(story.running(), "b on 2");
    story.forget();
    story.installed("1");
    story.restart();
    story.passes(60 * SECOND);
    assert_eq!(story.starts(), ["a on 1"]);
    assert_eq!(story.state(), ConfigState::Reverted);
}

#[test]
fn a_build_that_is_installed_while_the_old_one_runs_is_tried_at_once_when_that_ends() {
    let mut story = Story::good_on_a();
    story.nature("on 1", Nature::Dies);
    story.exits(1);
    story.passes(600 * SECOND);
    while story.running() != "a on 1" {
        story.passes(100);
    }
    story.installed("2");
    story.forget();
    story.exits(1);
    assert_eq!(story.starts(), ["a on 2"]);
    assert_eq!(story.state(), ConfigState::Trial, "what the old one did is not held against it");
}

#[test]
fn a_crash_of_long_ago_is_not_held_against_a_new_build() {
    let mut story = Story::good_on_a();
    story.exits(1);
    story.passes(600 * SECOND);
    story.installed("2");
    story.restart();
    assert_eq!(story.state(), ConfigState::Trial);
}

#[test]
fn a_new_build_that_crash_loops_soon_after_it_was_good_is_not_taken_back_to_an_older_environment() {
    let mut story = Story::good_on_a();
    story.becomes_good("b");
    story.installed("2");
    story.restart();
    story.passes(12 * SECOND);
    assert_eq!(story.state(), ConfigState::Good);
    story.forget();
    story.nature("on 2", Nature::Dies);
    story.exits(1);
    story.passes(300 * SECOND);
    assert!(story.starts().iter().all(|pair| pair == "b on 2"), "the environment did not change");
    assert_eq!(story.quarantine(), [""; 0]);
}

#[test]
fn what_the_check_command_of_an_old_build_refused_is_checked_again_by_a_new_one() {
    let mut story = Story::good_on_a_with(|policy| policy.check_command = StepSetting::Enabled);
    story.by_hand(Part::Check);
    story.wish("b");
    story.checked(Err("unknown variable"));
    story.forget();
    story.installed("2");
    assert_eq!(story.did(), ["check b"]);
    story.checked(Ok(()));
    story.passes(15 * SECOND);
    assert_eq!(story.running(), "b on 2");
    assert_eq!(story.state(), ConfigState::Good);
}
