//! What can be done to the world.

use std::time::Duration;

use proptest::prelude::*;

use super::nature::{KINDS, OVERLAPS, POLICIES};
use crate::machine::deployment::{Deployment, Verdict};
use crate::machine::event::Verb;

/// What can be done to the world between two moments.
#[derive(Clone, Debug)]
pub(in super::super) enum Action {
    Wish(u8),
    Unfit,
    Install(u8),
    Pass(u64),
    Dependency(Dependency),
    Crash,
    Operator(Verb),
    LoseTurn,
    LateFact(u8),
    Signal,
    /// Our own configuration is read again, with this policy.
    Reload(u8),
    /// New connections can't be steered from now on.
    CannotSteer,
    Shutdown,
}

/// Whether the service's dependencies are up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Dependency {
    Up,
    Down,
}

fn validated() -> Verb {
    let deployment = Deployment { id: "d-1".into(), group: String::new(), event: String::new() };
    Verb::Validated { deployment, verdict: Verdict::Yes, reason: "healthy".into() }
}

pub(in super::super) fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (0..KINDS).prop_map(Action::Wish),
        1 => Just(Action::Unfit),
        2 => (0..3_u8).prop_map(Action::Install),
        4 => (0..200_u64).prop_map(Action::Pass),
        6 => (200..20_000_u64).prop_map(Action::Pass),
        1 => (20_000..400_000_u64).prop_map(Action::Pass),
        2 => prop_oneof![Just(Dependency::Up), Just(Dependency::Down)].prop_map(Action::Dependency),
        2 => Just(Action::Crash),
        2 => prop_oneof![
            Just(Verb::Restart),
            Just(Verb::Hold { reason: "night".into(), length: None }),
            Just(Verb::Hold { reason: String::new(), length: Some(Duration::from_secs(20)) }),
            Just(Verb::Unhold),
            Just(Verb::Release { fingerprint: None }),
            Just(Verb::Retry { fingerprint: None }),
            Just(Verb::Signal { signal: 1 }),
            Just(Verb::Revert),
            Just(validated()),
        ]
        .prop_map(Action::Operator),
        1 => Just(Action::LoseTurn),
        2 => (0..10_u8).prop_map(Action::LateFact),
        1 => Just(Action::Signal),
        1 => (0..POLICIES).prop_map(Action::Reload),
        1 => (OVERLAPS..POLICIES).prop_map(Action::Reload),
        1 => Just(Action::CannotSteer),
        1 => Just(Action::Shutdown),
    ]
}

/// The state of the world when lictor starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Beginning {
    /// Nothing at all.
    Fresh,
    /// Environment 0 was good, environment 1 is in quarantine.
    Restored,
    /// As restored, and a process of environment 0 still runs.
    Adopted,
    /// As restored, and a process with an unknown environment still runs.
    Stranger,
    /// Nothing at all, and processes are to overlap.
    Overlapping,
}

pub(in super::super) fn beginning() -> impl Strategy<Value = Beginning> {
    prop_oneof![
        3 => Just(Beginning::Fresh),
        1 => Just(Beginning::Restored),
        1 => Just(Beginning::Adopted),
        1 => Just(Beginning::Stranger),
        4 => Just(Beginning::Overlapping),
    ]
}
