//! What keeps a wish waiting after the service was healthy neither on it nor on the good environment.

use std::sync::Arc;

use super::super::build::Build;
use super::super::moment::Moment;
use super::super::policy::Policy;
use crate::environment::Environment;

/// After this many deadlines without health the wish is tried again although nothing got better: nothing healthy is at
/// stake, and the good environment may never be healthy again (a rotated password).
const PATIENCE: u32 = 10;

/// The service was healthy on neither environment: the wish waits until the service has been healthy, and is tried
/// again then.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Setback {
    pub(in super::super) kind: SetbackKind,
    pub(in super::super) environment: Arc<Environment>,
    pub(in super::super) build: Build,
    pub(in super::super) reason: String,
    pub(in super::super) since: Moment,
    pub(in super::super) attempts: u32,
    /// Set once the service has been healthy for `min_healthy`.
    pub(in super::super) retry_at: Option<Moment>,
}

/// Who is to blame for a setback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum SetbackKind {
    /// Unknown: a pair that was good before is not healthy either.
    Inconclusive,
    /// The new build: neither environment is healthy on it.
    BuildFailed,
}

impl Setback {
    /// Whether it is about this wish.
    pub(in super::super) fn is_about(&self, wish: &Environment) -> bool {
        *self.environment == *wish
    }

    fn ends_at(&self, policy: &Policy) -> Moment {
        self.retry_at.unwrap_or(self.since + policy.deadline.saturating_mul(PATIENCE))
    }

    /// Whether this wish on this build has to wait.
    pub(in super::super) fn bars(&self, now: Moment, wish: &Environment, build: &Build, policy: &Policy) -> bool {
        *self.environment == *wish && self.build == *build && now < self.ends_at(policy)
    }

    /// When the wait ends, if it has not.
    pub(in super::super) fn due(&self, now: Moment, policy: &Policy) -> Option<Moment> {
        Some(self.ends_at(policy)).filter(|at| *at > now)
    }
}
