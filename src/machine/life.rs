//! Starts and stops: what the process's life asks of the rest, and its place in traffic.

use std::sync::Arc;

use super::board::totals::Reason;
use super::build::Build;
use super::order::{Order, Traffic};
use super::policy::Revert;
use super::process::Life;
use super::process::Stop;
use super::process::health::Health;
use super::process::slot::{ProcessOrigin, Slot, StopReason};
use super::process::traffic;
use super::road::journey::Step;
use super::target::Started;
use super::trial::{Trial, TrialKind};
use super::{Machine, Moment, RunId, Target};
use crate::environment::Environment;

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
        let newest = &mut self.numbers.generation;
        let next = || {
            *newest = newest.next();
            *newest
        };
        if self.targets.start_on(&build, next) == Started::OtherBuild {
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

    /// What the present target has to prove on this build.
    pub(super) fn kind_on(&self, build: &Build) -> TrialKind {
        let Some(environment) = self.targets.environment() else { return TrialKind::First };
        let ledger = &self.trials.ledger;
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

    /// Whether this environment takes over from another one that runs: then it shows once more that it is good.
    fn takes_over_with(&self, environment: &Environment) -> bool {
        let switches = self.process.replaced_for() == Some(StopReason::Switch);
        switches && self.process.old().is_some_and(|old| *old.environment != *environment)
    }

    /// Whether what was switched to and never started has a newer wish behind it that only waits for quiet.
    fn is_overtaken_in_a_moment(&self) -> bool {
        self.road.step() == Some(Step::Settled) && self.targets.is_unstarted()
    }

    /// What may not be started now gives way to what is good: during a hold whatever is still to be proved, and at any
    /// time a pair in quarantine (an old build put back brings its own with it).
    fn put_good_before_unproved(&mut self) {
        let Some(environment) = self.targets.environment() else { return };
        let (build, ledger) = (&self.installed.0, &self.trials.ledger);
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

    /// Stops the process if one runs, out of traffic first; says whether there was anything to do.
    pub(super) fn stop(&mut self, reason: StopReason) -> bool {
        let leaves_until = self.leaves_until();
        match self.process.stop(reason, leaves_until, self.now) {
            Stop::Nothing => false,
            Stop::Leaves => true,
            Stop::Now(run) => {
                if self.process.old().is_some() {
                    // First the connections go elsewhere, then the process may.
                    self.set_connections();
                    self.set_traffic();
                }
                self.orders.push(Order::Stop { run });
                true
            }
        }
    }

    /// When a process that begins to leave traffic now is stopped at the latest; `None`: it need not leave.
    fn leaves_until(&self) -> Option<Moment> {
        let max = self.policy.drain_max.filter(|_| self.process.old().is_none())?;
        let slot = self.process.alive().filter(|slot| slot.may_be_in_traffic())?;
        (!self.traffic.is_out(slot.id)).then(|| self.now + max + traffic::MARGIN)
    }

    /// A process that is out of traffic, or has had its time to get out, is stopped; says whether one was.
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

    /// Orders the level of traffic if it has changed. Nothing is ordered before a process has been ready once.
    pub(super) fn set_traffic(&mut self) {
        if self.policy.drain_max.is_none() {
            return;
        }
        let level = match self.process.life() {
            // Two processes: the service is in traffic, whichever of them takes the connections.
            _ if self.process.old().is_some() => self.process.active().map(|slot| (slot.id, Traffic::In)),
            Life::Alive(slot) if slot.been_ready => Some((slot.id, Traffic::In)),
            // The one that it was to take over from is gone before it was ready.
            Life::Alive(slot) if !self.process.is_connected(slot.id) => self.nobody_in_traffic(),
            // Not ready yet: the level stays as the process before it left it.
            Life::Alive(_) => None,
            Life::Leaving(slot, reason, _) | Life::Stopping(slot, reason) => {
                Some((slot.id, Traffic::Out { why: reason.sentence().to_owned() }))
            }
            Life::Absent { .. } => self.nobody_in_traffic(),
        };
        let order = level.and_then(|(run, level)| self.traffic.order(run, level));
        self.orders.extend(order);
    }

    fn nobody_in_traffic(&self) -> Option<(RunId, Traffic)> {
        let ended = self.process.last_exit().map_or_else(|| "no process".to_owned(), |exit| exit.text.clone());
        self.traffic.last_run().map(|run| (run, Traffic::Out { why: ended }))
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

    /// Our turn until there is a verdict, until a revert has ended, and until the service is back in traffic.
    fn needs_turn(&self) -> bool {
        // One that is not granted yet was asked for the wish that stands there, and for no other.
        if !self.road.turn().is_held() {
            return self.road.step() == Some(Step::Turn);
        }
        let returns = self.returns_until().is_some();
        matches!(self.road.step(), Some(Step::Turn | Step::Switched))
            || self.is_restarting()
            || (returns && !self.shutdown)
    }

    /// From the stop of one process until the next one, or the one that is gone back to, has shown what it is worth.
    fn is_restarting(&self) -> bool {
        match self.process.life() {
            Life::Leaving(..) | Life::Stopping(..) => true,
            _ if self.shutdown => false,
            _ if self.trials.suspicion().is_some() => true,
            Life::Alive(slot) => slot.trial.as_ref().is_some_and(|trial| trial.overdue.is_none()),
            Life::Absent { .. } => self.targets.is_unstarted(),
        }
    }

    /// Until when the turn is kept for a run that is on its way back into traffic.
    pub(super) fn returns_until(&self) -> Option<Moment> {
        self.policy.drain_max?;
        let slot = self.process.alive().filter(|slot| self.traffic.is_returning(slot.id))?;
        let until = slot.started + self.policy.deadline + traffic::RETURN;
        (until > self.now).then_some(until)
    }

    /// The next start waits. A build that differs from the one that has just ended is tried at once.
    pub(super) fn back_off(&mut self, ended: &Build) {
        if self.installed.0 == *ended {
            let at = self.crash_backoff(self.process.streak().crashes);
            self.process.back_off_until(at);
        }
    }

    /// Back to this good environment; nothing is tried any more, and no crash counts against it.
    pub(super) fn go_to(&mut self, target: Target, reason: Reason) {
        self.targets.go_to(target);
        self.process.end_trial();
        self.process.forget_crashes();
        self.process.start_at_once(reason);
    }
}
