//! The process's own small life: absent → starting → up → stopping → absent, with the backoff of a crash.

use std::sync::Arc;

use super::build::Build;
use super::event::Exit;
use super::health::Health;
use super::moment::Moment;
use super::numbers::{GenerationId, RunId};
use crate::environment::Environment;

/// Where the process stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Life {
    /// No process. It is started as soon as there is something to start, but not before `not_before`.
    Absent { not_before: Option<Moment> },
    /// A process has been asked for, or runs.
    Alive(Slot),
    /// A process is being taken out of traffic, and is stopped at this moment at the latest.
    Leaving(Slot, StopReason, Moment),
    /// A process has been told to stop; nothing starts before it has ended.
    Stopping(Slot, StopReason),
}

/// One process of one generation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Slot {
    pub(super) id: RunId,
    pub(super) generation: GenerationId,
    /// What its process was started with.
    pub(super) started_with: Arc<Environment>,
    /// What it is on: what it was started with, and what has been reloaded or ignored since.
    pub(super) environment: Arc<Environment>,
    /// The build that was installed when it was started.
    pub(super) build: Build,
    pub(super) pid: Option<u32>,
    pub(super) started: Moment,
    pub(super) health: Health,
    /// Whether it has been ready once.
    pub(super) been_ready: bool,
    /// Whose child its process is.
    pub(super) origin: ProcessOrigin,
}

/// Where a process comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProcessOrigin {
    /// This lictor has started it.
    Started,
    /// An earlier lictor had; it was taken over as it ran.
    Adopted,
}

impl Slot {
    /// Whether requests may arrive at it: it has been ready, or an earlier lictor had it in traffic.
    pub(super) fn may_be_in_traffic(&self) -> bool {
        self.pid.is_some() && (self.been_ready || self.origin == ProcessOrigin::Adopted)
    }
}

/// Why a process is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StopReason {
    /// Another environment takes its place.
    Switch,
    /// It failed its trial.
    Revert,
    /// A liveness check failed: the next start backs off.
    Unresponsive,
    /// An operator asked for a restart.
    Operator,
    /// lictor ends.
    Shutdown,
}

impl StopReason {
    /// The reason as whoever looks at the service in Consul reads it.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Switch => "restarts on a new configuration",
            Self::Revert => "goes back to the last good configuration",
            Self::Unresponsive => "restarts after a failed liveness check",
            Self::Operator => "restarts for an operator",
            Self::Shutdown => "stops",
        }
    }
}

impl Life {
    /// The run, whether it is being stopped or not.
    pub(super) fn run(&self) -> Option<&Slot> {
        match self {
            Self::Absent { .. } => None,
            Self::Alive(run) | Self::Leaving(run, ..) | Self::Stopping(run, _) => Some(run),
        }
    }

    /// The run of this number, if it is not over.
    pub(super) fn run_mut(&mut self, id: RunId) -> Option<&mut Slot> {
        match self {
            Self::Absent { .. } => None,
            Self::Alive(run) | Self::Leaving(run, ..) | Self::Stopping(run, _) => (run.id == id).then_some(run),
        }
    }

    /// The run, to be changed.
    pub(super) fn any_mut(&mut self) -> Option<&mut Slot> {
        match self {
            Self::Absent { .. } => None,
            Self::Alive(run) | Self::Leaving(run, ..) | Self::Stopping(run, _) => Some(run),
        }
    }

    /// The run that serves, if it is not being stopped.
    pub(super) fn alive(&self) -> Option<&Slot> {
        match self {
            Self::Alive(run) => Some(run),
            Self::Absent { .. } | Self::Leaving(..) | Self::Stopping(..) => None,
        }
    }
}

/// The end of a process as a sentence.
pub(super) fn said(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exited with {code}"),
        Exit::Signal(signal) => format!("killed by signal {signal}"),
        Exit::Unknown => "ended".to_owned(),
    }
}

/// How many runs in a row have ended by themselves without lasting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Streak {
    pub(super) crashes: u32,
    /// When the first of them ended.
    pub(super) began: Option<Moment>,
}

impl Streak {
    /// Counts one more end of a run that began at `started`.
    pub(super) fn add(&mut self, now: Moment, started: Moment, reset_after: std::time::Duration) {
        if now - started >= reset_after {
            *self = Self::default();
        }
        self.crashes = self.crashes.saturating_add(1);
        self.began = self.began.or(Some(now));
    }
}
