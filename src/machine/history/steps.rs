//! How long each step of the road has taken, for a line of history.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The steps of the road (`ARCHITECTURE.md` draws it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// Waiting for quiet.
    Settling,
    /// Waiting for the guard or an operator.
    Guarded,
    /// Waiting for the check command.
    Checked,
    /// Waiting for the fleet's turn.
    Turn,
    /// Waiting for the old process to leave traffic and to end; or, if no restart is needed, for the run to have proved
    /// itself.
    Switched,
    /// Proving itself.
    Trial,
    /// Failed; waiting for the good one to be healthy again.
    Reverting,
}

/// Milliseconds by step; a step that took no time is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Steps(BTreeMap<StepName, u64>);

impl Steps {
    /// Whether nothing has taken any time.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The steps in the order of the road, with their milliseconds.
    pub fn iter(&self) -> impl Iterator<Item = (StepName, u64)> {
        self.0.iter().map(|(step, millis)| (*step, *millis))
    }

    /// Adds this time to a step.
    pub(in super::super) fn add(&mut self, step: StepName, took: Duration) {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if millis > 0 {
            let before = self.0.entry(step).or_default();
            *before = before.saturating_add(millis);
        }
    }
}
