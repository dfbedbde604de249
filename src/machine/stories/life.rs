//! The life of the process: crashes, liveness, and wishes that do not touch it.

use super::story::check;
use super::{
    ConfigState, Nature, Outcome, Part, Phase, Policy, ProbeResult, Role, SECOND, StepSetting, Story, Weather,
};

fn liveness(policy: &mut Policy) {
    policy.checks.push(check("Alive", Role::Liveness));
}

#[test]
fn a_crash_is_healed_after_a_backoff() {
    for code in [0, 1] {
        let mut story = Story::good_on_a();
        story.exits(code);
        assert_eq!(story.board().phase, Phase::BackingOff, "exit {code}");
        assert!(story.board().next_start.is_some());
        story.passes(SECOND);
        assert_eq!(story.starts(), ["a on 1"], "the first backoff is a second at the most");
    }
}

#[test]
fn the_backoff_grows_up_to_its_maximum_and_never_ends() {
    let mut story = Story::good_on_a();
    story.nature("a on", Nature::Dies);
    story.exits(1);
    story.passes(1_200 * SECOND);
    let many = story.starts().len();
    assert!((20..120).contains(&many), "{many}");
    story.passes(900 * SECOND);
    assert!(story.starts().len() >= 900 / 61);
}

#[test]
fn a_run_that_lasted_starts_the_backoff_anew() {
    let mut story = Story::good_on_a();
    story.nature("a on", Nature::Dies);
    story.exits(1);
    story.passes(1_200 * SECOND);
    story.cured();
    story.passes(200 * SECOND);
    story.exits(1);
    story.forget();
    story.passes(SECOND);
    assert_eq!(story.starts(), ["a on 1"]);
}

/// `a` is good but crash-loops; it is down now, and its next start is some seconds away.
fn backing_off() -> Story {
    let mut story = Story::good_on_a();
    story.nature("a on 1", Nature::Dies);
    story.exits(1);
    story.passes(1_200 * SECOND);
    loop {
        let now = story.now();
        if story.board().next_start.is_some_and(|at| at.since(now).as_secs() > 5) {
            story.forget();
            return story;
        }
        story.passes(100);
    }
}

#[test]
fn a_new_wish_is_tried_at_once_while_it_backs_off() {
    let mut story = backing_off();
    story.wish("b");
    assert_eq!(story.starts(), ["b on 1"]);
}

#[test]
fn a_new_build_is_tried_at_once_while_it_backs_off() {
    let mut story = backing_off();
    story.installed("2");
    assert_eq!(story.starts(), ["a on 2"]);
}

#[test]
fn the_same_build_reported_again_changes_nothing() {
    let mut story = backing_off();
    story.installed("1");
    assert_eq!(story.starts(), [""; 0]);
}

#[test]
fn liveness_restarts_the_service() {
    let mut story = Story::good_on_a_with(liveness);
    story.weather("Alive", Weather::Failing);
    story.passes(2 * SECOND);
    assert_eq!(story.starts(), [""; 0], "two of three");
    story.passes(SECOND);
    assert_eq!(story.did(), ["stop"], "and the start is under the crash backoff");
    assert_eq!(story.board().phase, Phase::BackingOff);
    assert!(story.records().contains(&Outcome::Unresponsive));
    story.weather("Alive", Weather::Passing);
    story.passes(SECOND);
    assert_eq!(story.did(), ["start a"]);
}

#[test]
fn liveness_that_goes_on_failing_backs_off() {
    let mut story = Story::good_on_a_with(liveness);
    story.weather("Alive", Weather::Failing);
    story.passes(600 * SECOND);
    let starts = story.starts().len();
    assert!((6..60).contains(&starts), "{starts}");
}

#[test]
fn liveness_counts_only_after_the_first_success_of_readiness_in_this_run() {
    let mut story = Story::good_on_a_with(liveness);
    story.weather("Web", Weather::Failing);
    story.weather("Alive", Weather::Failing);
    story.exits(1);
    story.passes(600 * SECOND);
    assert_eq!(story.starts(), ["a on 1"], "it has never been ready in this run");
}

#[test]
fn with_a_startup_check_liveness_counts_only_after_its_first_success() {
    let mut story = Story::good_on_a_with(|policy| {
        liveness(policy);
        policy.checks.push(check("Warm", Role::Startup));
    });
    story.weather("Warm", Weather::Failing);
    story.weather("Alive", Weather::Failing);
    story.exits(1);
    story.passes(600 * SECOND);
    assert_eq!(story.starts(), ["a on 1"], "readiness does not stand in for startup");
    story.probe("Warm", ProbeResult::Pass);
    story.passes(10 * SECOND);
    assert_eq!(story.starts(), ["a on 1"], "it was restarted");
}

#[test]
fn liveness_is_off_while_stopping() {
    let mut story = Story::good_on_a_with(liveness);
    story.by_hand(Part::Stop);
    story.wish("b");
    assert_eq!(story.pace(), None, "nothing is probed");
    story.forget();
    for _ in 0..5 {
        story.probe("Alive", ProbeResult::Fail("late".into()));
    }
    assert_eq!(story.did(), [""; 0]);
    assert!(!story.records().contains(&Outcome::Unresponsive));
}

