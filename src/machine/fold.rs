//! Folds an event into what is known. It orders almost nothing: what follows from it is `settle`'s business.
//!
//! A fact about a run, check, turn or drain that is over changes nothing.

use std::sync::Arc;

use super::build::{Build, Version};
use super::event::{Event, Exit, TurnRefusal};
use super::health::Health;
use super::history::Outcome;
use super::life::{self, Life, ProcessOrigin, Slot, StopReason};
use super::numbers::{CheckId, RunId, TurnId};
use super::order::Order;
use super::policy::Policy;
use super::road::Step;
use super::road::checked::Judge;
use super::road::settled::Edits;
use super::road::turn::Turn;
use super::totals::Reason;
use super::trial::{Trial, TrialKind};
use super::{Base, Machine, Wish, board};
use crate::environment::{Environment, Fingerprint};

impl Machine {
    pub(super) fn fold(&mut self, event: Event) {
        match event {
            Event::Wish { environment, violations } => self.wished(environment, violations),
            Event::Unfit { reasons } => self.unfit(reasons),
            Event::Sources { sources } => {
                self.sources = sources;
                self.heard_unix_ms = self.unix_ms();
            }
            Event::Disk { problem } => self.disk = problem,
            Event::Installed { build, version } => self.installed(build, version),
            Event::Started { run, pid } => self.started(run, pid),
            Event::Adopted { run, pid, environment, build } => self.adopted(run, pid, environment, build),
            Event::StartFailed { run, error } => self.ended(run, None, error),
            Event::Exited { run, exit } => self.ended(run, Some(exit), life::said(exit)),
            Event::Identified { run, build, version } => {
                if self.life.run_mut(run).is_some() {
                    self.running = Some((build, version));
                }
            }
            Event::Probed { run, check, outcome, took } => {
                if let Life::Alive(alive) | Life::Leaving(alive, ..) = &mut self.life
                    && alive.id == run
                    && alive.pid.is_some()
                {
                    if let Some(rule) = self.policy.checks.get(check) {
                        self.totals.probed(rule, &outcome, took);
                    }
                    alive.health.add(self.now, &self.policy.checks, check, outcome, took);
                    alive.been_ready |= alive.health.ready(&self.policy.checks);
                }
            }
            Event::ReloadFailed { run, error } => self.reload_failed(run, error),
            Event::Checked { check, verdict } => self.checked(check, verdict),
            Event::TurnGranted { turn } => {
                if matches!(&self.turn, Turn::Asked(asked, _) if *asked == turn) {
                    self.turn = Turn::Held(turn);
                }
            }
            Event::TurnLost { turn } => self.turn_lost(turn),
            Event::TurnRefused { turn, why } => self.turn_refused(turn, why),
            Event::TrafficChanged { run, state } => self.traffic.report(run, state),
            Event::TrafficTrouble { problem } => self.traffic.set_trouble(problem),
            Event::Policy { policy } => self.change_policy(*policy),
            Event::Reloaded { who, outcome } => self.reloaded(who, outcome),
            Event::Operator { verb, by } => self.operator(verb, by),
            Event::Signal { signal } => {
                if let Some(run) = self.life.run().filter(|run| run.pid.is_some()).map(|run| run.id) {
                    self.order(Order::Signal { run, signal });
                }
            }
            Event::Shutdown => self.shut_down(),
            Event::Tick => {}
        }
    }

    fn wished(&mut self, environment: Arc<Environment>, violations: Vec<String>) {
        let before = std::mem::replace(&mut self.violations, violations);
        self.renew_record(&environment);
        if matches!(&self.wish, Wish::Environment(wish) if *wish == environment) {
            self.wish = Wish::Environment(environment);
            if before != self.violations {
                // Other rules: what was judged by the old ones is judged again.
                self.refused = None;
                self.leave_road();
            }
            return;
        }
        self.note_edit();
        (self.setback, self.refused) = (None, None);
        if self.base.as_ref().is_some_and(|base| base.environment == environment) {
            self.edits = None;
        }
        self.wish = Wish::Environment(environment);
    }

    fn unfit(&mut self, reasons: Vec<String>) {
        if matches!(&self.wish, Wish::Unfit(known) if *known == reasons) {
            return;
        }
        self.note_edit();
        self.record(Outcome::Rejected, self.subject(), reasons.join("; "));
        self.wish = Wish::Unfit(reasons);
    }

    fn note_edit(&mut self) {
        // Edits belong together while the first of them has not settled.
        let settling = self.journey.as_ref().is_some_and(|journey| journey.step == Step::Settled);
        let first = self.edits.filter(|_| settling).map_or(self.now, |edits| edits.first);
        self.edits = Some(Edits { first, last: self.now });
    }

    fn installed(&mut self, build: Build, version: Version) {
        let changed = self.installed.0 != build;
        self.installed = (build, version);
        // Another build is another chance: what the old one refused is checked again, and a service that is backing off
        // is tried at once.
        if changed {
            self.refused = self.refused.take().filter(|refused| refused.by == Judge::Schema);
            if let Life::Absent { not_before } = &mut self.life {
                *not_before = None;
            }
        }
    }

