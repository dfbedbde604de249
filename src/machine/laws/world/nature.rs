//! The contents of the world: environments, builds, how they behave together, and policies.

use std::sync::Arc;
use std::time::Duration;

use crate::environment::glob::Glob;
use crate::environment::{Environment, SourceKeys, Variable, Visibility};
use crate::machine::ledger::Pair;
use crate::machine::ledger::{Good, Quarantined, Standing};
use crate::machine::numbers::GenerationId;
use crate::machine::policy::{CheckRule, Crash, Handover, KeyRule, OnChange, Policy, Revert, Role, StepSetting};
use crate::machine::{Build, Restored};

/// A part of every value: it must not occur in anything that is serialised.
pub(in super::super) const MARKER: &str = "s3cr3t";

/// How many environments there are at first.
pub(super) const KINDS: u8 = 26;

/// The environment that breaks the schema.
pub(super) const VIOLATING: usize = 15;

/// The first of the ten that lost keys.
const LOST: usize = 16;

/// How many policies there are.
pub(super) const POLICIES: u8 = 8;

/// The policy without checks: an environment that is good with it may be unhealthy with the others.
pub(in super::super) const PROVES_NOTHING: u8 = 4;

/// The policy that takes nothing back.
pub(in super::super) const TAKES_NOTHING_BACK: u8 = 5;

/// The policy by which one process takes over from another.
pub(in super::super) const OVERLAPS: u8 = 6;

/// The same without a fleet and without traffic to be steered, and with a share of the connections at first.
pub(super) const OVERLAPS_BY_SHARE: u8 = 7;

/// How a process of one environment and one build behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behaviour {
    Healthy,
    /// Ends by itself after this many milliseconds.
    Exits(u64),
    /// Fails every probe.
    Sick,
    /// Passes and fails alternately.
    Flaps,
    /// Cannot be started at all.
    CannotStart,
    /// Healthy only after this many milliseconds.
    Slow(u64),
    /// Hangs after this many milliseconds: its liveness fails.
    Hangs(u64),
}

/// Environments 0, 7, 11, 12, 14, those from 15 on and all fresh ones are good everywhere; the others fail in some way
/// on some build. 12 and 13 need only a reload from 0, and 14 not even that.
pub(super) fn behaviour(environment: usize, build: u8) -> Behaviour {
    match (environment, build) {
        (1, _) => Behaviour::Exits(3),
        (3, _) => Behaviour::Flaps,
        (4, 0) => Behaviour::Exits(1),
        (5, 1) => Behaviour::Exits(2_500),
        (2, _) | (6, 0 | 2) => Behaviour::Sick,
        (6, _) => Behaviour::CannotStart,
        (8, _) => Behaviour::Exits(4_000),
        (13, _) => Behaviour::Exits(1_500),
        (9, 0 | 1) => Behaviour::Hangs(3_000),
        (10, _) => Behaviour::Slow(7_000),
        (11, _) => Behaviour::Slow(1_500),
        _ => Behaviour::Healthy,
    }
}

/// Whether a probe of a check of this role passes at this age of the process.
pub(super) fn well(behaviour: Behaviour, role: Role, age: Duration) -> bool {
    let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    match behaviour {
        Behaviour::Sick => false,
        Behaviour::Flaps => (age / 700).is_multiple_of(2),
        Behaviour::Slow(millis) => age >= millis,
        Behaviour::Hangs(millis) => role != Role::Liveness || age < millis,
        Behaviour::Healthy | Behaviour::Exits(_) | Behaviour::CannotStart => true,
    }
}

/// The policy that the world begins with: every step is configured, and the times are short.
pub(in super::super) fn policy() -> Policy {
    Policy {
        min_healthy: Duration::from_secs(2),
        deadline: Duration::from_secs(10),
        crash: Crash {
            backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(8),
            reset_after: Duration::from_secs(15),
        },
        checks: vec![check("Web", Role::Readiness, 3), check("Alive", Role::Liveness, 2), check("Disk", Role::Info, 1)],
        on_change: vec![rule("LEVEL", OnChange::Reload), rule("NOTE", OnChange::Ignore)],
        check_command: StepSetting::Enabled,
        turn: StepSetting::Enabled,
        drain_max: Some(Duration::from_secs(5)),
        ..Policy::new("billing")
    }
}

