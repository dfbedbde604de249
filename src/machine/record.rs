//! Writes lines of history, for the disk and for the tail on the board.

use std::sync::Arc;
use std::time::Duration;

use super::Machine;
use super::board::StepName;
use super::build::Build;
use super::deployment::Deployment;
use super::history::{Entry, Outcome};
use super::life::Slot;
use super::numbers::{GenerationId, RunId};
use super::order::Order;
use super::steps::Steps;
use crate::environment::Environment;

/// How many lines of history stand on the board.
const TAIL: usize = 20;

/// How many characters of a reason one line of history has.
const REASON: usize = 2000;

/// How many names of variables one line of history has; more are counted.
const NAMED: usize = 100;

/// Of how many of them it says where they come from.
const TRACED: usize = 20;

/// What a line of history is about.
pub(super) struct Subject {
    pub(super) generation: GenerationId,
    pub(super) environment: Option<Arc<Environment>>,
    pub(super) build: Build,
    pub(super) run: Option<RunId>,
    pub(super) keys: Vec<String>,
    /// How long its steps have taken.
    pub(super) took: Steps,
    /// From the change being seen to the service being healthy on it, if the line tells that.
    pub(super) propagation: Option<Duration>,
    /// The uid of the operator who asked for it.
    pub(super) who: Option<u32>,
    /// The deployment that it is about.
    pub(super) deployment: Option<Deployment>,
}

impl Machine {
    pub(super) fn record(&mut self, outcome: Outcome, subject: Subject, why: impl Into<String>) {
        let propagation = subject.propagation;
        self.totals.recorded(outcome, propagation);
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
        self.tail.push_back(entry.clone());
        if self.tail.len() > TAIL {
            self.tail.pop_front();
        }
        self.order(Order::Record { entry });
    }

    /// What the present base is, for a line of history.
    pub(super) fn subject(&self) -> Subject {
        let base = self.base.as_ref();
        Subject {
            generation: base.map(|base| base.generation).unwrap_or_default(),
            environment: base.map(|base| Arc::clone(&base.environment)),
            build: self.life.run().map_or_else(|| self.installed.0.clone(), |run| run.build.clone()),
            run: self.life.run().map(|run| run.id),
            keys: base.map(|base| base.keys.clone()).unwrap_or_default(),
            took: self.base_took(self.life.alive()),
            propagation: None,
            who: None,
            deployment: None,
        }
    }

    /// How long the steps of the present base have taken until now, the last ones in this run.
    pub(super) fn base_took(&self, run: Option<&Slot>) -> Steps {
        let Some(base) = &self.base else { return Steps::default() };
        let mut took = base.took.clone();
        let of_base = run.filter(|run| run.pid.is_some() && run.environment == base.environment);
        if let Some(run) = of_base.filter(|_| base.unreported.is_some()) {
            let begun = self.trial.as_ref().map_or(run.started, |trial| trial.begun(run)).max(base.since);
            took.add(StepName::Switched, begun - base.since);
            took.add(StepName::Trial, self.now - begun);
        }
        took
    }

    /// The same of the wish on the road.
    pub(super) fn journey_took(&self) -> Steps {
        self.journey.as_ref().map(|journey| journey.took(self.now)).unwrap_or_default()
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
