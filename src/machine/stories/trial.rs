//! What a trial must show, and by when.

use std::time::Duration;

use super::story::check;
use super::{ConfigState, Nature, Outcome, Pace, Part, Policy, ProbeResult, Role, SECOND, StepSetting, Story, Weather};
use crate::machine::board::StepName;

fn no_checks(policy: &mut Policy) {
    policy.checks.clear();
}

fn liveness(policy: &mut Policy) {
    policy.checks.push(check("Alive", Role::Liveness));
}

fn failed() -> ProbeResult {
    ProbeResult::Fail("503".into())
}

#[test]
fn healthy_for_min_healthy_is_good() {
    let mut story = Story::good_on_a();
    story.wish("b");
    story.passes(10 * SECOND);
    assert_eq!(story.state(), ConfigState::Trial, "healthy since the first second");
    story.passes(2 * SECOND);
    assert_eq!(story.state(), ConfigState::Good);
    assert_eq!(story.records(), [Outcome::Applied]);
    assert_eq!(story.good(), ["b", "a"]);
}

#[test]
fn a_failed_probe_starts_the_healthy_time_anew() {
    let mut story = Story::good_on_a_with(|policy| policy.checks[0].fall = 1);
    story.wish("b");
    story.passes(8 * SECOND);
    story.weather("Web", Weather::Failing);
    story.passes(SECOND);
    story.weather("Web", Weather::Passing);
    story.passes(10 * SECOND);
    assert_eq!(story.state(), ConfigState::Trial);
    story.passes(2 * SECOND);
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn every_failed_probe_interrupts_the_healthy_time_whatever_fall_is() {
    let mut story = Story::good_on_a_with(|policy| policy.checks[0].fall = 3);
    story.wish("b");
    story.passes(8 * SECOND + 500);
    story.probe("Web", failed());
    story.passes(10 * SECOND);
    assert_eq!(story.state(), ConfigState::Trial);
    story.passes(2 * SECOND);
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn not_healthy_by_the_deadline_has_failed() {
    let mut story = Story::good_on_a();
    story.nature("b on", Nature::Sick);
    story.wish("b");
    story.passes(90 * SECOND - 1);
    assert_eq!(story.running(), "b on 1");
    story.passes(1);
    assert_eq!(story.running(), "a on 1");
}

#[test]
fn a_run_that_is_healthy_too_late_for_min_healthy_by_the_deadline_has_failed() {
    let mut story = Story::good_on_a();
    story.weather("Web", Weather::Failing);
    story.wish("b");
    story.passes(85 * SECOND);
    story.weather("Web", Weather::Passing);
    story.passes(6 * SECOND);
    assert_eq!(story.running(), "a on 1");
}

#[test]
fn both_times_are_counted_from_the_start_of_the_process() {
    let mut story = Story::good_on_a_with(no_checks);
    story.by_hand(Part::Start);
    story.wish("b");
    story.passes(5 * SECOND);
    story.started();
    story.passes(10 * SECOND - 1);
    assert_eq!(story.state(), ConfigState::Trial);
    story.passes(1);
    assert_eq!(story.state(), ConfigState::Good);

    let mut story = Story::good_on_a();
    story.by_hand(Part::Start);
    story.nature("b on", Nature::Sick);
    story.wish("b");
    story.passes(5 * SECOND);
    story.started();
    let deadline = story.started_at() + Duration::from_secs(90);
    assert_eq!(story.board().candidate.and_then(|candidate| candidate.deadline), Some(deadline));
    story.passes(89 * SECOND);
    assert_eq!(story.starts(), ["b on 1"]);
    story.passes(2 * SECOND);
    assert_eq!(story.starts(), ["a on 1"]);
}

#[test]
fn each_readiness_check_must_have_passed_twice() {
    let mut story = Story::good_on_a_with(|policy| policy.checks.push(check("Queue", Role::Readiness)));
    story.weather("Queue", Weather::Silent);
    story.wish("b");
    story.passes(2 * SECOND);
    story.probe("Queue", ProbeResult::Pass);
    story.passes(30 * SECOND);
    assert_eq!(story.state(), ConfigState::Trial, "one success may be luck");
    story.probe("Queue", ProbeResult::Pass);
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn probes_are_paced_for_the_trial_and_as_configured_afterwards() {
    let mut story = Story::good_on_a();
    assert_eq!(story.pace(), Some(Pace::Normal));
    story.wish("b");
    story.passes(SECOND);
    assert_eq!(story.pace(), Some(Pace::Trial));
    story.passes(12 * SECOND);
    assert_eq!(story.pace(), Some(Pace::Normal));
}

#[test]
fn a_liveness_failure_fails_the_trial_and_does_not_restart() {
    let mut story = Story::good_on_a_with(liveness);
    story.wish("b");
    story.passes(2 * SECOND + 500);
    story.probe("Alive", failed());
    assert_eq!(story.starts(), ["b on 1", "a on 1"], "back, and not once more");
    assert!(!story.records().contains(&Outcome::Unresponsive));
    story.passes(30 * SECOND);
    assert_eq!(story.quarantine(), ["b on 1"]);
}

#[test]
fn liveness_counts_only_after_the_first_success_of_readiness() {
    let mut story = Story::good_on_a_with(liveness);
    story.weather("Web", Weather::Failing);
    story.weather("Alive", Weather::Failing);
    story.wish("b");
    story.passes(60 * SECOND);
    assert_eq!(story.running(), "b on 1");
    story.weather("Web", Weather::Passing);
    story.weather("Alive", Weather::Passing);
    story.passes(12 * SECOND);
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn without_checks_a_process_that_is_alive_is_healthy() {
    let mut story = Story::good_on_a_with(no_checks);
    story.wish("b");
    assert!(story.board().healthy);
    story.passes(10 * SECOND);
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn a_candidate_that_exits_has_failed_at_once() {
    for code in [0, 1] {
        let mut story = Story::good_on_a();
        story.wish("b");
        story.passes(9 * SECOND);
        story.exits(code);
        assert_eq!(story.running(), "a on 1", "exit {code}");
    }
}

#[test]
fn a_candidate_that_cannot_be_started_has_failed() {
    let mut story = Story::good_on_a();
    story.nature("b on", Nature::Refuses);
    story.wish("b");
    assert_eq!(story.running(), "a on 1");
    story.passes(15 * SECOND);
    assert_eq!(story.quarantine(), ["b on 1"]);
}

#[test]
fn a_check_that_only_informs_does_not_count() {
    let mut story = Story::good_on_a_with(|policy| policy.checks.push(check("Disk", Role::Info)));
    story.weather("Disk", Weather::Failing);
    story.wish("b");
    story.passes(12 * SECOND);
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn a_startup_check_must_have_succeeded_too() {
    let mut story = Story::good_on_a_with(|policy| policy.checks.push(check("Warm", Role::Startup)));
    story.weather("Warm", Weather::Failing);
    story.wish("b");
    story.passes(30 * SECOND);
    assert_eq!(story.state(), ConfigState::Trial);
    story.weather("Warm", Weather::Passing);
    story.passes(12 * SECOND);
    assert_eq!(story.state(), ConfigState::Good);
}

/// A check that has not passed in the last third of `min_healthy` may be hanging.
#[test]
fn a_probe_that_hangs_at_the_end_is_waited_for() {
    let mut story = Story::good_on_a();
    story.wish("b");
    story.passes(6 * SECOND);
    story.weather("Web", Weather::Silent);
    story.passes(20 * SECOND);
    assert_eq!(story.state(), ConfigState::Trial, "nobody knows how it is");
    story.probe("Web", failed());
    story.passes(63 * SECOND);
    assert_eq!(story.running(), "b on 1");
    story.passes(2 * SECOND);
    assert_eq!(story.running(), "a on 1", "it was not shown to be healthy by the deadline");

    let mut story = Story::good_on_a();
    story.wish("b");
    story.passes(6 * SECOND);
    story.weather("Web", Weather::Silent);
    story.passes(20 * SECOND);
    story.probe("Web", ProbeResult::Pass);
    assert_eq!(story.state(), ConfigState::Good, "it was merely slow");
}

#[test]
fn a_line_of_history_tells_how_long_each_step_took() {
    let mut story = Story::good_on_a_with(|policy| {
        (policy.check_command, policy.turn) = (StepSetting::Enabled, StepSetting::Enabled);
        policy.quiet_min = Duration::from_millis(100);
    });
    story.by_hand(Part::Check);
    story.by_hand(Part::Turn);
    story.wish("b");
    story.passes(400);
    story.checked(Ok(()));
    story.passes(3 * SECOND);
    story.by_hand(Part::Stop);
    story.turn_granted();
    story.passes(2 * SECOND);
    story.exits(0);
    story.passes(15 * SECOND);
    let mut steps = |outcome| {
        let entry = story.board().history.into_iter().rfind(|entry| entry.outcome == outcome).expect("a line");
        entry.steps.iter().collect::<Vec<_>>()
    };
    let found = steps(Outcome::Applied);
    let (before, trial) = found.split_at(4);
    let expected =
        [(StepName::Settling, 100), (StepName::Checked, 300), (StepName::Turn, 3_000), (StepName::Switched, 2_000)];
    assert_eq!(before, expected);
    assert!(matches!(trial, [(StepName::Trial, 10_000..=11_000)]), "{trial:?}");

    story.nature("c on", Nature::Dies);
    story.wish("c");
    story.passes(100);
    story.checked(Ok(()));
    story.turn_granted();
    story.exits(0);
    story.passes(2 * SECOND);
    story.turn_granted();
    story.passes(15 * SECOND);
    let entry = story.board().history.into_iter().rfind(|entry| entry.outcome == Outcome::Reverted).expect("a line");
    assert_eq!(entry.steps.iter().collect::<Vec<_>>(), [(StepName::Settling, 100), (StepName::Trial, 1_000)]);
}

/// A pause of the VM that is longer than the deadline does not fail the change.
#[test]
fn a_pause_of_the_host_does_not_count_for_a_trial() {
    let mut story = Story::good_on_a();
    story.wish("b");
    story.passes(2 * SECOND);
    story.stands_still(600 * SECOND);
    story.passes(12 * SECOND);
    assert_eq!(story.running(), "b on 1");
    assert_eq!(story.good(), ["b", "a"]);
}

#[test]
fn a_pause_of_the_host_does_not_count_as_healthy() {
    let mut story = Story::good_on_a();
    story.wish("b");
    story.passes(4 * SECOND);
    story.stands_still(600 * SECOND);
    story.passes(3 * SECOND);
    assert_eq!(story.state(), ConfigState::Trial, "seven seconds of health are not ten");
}
