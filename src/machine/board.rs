//! The board: the public state, and all that `/status`, `/board`, the metrics and the command line read. It consists of
//! names, numbers, words and fingerprints. The only part with values, the environment, is left out when the board is
//! serialised.

mod config;
pub mod deployment;
mod picture;
pub mod plan;
pub mod reload;
#[cfg(test)]
pub(crate) mod sample;
pub(super) mod shown;
pub(super) mod sources;
pub mod totals;
pub mod words;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(super) use picture::picture;

pub use super::history::steps::StepName;
pub use super::process::health::CheckState;

use super::build::{Build, Version};
use super::event::{Exit, SourceReport, TrafficState};
use super::history::Entry;
use super::hold::Hold;
use super::moment::Moment;
use super::numbers::{GenerationId, RunId};
use super::policy::{OnChange, Role};
use crate::environment::{Environment, Fingerprint};
use deployment::Validation;
use reload::ConfigReload;
use totals::Totals;

/// Everything that is public about lictor and its service at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "four independent yes-or-no answers, under these names in `/board`")]
pub struct Board {
    /// Grows with every change of the board; `/board?index=N` waits for a larger one.
    pub index: u64,
    /// Unix milliseconds at `Moment(0)`: add a moment's milliseconds to it to get wall-clock time.
    pub epoch_unix_ms: u64,
    /// The service's name.
    pub service: String,
    /// Where the process stands.
    pub phase: Phase,
    /// Since when it has been in this phase.
    pub phase_since: Moment,
    /// The process, if there is one; of two the one that new connections go to.
    pub process: Option<ProcessPicture>,
    /// The other process, while one takes over from another (`apply.handover = "overlap"`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<BesidePicture>,
    /// How often the service was started after its first start, for any reason.
    pub restarts: u64,
    /// How often things have happened.
    #[serde(default)]
    pub totals: Totals,
    /// How the last run ended.
    pub last_exit: Option<ExitPicture>,
    /// When the next start is tried, while the service is down and backing off.
    pub next_start: Option<Moment>,
    /// Which build runs and which one is installed.
    pub build: BuildPicture,
    /// What the service runs on and what is to be said about it.
    pub config: ConfigPicture,
    /// The operator's hold, if there is one, even if there is no wish that it stops now.
    #[serde(default)]
    pub hold: Option<Hold>,
    /// The result of the last reload of our own configuration; `None`: there was none since the start.
    #[serde(default)]
    pub reload: Option<ConfigReload>,
    /// The answer that the last deployment got from `lictor validate`.
    #[serde(default)]
    pub deployment: Option<Validation>,
    /// The wish on its way, if there is one.
    pub candidate: Option<CandidatePicture>,
    /// The sources, in the order of the configuration.
    pub sources: Vec<SourceReport>,
    /// Why the state cannot be kept on the disk; `None`: it is kept.
    #[serde(default)]
    pub disk: Option<String>,
    /// Where the process stands with respect to traffic; `None`: nothing is known, or no traffic is steered.
    #[serde(default)]
    pub traffic: Option<TrafficState>,
    /// Why traffic can't be steered; `None`: it can, or it isn't.
    #[serde(default)]
    pub traffic_trouble: Option<String>,
    /// Why the sockets that are held for the service do not work completely, so that a restart may refuse connections;
    /// `None`: they do.
    #[serde(default)]
    pub sockets: Option<String>,
    /// What a person should look at in the fleet: settings that differ between hosts, two instances under one id, what
    /// cannot be read there. Empty: nothing, or no fleet.
    #[serde(default)]
    pub fleet: Vec<String>,
    /// The checks, in the order of the file.
    pub checks: Vec<CheckPicture>,
    /// Whether every startup, readiness and liveness check passes and the service is up.
    pub healthy: bool,
    /// Whether every startup and readiness check passes and the service is up.
    pub ready: bool,
    /// Whether the service is up and no liveness check fails.
    pub live: bool,
    /// Whether lictor is stopping.
    pub stopping: bool,
    /// The newest lines of history, newest last.
    pub history: Vec<Entry>,
    /// The environment that runs; `/env` shows it.
    #[serde(skip)]
    pub environment: Option<Arc<Environment>>,
    /// The newest wish, if it composes; `/env?diff` compares with it.
    #[serde(skip)]
    pub wish: Option<Arc<Environment>>,
}

/// Where the process stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// No process, and no wish that could be started yet.
    Absent,
    /// No process; the next start is backing off.
    BackingOff,
    /// The process has been ordered, or runs and has not been ready yet.
    Starting,
    /// The process runs and has been ready.
    Up,
    /// The process is being taken out of traffic, to be stopped after that.
    Leaving,
    /// The process is being stopped.
    Stopping,
}

/// The process that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessPicture {
    /// Which run it is.
    pub run: RunId,
    /// Its PID; `None` until it has been started.
    pub pid: Option<u32>,
    /// When it was started.
    pub started: Moment,
    /// Which generation it runs.
    pub generation: GenerationId,
    /// Since when it has been healthy without a break.
    pub healthy_since: Option<Moment>,
}

