//! Folds an event into what is known. It orders almost nothing: what follows from it is `settle`'s business.
//!
//! A fact about a run, check or turn that is over changes nothing.

use std::sync::Arc;
use std::time::Duration;

use super::board::ExitPicture;
use super::board::totals::TurnResult;
use super::build::{Build, Version};
use super::event::{CheckVerdict, Event, Exit};
use super::history::Outcome;
use super::history::steps::Steps;
use super::numbers::{CheckId, RunId};
use super::order::Order;
use super::policy::Policy;
use super::process::Life;
use super::process::health::Health;
use super::process::slot::{ProcessOrigin, Slot, StopReason};
use super::road::News;
use super::road::checked::Judge;
use super::road::journey::Step;
use super::trial::{Trial, TrialKind};
use super::{Machine, Target};
use crate::environment::{Environment, Fingerprint, changed_names};

impl Machine {
    pub(super) fn fold(&mut self, event: Event) {
        match event {
            Event::Wish { environment, violations } => self.wished(&environment, violations),
            Event::Unfit { reasons } => self.unfit(reasons),
            Event::Sources { sources } => self.shown.sources.hear(sources, self.unix_ms()),
            Event::Disk { problem } => self.shown.disk = problem,
            Event::Sockets { problem } => self.shown.sockets = problem,
            Event::FleetProblems { problems } => self.shown.fleet = problems,
            Event::Steering { problem } => self.process.set_steering_trouble(problem),
            Event::OwnPorts { run, ports } => self.process.has_own_ports(run, ports),
            Event::Steered { run } => self.process.connected(run, self.now),
            Event::SteerFailed { run, error } => self.steer_failed(run, error),
            Event::Installed { build, version } => self.installed(build, version),
            Event::Started { run, pid } => self.process.started(run, pid, self.now, &self.policy.checks),
            Event::Adopted { run, pid, environment, build } => self.adopted(run, pid, environment, build),
            Event::StartFailed { run, error } => self.ended(run, None, error),
            Event::Exited { run, exit } => self.ended(run, Some(exit), exit.to_string()),
            Event::Identified { run, build, version } => self.process.identified(run, build, version),
            Event::Probed { run, check, outcome, took } => {
                if self.process.answering(run).is_some() {
                    if let Some(rule) = self.policy.checks.get(check) {
                        self.shown.totals.probed(rule, &outcome, took);
                    }
                    self.process.probed(run, &self.policy.checks, check, outcome, took, self.now);
                }
            }
            Event::ReloadFailed { run, error } => self.reload_failed(run, error),
            Event::Checked { check, verdict } => self.checked(check, verdict),
            Event::TurnGranted { turn } => {
                if let Some(asked) = self.road.turn_granted(turn) {
                    self.shown.totals.turn_granted(self.now - asked);
                }
            }
            Event::TurnLost { turn } => {
                if self.road.turn_lost(turn, self.now) {
                    self.shown.totals.turn_ended(TurnResult::Lost);
                }
            }
            Event::TurnRefused { turn, why } => self.road.turn_refused(turn, why),
            Event::TrafficChanged { run, state } => self.traffic.report(run, state),
            Event::TrafficTrouble { problem } => self.traffic.set_trouble(problem),
            Event::Policy { policy } => self.change_policy(*policy),
            Event::Reloaded { who, outcome } => self.reloaded(who, outcome),
            Event::Operator { verb, by } => self.operator(verb, by),
            Event::Signal { signal } => {
                let run = self.process.active().filter(|slot| slot.pid.is_some()).map(|slot| slot.id);
                self.orders.extend(run.map(|run| Order::Signal { run, signal }));
            }
            Event::Paused { length } => self.paused(length),
            Event::Shutdown => self.shut_down(),
            Event::Tick => {}
        }
    }

    fn wished(&mut self, environment: &Arc<Environment>, violations: Vec<String>) {
        self.renew_keys(environment);
        if violations.is_empty() {
            self.recognise(environment);
        }
        match self.road.hear(Arc::clone(environment), violations, self.now) {
            News::Nothing => {}
            News::Rules => {
                self.leave_road();
            }
            News::Wish => {
                self.trials.end_setback();
                if self.targets.is(environment) {
                    self.road.forget_edits();
                }
            }
        }
    }

