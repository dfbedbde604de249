//! What follows from a verdict: promotion, revert, quarantine, a setback, a failed build, a backoff.
//!
//! Changes: `trials`, `targets`, `process`, `road`.

use std::sync::Arc;

use super::board::totals::Reason;
use super::build::Build;
use super::history::{Outcome, Subject};
use super::order::{Order, TurnVerdict};
use super::policy::{Revert, StepSetting};
use super::process::health::Patience;
use super::process::slot::Slot;
use super::random::doubled;
use super::trial::setback::SetbackKind;
use super::trial::suspicion::Suspicion;
use super::trial::{Judgement, Trial, TrialKind};
use super::{Machine, Moment, StopReason, Target};
use crate::environment::Environment;

/// After this many crashes in a row, the first of them soon after the promotion, the environment was not good after
/// all.
const CRASH_LOOP: u32 = 3;

impl Machine {
    /// Judges the process that is alive; returns whether that changed anything.
    pub(super) fn judge(&mut self) -> bool {
        let Some(slot) = self.process.alive() else { return self.decide_without_a_process() };
        let Some(trial) = &slot.trial else { return false };
        if let Some(why) = self.process.sick_once_connected(&self.policy) {
            self.failed(&why);
            return true;
        }
        match trial.judge(self.now, &slot.evidence(), &self.policy) {
            Judgement::Passed => self.passed(),
            Judgement::Failed(why) => self.failed(&why),
            Judgement::Unresponsive(why) => {
                // It is started again until the time for the verdict is over.
                self.trials.decide_by(slot.started + self.policy.deadline);
                self.record(Outcome::Unresponsive, self.subject(), why);
                self.stop(StopReason::Unresponsive);
            }
            Judgement::Open(_) => return false,
        }
        true
    }

    /// The service keeps ending on the good environment too, and the time for a verdict on the candidate is over.
    fn decide_without_a_process(&mut self) -> bool {
        let due = self.trials.suspicion().and_then(|suspicion| suspicion.decided_by);
        if !self.process.is_absent() || due.is_none_or(|due| due > self.now) {
            return false;
        }
        let ended = self.process.last_exit().map_or_else(|| "it does not start".to_owned(), |exit| exit.text.clone());
        let build = self.installed.0.clone();
        self.neither(&build, &ended);
        true
    }

    /// A liveness failure outside a trial restarts the service, with the crash backoff.
    pub(super) fn restart_unresponsive(&mut self) -> bool {
        let Some(slot) = self.process.alive() else { return false };
        let Some(why) = slot.health.dead(&self.policy.checks, Patience::Fall) else { return false };
        self.record(Outcome::Unresponsive, self.subject(), why);
        self.stop(StopReason::Unresponsive)
    }

    /// Takes back an environment on which the service becomes unhealthy soon after the promotion; returns whether there
    /// was one.
    pub(super) fn take_back_sickened(&mut self) -> bool {
        let Some(slot) = self.process.alive() else { return false };
        let watched = self.trials.promoted().is_some_and(|at| self.now < at + self.policy.watch);
        if !watched || slot.trial.is_some() || slot.health.healthy_since.is_some() || !self.can_be_taken_back(slot) {
            return false;
        }
        let slot = slot.clone();
        let complaint = slot.health.complaint(&self.policy.checks).unwrap_or_else(|| "a check fails".to_owned());
        self.demote(&slot);
        self.take_back(&slot, &format!("unhealthy soon after it was good: {complaint}"));
        self.replace(StopReason::Revert)
    }

    /// Whether this run's environment is the newest good one, and there is an older one to go back to.
    fn can_be_taken_back(&self, slot: &Slot) -> bool {
        let ledger = self.trials.ledger();
        self.trials.suspicion().is_none()
            && self.policy.revert == Revert::ToLastGood
            && ledger.newest().is_some_and(|good| good.environment == slot.environment)
            && ledger.fallback(&slot.environment, &slot.build).is_some()
            && ledger.holds(&slot.environment, &slot.build).is_some()
    }

    /// Whether this run's environment crashes repeatedly soon after its promotion, and there is an older one to go back
    /// to.
    fn was_not_good(&self, slot: &Slot) -> bool {
        let streak = self.process.streak();
        let soon = match (self.trials.promoted(), streak.began) {
            (Some(promoted), Some(began)) => began >= promoted && began - promoted < self.policy.crash.reset_after,
            _ => false,
        };
        soon && streak.crashes >= CRASH_LOOP && self.can_be_taken_back(slot)
    }

