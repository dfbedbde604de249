//! How processes start, stop and end, with what follows from that: traffic, the turn, a backoff.
//!
//! Changes: `process`, `targets`, `traffic`, `road`.

use std::sync::Arc;

use super::board::ExitPicture;
use super::board::totals::Reason;
use super::build::{Build, Version};
use super::event::Exit;
use super::history::steps::Steps;
use super::order::Order;
use super::policy::Revert;
use super::process::health::Health;
use super::process::slot::{ProcessOrigin, Slot, StopReason};
use super::process::{Life, Stop};
use super::road::journey::Step;
use super::target::Started;
use super::trial::{Trial, TrialKind};
use super::{Machine, RunId, Target};
use crate::environment::{Environment, Fingerprint, changed_names};

impl Machine {
    /// Starts the present target, if nothing runs and no wait is due; returns whether it did.
    pub(super) fn start(&mut self) -> bool {
        if !self.process.may_start(self.now) || self.is_overtaken_in_a_moment() {
            return false;
        }
        if self.stop_old_first() {
            return true;
        }
        self.put_good_before_unproved();
        let Some(target) = self.targets.present() else { return false };
        let environment = Arc::clone(&target.environment);
        if self.old_is_wanted(&environment) {
            return self.stay_with_old();
        }
        let build = self.installed.0.clone();
        let kind = self.kind_on(&build);
        let numbers = &mut self.numbers;
        if self.targets.start_on(&build, || numbers.next_generation()) == Started::OtherBuild {
            self.process.forget_crashes();
        }
        self.numbers.run = self.numbers.run.next();
        let run = self.numbers.run;
        let generation = self.targets.present().map(|target| target.generation).unwrap_or_default();
        if run.0 > 1 {
            self.shown.totals.restarted(self.process.start_reason());
        }
        self.shown.start_takes_up();
        let due = self.trials.suspicion().and_then(|suspicion| suspicion.decided_by);
        let slot = Slot {
            id: run,
            generation,
            started_with: Arc::clone(&environment),
            environment: Arc::clone(&environment),
            build: build.clone(),
            pid: None,
            started: self.now,
            health: Health::new(self.now, &self.policy.checks),
            trial: Some(Trial::new(kind).due(due.filter(|_| kind == TrialKind::Fallback))),
            turned_out: None,
            been_ready: false,
            connected: None,
            origin: ProcessOrigin::Started,
        };
        self.process.begin(slot, self.now);
        self.orders.push(Order::Start { run, generation, environment, build });
        true
    }

    /// The kind of trial that the present target needs on this build.
    pub(super) fn kind_on(&self, build: &Build) -> TrialKind {
        let Some(environment) = self.targets.environment() else { return TrialKind::First };
        let ledger = self.trials.ledger();
        if self.trials.suspicion().is_some() {
            TrialKind::Fallback
        } else if ledger.holds(environment, build).is_some() && !self.takes_over_with(environment) {
            TrialKind::Proven
        } else if ledger.newest().is_some_and(|good| good.environment == *environment) {
            TrialKind::Build
        } else if self.policy.revert == Revert::ToLastGood && ledger.fallback(environment, build).is_some() {
            TrialKind::Candidate
        } else {
            TrialKind::First
        }
    }

    /// Whether this environment takes over from another one that runs: then it has to prove itself again.
    fn takes_over_with(&self, environment: &Environment) -> bool {
        let switches = self.process.replaced_for() == Some(StopReason::Switch);
        switches && self.process.old().is_some_and(|old| *old.environment != *environment)
    }

    /// Whether the target has never been started, and a newer wish only waits to settle.
    fn is_overtaken_in_a_moment(&self) -> bool {
        self.road.step() == Some(Step::Settled) && self.targets.is_unstarted()
    }

    /// A target that may not be started now is replaced by a good one: during a hold one that has not proved itself,
    /// and at any time one in quarantine (a build that was put back may be in quarantine with it).
    fn put_good_before_unproved(&mut self) {
        let Some(environment) = self.targets.environment() else { return };
        let (build, ledger) = (&self.installed.0, self.trials.ledger());
        let unproved = self.operator_hold().is_some() && !ledger.knows(environment);
        let good = if ledger.quarantined(environment, build).is_some() {
            ledger.fallback(environment, build)
        } else {
            ledger.resort(build).filter(|_| unproved)
        };
        if let Some(good) = good {
            self.targets.go_to(Target::of(good, self.now));
        }
    }