/// The process that new connections do not go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BesidePicture {
    /// The process.
    #[serde(flatten)]
    pub process: ProcessPicture,
    /// What it is there for.
    pub role: BesideRole,
    /// Its environment.
    pub environment: Fingerprint,
    /// Whether its startup and readiness checks pass.
    pub ready: bool,
}

/// What a process is there for that new connections do not go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BesideRole {
    /// It is to take over: it gets new connections once it is ready.
    New,
    /// It has served, and will again if the new one fails.
    Old,
    /// It is being stopped.
    Leaving,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitPicture {
    /// Which run.
    pub run: RunId,
    /// When.
    pub at: Moment,
    /// How, if a process existed.
    pub exit: Option<Exit>,
    /// The same as a sentence: `exited with 1`, `killed by SIGSEGV`, `cannot start /opt/x: no such file or directory`.
    pub text: String,
    /// How many runs in a row have ended without lasting `crash.reset_after`.
    pub crashes: u32,
}

/// Which build runs and which one is installed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildPicture {
    /// The version of the process that runs; all unknown while none does.
    pub running: Version,
    /// The identity of the executable that the process runs.
    pub running_build: Option<Build>,
    /// The version of the executable on disk.
    pub installed: Version,
    /// Its identity.
    pub installed_build: Build,
    /// Whether the executable on disk differs from the one that the process was started on: installed but not
    /// restarted.
    #[serde(default)]
    pub outdated: bool,
}

/// What the service runs on and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigPicture {
    /// How things stand.
    pub state: ConfigState,
    /// The environment of the run, or of the last one; `None` before the first start.
    pub fingerprint: Option<Fingerprint>,
    /// Its generation.
    pub generation: GenerationId,
    /// How many variables it has.
    pub variables: usize,
    /// Since when it has been in use.
    pub since: Option<Moment>,
    /// The newest wish, if it composes.
    pub wish: Option<Fingerprint>,
    /// Whether nothing more will happen by itself: the newest wish runs and no trial is going on, or an operator, the
    /// guard or the fleet holds it.
    pub settled: bool,
    /// Since when wishes are held, if they are.
    #[serde(default)]
    pub held_since: Option<Moment>,
    /// The line for `"Config"` in `/status`; `None` when there is nothing to say.
    pub message: Option<String>,
    /// Which rules of `key {}` the newest wish breaks, or why it does not compose; no value in them.
    #[serde(default)]
    pub violations: Vec<String>,
    /// Names of the variables that have changed since the start of the process: by a reload, or because they could
    /// wait. They count from its next start on.
    #[serde(default)]
    pub pending_restart: Vec<String>,
    /// The newest good environment.
    pub good: Option<Fingerprint>,
    /// The pairs in quarantine, newest first: environment and why.
    pub quarantine: Vec<QuarantinePicture>,
}

/// One pair in quarantine, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinePicture {
    /// The environment.
    pub environment: Fingerprint,
    /// The build that it failed with.
    pub build: Build,
    /// Why.
    pub reason: String,
}

/// How the configuration stands, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfigState {
    /// Not every required source has answered yet.
    Waiting,
    /// The newest wish runs and is good.
    Good,
    /// A wish is on the road, before its trial.
    Pending,
    /// The newest wish is on trial; or it has failed, and the good one has yet to get healthy before that is a verdict
    /// (the message says `Reverting: ...`).
    Trial,
    /// The newest wish failed its trial, and the service is healthy on a good environment again.
    Reverted,
    /// The newest wish broke a rule; nothing was touched.
    Rejected,
    /// The newest wish waits for the operator or the guard.
    Held,
    /// The newest wish failed on another host of the fleet; nothing was touched here.
    Halted,
    /// Healthy on neither the newest wish nor the last good environment.
    Inconclusive,
    /// The new build failed under a good environment.
    BuildFailed,
    /// Nothing has been good yet.
    NoGood,
}

/// The wish on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidatePicture {
    /// Its environment.
    pub fingerprint: Fingerprint,
    /// Its generation, once it has one.
    pub generation: Option<GenerationId>,
    /// Which step of the road it stands at.
    pub step: StepName,
    /// Since when it has been on the road.
    pub since: Moment,
    /// When its trial must have passed.
    pub deadline: Option<Moment>,
    /// Names of the variables that differ from the environment that runs.
    pub keys: Vec<String>,
    /// How it takes effect, as things stand.
    #[serde(default)]
    pub effect: OnChange,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckPicture {
    /// Its label.
    pub name: String,
    /// What its state means.
    pub role: Role,
    /// Its state.
    pub state: CheckState,
    /// The word in `/status` for it.
    pub word: String,
    /// Since when it has been in this state.
    pub since: Moment,
    /// Why it fails, or why its last probe failed.
    pub why: Option<String>,
    /// How long the last probe took, in milliseconds.
    pub latency_ms: Option<f64>,
    /// The median of the last hundred probes of this run, in milliseconds.
    #[serde(default)]
    pub latency_p50_ms: Option<f64>,
    /// The 99th percentile of them, in milliseconds.
    #[serde(default)]
    pub latency_p99_ms: Option<f64>,
    /// Probes in this run that failed.
    pub failures: u64,
    /// Probes in this run.
    pub probes: u64,
}