    /// The environment may be one that is known, with other keys behind it: what its sources gave for it counts from now
    /// on.
    fn renew_keys(&mut self, environment: &Arc<Environment>) {
        self.road.renew(environment);
        if !self.targets.renew(environment) {
            return;
        }
        self.process.renew(environment);
        if self.trials.ledger.renew_keys(environment) == super::trial::ledger::Changed::Yes {
            self.keep_good();
        }
    }

    fn unfit(&mut self, reasons: Vec<String>) {
        let why = reasons.join("; ");
        if self.road.hear_unfit(reasons, self.now) {
            self.record(Outcome::Rejected, self.subject(), why);
        }
    }

    /// Another build is another chance: what the old one refused is checked again, and a service that is backing off is
    /// tried at once.
    fn installed(&mut self, build: Build, version: Version) {
        let changed = self.installed.0 != build;
        self.installed = (build, version);
        if changed {
            self.road.forgive_command();
            self.process.end_backoff();
            self.starts_on_what_is_installed();
        }
    }

    /// What an earlier lictor has started, and had not found good or bad yet, is what is wished for: its trial goes on,
    /// from its beginning, and nothing is started for it.
    fn recognise(&mut self, environment: &Arc<Environment>) {
        let Some(slot) = self.process.alive().filter(|_| self.targets.present().is_none()) else { return };
        let runs = ProcessOrigin::Adopted(environment.fingerprint());
        let (build, ledger) = (slot.build.clone(), &self.trials.ledger);
        let is_doubted = ledger.quarantined(environment, &build).is_some();
        if slot.origin != runs || build != self.installed.0 || is_doubted {
            return;
        }
        let before = ledger.newest().map(|good| &good.environment);
        let keys = before.map(|before| changed_names(before, environment)).unwrap_or_default();
        self.numbers.generation = self.numbers.generation.next();
        let (environment, generation) = (Arc::clone(environment), self.numbers.generation);
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

    /// A process that runs a good environment is taken over as it is. Nothing is known about any other: it serves until
    /// there is something to start in its place.
    fn adopted(&mut self, id: RunId, pid: u32, environment: Fingerprint, build: Build) {
        if self.numbers.run >= id || !self.process.is_gone() {
            return;
        }
        self.numbers.run = id;
        let origin = ProcessOrigin::Adopted(environment);
        let good = self.trials.ledger.good().iter().find(|good| good.environment.fingerprint() == environment);
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

    fn ended(&mut self, run: RunId, exit: Option<Exit>, text: String) {
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

    fn checked(&mut self, check: CheckId, verdict: CheckVerdict) {
        if !self.road.check_ended(check) {
            return;
        }
        match verdict {
            CheckVerdict::Passed => {
                self.road.go(Step::Turn, self.now);
                self.road.forgive();
            }
            CheckVerdict::Refused { why } => {
                self.reject(why, Judge::Command);
            }
            CheckVerdict::Unanswered { why } => {
                self.reject(why, Judge::Nobody);
            }
        }
    }

    fn change_policy(&mut self, policy: Policy) {
        let before = std::mem::replace(&mut self.policy, policy);
        self.holds.guard.forget_comparison();
        // A value that is secret now is hidden at once, whatever the environment that it is in waits for.
        let shown = |environment: &mut Arc<Environment>| *environment = environment.shown_by(&self.policy.visibility);
        self.road.environments().for_each(shown);
        self.targets.environments().for_each(shown);
        self.process.environments().for_each(shown);
        self.trials.ledger.environments().for_each(shown);
        // Another check command, or another file for the service, may accept what the old one refused.
        self.road.forgive_command();
        self.shown.totals.keep(&self.policy.checks);
        self.process.carry_rules(&before.checks, &self.policy.checks, self.now);
    }

    /// Nothing moved for so long, the service's probes included: no clock of a trial runs through it.
    fn paused(&mut self, length: Duration) {
        self.process.paused(length);
        self.trials.paused(length);
    }

    fn shut_down(&mut self) {
        let again = std::mem::replace(&mut self.shutdown, true);
        if !again {
            return;
        }
        if let Some(run) = self.process.has_left(self.now) {
            self.orders.push(Order::Stop { run });
        }
        if let Life::Stopping(slot, _) = self.process.life() {
            self.orders.push(Order::Kill { run: slot.id });
        }
        if let Some(slot) = self.process.leaving_beside() {
            self.orders.push(Order::Kill { run: slot.id });
        }
    }
}