    /// The run has been healthy for long enough.
    fn passed(&mut self) {
        let took = self.targets.took(self.process.alive(), self.now);
        let Some(slot) = self.process.alive() else { return };
        let (environment, build, generation) = (Arc::clone(&slot.environment), slot.build.clone(), slot.generation);
        let started_with = Arc::clone(&slot.started_with);
        // The change has taken effect once the service is healthy; the rest of the trial does not count.
        let healthy = slot.health.steady_since.map_or(self.now, |steady| steady.max(slot.trial_began()));
        let Some(trial) = self.process.end_trial() else { return };
        if trial.kind != TrialKind::Proven {
            self.trials.come_to_an_end();
        }
        self.targets.keep_tried();
        let at = self.unix_ms();
        let order = self.trials.note_good(&environment, &build, generation, at, &started_with);
        self.orders.extend(order);
        match trial.kind {
            TrialKind::Candidate | TrialKind::First => self.trials.promote(self.now),
            TrialKind::Fallback | TrialKind::Build => self.trials.promote_again(),
            TrialKind::Proven | TrialKind::Witness => {}
        }
        self.dismiss_old();
        let order = self.trials.release(&environment, &build);
        self.orders.extend(order);
        let suspicion = self.trials.end_suspicion();
        if suspicion.is_none() {
            self.confirm_what_an_earlier_lictor_suspected(&environment, &build);
        }
        if let Some(suspicion) = suspicion {
            self.road.set_verdict(TurnVerdict::Failed);
            let order = self.trials.convict(&suspicion, at);
            self.orders.push(order);
            self.record(Outcome::Reverted, suspicion.subject(), suspicion.reason);
        } else {
            self.road.set_verdict(TurnVerdict::Good);
            if let Some(seen) = self.targets.report() {
                let subject = Subject { propagation: Some(healthy - seen), took, ..self.subject() };
                let outcome = if trial.reloaded.is_some() { Outcome::Reloaded } else { Outcome::Applied };
                self.record(outcome, subject, "");
            }
        }
        self.road.forgive_proved(&environment);
        self.plan_retry();
    }

    /// The service is healthy: a wish that was set back may be tried again, with a backoff, unless it runs already.
    fn plan_retry(&mut self) {
        let Some(setback) = self.trials.setback() else { return };
        if self.targets.is(&setback.environment) {
            self.trials.end_setback();
        } else if setback.retry_at.is_none() {
            let at = self.crash_backoff(setback.attempts);
            self.trials.retry_at(at);
        }
    }

    /// The process that is alive has failed its trial.
    fn failed(&mut self, why: &str) {
        let Some(slot) = self.process.alive().cloned() else { return };
        let Some(kind) = slot.trial.as_ref().map(|trial| trial.kind) else { return };
        let why = &self.with_own_ports(&slot, why);
        self.trials.come_to_an_end();
        match kind {
            TrialKind::Candidate => {
                self.take_back(&slot, why);
                if self.process.alive().is_some_and(|alive| alive.id == slot.id) {
                    self.replace(StopReason::Revert);
                }
                return;
            }
            TrialKind::Fallback | TrialKind::Witness => self.neither(&slot.build, why),
            TrialKind::Build if self.is_given_up(kind) => {}
            TrialKind::Build => self.record(Outcome::BuildFailed, self.subject(), why),
            TrialKind::First | TrialKind::Proven => {}
        }
        if self.is_given_up(kind) {
            return self.give_up_handover(kind, why);
        }
        // Nothing better is known than what runs: the process goes on, and may still get healthy.
        let kind = match kind {
            TrialKind::Fallback | TrialKind::Witness => self.kind_on(&slot.build),
            kind => kind,
        };
        self.process.is_late(kind, why, &self.policy.checks);
    }

