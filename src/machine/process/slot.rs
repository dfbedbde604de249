//! One process, with everything that belongs to it.

use std::sync::Arc;
use std::time::Duration;

use super::super::build::{Build, Version};
use super::super::moment::Moment;
use super::super::numbers::{GenerationId, RunId};
use super::super::policy::CheckRule;
use super::super::trial::{Evidence, Trial};
use super::health::Health;
use crate::environment::{Environment, Fingerprint};

/// One process of one generation. Only [`Process`](super::Process) changes it.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Slot {
    pub(in super::super) id: RunId,
    pub(in super::super) generation: GenerationId,
    /// The environment that its process was started with.
    pub(in super::super) started_with: Arc<Environment>,
    /// The environment that it runs on: the one that it was started with, and what has been reloaded or ignored since.
    pub(in super::super) environment: Arc<Environment>,
    /// The build that was installed when it was started.
    pub(in super::super) build: Build,
    pub(in super::super) pid: Option<u32>,
    pub(in super::super) started: Moment,
    pub(in super::super) health: Health,
    /// What it has to prove; `None`: nothing, or nothing any more.
    pub(in super::super) trial: Option<Trial>,
    /// The build and version that it turned out to have. They are only shown; decisions use the build that was
    /// installed at its start, because a wrapper script executes another file than the one that is looked at on the
    /// disk.
    pub(in super::super) turned_out: Option<(Build, Version)>,
    /// Whether it has been ready once.
    pub(in super::super) been_ready: bool,
    /// Since when new connections have gone to it; `None`: they never have.
    pub(in super::super) connected: Option<Moment>,
    /// Which lictor has started its process.
    pub(in super::super) origin: ProcessOrigin,
}

/// Where a process comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum ProcessOrigin {
    /// This lictor has started it.
    Started,
    /// An earlier lictor has started it on this environment; it was taken over while it ran.
    Adopted(Fingerprint),
}

/// Why a process is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum StopReason {
    /// Another environment takes its place.
    Switch,
    /// It failed its trial.
    Revert,
    /// A liveness check failed: the next start backs off.
    Unresponsive,
    /// An operator asked for a restart.
    Operator,
    /// lictor stops.
    Shutdown,
}

impl Slot {
    /// Whether requests may arrive at it: it has been ready, or an earlier lictor had it in traffic.
    pub(in super::super) fn may_be_in_traffic(&self) -> bool {
        self.pid.is_some() && (self.been_ready || self.origin != ProcessOrigin::Started)
    }

    /// Whether its environment is known: an earlier lictor may have left only a fingerprint.
    pub(in super::super) fn is_known(&self) -> bool {
        match self.origin {
            ProcessOrigin::Started => true,
            ProcessOrigin::Adopted(on) => self.started_with.fingerprint() == on,
        }
    }

    /// When its trial began: with its process, or with the reload that it concerns.
    pub(in super::super) fn trial_began(&self) -> Moment {
        self.trial.as_ref().map_or(self.started, |trial| trial.begun(self.started))
    }

    /// What its trial judges it by.
    pub(in super::super) fn evidence(&self) -> Evidence<'_> {
        Evidence { is_up: self.pid.is_some(), started: self.started, connected: self.connected, health: &self.health }
    }

    pub(super) fn started(&mut self, pid: u32, now: Moment, rules: &[CheckRule]) {
        self.pid = Some(pid);
        self.started = now;
        self.health = Health::new(now, rules);
        self.been_ready = self.health.ready(rules);
    }

    pub(super) fn paused(&mut self, length: Duration) {
        if let Some(trial) = &mut self.trial {
            trial.paused(length);
            self.health.paused(length);
        }
    }
}

impl StopReason {
    /// The reason, as it is shown with the service in Consul.
    pub(in super::super) fn sentence(self) -> &'static str {
        match self {
            Self::Switch => "restarts on a new configuration",
            Self::Revert => "goes back to the last good configuration",
            Self::Unresponsive => "restarts after a failed liveness check",
            Self::Operator => "restarts for an operator",
            Self::Shutdown => "stops",
        }
    }
}
