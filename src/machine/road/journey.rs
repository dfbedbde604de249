//! A wish on the road, before the switch: the step at which it stands, and how long each step has taken.

use std::sync::Arc;

use super::super::history::steps::{StepName, Steps};
use super::super::moment::Moment;
use super::super::numbers::CheckId;
use crate::environment::Environment;

/// A wish on the road.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Journey {
    pub(in super::super) environment: Arc<Environment>,
    pub(in super::super) since: Moment,
    pub(in super::super) step: Step,
    /// When it reached that step.
    entered: Moment,
    /// How long the steps before have taken.
    took: Steps,
}

/// The step of the road at which a wish stands. A step that asks a question carries its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Step {
    Settled,
    Guarded,
    Checked(Option<CheckId>),
    Turn,
    Switched,
}

impl Journey {
    pub(super) fn new(environment: Arc<Environment>, now: Moment) -> Self {
        Self { environment, since: now, step: Step::Settled, entered: now, took: Steps::default() }
    }

    /// Moves to this step, forwards or back.
    pub(super) fn go(&mut self, step: Step, now: Moment) {
        self.took = self.took(now);
        (self.step, self.entered) = (step, now);
    }

    /// How long each step has taken until now.
    pub(in super::super) fn took(&self, now: Moment) -> Steps {
        let mut took = self.took.clone();
        took.add(self.step.name(), now - self.entered);
        took
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

    /// Its word on the board.
    pub(in super::super) fn name(self) -> StepName {
        match self {
            Self::Settled => StepName::Settling,
            Self::Guarded => StepName::Guarded,
            Self::Checked(_) => StepName::Checked,
            Self::Turn => StepName::Turn,
            Self::Switched => StepName::Switched,
        }
    }
}
