//! The life of the process: absent → starting → up → leaving traffic → stopping → absent, with a backoff after a crash.
//! What the road brings is tried with this process. Where processes overlap, the one that it replaces lives on for a
//! while (`beside`).
//!
//! [`Process`] owns these lives: the other parts may read the [`Slot`]s, and only the transitions here change them.

pub(super) mod beside;
pub(super) mod connections;
pub(super) mod health;
pub(super) mod slot;
pub(super) mod traffic;

use std::sync::Arc;
use std::time::Duration;

use super::board::ExitPicture;
use super::board::totals::Reason;
use super::build::{Build, Version};
use super::event::{Exit, ProbeResult};
use super::moment::Moment;
use super::numbers::{GenerationId, RunId};
use super::order::{Order, Pace};
use super::policy::CheckRule;
use super::trial::{Trial, TrialKind};
use crate::environment::{Environment, Fingerprint};
use beside::Beside;
use connections::Connections;
use slot::{Slot, StopReason};

/// Where the process stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Life {
    /// No process. It is started as soon as there is something to start, but not before `not_before`.
    Absent { not_before: Option<Moment> },
    /// A process has been asked for, or runs.
    Alive(Slot),
    /// A process is being taken out of traffic, and is stopped at this moment at the latest.
    Leaving(Slot, StopReason, Moment),
    /// A process is being stopped; nothing starts before it has ended.
    Stopping(Slot, StopReason),
}

/// The result of an attempt to stop the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Nothing runs, or it is being stopped already.
    Nothing,
    /// The process leaves traffic first.
    Leaves,
    /// The process is to be stopped now.
    Now(RunId),
}

/// The process that changes are tried with, and the one beside it, if there are two.
#[derive(Clone, Debug)]
pub(super) struct Process {
    life: Life,
    beside: Beside,
    connections: Connections,
    since: Moment,
    streak: Streak,
    /// The reason for the next start, if it is not the first.
    start_reason: Reason,
    last_exit: Option<ExitPicture>,
    /// Which runs are probed, at which pace, and on which environment, which a reload changes for the same run. `None`:
    /// the order has to be given again.
    probing: Vec<(RunId, Option<(Pace, Fingerprint)>)>,
}

impl Process {
    pub(super) fn new(now: Moment) -> Self {
        Self {
            life: Life::Absent { not_before: None },
            beside: Beside::default(),
            connections: Connections::default(),
            since: now,
            streak: Streak::default(),
            start_reason: Reason::Exit,
            last_exit: None,
            probing: Vec::new(),
        }
    }

    pub(super) fn life(&self) -> &Life {
        &self.life
    }

    /// When its life entered the present state.
    pub(super) fn since(&self) -> Moment {
        self.since
    }

    pub(super) fn last_exit(&self) -> Option<&ExitPicture> {
        self.last_exit.as_ref()
    }

    pub(super) fn streak(&self) -> Streak {
        self.streak
    }

    pub(super) fn start_reason(&self) -> Reason {
        self.start_reason
    }

    /// The process, whether it is being stopped or not.
    pub(super) fn slot(&self) -> Option<&Slot> {
        match &self.life {
            Life::Absent { .. } => None,
            Life::Alive(slot) | Life::Leaving(slot, ..) | Life::Stopping(slot, _) => Some(slot),
        }
    }

    /// The process, unless it is being stopped.
    pub(super) fn alive(&self) -> Option<&Slot> {
        match &self.life {
            Life::Alive(slot) => Some(slot),
            Life::Absent { .. } | Life::Leaving(..) | Life::Stopping(..) => None,
        }
    }

    /// The process, if it answers requests: one that leaves traffic still does.
    pub(super) fn serving(&self) -> Option<&Slot> {
        match &self.life {
            Life::Alive(slot) | Life::Leaving(slot, ..) => Some(slot),
            Life::Absent { .. } | Life::Stopping(..) => None,
        }
    }

    /// What the process that is alive has to prove.
    pub(super) fn trial(&self) -> Option<&Trial> {
        self.alive().and_then(|slot| slot.trial.as_ref())
    }

