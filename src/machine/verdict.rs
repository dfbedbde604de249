//! What follows from a verdict: promotion, revert, quarantine, inconclusive, build failed, backoff.

use std::sync::Arc;

use super::build::Build;
use super::history::Outcome;
use super::ledger::{Changed, Quarantined};
use super::life::{Life, Slot, StopReason, Streak};
use super::moment::Moment;
use super::numbers::GenerationId;
use super::order::{Order, Pair, TurnVerdict};
use super::policy::{Revert, StepSetting};
use super::random::doubled;
use super::road::checked::{Judge, Refusal};
use super::setback::{Setback, SetbackKind};
use super::steps::Steps;
use super::totals::Reason;
use super::trial::{Trial, TrialKind};
use super::{Base, Machine, Subject};
use crate::environment::Environment;

/// A candidate that failed; quarantined only once the good environment is healthy again.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Suspect {
    pub(super) environment: Arc<Environment>,
    pub(super) build: Build,
    pub(super) reason: String,
    generation: GenerationId,
    keys: Vec<String>,
    took: Steps,
}

impl Suspect {
    pub(super) fn is(&self, environment: &Environment, build: &Build) -> bool {
        *self.environment == *environment && self.build == *build
    }
}

impl Machine {
    /// What a start of the present base on the present build has to prove.
    pub(super) fn kind_of_start(&self) -> TrialKind {
        self.kind_on(&self.installed.0)
    }

    /// What the present base has to prove on this build.
    pub(super) fn kind_on(&self, build: &Build) -> TrialKind {
        let Some(base) = &self.base else { return TrialKind::First };
        if self.suspect.is_some() {
            TrialKind::Fallback
        } else if self.ledger.holds(&base.environment, build).is_some() {
            TrialKind::Proven
        } else if self.ledger.newest().is_some_and(|good| good.environment == base.environment) {
            TrialKind::Build
        } else if self.policy.revert == Revert::ToLastGood && self.ledger.fallback(&base.environment, build).is_some() {
            TrialKind::Candidate
        } else {
            TrialKind::First
        }
    }

    /// The run has been healthy for long enough.
    pub(super) fn passed(&mut self) {
        let took = self.base_took(self.life.alive());
        let (Some(trial), Life::Alive(run)) = (self.trial.take(), &self.life) else { return };
        if trial.kind != TrialKind::Proven {
            self.superseded = 0;
        }
        let (environment, build, generation) = (Arc::clone(&run.environment), run.build.clone(), run.generation);
        // That it stays healthy is what the rest of the trial is about, and no part of how long the change took.
        let healthy = run.health.steady_since.map_or(self.now, |steady| steady.max(trial.begun(run)));
        let at = self.unix_ms();
        let block = Arc::clone(&run.started_with);
        if self.ledger.promote(&environment, &build, generation, at, &block) == Changed::Yes {
            self.keep_good();
        }
        match trial.kind {
            TrialKind::Candidate | TrialKind::First => self.promoted = Some(self.now),
            // Its environment was good before: if it crash-loops now, an older environment is no remedy.
            TrialKind::Fallback | TrialKind::Build => self.promoted = None,
            TrialKind::Proven => {}
        }
        if self.ledger.release(&environment, &build) == Changed::Yes {
            self.keep_quarantine();
        }
        self.turn_verdict = TurnVerdict::Good;
        if let Some(suspect) = self.suspect.take() {
            self.turn_verdict = TurnVerdict::Failed;
            self.quarantine(suspect, at);
        } else if let Some(seen) = self.base.as_mut().and_then(|base| base.unreported.take()) {
            if let Some(base) = &mut self.base {
                base.took = Steps::default();
            }
            let subject = Subject { propagation: Some(healthy - seen), took, ..self.subject() };
            let outcome = if trial.reload.is_some() { Outcome::Reloaded } else { Outcome::Applied };
            self.record(outcome, subject, "");
        }
        // Asked again and let through, it is refused no more; rules are not asked, they say the same.
        let stands = |refused: &Refusal| refused.by == Judge::Schema || !refused.is_about(&environment);
        self.refused = self.refused.take().filter(stands);
        self.plan_retry();
    }

    /// The service is healthy: what was inconclusive may be tried again, with backoff, unless it is what runs now.
    fn plan_retry(&mut self) {
        let Some(setback) = &mut self.setback else { return };
        if self.base.as_ref().is_some_and(|base| base.environment == setback.environment) {
            self.setback = None;
        } else if setback.retry_at.is_none() {
            let attempts = setback.attempts;
            let at = self.crash_backoff(attempts);
            if let Some(setback) = &mut self.setback {
                setback.retry_at = Some(at);
            }
        }
    }

    fn quarantine(&mut self, suspect: Suspect, at_unix_ms: u64) {
        let pair = Pair { environment: suspect.environment.fingerprint(), build: suspect.build.clone() };
        self.ledger.put_in_quarantine(Quarantined { pair, reason: suspect.reason.clone(), at_unix_ms });
        self.keep_quarantine();
        self.setback = None;
        self.record(Outcome::Reverted, suspect.subject(), suspect.reason);
    }

    pub(super) fn keep_good(&mut self) {
        self.order(Order::KeepGood { good: self.ledger.good().to_vec() });
    }

    pub(super) fn keep_quarantine(&mut self) {
        self.order(Order::KeepQuarantine { quarantine: self.ledger.quarantine().to_vec() });
    }