    /// The process has ended by itself.
    pub(super) fn crashed(&mut self, slot: &Slot, text: &str) {
        self.trials.come_to_an_end();
        self.record(Outcome::Exited, self.subject().in_run(slot), text);
        if self.shutdown {
            return;
        }
        match slot.trial.as_ref().map(|trial| trial.kind) {
            Some(TrialKind::Candidate) => self.take_back(slot, text),
            // It is started again until the time for the verdict is over.
            Some(TrialKind::Fallback | TrialKind::Witness) => {
                self.trials.decide_by(slot.started + self.policy.deadline);
                self.back_off(&slot.build);
            }
            Some(kind) if self.is_given_up(kind) => self.give_up_handover(kind, text),
            _ if self.was_not_good(slot) => {
                self.demote(slot);
                self.take_back(slot, &format!("keeps ending soon after it was good: {text}"));
            }
            kind => {
                // It is recorded once, because a build that keeps failing would fill the history.
                if kind == Some(TrialKind::Build) && self.process.streak().crashes == 1 {
                    self.record(Outcome::BuildFailed, self.subject().in_run(slot), text);
                }
                self.back_off(&slot.build);
            }
        }
    }

    /// This run's environment was not good after all.
    fn demote(&mut self, slot: &Slot) {
        let order = self.trials.demote(&slot.environment, &slot.build);
        self.orders.push(order);
    }

    /// Goes back to the last good environment on the present build; the one that failed is under suspicion until the
    /// service is healthy again.
    fn take_back(&mut self, slot: &Slot, why: &str) {
        let witness = self.witness(&slot.environment, &slot.build);
        let is_there = witness.is_some();
        let Some(good) = witness.or_else(|| self.trials.ledger().fallback(&slot.environment, &slot.build)) else {
            return self.back_off(&slot.build);
        };
        let target = Target::of(good, self.now);
        if self.policy.turn == StepSetting::Enabled {
            let (wish, good) = (Arc::clone(&slot.environment), Arc::clone(&target.environment));
            self.orders.push(Order::Halt { wish, good, reason: why.to_owned() });
        }
        let suspicion = Suspicion {
            environment: Arc::clone(&slot.environment),
            build: slot.build.clone(),
            reason: why.to_owned(),
            generation: slot.generation,
            keys: self.targets.present().map(|target| target.keys.clone()).unwrap_or_default(),
            took: self.targets.took(Some(slot), self.now),
            decided_by: None,
        };
        let order = self.trials.suspect(suspicion, self.unix_ms());
        self.orders.push(order);
        self.go_to(target, Reason::Revert);
        if is_there {
            self.bring_back_old(Some(Trial::of_witness(self.now)));
        }
    }

    /// The suspicion ends without a verdict.
    pub(super) fn drop_suspicion(&mut self) -> Option<Suspicion> {
        let (suspicion, order) = self.trials.drop_suspicion();
        self.orders.extend(order);
        suspicion
    }

    /// An earlier lictor stopped while it went back to a good environment, on which the service is healthy now.
    fn confirm_what_an_earlier_lictor_suspected(&mut self, good: &Environment, build: &Build) {
        let (confirmed, order) = self.trials.confirm_suspected(good, build);
        self.orders.extend(order);
        for held in confirmed {
            let environment = self.road.wanted().filter(|wish| wish.fingerprint() == held.pair.environment).cloned();
            let subject =
                Subject { environment, build: held.pair.build, run: None, keys: Vec::new(), ..self.subject() };
            self.record(Outcome::Reverted, subject, held.reason);
        }
    }

    /// The service does not get healthy on the good environment either: there is no verdict on the candidate.
    fn neither(&mut self, build: &Build, why: &str) {
        let Some(suspicion) = self.drop_suspicion() else { return };
        self.road.set_verdict(TurnVerdict::Inconclusive);
        if self.policy.turn == StepSetting::Enabled {
            self.orders.push(Order::EndHalt { wish: Arc::clone(&suspicion.environment) });
        }
        let present = self.targets.environment();
        let known = present.is_some_and(|present| self.trials.ledger().holds(present, build).is_some());
        let (kind, outcome) = if known {
            (SetbackKind::Inconclusive, Outcome::Inconclusive)
        } else {
            (SetbackKind::BuildFailed, Outcome::BuildFailed)
        };
        let reason = format!("{}; then on the last good one: {why}", suspicion.reason);
        self.record(outcome, suspicion.subject(), reason.clone());
        self.trials.set_back(suspicion, kind, reason, self.now);
    }

    /// When the n-th attempt may begin: exponential backoff with full jitter.
    pub(super) fn crash_backoff(&mut self, attempt: u32) -> Moment {
        let crash = self.policy.crash;
        self.now + self.random.up_to(doubled(crash.backoff, crash.max_backoff, attempt.max(1)))
    }
}
