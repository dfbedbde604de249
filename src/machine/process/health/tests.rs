use std::time::Duration;

use proptest::prelude::*;

use super::{Health, KEPT, Latencies, Patience};
use crate::machine::board::CheckState;
use crate::machine::event::ProbeResult;
use crate::machine::moment::Moment;
use crate::machine::policy::{CheckRule, Role};

fn rule(name: &str, role: Role, rise: u32, fall: u32) -> CheckRule {
    CheckRule { name: name.into(), role, rise, fall, good: "Good".into(), bad: "Bad".into() }
}

/// Adds `p`asses and `f`ailures of check 0, one a millisecond.
fn fed(rules: &[CheckRule], probes: &str) -> Health {
    let mut health = Health::new(Moment(0), rules);
    for (at, probe) in (1..).zip(probes.chars()) {
        let outcome = if probe == 'p' { ProbeResult::Pass } else { ProbeResult::Fail("no".into()) };
        health.add(Moment(at), rules, 0, outcome, Duration::ZERO);
    }
    health
}

#[test]
fn rise_and_fall_move_the_state_and_the_strict_count_does_not_wait_for_fall() {
    let rules = [rule("Web", Role::Readiness, 2, 3)];
    for (probes, state, healthy, steady) in [
        ("", CheckState::Unknown, None, None),
        ("p", CheckState::Unknown, None, None),
        ("f", CheckState::Failing, None, None),
        ("pp", CheckState::Passing, Some(2), Some(2)),
        ("ppff", CheckState::Passing, Some(2), None),
        ("ppfff", CheckState::Failing, None, None),
        ("ppffpp", CheckState::Passing, Some(2), Some(6)),
    ] {
        let health = fed(&rules, probes);
        assert_eq!(health.tallies[0].state, state, "{probes}");
        assert_eq!(health.healthy_since, healthy.map(Moment), "{probes}");
        assert_eq!(health.steady_since, steady.map(Moment), "{probes}");
    }
}

#[test]
fn readiness_is_confirmed_by_its_second_success() {
    let rules = [rule("Web", Role::Readiness, 1, 3)];
    assert_eq!(fed(&rules, "p").confirmed_at, None);
    assert_eq!(fed(&rules, "pfp").confirmed_at, Some(Moment(3)));
}

#[test]
fn without_checks_a_run_is_healthy() {
    let health = fed(&[], "");
    assert_eq!(health.healthy_since, Some(Moment(0)));
    assert_eq!(health.confirmed_at, Some(Moment(0)));
    assert!(health.ready(&[]));
}

#[test]
fn info_never_counts() {
    let rules = [rule("Disk", Role::Info, 1, 1)];
    let health = fed(&rules, "fff");
    assert!(health.ready(&rules) && health.healthy_since.is_some() && health.complaint(&rules).is_none());
}

#[test]
fn liveness_counts_only_once_readiness_has_succeeded() {
    let rules = [rule("Alive", Role::Liveness, 1, 2), rule("Web", Role::Readiness, 1, 3)];
    let mut health = fed(&rules, "ff");
    assert_eq!(health.dead(&rules, Patience::Fall), None, "not armed yet");
    health.add(Moment(10), &rules, 1, ProbeResult::Pass, Duration::ZERO);
    assert_eq!(health.dead(&rules, Patience::None), None, "what failed before does not count");
    for at in [11, 12] {
        assert_eq!(health.dead(&rules, Patience::Fall), None);
        health.add(Moment(at), &rules, 0, ProbeResult::Fail("stuck".into()), Duration::ZERO);
    }
    assert!(health.dead(&rules, Patience::Fall).is_some());

    let mut young = Health::new(Moment(0), &rules);
    young.add(Moment(1), &rules, 1, ProbeResult::Pass, Duration::ZERO);
    young.add(Moment(2), &rules, 0, ProbeResult::Fail("stuck".into()), Duration::ZERO);
    assert_eq!(young.dead(&rules, Patience::Fall), None, "one of two");
    assert_eq!(young.dead(&rules, Patience::None), Some("Alive: stuck".into()));
}

#[test]
fn a_probe_of_an_unknown_check_changes_nothing() {
    let rules = [rule("Web", Role::Readiness, 1, 1)];
    let mut health = fed(&rules, "p");
    let before = health.clone();
    health.add(Moment(9), &rules, 7, ProbeResult::Fail("no".into()), Duration::ZERO);
    assert_eq!(health, before);
}

#[test]
fn tallies_follow_their_names_when_the_rules_change() {
    let before = [rule("Web", Role::Readiness, 1, 1), rule("Disk", Role::Info, 1, 1)];
    let after = [rule("New", Role::Info, 1, 1), rule("Web", Role::Readiness, 1, 1)];
    let mut health = fed(&before, "p");
    health.carry(Moment(5), &before, &after);
    assert_eq!(health.tallies[0].state, CheckState::Unknown);
    assert_eq!(health.tallies[1].state, CheckState::Passing);
    assert_eq!(health.healthy_since, Some(Moment(1)), "no break");
}

#[test]
fn a_start_that_is_over_waits_for_no_startup_check_that_comes_later() {
    let (web, warm) = (rule("Web", Role::Readiness, 1, 3), rule("Warm", Role::Startup, 1, 1));
    let before = std::slice::from_ref(&web);
    let mut health = fed(before, "pp");
    let after = [warm, web.clone()];
    health.carry(Moment(9), before, &after);
    assert!(!health.ready(&after));
    health.start_is_over(Moment(9), &after);
    assert!(health.ready(&after));
    assert!(Health::of_adopted(Moment(0), &after[..1]).ready(&after[..1]), "an earlier lictor has seen its start");
}

fn latencies(millis: &[u64]) -> Latencies {
    let mut latencies = Latencies::default();
    for &millis in millis {
        latencies.add(Duration::from_millis(millis));
    }
    latencies
}

#[test]
fn a_percentile_is_the_nearest_rank() {
    assert_eq!(latencies(&[]).percentile(50), None);
    assert_eq!(latencies(&[7]).percentile(50), Some(Duration::from_millis(7)));
    assert_eq!(latencies(&[7]).percentile(99), Some(Duration::from_millis(7)));
    let hundred: Vec<_> = (1..=100).rev().collect();
    assert_eq!(latencies(&hundred).percentile(50), Some(Duration::from_millis(50)));
    assert_eq!(latencies(&hundred).percentile(99), Some(Duration::from_millis(99)));
}

proptest! {
    #[test]
    fn only_the_last_hundred_probes_count(millis in prop::collection::vec(0..50_u64, 1..300), percent in 1..=100_usize) {
        let mut last = millis[millis.len().saturating_sub(KEPT)..].to_vec();
        last.sort_unstable();
        let expected = last[(last.len() * percent).div_ceil(100) - 1];
        prop_assert_eq!(latencies(&millis).percentile(percent), Some(Duration::from_millis(expected)));
    }
}
