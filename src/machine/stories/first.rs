//! The first start, while nothing has been good yet.

use super::{ConfigState, Nature, Outcome, Part, SECOND, StepSetting, Story, Weather};

#[test]
fn nothing_starts_before_there_is_a_wish() {
    let mut story = Story::new();
    story.passes(900 * SECOND);
    assert_eq!(story.starts(), [""; 0]);
    assert_eq!(story.state(), ConfigState::Waiting);
}

#[test]
fn the_first_good_one_is_promoted() {
    let mut story = Story::new();
    story.wish("a");
    story.passes(5 * SECOND);
    assert_eq!(story.state(), ConfigState::Trial);
    story.passes(10 * SECOND);
    assert_eq!(story.state(), ConfigState::Good);
    assert_eq!(story.good(), ["a"]);
    assert_eq!(story.records(), [Outcome::Applied]);
}

#[test]
fn without_a_good_one_a_failure_backs_off_and_quarantines_nothing() {
    let mut story = Story::new();
    story.nature("a on", Nature::Dies);
    story.wish("a");
    story.passes(600 * SECOND);
    let starts = story.starts();
    assert!(starts.iter().all(|pair| pair == "a on 1"));
    assert!((5..40).contains(&starts.len()), "slower and slower: {}", starts.len());
    assert_eq!(story.quarantine(), [""; 0]);
    assert_eq!(story.state(), ConfigState::NoGood);
    assert!(story.message().starts_with("No good configuration yet: "), "{}", story.message());
}

#[test]
fn a_process_that_never_gets_healthy_is_left_alone_when_there_is_nothing_better() {
    let mut story = Story::new();
    story.weather("Web", Weather::Failing);
    story.wish("a");
    story.passes(900 * SECOND);
    assert_eq!(story.quarantine(), [""; 0]);
    assert_eq!(story.state(), ConfigState::NoGood);
    story.weather("Web", Weather::Passing);
    story.passes(180 * SECOND);
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn it_starts_at_once_on_a_new_wish() {
    let mut story = Story::new();
    story.nature("a on", Nature::Dies);
    story.wish("a");
    story.passes(600 * SECOND);
    while story.running() != "nothing" {
        story.passes(100);
    }
    story.forget();
    story.wish("b");
    assert_eq!(story.starts(), ["b on 1"]);
}

#[test]
fn a_wish_that_cannot_be_started_is_replaced_by_one_that_can() {
    let mut story = Story::new();
    story.nature("a on", Nature::Refuses);
    story.wish("a");
    story.passes(30 * SECOND);
    assert_eq!(story.running(), "nothing");
    story.wish("b");
    story.passes(15 * SECOND);
    assert_eq!(story.state(), ConfigState::Good);
    assert_eq!(story.good(), ["b"]);
}

#[test]
fn the_first_start_passes_the_check_command() {
    let mut story = Story::with(|policy| policy.check_command = StepSetting::Enabled);
    story.wish("a");
    assert_eq!(story.did(), ["check a", "start a"]);
}

#[test]
fn a_refusal_of_the_check_command_is_asked_about_again_while_there_is_nothing_else_to_run() {
    let mut story = Story::with(|policy| policy.check_command = StepSetting::Enabled);
    story.by_hand(Part::Check);
    story.wish("a");
    for _ in 0..8 {
        story.checked(Err("no database"));
        assert_eq!(story.state(), ConfigState::Rejected);
        story.passes(61 * SECOND);
    }
    assert_eq!(story.did().len(), 9, "asked again each time");
    assert_eq!(story.records(), [Outcome::Rejected], "said once");
    story.checked(Ok(()));
    story.passes(15 * SECOND);
    assert_eq!(story.state(), ConfigState::Good);
}
