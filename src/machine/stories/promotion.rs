//! A promotion can be taken back.

use super::{ConfigState, Nature, Outcome, SECOND, StepSetting, Story, Weather};

/// `a` has been good for long, `b` has just been promoted.
fn promoted() -> Story {
    let mut story = Story::good_on_a();
    story.wish("b");
    story.passes(12 * SECOND);
    assert_eq!(story.good(), ["b", "a"]);
    story.forget();
    story
}

#[test]
fn a_generation_that_starts_crash_looping_soon_after_its_promotion_is_taken_back() {
    let mut story = promoted();
    story.nature("b on", Nature::Dies);
    story.exits(1);
    story.passes(60 * SECOND);
    assert_eq!(story.running(), "a on 1");
    assert_eq!(story.quarantine(), ["b on 1"]);
    assert_eq!(story.good(), ["a"]);
    assert_eq!(story.state(), ConfigState::Reverted);
    assert!(story.records().contains(&Outcome::Reverted));
}

#[test]
fn a_single_crash_never_reverts() {
    let mut story = promoted();
    story.exits(1);
    story.passes(120 * SECOND);
    assert_eq!(story.starts(), ["b on 1"]);
    assert_eq!(story.good(), ["b", "a"]);
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn later_crashes_only_back_off() {
    let mut story = promoted();
    story.passes(61 * SECOND);
    story.nature("b on", Nature::Dies);
    story.exits(1);
    story.passes(600 * SECOND);
    let starts = story.starts();
    assert!(starts.len() > 4 && starts.iter().all(|pair| pair == "b on 1"), "{starts:?}");
    assert_eq!(story.good(), ["b", "a"]);
}

#[test]
fn without_an_older_good_one_it_only_backs_off() {
    let mut story = Story::new();
    story.wish("a");
    story.passes(12 * SECOND);
    story.nature("a on", Nature::Dies);
    story.exits(1);
    story.passes(600 * SECOND);
    assert!(story.starts().iter().all(|pair| pair == "a on 1"));
    assert_eq!(story.quarantine(), [""; 0]);
    assert_eq!(story.good(), ["a"]);
}

#[test]
fn a_crash_now_and_then_does_not_revert() {
    let mut story = Story::good_on_a();
    for _ in 0..20 {
        story.passes(90 * SECOND);
        story.exits(1);
    }
    story.passes(90 * SECOND);
    assert!(story.starts().iter().all(|pair| pair == "a on 1"));
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn if_the_older_one_crashes_as_well_nothing_is_quarantined() {
    let mut story = promoted();
    story.nature("on 1", Nature::Dies);
    story.exits(1);
    story.passes(600 * SECOND);
    assert_eq!(story.quarantine(), [""; 0], "perhaps the host is ill, and not b");
    assert_eq!(story.good(), ["a"], "but b has to prove itself once more");
    story.cured();
    story.passes(300 * SECOND);
    assert_eq!(story.running(), "b on 1", "the wish runs in the end");
}

#[test]
fn a_revert_does_not_count_as_a_new_promotion() {
    let mut story = Story::good_on_a();
    story.becomes_good("b");
    story.nature("c on", Nature::Dies);
    story.wish("c");
    story.passes(15 * SECOND);
    assert_eq!(story.quarantine(), ["c on 1"]);
    story.forget();
    story.nature("b on", Nature::Dies);
    story.exits(1);
    story.passes(300 * SECOND);
    assert!(story.starts().iter().all(|pair| pair == "b on 1"), "its promotion is long ago");
    assert_eq!(story.quarantine(), ["c on 1"]);
}

#[test]
fn a_service_that_gets_sick_while_it_is_watched_is_taken_back() {
    let mut story = promoted();
    story.passes(20 * SECOND);
    story.nature("b on", Nature::Sick);
    story.passes(SECOND);
    assert_eq!(story.running(), "b on 1", "one failed probe is none: `fall` counts");
    story.passes(3 * SECOND);
    assert_eq!(story.running(), "a on 1");
    story.passes(12 * SECOND);
    assert_eq!(story.state(), ConfigState::Reverted);
    assert_eq!(story.quarantine(), ["b on 1"]);
    assert_eq!(story.good(), ["a"]);
    let message = story.board().config.message.expect("it is said loudly");
    assert!(message.contains("unhealthy soon after it was good: Web: 503"), "{message}");
}

#[test]
fn a_service_that_gets_sick_after_the_watch_or_with_the_watch_off_is_not_taken_back() {
    let mut late = promoted();
    late.passes(61 * SECOND);
    let mut off = promoted();
    off.policy(|policy| policy.watch = std::time::Duration::ZERO);
    for (name, mut story) in [("late", late), ("off", off)] {
        story.nature("b on", Nature::Sick);
        story.passes(300 * SECOND);
        assert_eq!((story.starts(), story.good()), (Vec::new(), vec!["b", "a"]), "{name}");
    }
}

#[test]
fn a_service_that_is_sick_on_the_older_one_as_well_is_inconclusive_and_halts_no_other_host() {
    let mut story = Story::good_on_a_with(|policy| policy.turn = StepSetting::Enabled);
    story.wish("b");
    story.passes(12 * SECOND);
    story.forget();
    story.weather("Web", Weather::Failing);
    story.passes(95 * SECOND);
    assert_eq!(story.did(), ["halt b", "stop", "start a", "end halt b"]);
    assert_eq!(story.state(), ConfigState::Inconclusive);
    assert_eq!(story.quarantine(), [""; 0]);
}
