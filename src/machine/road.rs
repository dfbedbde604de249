//! The road of a wish, up to the switch: one file a step, each a small pure decision.
//!
//! ```text
//! seen → settled → guarded → checked → turn → switched → on trial → good
//!           │          │         │        │                  │
//!        (waits)    (held)  (rejected) (waits · halted)  (reverted · superseded · inconclusive)
//! ```

pub(super) mod checked;
pub(super) mod guarded;
pub(super) mod settled;
pub(super) mod switched;
pub(super) mod turn;

use std::sync::Arc;

use super::board::StepName;
use super::moment::Moment;
use super::numbers::CheckId;
use super::steps::Steps;
use crate::environment::Environment;

/// A wish on its way, before the switch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Journey {
    pub(super) environment: Arc<Environment>,
    pub(super) since: Moment,
    pub(super) step: Step,
    /// When it came to that step.
    entered: Moment,
    /// How long the steps before have taken.
    took: Steps,
}

/// Where on the road it stands. A step that asks somebody carries the number of its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Settled,
    Guarded,
    Checked(Option<CheckId>),
    Turn,
    Switched,
}

/// What a step says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// On to the next step.
    Pass,
    /// Not yet; look again then, or when something happens.
    Wait(Option<Moment>),
    /// The step has a question that must be asked first.
    Ask,
    /// It needs the turn after all.
    Back,
    /// This wish goes no further, and why.
    Reject(String),
}

impl Journey {
    pub(super) fn new(environment: Arc<Environment>, now: Moment) -> Self {
        Self { environment, since: now, step: Step::Settled, entered: now, took: Steps::default() }
    }

    /// On to this step, or back to it.
    pub(super) fn go(&mut self, step: Step, now: Moment) {
        self.took = self.took(now);
        (self.step, self.entered) = (step, now);
    }

    /// How long each step has taken until now.
    pub(super) fn took(&self, now: Moment) -> Steps {
        let mut took = self.took.clone();
        took.add(self.step_name(), now - self.entered);
        took
    }

    pub(super) fn step_name(&self) -> StepName {
        match self.step {
            Step::Settled => StepName::Settling,
            Step::Guarded => StepName::Guarded,
            Step::Checked(_) => StepName::Checked,
            Step::Turn => StepName::Turn,
            Step::Switched => StepName::Switched,
        }
    }
}

impl Step {
    /// The step after this one.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Settled => Self::Guarded,
            Self::Guarded => Self::Checked(None),
            Self::Checked(_) => Self::Turn,
            Self::Turn | Self::Switched => Self::Switched,
        }
    }
}