    /// Whether the process that is alive is on a trial whose verdict is open.
    pub(super) fn is_on_trial(&self) -> bool {
        self.trial().is_some_and(|trial| trial.kind != TrialKind::Proven && trial.overdue.is_none())
    }

    /// Whether the process missed the deadline of its trial.
    pub(super) fn is_overdue(&self) -> bool {
        self.trial().is_some_and(|trial| trial.overdue.is_some())
    }

    /// When the next start is tried, if it has to wait.
    pub(super) fn not_before(&self) -> Option<Moment> {
        match self.life {
            Life::Absent { not_before } => not_before,
            Life::Alive(_) | Life::Leaving(..) | Life::Stopping(..) => None,
        }
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self.life, Life::Absent { .. })
    }

    /// Whether there is no process at all.
    pub(super) fn is_gone(&self) -> bool {
        self.is_absent() && self.beside.is_empty()
    }

    /// Whether a start need not wait.
    pub(super) fn may_start(&self, now: Moment) -> bool {
        let due = matches!(self.life, Life::Absent { not_before } if not_before.is_none_or(|at| at <= now));
        due && !self.beside.is_leaving()
    }

    /// The process that answers requests, if it has this number and is not being stopped.
    pub(super) fn answering(&self, run: RunId) -> Option<&Slot> {
        self.answer().find(|slot| slot.id == run)
    }

    // How it begins.

    /// A process has been asked for, or was taken over.
    pub(super) fn begin(&mut self, slot: Slot, now: Moment) {
        let slot = if self.beside.is_empty() {
            self.connections.come_to(slot.id);
            Slot { connected: Some(now), ..slot }
        } else {
            slot
        };
        (self.life, self.since) = (Life::Alive(slot), now);
    }

    /// The process that was asked for runs.
    pub(super) fn started(&mut self, run: RunId, pid: u32, now: Moment, rules: &[CheckRule]) {
        if let Some(slot) = self.slot_mut(run).filter(|slot| slot.pid.is_none()) {
            slot.started(pid, now, rules);
        }
    }

    /// If nothing runs, the next start no longer waits, and its reason is this one.
    pub(super) fn start_at_once(&mut self, reason: Reason) {
        if let Life::Absent { not_before } = &mut self.life {
            *not_before = None;
            self.start_reason = reason;
        }
    }

    /// If nothing runs, the next start no longer waits.
    pub(super) fn end_backoff(&mut self) {
        self.start_at_once(self.start_reason);
    }

    /// If nothing runs, nothing is started before this moment.
    pub(super) fn back_off_until(&mut self, at: Moment) {
        if let Life::Absent { not_before } = &mut self.life {
            *not_before = Some(at);
        }
    }

    // How it ends.

    /// Stops the process. If there is a moment by which it has to leave traffic, it leaves traffic first.
    pub(super) fn stop(&mut self, reason: StopReason, leaves_until: Option<Moment>, now: Moment) -> Stop {
        match std::mem::replace(&mut self.life, Life::Absent { not_before: None }) {
            Life::Alive(slot) => {
                self.since = now;
                let run = slot.id;
                if let Some(until) = leaves_until {
                    self.life = Life::Leaving(slot, reason, until);
                    return Stop::Leaves;
                }
                self.life = Life::Stopping(slot, reason);
                Stop::Now(run)
            }
            // It is leaving traffic already; that lictor stops replaces the earlier reason.
            Life::Leaving(slot, before, until) if reason == StopReason::Shutdown && before != reason => {
                self.life = Life::Leaving(slot, reason, until);
                Stop::Leaves
            }
            other => {
                self.life = other;
                Stop::Nothing
            }
        }
    }

    /// The process has left traffic, or its time to do so is over: it has to be stopped now.
    pub(super) fn has_left(&mut self, now: Moment) -> Option<RunId> {
        let Life::Leaving(slot, reason, _) = &self.life else { return None };
        let (slot, reason) = (slot.clone(), *reason);
        let run = slot.id;
        (self.life, self.since) = (Life::Stopping(slot, reason), now);
        Some(run)
    }

    /// The process that leaves traffic is not stopped after all: it goes on serving, and has nothing to prove.
    pub(super) fn stay(&mut self, now: Moment) {
        if let Life::Leaving(slot, ..) = &self.life {
            let slot = Slot { trial: None, ..slot.clone() };
            (self.life, self.since) = (Life::Alive(slot), now);
        }
    }

    /// The run has ended. Returns its slot, and the reason for the stop if it was stopped; `None`: it was over already.
    pub(super) fn ended(&mut self, run: RunId, exit: Option<Exit>, now: Moment) -> Option<(Slot, Option<StopReason>)> {
        self.slot().filter(|slot| slot.id == run)?;
        let (slot, reason) = match std::mem::replace(&mut self.life, Life::Absent { not_before: None }) {
            Life::Alive(slot) => (slot, None),
            Life::Leaving(slot, reason, _) | Life::Stopping(slot, reason) => (slot, Some(reason)),
            Life::Absent { .. } => return None,
        };
        self.since = now;
        self.start_reason = Reason::after(reason, exit);
        Some((slot, reason))
    }

    /// Counts a run that ended unexpectedly or did not answer: one more in a row, unless the run had lasted.
    pub(super) fn count_crash(&mut self, slot: &Slot, now: Moment, reset_after: Duration) {
        self.streak.add(now, slot.started, reset_after);
    }

    /// Starts to count crashes from zero.
    pub(super) fn forget_crashes(&mut self) {
        self.streak = Streak::default();
    }

    pub(super) fn note_exit(&mut self, exit: ExitPicture) {
        self.last_exit = Some(exit);
    }

    // What becomes known about it.

    /// Adds one probe of this run.
    pub(super) fn probed(
        &mut self,
        run: RunId,
        rules: &[CheckRule],
        check: usize,
        outcome: ProbeResult,
        took: Duration,
        now: Moment,
    ) {
        if let Some(slot) = self.slot_mut(run) {
            slot.health.add(now, rules, check, outcome, took);
            slot.been_ready |= slot.health.ready(rules);
        }
    }

    /// The build and version that the process turned out to have.
    pub(super) fn identified(&mut self, run: RunId, build: Build, version: Version) {
        if let Some(slot) = self.slot_mut(run) {
            slot.turned_out = Some((build, version));
        }
    }

    /// The checks have changed: the results of those that remain are kept.
    pub(super) fn carry_rules(&mut self, before: &[CheckRule], after: &[CheckRule], now: Moment) {
        for slot in self.slots_mut() {
            slot.health.carry(now, before, after);
            if slot.been_ready {
                // The start is over, whichever startup checks there are now.
                slot.health.start_is_over(now, after);
            }
        }
        // The run is the same, but its checks may differ.
        self.probing.iter_mut().for_each(|(_, order)| *order = None);
    }

    /// Nothing moved for this long, not even lictor: trials do not count that time.
    pub(super) fn paused(&mut self, length: Duration) {
        self.slots_mut().for_each(|slot| slot.paused(length));
    }

    // What it has to prove.

    /// The process that is alive has to prove itself again, without being started again.
    pub(super) fn begin_trial(&mut self, trial: Trial, rules: &[CheckRule], now: Moment) {
        if let Life::Alive(slot) = &mut self.life {
            slot.health.count_anew(now, rules);
            slot.trial = Some(trial);
        }
    }

    /// The process that is alive has nothing left to prove.
    pub(super) fn end_trial(&mut self) -> Option<Trial> {
        match &mut self.life {
            Life::Alive(slot) => slot.trial.take(),
            Life::Absent { .. } | Life::Leaving(..) | Life::Stopping(..) => None,
        }
    }

    /// The process missed its deadline; it may still get healthy. From now on liveness counts.
    pub(super) fn is_late(&mut self, kind: TrialKind, why: &str, rules: &[CheckRule]) {
        if let Life::Alive(slot) = &mut self.life {
            slot.trial = slot.trial.take().map(|trial| trial.late(kind, why));
            slot.health.overdue(rules);
        }
    }

    /// The process that is alive runs on this environment from now on, without being started again; returns its build.
    pub(super) fn carry(&mut self, environment: &Arc<Environment>, generation: GenerationId) -> Option<Build> {
        let Life::Alive(slot) = &mut self.life else { return None };
        slot.environment = Arc::clone(environment);
        slot.generation = generation;
        Some(slot.build.clone())
    }

    /// The process that was taken over turns out to have been started on this environment.
    pub(super) fn turns_out_to_run(&mut self, environment: &Arc<Environment>, generation: GenerationId) {
        if let Life::Alive(slot) = &mut self.life {
            slot.started_with = Arc::clone(environment);
            slot.environment = Arc::clone(environment);
            slot.generation = generation;
        }
    }

    /// The sources now give these same variables from other keys.
    pub(super) fn renew(&mut self, environment: &Arc<Environment>) {
        for slot in self.slots_mut().filter(|slot| slot.environment == *environment) {
            slot.environment = Arc::clone(environment);
        }
    }

    /// The environments of the processes, for a change of what may be shown.
    pub(super) fn environments(&mut self) -> impl Iterator<Item = &mut Arc<Environment>> {
        self.slots_mut().map(|slot| &mut slot.environment)
    }

    /// New connections go to this run now.
    pub(super) fn connected(&mut self, run: RunId, now: Moment) {
        if let Some(slot) = self.slot_mut(run) {
            slot.connected.get_or_insert(now);
        }
    }

    /// Why new connections cannot be steered from one process to another; `None`: they can.
    pub(super) fn steering_trouble(&self) -> Option<&String> {
        self.connections.trouble()
    }

    pub(super) fn set_steering_trouble(&mut self, problem: Option<String>) {
        self.connections.set_trouble(problem);
    }

    /// Whether new connections were ordered to go to this run.
    pub(super) fn is_connected(&self, run: RunId) -> bool {
        self.connections.are_for(run)
    }

    /// A process is probed while it answers requests, and more often while one is on trial. Returns the orders for what
    /// has changed.
    pub(super) fn probe(&mut self) -> Vec<Order> {
        let pace = if self.is_on_trial() || self.old().is_some() { Pace::Trial } else { Pace::Normal };
        let wanted: Vec<_> =
            self.answer().map(|slot| (slot.id, Some((pace, slot.environment.fingerprint())))).collect();
        if wanted == self.probing {
            return Vec::new();
        }
        let over = self.probing.iter().filter(|(run, _)| !wanted.iter().any(|(other, _)| other == run));
        let stop = over.map(|(run, _)| Order::StopProbing { run: *run });
        let new = self.answer().zip(&wanted).filter(|(_, wanted)| !self.probing.contains(wanted));
        let probe =
            new.map(|(slot, _)| Order::Probe { run: slot.id, pace, environment: Arc::clone(&slot.environment) });
        let orders = stop.chain(probe).collect();
        self.probing = wanted;
        orders
    }

    /// The processes that answer requests.
    fn answer(&self) -> impl Iterator<Item = &Slot> {
        self.serving().into_iter().chain(self.old()).filter(|slot| slot.pid.is_some())
    }

    /// All processes.
    fn slots_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        let own = match &mut self.life {
            Life::Absent { .. } => None,
            Life::Alive(slot) | Life::Leaving(slot, ..) | Life::Stopping(slot, _) => Some(slot),
        };
        own.into_iter().chain(self.beside.slots_mut())
    }

    fn slot_mut(&mut self, run: RunId) -> Option<&mut Slot> {
        self.slots_mut().find(|slot| slot.id == run)
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
    fn add(&mut self, now: Moment, started: Moment, reset_after: Duration) {
        if now - started >= reset_after {
            *self = Self::default();
        }
        self.crashes = self.crashes.saturating_add(1);
        self.began = self.began.or(Some(now));
    }
}