    /// The run that is alive has failed its trial.
    pub(super) fn failed(&mut self, why: &str) {
        let (Some(trial), Life::Alive(run)) = (&self.trial, &self.life) else { return };
        self.superseded = 0;
        match trial.kind {
            TrialKind::Candidate => {
                let run = run.clone();
                self.take_back(&run, why);
                self.stop(StopReason::Revert);
            }
            TrialKind::Fallback => {
                let build = run.build.clone();
                self.neither(&build, why);
                // Nothing better is known than what runs: it stays, and may still get healthy.
                let kind = self.kind_of_start();
                self.trial = Some(Trial { overdue: Some(why.to_owned()), ..Trial::new(kind) });
                self.count_liveness();
            }
            kind @ (TrialKind::Build | TrialKind::First | TrialKind::Proven) => {
                if kind == TrialKind::Build {
                    self.record(Outcome::BuildFailed, self.subject(), why);
                }
                self.trial = self.trial.take().map(|trial| Trial { overdue: Some(why.to_owned()), ..trial });
                self.count_liveness();
            }
        }
    }

    fn count_liveness(&mut self) {
        if let Life::Alive(run) = &mut self.life {
            run.health.overdue(&self.policy.checks);
        }
    }

    /// The run has ended by itself; the process is gone already.
    pub(super) fn crashed(&mut self, run: &Slot, text: &str) {
        let kind = self.trial.take().map(|trial| trial.kind);
        self.superseded = 0;
        self.record(Outcome::Exited, self.subject_of(run), text);
        if self.shutdown {
            return;
        }
        match kind {
            Some(TrialKind::Candidate) => self.take_back(run, text),
            Some(TrialKind::Fallback) => {
                self.neither(&run.build, text);
                self.back_off(&run.build);
            }
            _ if self.was_not_good(run) => {
                self.ledger.demote(&run.environment, &run.build);
                self.keep_good();
                self.take_back(run, &format!("keeps ending soon after it was good: {text}"));
            }
            Some(TrialKind::Build) => {
                // Once: a build that goes on failing is said to end, and no more.
                if self.streak.crashes == 1 {
                    self.record(Outcome::BuildFailed, self.subject_of(run), text);
                }
                self.back_off(&run.build);
            }
            Some(TrialKind::First | TrialKind::Proven) | None => self.back_off(&run.build),
        }
    }

    /// What a run was that is gone, for a line of history.
    fn subject_of(&self, run: &Slot) -> Subject {
        Subject { build: run.build.clone(), run: Some(run.id), ..self.subject() }
    }

    /// Back to the last good environment on the present build; the failed one is under suspicion until that is healthy.
    pub(super) fn take_back(&mut self, run: &Slot, why: &str) {
        let Some(good) = self.ledger.fallback(&run.environment, &run.build) else { return self.back_off(&run.build) };
        let keys = self.base.as_ref().map(|base| base.keys.clone()).unwrap_or_default();
        let took = self.base_took(Some(run));
        let base = Base::of(good, self.now);
        if self.policy.turn == StepSetting::Enabled {
            let (wish, good) = (Arc::clone(&run.environment), Arc::clone(&base.environment));
            self.order(Order::Halt { wish, good, reason: why.to_owned() });
        }
        self.suspect = Some(Suspect {
            environment: Arc::clone(&run.environment),
            build: run.build.clone(),
            reason: why.to_owned(),
            generation: run.generation,
            keys,
            took,
        });
        self.base = Some(base);
        self.trial = None;
        self.streak = Streak::default();
        if let Life::Absent { not_before } = &mut self.life {
            *not_before = None;
            self.reason = Reason::Revert;
        }
    }

    /// The good environment does not get healthy either: no verdict on the candidate.
    fn neither(&mut self, build: &Build, why: &str) {
        let Some(suspect) = self.suspect.take() else { return };
        self.turn_verdict = TurnVerdict::Inconclusive;
        if self.policy.turn == StepSetting::Enabled {
            self.order(Order::EndHalt { wish: Arc::clone(&suspect.environment) });
        }
        let known = self.base.as_ref().is_some_and(|base| self.ledger.holds(&base.environment, build).is_some());
        let (kind, outcome) = if known {
            (SetbackKind::Inconclusive, Outcome::Inconclusive)
        } else {
            (SetbackKind::BuildFailed, Outcome::BuildFailed)
        };
        let before = self.setback.take().filter(|setback| setback.environment == suspect.environment);
        let attempts = before.map_or(0, |setback| setback.attempts).saturating_add(1);
        let reason = format!("{}; then on the last good one: {why}", suspect.reason);
        self.record(outcome, suspect.subject(), reason.clone());
        self.setback = Some(Setback {
            kind,
            environment: suspect.environment,
            build: suspect.build,
            reason,
            since: self.now,
            attempts,
            retry_at: None,
        });
    }

    /// The next start waits. Another build than the one that has just ended is tried
    /// at once.
    pub(super) fn back_off(&mut self, ended: &Build) {
        if self.installed.0 != *ended {
            return;
        }
        let at = self.crash_backoff(self.streak.crashes);
        if let Life::Absent { not_before } = &mut self.life {
            *not_before = Some(at);
        }
    }

    /// When the n-th attempt may begin: exponential backoff with full jitter.
    pub(super) fn crash_backoff(&mut self, attempt: u32) -> Moment {
        let crash = self.policy.crash;
        self.now + self.random.up_to(doubled(crash.backoff, crash.max_backoff, attempt.max(1)))
    }
}

impl Suspect {
    pub(super) fn subject(&self) -> Subject {
        Subject {
            generation: self.generation,
            environment: Some(Arc::clone(&self.environment)),
            build: self.build.clone(),
            run: None,
            keys: self.keys.clone(),
            took: self.took.clone(),
            propagation: None,
            who: None,
            deployment: None,
        }
    }
}
