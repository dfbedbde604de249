//! The settings of the configuration that the machine needs.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::environment::VisibilityRules;
use crate::environment::glob::Glob;

/// The settings behind the machine's decisions. Changing them never touches a running process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The service's name, for the board.
    pub service: String,
    /// `wait`: how long a change must have been quiet before it is acted on. Zero: at once.
    pub quiet_min: Duration,
    /// `wait`: after this long a change is acted on, quiet or not.
    pub quiet_max: Duration,
    /// A candidate is good after it has been healthy for this long without a break ...
    pub min_healthy: Duration,
    /// ... completed by this time, both counted from the start of its process.
    pub deadline: Duration,
    /// Whether a failed candidate is taken back.
    pub revert: Revert,
    /// How long after it has become good an environment is still taken back if the service becomes unhealthy. Zero: not at all.
    #[serde(default)]
    pub watch: Duration,
    /// How long a start waits for the sources before it uses the last good environment.
    pub boot_grace: Duration,
    /// Which losses of a source are held back.
    #[serde(default)]
    pub guard: GuardRules,
    /// The pauses between two starts of a service that keeps exiting.
    pub crash: Crash,
    /// The checks, in the order of the file.
    pub checks: Vec<CheckRule>,
    /// `key {}`: what a change of each variable needs, in the order of the file.
    #[serde(default)]
    pub on_change: Vec<KeyRule>,
    /// `key {}`: the variables whose values may be shown.
    #[serde(default)]
    pub visibility: VisibilityRules,
    /// Whether the step *checked* runs the check command.
    pub check_command: StepSetting,
    /// Whether the step *turn* asks the fleet.
    pub turn: StepSetting,
    /// How one process takes the place of another.
    #[serde(default)]
    pub handover: Handover,
    /// How long a process may take to leave traffic before it is stopped anyway; `None`: no traffic is steered, and a process is
    /// stopped at once.
    #[serde(default)]
    pub drain_max: Option<Duration>,
}

/// `apply.handover`, with `apply.share`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handover {
    /// The old one is stopped, then the new one is started.
    #[default]
    Restart,
    /// The new one is started beside the old one, which is stopped once the new one is good.
    Overlap {
        /// How many of a hundred new connections go to the new one at first; in the second half of `min_healthy` all do.
        share: u8,
    },
}

/// `apply.revert`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revert {
    /// Go back to the last good environment.
    ToLastGood,
    /// Keep the candidate and back off as for any crash.
    Never,
}

/// `guard`: which losses of a source are held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardRules {
    /// A source that had keys and now has none.
    pub empty: Empty,
    /// `prefix.empty`, by the name of the source: wins over `empty`.
    pub empty_of: Vec<(Arc<str>, Empty)>,
    /// Percent of one source's keys, lost at once ...
    pub max_loss_percent: u8,
    /// ... and at least this many.
    pub min_loss: u32,
    /// How long losses add up.
    #[serde(default)]
    pub window: Duration,
    /// The sources whose sets are sealed by a `commit_key`: a sealed set is intended, so nothing of it is held back.
    pub sealed: Vec<Arc<str>>,
}

/// What happens when a source that had keys has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Empty {
    /// The change is held, and the service keeps its environment.
    Hold,
    /// The change is treated like any other.
    Apply,
}

impl Default for GuardRules {
    fn default() -> Self {
        Self {
            empty: Empty::Hold,
            empty_of: Vec::new(),
            max_loss_percent: 50,
            min_loss: 3,
            window: Duration::from_mins(10),
            sealed: Vec::new(),
        }
    }
}

/// Whether a step of the road is configured; one that is not is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepSetting {
    /// The step does its work.
    Enabled,
    /// The step lets everything through at once.
    Disabled,
}

/// `crash`: exponential backoff with full jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// The first upper bound of the wait.
    pub backoff: Duration,
    /// The bound doubles up to this.
    pub max_backoff: Duration,
    /// After a run that has lasted this long, the doubling starts anew.
    pub reset_after: Duration,
}

/// What a change of the variables under one label needs. The most exact label wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRule {
    /// The label.
    pub label: Glob,
    /// What a change of them needs.
    pub on_change: OnChange,
}

/// What a change of a variable needs, the least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnChange {
    /// Nothing: it counts from the next start on.
    Ignore,
    /// The reload signal.
    Reload,
    /// A restart.
    #[default]
    Restart,
}

/// What a check's result affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Holds the other checks back until its first success in a run.
    Startup,
    /// While it fails, the instance is out of traffic.
    Readiness,
    /// When it fails, the service is restarted.
    Liveness,
    /// It is only shown.
    Info,
}

/// How the probes of one check add up to a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRule {
    /// The label, as in `/status`.
    pub name: String,
    /// What its state affects.
    pub role: Role,
    /// Successes in a row that make it good.
    pub rise: u32,
    /// Failures in a row that make it bad.
    pub fall: u32,
    /// The word in `/status` while it is good.
    pub good: String,
    /// The word in `/status` while it is bad.
    pub bad: String,
}

impl Policy {
    /// The defaults of every block for a service of this name, with no checks.
    pub fn new(service: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            quiet_min: Duration::from_millis(100),
            quiet_max: Duration::from_secs(2),
            min_healthy: Duration::from_secs(10),
            deadline: Duration::from_secs(90),
            revert: Revert::ToLastGood,
            watch: Duration::from_mins(1),
            boot_grace: Duration::from_secs(10),
            guard: GuardRules::default(),
            crash: Crash {
                backoff: Duration::from_secs(1),
                max_backoff: Duration::from_mins(1),
                reset_after: Duration::from_mins(1),
            },
            checks: Vec::new(),
            on_change: Vec::new(),
            visibility: VisibilityRules::default(),
            check_command: StepSetting::Disabled,
            turn: StepSetting::Disabled,
            handover: Handover::Restart,
            drain_max: None,
        }
    }
}
