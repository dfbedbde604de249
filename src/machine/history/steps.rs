//! How long each step of the road has taken, for a line of history.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::board::StepName;

/// Milliseconds by step; a step that was passed at once is left out.
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

    /// The step has taken so much more.
    pub(in super::super) fn add(&mut self, step: StepName, took: Duration) {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if millis > 0 {
            let before = self.0.entry(step).or_default();
            *before = before.saturating_add(millis);
        }
    }
}