    /// Stops the process if one runs, out of traffic first; returns whether there was anything to do.
    pub(super) fn stop(&mut self, reason: StopReason) -> bool {
        let leaves_until = self.traffic.leaves_until(&self.process, &self.policy, self.now);
        match self.process.stop(reason, leaves_until, self.now) {
            Stop::Nothing => false,
            Stop::Leaves => true,
            Stop::Now(run) => {
                if self.process.old().is_some() {
                    // New connections go to the other process before this one is stopped.
                    self.steer();
                }
                self.orders.push(Order::Stop { run });
                true
            }
        }
    }

    /// Stops a process that is out of traffic, or whose time to leave it is over; returns whether there was one.
    pub(super) fn stop_what_has_left(&mut self) -> bool {
        let Life::Leaving(slot, _, until) = self.process.life() else { return false };
        if *until > self.now && !self.traffic.is_out(slot.id) {
            return false;
        }
        self.shown.totals.drained(self.now - self.process.since());
        let run = self.process.has_left(self.now);
        self.orders.extend(run.map(|run| Order::Stop { run }));
        true
    }

    /// Orders where new connections go, and whether the service is in traffic, if that has changed.
    pub(super) fn steer(&mut self) {
        if !self.shutdown {
            let order = self.process.steer(&self.policy, self.now);
            self.orders.extend(order);
        }
        let order = self.traffic.follow(&self.process, &self.policy);
        self.orders.extend(order);
    }

    /// Whether the process that leaves traffic for a wish runs on this environment, and it is good.
    pub(super) fn stays_on(&self, environment: &Environment) -> bool {
        match self.process.life() {
            Life::Leaving(slot, StopReason::Switch, _) => {
                *slot.environment == *environment && self.trials.ledger().holds(environment, &slot.build).is_some()
            }
            Life::Absent { .. } | Life::Alive(_) | Life::Leaving(..) | Life::Stopping(..) => false,
        }
    }

    /// During a hold, a process that leaves traffic for a wish stays if its environment is good.
    pub(super) fn stay_during_hold(&mut self) {
        let environment = self.process.slot().map(|slot| Arc::clone(&slot.environment));
        if environment.is_some_and(|environment| self.operator_hold().is_some() && self.stays_on(&environment)) {
            self.stay();
        }
    }

    pub(super) fn stay(&mut self) {
        self.process.stay(self.now);
        let Some(slot) = self.process.alive() else { return };
        if let Some(good) = self.trials.ledger().holds(&slot.environment, &slot.build) {
            let started_on = Some(slot.build.clone());
            self.targets.go_to(Target { started_on, ..Target::of(good, self.now) });
        }
    }

    /// A run has ended, by itself or as it was ordered; one that could not be started has no `exit`.
    pub(super) fn ended(&mut self, run: RunId, exit: Option<Exit>, text: String) {
        if self.ended_beside(run, exit, &text) {
            return;
        }
        let Some((slot, reason)) = self.process.ended(run, exit, self.now) else { return };
        self.shown.totals.ended(exit);
        match reason {
            None => {
                self.process.count_crash(&slot, self.now, self.policy.crash.reset_after);
                let told = if exit.is_some() { self.with_own_ports(&slot, &text) } else { text.clone() };
                self.crashed(&slot, &told);
            }
            Some(StopReason::Unresponsive) => {
                self.process.count_crash(&slot, self.now, self.policy.crash.reset_after);
                self.back_off(&slot.build);
            }
            Some(StopReason::Switch | StopReason::Revert | StopReason::Operator | StopReason::Shutdown) => {}
        }
        let crashes = self.process.streak().crashes;
        self.process.note_exit(ExitPicture { run, at: self.now, exit, text, crashes });
    }

    /// The turn is given back once no restart needs it any more.
    pub(super) fn give_back_turn(&mut self) {
        if !self.needs_turn() {
            let held = self.road.turn().is_held();
            let order = self.road.return_turn();
            if let Some(Order::ReturnTurn { verdict, .. }) = &order
                && held
            {
                self.shown.totals.turn_ended((*verdict).into());
            }
            self.orders.extend(order);
        }
    }

    /// The turn is needed until there is a verdict, until a revert has ended, and until the service is back in traffic.
    fn needs_turn(&self) -> bool {
        // A turn that has not been granted yet was asked for the wish at *turn*, and for no other.
        if !self.road.turn().is_held() {
            return self.road.step() == Some(Step::Turn);
        }
        let returns = self.traffic.returns_until(&self.process, &self.policy, self.now).is_some();
        matches!(self.road.step(), Some(Step::Turn | Step::Switched))
            || self.is_restarting()
            || (returns && !self.shutdown)
    }

