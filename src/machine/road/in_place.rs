//! *switched*, in place: a change that takes effect in the process that runs, by a reload, or with its next start. The
//! rule which changes do is in `switched`.
//!
//! Changes: `targets`, `process`, `road`.

use std::sync::Arc;

use super::super::history::{Outcome, Subject};
use super::super::numbers::RunId;
use super::super::order::Order;
use super::super::policy::OnChange;
use super::super::trial::Trial;
use super::super::{GenerationId, Machine, Target};
use super::checked::{Judge, Refusal};
use super::switched::{self, ApplyBy};
use crate::environment::{Environment, changed_names};

impl Machine {
    /// How the wish on the road would take effect now.
    pub(super) fn apply_by(&self) -> ApplyBy {
        match self.asked_for() {
            OnChange::Restart => ApplyBy::Restart,
            asked => switched::decide(asked, switched::standing(self.now, self.process.alive(), &self.policy)),
        }
    }

    /// What the changed variables of the wish on the road ask for.
    fn asked_for(&self) -> OnChange {
        let (Some(present), Some(journey)) = (self.targets.environment(), self.road.journey()) else {
            return OnChange::Restart;
        };
        let rules = &self.policy.on_change;
        if rules.iter().all(|rule| rule.on_change == OnChange::Restart) {
            return OnChange::Restart;
        }
        switched::asked(rules, &changed_names(present, &journey.environment))
    }

    /// How the wish on the road will take effect, as far as that is known now; without a wish, how the newest switch
    /// did.
    pub(in super::super) fn effect(&self) -> OnChange {
        if self.road.journey().is_none() {
            let reloaded = self.process.trial().is_some_and(|trial| trial.reloaded.is_some());
            return if reloaded { OnChange::Reload } else { OnChange::Restart };
        }
        match self.apply_by() {
            ApplyBy::Restart => OnChange::Restart,
            ApplyBy::Reload => OnChange::Reload,
            ApplyBy::Ignore => OnChange::Ignore,
            ApplyBy::Wait(_) => self.asked_for(),
        }
    }

    /// The process goes on and reloads; it has to prove itself on the new environment.
    pub(super) fn reload(&mut self, target: Target) {
        let (environment, generation) = (Arc::clone(&target.environment), target.generation);
        self.targets.try_out_by_reload(target);
        let Some(run) = self.carry_to_process(&environment, generation) else { return };
        self.prove_anew();
        self.orders.push(Order::Reload { run, environment });
    }

    /// The process goes on as it is: it gets the change with its next start.
    pub(super) fn ignore(&mut self, target: Target) {
        let (environment, generation) = (Arc::clone(&target.environment), target.generation);
        self.targets.try_out(target);
        self.targets.keep_tried();
        self.carry_to_process(&environment, generation);
        let subject = self.subject();
        self.targets.report();
        self.record(Outcome::Ignored, subject, "");
    }

    /// The process belongs to this generation from now on, without being started again.
    fn carry_to_process(&mut self, environment: &Arc<Environment>, generation: GenerationId) -> Option<RunId> {
        let build = self.process.carry(environment, generation)?;
        self.targets.start_on(&build, || generation);
        self.process.alive().map(|slot| slot.id)
    }

    fn prove_anew(&mut self) {
        let Some(build) = self.process.alive().map(|slot| slot.build.clone()) else { return };
        let trial = Trial::of_reload(self.kind_on(&build), self.now);
        self.process.begin_trial(trial, &self.policy.checks, self.now);
    }

    /// The reload could not be carried out, so nothing was touched: the wish is rejected, and the process stays on the
    /// environment before it.
    pub(in super::super) fn reload_failed(&mut self, run: RunId, error: String) {
        let slot = self.process.alive().filter(|slot| slot.id == run);
        if slot.and_then(|slot| slot.trial.as_ref()).is_none_or(|trial| trial.reloaded.is_none()) {
            return;
        }
        let subject = self.subject();
        let Some(tried) = self.targets.give_up_reload() else { return };
        let Some(present) = self.targets.present() else { return };
        let (environment, generation) = (Arc::clone(&present.environment), present.generation);
        self.carry_to_process(&environment, generation);
        self.prove_anew();
        self.record(Outcome::Rejected, Subject { propagation: None, ..subject }, error.clone());
        let by = Judge::Command;
        self.road.refuse(Refusal { environment: tried.environment, reason: error, by, times: 1, again: None });
    }

    /// The names of the variables that differ from what the process was started with: they count from its next start
    /// on.
    pub(in super::super) fn pending_restart(&self) -> Vec<String> {
        match self.process.alive() {
            Some(slot) if slot.started_with != slot.environment => changed_names(&slot.started_with, &slot.environment),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
