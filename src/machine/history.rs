//! The history: what happened to a wish or a run, as one line.

pub(super) mod record;
pub mod steps;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::board::deployment::{Deployment, Validation, Verdict};
use super::build::Build;
use super::moment::Moment;
use super::numbers::{GenerationId, RunId};
use crate::environment::{Environment, Fingerprint, Origin};
use steps::Steps;

/// One line of history: names, numbers and fingerprints, never a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Moment,
    /// The same by the wall clock, Unix milliseconds.
    #[serde(default)]
    pub at_unix_ms: u64,
    /// The outcome.
    pub outcome: Outcome,
    /// The generation that it concerns.
    pub generation: GenerationId,
    /// Its environment.
    pub environment: Option<Fingerprint>,
    /// Its build.
    pub build: Build,
    /// The run in which it was decided, if there was one.
    pub run: Option<RunId>,
    /// Names of the variables that differ from the environment before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_keys: usize,
    /// Where the first of them come from, if they still exist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<Origin>,
    /// Why, as a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// From the change being seen to the service being healthy on it, for `applied`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propagation_ms: Option<u64>,
    /// How long each step of the road has taken, in milliseconds, for a wish that has arrived or was stopped.
    #[serde(default, skip_serializing_if = "Steps::is_empty")]
    pub steps: Steps,
    /// The uid of who asked, for `operator` and for validations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<u32>,
    /// The deployment that asked, for `validated` and `not_validated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Deployment>,
}

/// What a line of history is about.
pub(super) struct Subject {
    pub(super) generation: GenerationId,
    pub(super) environment: Option<Arc<Environment>>,
    pub(super) build: Build,
    pub(super) run: Option<RunId>,
    pub(super) keys: Vec<String>,
    /// How long its steps have taken.
    pub(super) took: Steps,
    /// From the change being seen to the service being healthy on it, if the line shows that.
    pub(super) propagation: Option<Duration>,
    /// The uid of the operator who asked for it.
    pub(super) who: Option<u32>,
    /// The deployment that it is about.
    pub(super) deployment: Option<Deployment>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Entry {
    /// The answer to a deployment that this line records, if it records one.
    pub fn validation(&self) -> Option<Validation> {
        let verdict = match self.outcome {
            Outcome::Validated => Verdict::Yes,
            Outcome::NotValidated => Verdict::No,
            _ => return None,
        };
        let deployment = self.deployment.clone()?;
        Some(Validation { deployment, verdict, reason: self.why.clone(), at_unix_ms: self.at_unix_ms })
    }
}

impl Outcome {
    /// Whether it is about a wish on the road, and not about a process or an operator.
    pub(super) fn is_of_a_wish(self) -> bool {
        !matches!(self, Self::Exited | Self::Unresponsive | Self::Operator)
    }
}

/// What can become of a wish, a trial or a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It runs and is good.
    Applied,
    /// It failed its trial and was taken back.
    Reverted,
    /// A newer wish took its place before there was a verdict.
    Superseded,
    /// It failed, and so did the good environment: the cause is unknown.
    Inconclusive,
    /// The new build failed under an environment that was good.
    BuildFailed,
    /// It was stopped by the guard or the operator.
    Held,
    /// It failed on another host of the fleet, and was not tried here.
    Halted,
    /// It broke a rule before anything was touched.
    Rejected,
    /// It touched only keys that need no restart: the process was signalled, and is healthy on it.
    Reloaded,
    /// It touched only keys that can wait for the next start.
    Ignored,
    /// The service ended by itself.
    Exited,
    /// A liveness check failed and the service was restarted.
    Unresponsive,
    /// An operator asked.
    Operator,
    /// A deployment asked whether it is live and healthy here, and it is.
    Validated,
    /// The same, and it is not.
    NotValidated,
}
