//! *checked*: the check command has its say before anything is touched. Not configured: passed.

use std::sync::Arc;

use super::super::moment::Moment;
use super::super::numbers::CheckId;
use super::super::policy::Step as Configured;
use super::Decision;
use crate::environment::Environment;

/// A wish that the check command refused. It is not asked again about the same one, unless there is nothing else to run.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Refused {
    pub(in super::super) environment: Arc<Environment>,
    pub(in super::super) reason: String,
    /// How often in a row.
    pub(in super::super) times: u32,
    /// When it is asked again.
    pub(in super::super) again: Option<Moment>,
}

impl Refused {
    pub(in super::super) fn is_about(&self, wish: &Environment) -> bool {
        *self.environment == *wish
    }

    /// Whether this wish must not set out now.
    pub(in super::super) fn bars(&self, now: Moment, wish: &Environment) -> bool {
        self.is_about(wish) && self.again.is_none_or(|at| now < at)
    }

    /// When that ends, if it does and has not.
    pub(in super::super) fn due(&self, now: Moment) -> Option<Moment> {
        self.again.filter(|at| *at > now)
    }
}

pub(in super::super) fn decide(configured: Configured, asked: Option<CheckId>) -> Decision {
    match (configured, asked) {
        (Configured::Passed, _) => Decision::Pass,
        (Configured::Configured, None) => Decision::Ask,
        (Configured::Configured, Some(_)) => Decision::Wait(None),
    }
}
