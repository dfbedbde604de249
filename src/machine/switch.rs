//! *switched*: the wish becomes what every start starts, and takes effect by a restart, a reload, or not yet.

use std::sync::Arc;

use super::history::Outcome;
use super::life::{Life, Slot, StopReason};
use super::numbers::RunId;
use super::order::Order;
use super::policy::OnChange;
use super::road::Journey;
use super::road::checked::{Judge, Refusal};
use super::road::switched::{self, ApplyBy};
use super::steps::Steps;
use super::totals::Reason;
use super::trial::{ReloadTrial, Trial, TrialKind};
use super::{Base, Machine, Streak, Subject};
use crate::environment::changed_names;

impl Machine {
    /// How the wish on the road would take effect now.
    pub(super) fn way(&self) -> ApplyBy {
        match self.asked() {
            OnChange::Restart => ApplyBy::Restart,
            asked => {
                switched::decide(asked, switched::standing(self.now, &self.life, self.trial.as_ref(), &self.policy))
            }
        }
    }

    /// What the changes of the wish on the road ask for.
    fn asked(&self) -> OnChange {
        let (Some(base), Some(journey)) = (&self.base, &self.journey) else { return OnChange::Restart };
        let rules = &self.policy.on_change;
        if rules.iter().all(|rule| rule.on_change == OnChange::Restart) {
            return OnChange::Restart;
        }
        switched::asked(rules, &changed_names(&base.environment, &journey.environment))
    }

    /// How the wish on the road will take effect, as things stand; or how the newest switch did.
    pub(super) fn effect(&self) -> OnChange {
        if self.journey.is_none() {
            let told = self.trial.as_ref().is_some_and(|trial| trial.reload.is_some());
            return if told { OnChange::Reload } else { OnChange::Restart };
        }
        match self.way() {
            ApplyBy::Restart => OnChange::Restart,
            ApplyBy::Reload => OnChange::Reload,
            ApplyBy::Ignore => OnChange::Ignore,
            ApplyBy::Wait(_) => self.asked(),
        }
    }

    /// From here on the wish is what every start starts. A trial that is going on ends without a verdict.
    pub(super) fn switch(&mut self) -> bool {
        let way = self.way();
        let Some(journey) = self.journey.take() else { return false };
        let took = journey.took(self.now);
        let Journey { environment, since, .. } = journey;
        self.supersede();
        let seen = self.edits.take().map_or(since, |edits| edits.first);
        let keys = match &self.base {
            Some(base) => changed_names(&base.environment, &environment),
            None => Vec::new(),
        };
        self.numbers.generation = self.numbers.generation.next();
        let generation = self.numbers.generation;
        let base = Base { environment, build: None, generation, since: self.now, unreported: Some(seen), keys, took };
        let before = self.base.replace(base);
        match way {
            ApplyBy::Reload => self.reload(before),
            ApplyBy::Ignore => self.ignore(),
            ApplyBy::Restart | ApplyBy::Wait(_) => self.replace_process(),
        }
        true
    }

    /// A newer wish takes its place: what is on trial, or under suspicion, gets no verdict.
    fn supersede(&mut self) {
        if self.suspect.is_none() && self.on_trial() {
            self.superseded = self.superseded.saturating_add(1);
        }
        let subject = match self.suspect.take() {
            Some(suspect) => suspect.subject(),
            None if self.trial.as_ref().is_some_and(|trial| trial.kind != TrialKind::Proven) => self.subject(),
            // Switched to, and never started.
            None if self.base.as_ref().is_some_and(|base| base.build.is_none()) => self.subject(),
            None => return,
        };
        self.record(Outcome::Superseded, subject, "a newer wish took its place");
    }

    fn replace_process(&mut self) {
        if self.stay() {
            return;
        }
        self.trial = None;
        self.streak = Streak::default();
        if let Life::Absent { not_before } = &mut self.life {
            *not_before = None;
            self.reason = Reason::Config;
        }
        self.stop(StopReason::Switch);
    }

    /// A process that only leaves traffic to make room for a wish stays if nothing else is to be started now; says whether
    /// it does.
    pub(super) fn stay(&mut self) -> bool {
        let Life::Leaving(run, StopReason::Switch, _) = &self.life else { return false };
        let Some(base) = &self.base else { return false };
        let wanted = if self.holding().is_some() { &run.environment } else { &base.environment };
        let Some(good) = self.ledger.holds(&run.environment, &run.build).filter(|_| *wanted == run.environment) else {
            return false;
        };
        let (run, base) = (run.clone(), Base { build: Some(run.build.clone()), ..Base::of(good, self.now) });
        (self.life, self.life_since) = (Life::Alive(run), self.now);
        (self.base, self.trial, self.suspect) = (Some(base), None, None);
        true
    }

    /// The process stays and is told; from now on it has to prove itself on what it was told.
    fn reload(&mut self, before: Option<Base>) {
        let Some(run) = self.carry_base_to_run() else { return };
        let (id, environment, build) = (run.id, Arc::clone(&run.environment), run.build.clone());
        let kind = self.kind_on(&build);
        self.prove_again(kind, before);
        self.order(Order::Reload { run: id, environment });
    }

    fn prove_again(&mut self, kind: TrialKind, before: Option<Base>) {
        if let Life::Alive(run) = &mut self.life {
            run.health.count_anew(self.now, &self.policy.checks);
        }
        self.trial = Some(Trial { kind, overdue: None, reload: Some(ReloadTrial { at: self.now, before }) });
    }

    /// The process stays and is not told: it gets the change with its next start.
    fn ignore(&mut self) {
        self.carry_base_to_run();
        if let Some(base) = &mut self.base {
            base.unreported = None;
        }
        self.record(Outcome::Ignored, self.subject(), "");
        if let Some(base) = &mut self.base {
            base.took = Steps::default();
        }
    }

    /// The run is one of the present base from now on, without a start of its own.
    fn carry_base_to_run(&mut self) -> Option<&Slot> {
        let (Some(base), Life::Alive(run)) = (&mut self.base, &mut self.life) else { return None };
        base.build = Some(run.build.clone());
        run.environment = Arc::clone(&base.environment);
        run.generation = base.generation;
        Some(run)
    }

    /// The process could not be told: nothing was touched, so the wish is rejected and all is as it was.
    pub(super) fn reload_failed(&mut self, id: RunId, error: String) {
        if self.life.alive().is_none_or(|run| run.id != id) {
            return;
        }
        let before = self.trial.as_mut().and_then(|trial| trial.reload.as_mut()?.before.take());
        let Some(before) = before else { return };
        let subject = self.subject();
        let Some(base) = self.base.replace(before) else { return };
        let Some(build) = self.carry_base_to_run().map(|run| run.build.clone()) else { return };
        let kind = self.kind_on(&build);
        self.prove_again(kind, None);
        self.record(Outcome::Rejected, Subject { propagation: None, ..subject }, error.clone());
        self.refused =
            Some(Refusal { environment: base.environment, reason: error, by: Judge::Command, times: 1, again: None });
    }

    /// What runs otherwise than its process was started: the names that count from the next start on.
    pub(super) fn pending_restart(&self) -> Vec<String> {
        match self.life.alive() {
            Some(run) if run.started_with != run.environment => changed_names(&run.started_with, &run.environment),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