    /// From the stop of a process until the next one has proved itself or failed, or the good environment after it has.
    fn is_restarting(&self) -> bool {
        match self.process.life() {
            Life::Leaving(..) | Life::Stopping(..) => true,
            _ if self.shutdown => false,
            _ if self.trials.suspicion().is_some() => true,
            Life::Alive(slot) => slot.trial.as_ref().is_some_and(|trial| trial.overdue.is_none()),
            Life::Absent { .. } => self.targets.is_unstarted(),
        }
    }

    /// The next start waits, unless another build than the one that has just ended is installed: that is tried at once.
    pub(super) fn back_off(&mut self, ended: &Build) {
        if self.installed.0 == *ended {
            let at = self.crash_backoff(self.process.streak().crashes);
            self.process.back_off_until(at);
        }
    }

    /// Goes back to this good environment; nothing is tried any more, and earlier crashes do not count.
    pub(super) fn go_to(&mut self, target: Target, reason: Reason) {
        self.targets.go_to(target);
        self.process.end_trial();
        self.process.forget_crashes();
        self.process.start_at_once(reason);
    }

    // What an earlier lictor has left, and what lies on the disk.

    /// Another build may work: a wish that was refused is checked again, and a service that is backing off is started
    /// at once.
    pub(super) fn installed(&mut self, build: Build, version: Version) {
        let changed = self.installed.0 != build;
        self.installed = (build, version);
        if changed {
            self.road.forgive_command();
            self.process.end_backoff();
            self.starts_on_what_is_installed();
        }
    }

    /// A process of an earlier lictor that had no verdict yet may run on just this wish. Then nothing is started: its
    /// trial begins again.
    pub(super) fn recognise(&mut self, environment: &Arc<Environment>) {
        let Some(slot) = self.process.alive().filter(|_| self.targets.present().is_none()) else { return };
        let runs = ProcessOrigin::Adopted(environment.fingerprint());
        let (build, ledger) = (slot.build.clone(), self.trials.ledger());
        let is_doubted = ledger.quarantined(environment, &build).is_some();
        if slot.origin != runs || build != self.installed.0 || is_doubted {
            return;
        }
        let before = ledger.newest().map(|good| &good.environment);
        let keys = before.map(|before| changed_names(before, environment)).unwrap_or_default();
        let (environment, generation) = (Arc::clone(environment), self.numbers.next_generation());
        self.targets.try_out(Target {
            environment: Arc::clone(&environment),
            started_on: Some(build.clone()),
            generation,
            since: self.now,
            unreported: Some(self.now),
            keys,
            took: Steps::default(),
        });
        self.process.turns_out_to_run(&environment, generation);
        let trial = Trial::new(self.kind_on(&build));
        self.process.begin_trial(trial, &self.policy.checks, self.now);
    }

    /// A process that runs on a good environment is taken over as it is. About any other environment nothing is known:
    /// such a process serves until there is something to start in its place.
    pub(super) fn adopted(&mut self, id: RunId, pid: u32, environment: Fingerprint, build: Build) {
        if self.numbers.run >= id || !self.process.is_gone() {
            return;
        }
        self.numbers.run = id;
        let origin = ProcessOrigin::Adopted(environment);
        let good = self.trials.ledger().good().iter().find(|good| good.environment.fingerprint() == environment);
        let target = good
            .filter(|good| good.builds.contains(&build))
            .map(|good| Target { started_on: Some(build.clone()), ..Target::of(good, self.now) });
        let environment = target.as_ref().map_or_else(Arc::default, |target| Arc::clone(&target.environment));
        let health = Health::of_adopted(self.now, &self.policy.checks);
        let slot = Slot {
            id,
            generation: target.as_ref().map(|target| target.generation).unwrap_or_default(),
            started_with: Arc::clone(&environment),
            environment,
            build,
            pid: Some(pid),
            started: self.now,
            been_ready: health.ready(&self.policy.checks),
            health,
            trial: target.is_some().then(|| Trial::new(TrialKind::Proven)),
            turned_out: None,
            connected: None,
            origin,
        };
        self.process.begin(slot, self.now);
        if let Some(target) = target {
            self.targets.go_to(target);
        }
    }
}