/// The policies that a reload of our own configuration may bring.
pub(super) fn policy_of(number: u8) -> Policy {
    let steps = |step| Policy { check_command: step, turn: step, drain_max: None, ..policy() };
    match number {
        0 => policy(),
        1 => steps(StepSetting::Disabled),
        2 => Policy {
            checks: vec![
                check("Disk", Role::Info, 2),
                check("Warm", Role::Startup, 1),
                check("Alive", Role::Liveness, 1),
                check("Web", Role::Readiness, 1),
            ],
            ..policy()
        },
        3 => Policy { min_healthy: Duration::from_secs(4), deadline: Duration::from_secs(20), ..policy() },
        PROVES_NOTHING => Policy { checks: Vec::new(), quiet_min: Duration::ZERO, ..policy() },
        OVERLAPS => Policy { handover: Handover::Overlap { share: 100 }, ..policy() },
        OVERLAPS_BY_SHARE => Policy { handover: Handover::Overlap { share: 30 }, ..steps(StepSetting::Disabled) },
        _ => Policy { revert: Revert::Never, ..policy() },
    }
}

fn rule(label: &str, on_change: OnChange) -> KeyRule {
    KeyRule { label: Glob::parse(label).unwrap(), on_change }
}

fn check(name: &str, role: Role, fall: u32) -> CheckRule {
    CheckRule { name: name.into(), role, rise: 1, fall, good: "Good".into(), bad: "Bad".into() }
}

/// How many keys the source of an environment has given for it. Ten of them stand for losses, and for a restore key by
/// key; all others are whole.
pub(super) fn kept(number: usize) -> usize {
    if (LOST..LOST + 10).contains(&number) { number - LOST } else { 9 }
}

pub(super) fn environment(number: usize) -> Arc<Environment> {
    let variable = |value: String| Variable::new(value.into(), "test".into(), Visibility::Secret);
    let (number, level, note) = match number {
        12 => (0, 1, 0),
        13 => (0, 2, 0),
        14 => (0, 0, 1),
        other => (other, 0, 0),
    };
    let variables = [
        ("NUMBER".to_owned(), variable(format!("{MARKER}-{number}"))),
        ("LEVEL".to_owned(), variable(format!("{MARKER}-{level}"))),
        ("NOTE".to_owned(), variable(format!("{MARKER}-{note}"))),
        ("FIXED".to_owned(), variable(MARKER.to_owned())),
    ];
    let mut source_keys = SourceKeys::default();
    source_keys.add(&"kv".into(), (0..kept(number)).map(|key| format!("K{key}").into()));
    Arc::new(Environment::new(variables.into()).with_source_keys(source_keys))
}

/// Whether these differ only in what the policy ignores: a process on one of them counts as one on the other,
/// untouched.
pub(super) fn is_same_but_ignored(one: usize, other: usize) -> bool {
    matches!((one, other), (0, 14) | (14, 0))
}

pub(super) fn build(number: u8) -> Build {
    Build(format!("go:{number}"))
}

/// What an earlier lictor left on disk.
pub(super) fn left_behind() -> Restored {
    let good = Good { environment: environment(0), builds: vec![build(0)], generation: GenerationId(3), at_unix_ms: 1 };
    let pair = Pair { environment: environment(1).fingerprint(), build: build(0) };
    let quarantined = Quarantined { pair, reason: "exited with 1".into(), at_unix_ms: 2, standing: Standing::Proved };
    Restored {
        good: vec![good],
        quarantine: vec![quarantined],
        next_generation: GenerationId(5),
        ..Restored::default()
    }
}