#[test]
fn readiness_never_restarts() {
    let mut story = Story::good_on_a();
    story.weather("Web", Weather::Failing);
    story.passes(900 * SECOND);
    assert_eq!(story.did(), [""; 0]);
    assert!(!story.board().healthy);
    assert_eq!(story.state(), ConfigState::Good, "the configuration is not to blame");
}

#[test]
fn an_unfit_wish_leaves_the_service_alone() {
    let mut story = Story::good_on_a();
    story.unfit();
    story.passes(60 * SECOND);
    assert_eq!(story.did(), [""; 0]);
    assert_eq!(story.state(), ConfigState::Rejected);
    assert!(story.message().starts_with("Rejected: "), "{}", story.message());
    assert!(story.board().healthy);
    assert!(!story.board().config.settled);
    story.exits(1);
    story.passes(10 * SECOND);
    assert_eq!(story.starts(), ["a on 1"], "a crash is healed meanwhile");
    story.wish("b");
    story.passes(15 * SECOND);
    assert_eq!(story.state(), ConfigState::Good);
}

#[test]
fn a_wish_that_the_check_command_refuses_leaves_the_service_alone() {
    let mut story = Story::good_on_a_with(|policy| policy.check_command = StepSetting::Enabled);
    story.by_hand(Part::Check);
    story.wish("b");
    story.checked(Err("no such queue"));
    story.passes(60 * SECOND);
    assert_eq!(story.did(), ["check b"]);
    assert_eq!(story.state(), ConfigState::Rejected);
    assert!(story.message().contains("no such queue"), "{}", story.message());
    assert_eq!(story.records(), [Outcome::Rejected]);
}

#[test]
fn an_unfit_wish_ends_the_journey_of_the_one_before() {
    let mut story = Story::good_on_a_with(|policy| policy.turn = StepSetting::Enabled);
    story.by_hand(Part::Turn);
    story.wish("b");
    story.unfit();
    assert_eq!(story.did(), ["ask turn", "return turn"]);
}

#[test]
fn a_signal_is_passed_on_to_a_process_that_runs_and_to_no_other() {
    let mut story = Story::good_on_a();
    story.signal(10);
    assert_eq!(story.did(), ["signal 10"]);
    story.exits(1);
    story.signal(10);
    assert_eq!(story.did(), [""; 0]);
}

#[test]
fn a_new_policy_never_touches_a_running_process() {
    let mut story = Story::good_on_a();
    story.policy(|policy| {
        policy.checks = vec![check("New", Role::Readiness)];
        policy.min_healthy = std::time::Duration::from_secs(1);
        policy.deadline = std::time::Duration::from_secs(5);
    });
    story.passes(60 * SECOND);
    assert_eq!(story.did(), [""; 0]);
    assert_eq!(story.state(), ConfigState::Good);
    assert_eq!(story.board().checks[0].name, "New");
}

#[test]
fn failures_of_liveness_from_before_it_counts_are_forgotten() {
    let mut story = Story::good_on_a_with(liveness);
    story.weather("Web", Weather::Failing);
    story.weather("Alive", Weather::Failing);
    story.exits(1);
    story.passes(30 * SECOND);
    story.weather("Web", Weather::Passing);
    story.passes(2 * SECOND);
    story.weather("Alive", Weather::Passing);
    story.passes(60 * SECOND);
    assert_eq!(story.starts(), ["a on 1"], "a slow start is no reason to be restarted once it is over");
}

#[test]
fn a_refused_wish_is_checked_again_when_it_comes_back() {
    let mut story = Story::good_on_a_with(|policy| policy.check_command = StepSetting::Enabled);
    story.by_hand(Part::Check);
    story.wish("b");
    story.checked(Err("no such queue"));
    story.wish("a");
    story.wish("b");
    assert_eq!(story.did(), ["check b", "check b"]);
}

/// Where no startup or readiness check shows the end of a start, liveness counts once the deadline has passed.
#[test]
fn a_process_that_hangs_from_its_start_is_restarted_once_it_is_overdue() {
    let mut story = Story::good_on_a_with(|policy| {
        policy.checks.clear();
        liveness(policy);
    });
    story.weather("Alive", Weather::Failing);
    story.restart();
    story.passes(89 * SECOND);
    assert_eq!(story.starts(), ["a on 1"], "a start may take its time");
    story.passes(10 * SECOND);
    assert!(story.records().contains(&Outcome::Unresponsive));
    assert_eq!(story.starts(), ["a on 1"], "once more");

    let mut story = Story::good_on_a_with(liveness);
    story.weather("Web", Weather::Failing);
    story.weather("Alive", Weather::Failing);
    story.restart();
    story.passes(600 * SECOND);
    assert_eq!(story.starts(), ["a on 1"], "where readiness tells, liveness waits for it");
}
