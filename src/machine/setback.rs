//! What keeps a wish waiting that was healthy on neither environment.

use std::sync::Arc;

use super::build::Build;
use super::moment::Moment;
use super::policy::Policy;
use crate::environment::Environment;

/// Healthy on neither, and no health for so many deadlines: the wish is tried again although nothing got better, since
/// nothing healthy is at stake and what is good may never be healthy again (a rotated password).
const PATIENCE: u32 = 10;

/// Healthy on neither: the wish waits until the service has been healthy, then is tried again.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Setback {
    pub(super) kind: SetbackKind,
    pub(super) environment: Arc<Environment>,
    pub(super) build: Build,
    pub(super) reason: String,
    pub(super) since: Moment,
    pub(super) attempts: u32,
    /// Set once the service has been healthy for `min_healthy`.
    pub(super) retry_at: Option<Moment>,
}

/// Who is to blame for a setback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SetbackKind {
    /// Nobody known: a pair that was good before is not healthy either.
    Inconclusive,
    /// The new build: neither environment is healthy on it.
    BuildFailed,
}

impl Setback {
    /// Whether it is about this wish.
    pub(super) fn is_about(&self, wish: &Environment) -> bool {
        *self.environment == *wish
    }

    fn ends_at(&self, policy: &Policy) -> Moment {
        self.retry_at.unwrap_or(self.since + policy.deadline.saturating_mul(PATIENCE))
    }

    /// Whether this wish on this build has to wait.
    pub(super) fn bars(&self, now: Moment, wish: &Environment, build: &Build, policy: &Policy) -> bool {
        *self.environment == *wish && self.build == *build && now < self.ends_at(policy)
    }

    /// When the wait ends, if it has not.
    pub(super) fn due(&self, now: Moment, policy: &Policy) -> Option<Moment> {
        Some(self.ends_at(policy)).filter(|at| *at > now)
    }
}
