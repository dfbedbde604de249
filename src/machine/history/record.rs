//! Writes lines of history, for the disk and for the tail on the board.

use std::sync::Arc;

use super::super::Machine;
use super::super::board::deployment::{Deployment, Validation, Verdict};
use super::super::order::Order;
use super::super::process::slot::Slot;
use super::steps::{StepName, Steps};
use super::{Entry, Outcome, Subject};
use crate::environment::{Environment, changed_names};

/// How many lines of history stand on the board.
pub(in super::super) const TAIL: usize = 20;

/// How many characters of a reason one line of history has.
const REASON: usize = 2000;

/// How many names of variables one line of history has; more are counted.
const NAMED: usize = 100;

/// Of how many of them it says where they come from.
const TRACED: usize = 20;

impl Machine {
    pub(in super::super) fn record(&mut self, outcome: Outcome, subject: Subject, why: impl Into<String>) {
        let propagation = subject.propagation;
        self.shown.totals.recorded(outcome, propagation);
        let mut keys = subject.keys;
        let more_keys = keys.len().saturating_sub(NAMED);
        keys.truncate(NAMED);
        let environment = subject.environment.as_ref().filter(|_| outcome.is_of_a_wish());
        let from =
            environment.map(|environment| environment.origins(&keys[..keys.len().min(TRACED)])).unwrap_or_default();
        let entry = Entry {
            at: self.now,
            at_unix_ms: self.unix_ms(),
            outcome,
            generation: subject.generation,
            environment: subject.environment.map(|environment| environment.fingerprint()),
            build: subject.build,
            run: subject.run,
            keys,
            more_keys,
            from,
            why: shortened(why.into()),
            propagation_ms: propagation.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            steps: if outcome.is_of_a_wish() { subject.took } else { Steps::default() },
            who: subject.who,
            deployment: subject.deployment,
        };
        self.shown.remember(entry.clone());
        self.orders.push(Order::Record { entry });
    }

    /// What a start starts now, for a line of history.
    pub(in super::super) fn subject(&self) -> Subject {
        let target = self.targets.present();
        let slot = self.process.slot();
        Subject {
            generation: target.map(|target| target.generation).unwrap_or_default(),
            environment: target.map(|target| Arc::clone(&target.environment)),
            build: slot.map_or_else(|| self.installed.0.clone(), |slot| slot.build.clone()),
            run: slot.map(|slot| slot.id),
            keys: target.map(|target| target.keys.clone()).unwrap_or_default(),
            took: self.present_took(self.process.alive()),
            propagation: None,
            who: None,
            deployment: None,
        }
    }

    /// What a run was that is gone, for a line of history.
    pub(in super::super) fn subject_of(&self, slot: &Slot) -> Subject {
        Subject { build: slot.build.clone(), run: Some(slot.id), ..self.subject() }
    }

    /// How long the steps of the present target have taken until now, the last ones in this run.
    pub(in super::super) fn present_took(&self, slot: Option<&Slot>) -> Steps {
        let Some(target) = self.targets.present() else { return Steps::default() };
        let mut took = target.took.clone();
        let of_target = slot.filter(|slot| slot.pid.is_some() && slot.environment == target.environment);
        if let Some(slot) = of_target.filter(|_| target.unreported.is_some()) {
            let begun = slot.trial_began().max(target.since);
            took.add(StepName::Switched, begun - target.since);
            took.add(StepName::Trial, self.now - begun);
        }
        took
    }

    /// The names that differ from what a start would start now.
    pub(in super::super) fn keys_changed_to(&self, environment: &Environment) -> Vec<String> {
        self.targets.environment().map(|present| changed_names(present, environment)).unwrap_or_default()
    }

    /// Keeps what a deployment was answered.
    pub(in super::super) fn validated(
        &mut self,
        deployment: Deployment,
        verdict: Verdict,
        reason: String,
        who: Option<u32>,
    ) {
        let outcome = match verdict {
            Verdict::Yes => Outcome::Validated,
            Verdict::No => Outcome::NotValidated,
        };
        let at_unix_ms = self.unix_ms();
        self.shown.validation =
            Some(Validation { deployment: deployment.clone(), verdict, reason: reason.clone(), at_unix_ms });
        let subject = Subject { who, keys: Vec::new(), deployment: Some(deployment), ..self.subject() };
        self.record(outcome, subject, reason);
    }

    /// One line of history about what an operator did.
    pub(in super::super) fn note(&mut self, who: Option<u32>, what: impl Into<String>) {
        let subject = Subject { who, keys: Vec::new(), ..self.subject() };
        self.record(Outcome::Operator, subject, what);
    }
}

/// A thousand values that do not fit make a long sentence.
fn shortened(mut why: String) -> String {
    if let Some((end, _)) = why.char_indices().nth(REASON) {
        why.truncate(end);
        why.push_str("...");
    }
    why
}