    fn started(&mut self, run: RunId, pid: u32) {
        let now = self.now;
        let rules = &self.policy.checks;
        if let Some(run) = self.life.run_mut(run)
            && run.pid.is_none()
        {
            run.pid = Some(pid);
            run.started = now;
            run.health = super::health::Health::new(now, rules);
            run.been_ready = run.health.ready(rules);
        }
    }

    /// A process that runs what is good is taken up as it is. Of any other nobody knows what to expect: it serves until
    /// there is something to start in its place.
    fn adopted(&mut self, id: RunId, pid: u32, environment: Fingerprint, build: Build) {
        if self.numbers.run >= id || !matches!(self.life, Life::Absent { .. }) {
            return;
        }
        self.numbers.run = id;
        let good = self.ledger.good().iter().find(|good| good.environment.fingerprint() == environment);
        let base = good
            .filter(|good| good.builds.contains(&build))
            .map(|good| Base { build: Some(build.clone()), ..Base::of(good, self.now) });
        let health = Health::new(self.now, &self.policy.checks);
        let run = Slot {
            id,
            generation: base.as_ref().map(|base| base.generation).unwrap_or_default(),
            started_with: base.as_ref().map_or_else(Arc::default, |base| Arc::clone(&base.environment)),
            environment: base.as_ref().map_or_else(Arc::default, |base| Arc::clone(&base.environment)),
            build,
            pid: Some(pid),
            started: self.now,
            been_ready: health.ready(&self.policy.checks),
            health,
            origin: ProcessOrigin::Adopted,
        };
        self.life = Life::Alive(run);
        self.life_since = self.now;
        self.trial = base.is_some().then(|| Trial::new(TrialKind::Proven));
        self.base = base;
    }

    fn ended(&mut self, id: RunId, exit: Option<Exit>, text: String) {
        if self.life.run_mut(id).is_none() {
            return;
        }
        let before = std::mem::replace(&mut self.life, Life::Absent { not_before: None });
        self.life_since = self.now;
        self.running = None;
        let (run, purpose) = match before {
            Life::Alive(run) => (run, None),
            Life::Leaving(run, purpose, _) | Life::Stopping(run, purpose) => (run, Some(purpose)),
            Life::Absent { .. } => return,
        };
        self.totals.ended(exit);
        self.reason = Reason::after(purpose, exit);
        if matches!(purpose, None | Some(StopReason::Unresponsive)) {
            self.streak.add(self.now, run.started, self.policy.crash.reset_after);
        }
        let crashes = self.streak.crashes;
        match purpose {
            None => self.crashed(&run, &text),
            Some(StopReason::Unresponsive) => {
                self.trial = None;
                self.back_off(&run.build);
            }
            Some(StopReason::Switch | StopReason::Revert | StopReason::Operator | StopReason::Shutdown) => {}
        }
        self.last_exit = Some(board::ExitPicture { run: id, at: self.now, exit, text, crashes });
    }

    fn checked(&mut self, check: CheckId, verdict: Result<(), String>) {
        let Some(journey) = &mut self.journey else { return };
        if journey.step != Step::Checked(Some(check)) {
            return;
        }
        match verdict {
            Ok(()) => {
                journey.go(journey.step.next(), self.now);
                self.refused = None;
            }
            Err(reason) => {
                // It has ended: there is nothing to cancel.
                journey.step = Step::Checked(None);
                self.reject(reason, Judge::Command);
            }
        }
    }

    fn turn_lost(&mut self, turn: TurnId) {
        if self.turn.id() != Some(turn) {
            return;
        }
        self.turn = Turn::None;
        // Lost before the switch, the wish goes back to wait for another one; later it changes nothing.
        if let Some(journey) = &mut self.journey
            && journey.step == Step::Switched
        {
            journey.go(Step::Turn, self.now);
        }
    }

    fn turn_refused(&mut self, turn: TurnId, why: TurnRefusal) {
        if let Turn::Asked(asked, reason) = &mut self.turn
            && *asked == turn
        {
            *reason = Some(why);
        }
    }

    fn change_policy(&mut self, policy: Policy) {
        let before = std::mem::replace(&mut self.policy, policy);
        let now = self.now;
        self.guard.forget_comparison();
        // What the check command refused, or what could not be told to the service, may be fine with another one.
        self.refused = self.refused.take().filter(|refused| refused.by == Judge::Schema);
        self.totals.keep(&self.policy.checks);
        if let Life::Alive(run) | Life::Leaving(run, ..) | Life::Stopping(run, _) = &mut self.life {
            run.health.carry(now, &before.checks, &self.policy.checks);
        }
        // The checks may be other ones now, though the run is the same.
        self.probing = None;
    }

    fn shut_down(&mut self) {
        let again = self.shutdown;
        self.shutdown = true;
        if !again {
            return;
        }
        if let Life::Leaving(run, ..) = &self.life {
            let (id, run) = (run.id, run.clone());
            self.order(Order::Stop { run: id });
            self.life = Life::Stopping(run, StopReason::Shutdown);
        }
        if let Life::Stopping(run, _) = &self.life {
            let run = run.id;
            self.order(Order::Kill { run });
        }
    }
}
