//! The shutdown, from every state.

use std::time::Duration;

use super::{Nature, Part, Phase, SECOND, StepSetting, Story, Weather};

/// Every state, with a name.
fn states() -> Vec<(&'static str, Story)> {
    let mut states = Vec::new();
    let mut put = |name, story: Story| states.push((name, story));

    put("absent", Story::new());

    let mut story = Story::good_on_a();
    story.exits(1);
    put("backing off", story);

    let mut story = Story::new();
    story.by_hand(Part::Start);
    story.wish("a");
    put("starting", story);

    let mut story = Story::good_on_a();
    story.wish("b");
    put("on trial", story);

    put("up", Story::good_on_a());

    let mut story = Story::good_on_a();
    story.by_hand(Part::Stop);
    story.wish("b");
    put("switching", story);

    let mut story = Story::good_on_a();
    story.nature("b on", Nature::Sick);
    story.wish("b");
    story.by_hand(Part::Stop);
    story.passes(90 * SECOND);
    put("stopping a failed one", story);

    let mut story = Story::good_on_a();
    story.nature("b on", Nature::Dies);
    story.wish("b");
    story.passes(SECOND);
    put("reverting", story);

    let mut story = Story::good_on_a_with(|policy| policy.check_command = StepSetting::Enabled);
    story.by_hand(Part::Check);
    story.wish("b");
    put("checking", story);

    let mut story = Story::good_on_a_with(|policy| policy.turn = StepSetting::Enabled);
    story.by_hand(Part::Turn);
    story.wish("b");
    put("waiting for the turn", story);

    let mut story = Story::good_on_a_with(|policy| policy.drain_max = Some(Duration::from_secs(30)));
    story.by_hand(Part::Traffic);
    story.wish("b");
    put("draining", story);

    let mut story = Story::good_on_a();
    story.weather("Web", Weather::Failing);
    story.wish("b");
    story.passes(181 * SECOND);
    put("inconclusive", story);

    states
}

#[test]
fn the_service_is_stopped_and_lictor_may_end() {
    for (name, mut story) in states() {
        story.shutdown();
        assert!(story.board().stopping, "{name}");
        if story.running() != "nothing" {
            assert!(matches!(story.board().phase, Phase::Leaving | Phase::Stopping), "{name}");
            story.exits(0);
        }
        assert!(story.machine.is_finished(), "{name}");
        assert_eq!(story.held(), 0, "{name}: a turn is left behind");
    }
}

#[test]
fn nothing_starts_after_a_shutdown() {
    for (name, mut story) in states() {
        story.shutdown();
        story.forget();
        story.wish("c");
        story.installed("9");
        if story.running() != "nothing" {
            story.exits(1);
        }
        story.passes(900 * SECOND);
        assert_eq!(story.starts(), [""; 0], "{name}");
        assert_eq!(story.running(), "nothing", "{name}");
    }
}

#[test]
fn a_second_shutdown_kills_the_process() {
    let mut story = Story::good_on_a();
    story.by_hand(Part::Stop);
    story.shutdown();
    assert_eq!(story.did(), ["stop"]);
    story.shutdown();
    assert_eq!(story.did(), ["kill"]);
    story.exits(137);
    assert!(story.machine.is_finished());
}

#[test]
fn a_shutdown_while_a_process_is_being_stopped_waits_for_it_and_a_second_one_kills_it() {
    let mut story = Story::good_on_a();
    story.by_hand(Part::Stop);
    story.wish("b");
    story.forget();
    story.shutdown();
    assert_eq!(story.did(), [""; 0], "the stop goes on");
    story.shutdown();
    assert_eq!(story.did(), ["kill"]);
}

#[test]
fn a_second_shutdown_without_a_process_does_nothing() {
    let mut story = Story::new();
    story.shutdown();
    story.shutdown();
    assert_eq!(story.did(), [""; 0]);
    assert!(story.machine.is_finished());
}
