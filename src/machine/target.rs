//! The targets: the environment that the next start uses, and the one that it would go back to.

use std::sync::Arc;

use super::build::Build;
use super::history::steps::{StepName, Steps};
use super::moment::Moment;
use super::numbers::GenerationId;
use super::process::slot::Slot;
use super::trial::ledger::Good;
use crate::environment::{Environment, changed_names};

/// An environment that was switched to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) environment: Arc<Environment>,
    /// The build that it was started on last; `None`: it was never started. A start on another build is a new
    /// generation.
    pub(super) started_on: Option<Build>,
    pub(super) generation: GenerationId,
    /// When it took the place of the target before it.
    pub(super) since: Moment,
    /// When its change was first seen; `None` once `applied` has been recorded for it.
    pub(super) unreported: Option<Moment>,
    /// The names of the variables that differ from the environment before it.
    pub(super) keys: Vec<String>,
    /// How long each step of the road to the switch has taken; empty once that has been recorded.
    pub(super) took: Steps,
}

impl Target {
    /// A good environment, to go back to.
    pub(super) fn of(good: &Good, now: Moment) -> Self {
        Self {
            environment: Arc::clone(&good.environment),
            started_on: good.builds.first().cloned(),
            generation: good.generation,
            since: now,
            unreported: None,
            keys: Vec::new(),
            took: Steps::default(),
        }
    }

    /// The environment of a process that never proved itself, to stay with.
    pub(super) fn unproved(slot: &Slot, now: Moment) -> Self {
        Self {
            environment: Arc::clone(&slot.environment),
            started_on: Some(slot.build.clone()),
            generation: slot.generation,
            since: now,
            unreported: None,
            keys: Vec::new(),
            took: Steps::default(),
        }
    }
}

/// The steady target and the one that is being tried. Only the transitions here change them.
#[derive(Clone, Debug, Default)]
pub(super) struct Targets {
    /// The target while nothing is tried, and again after the one that is tried has failed.
    steady: Option<Target>,
    /// The target that has been switched to and has not proved itself yet.
    tried: Option<Target>,
    /// The target that was being tried before a further reload: if that reload fails, the process still runs on it.
    replaced: Option<Target>,
}

impl Targets {
    /// What a start starts now.
    pub(super) fn present(&self) -> Option<&Target> {
        self.tried.as_ref().or(self.steady.as_ref())
    }

    /// The environment that a start starts now.
    pub(super) fn environment(&self) -> Option<&Arc<Environment>> {
        self.present().map(|target| &target.environment)
    }

    /// Whether a start starts this environment now.
    pub(super) fn is(&self, environment: &Environment) -> bool {
        self.environment().is_some_and(|present| **present == *environment)
    }

    /// Whether what a start starts now was switched to and never started.
    pub(super) fn is_unstarted(&self) -> bool {
        self.present().is_some_and(|target| target.started_on.is_none())
    }

    /// The names of the variables in which this environment differs from what a start starts now.
    pub(super) fn changed_to(&self, environment: &Environment) -> Vec<String> {
        self.environment().map(|present| changed_names(present, environment)).unwrap_or_default()
    }

    /// How long the steps of the present target have taken until now, the last ones in this run.
    pub(super) fn took(&self, run: Option<&Slot>, now: Moment) -> Steps {
        let Some(target) = self.present() else { return Steps::default() };
        let mut took = target.took.clone();
        let of_target = run.filter(|slot| slot.pid.is_some() && slot.environment == target.environment);
        if let Some(slot) = of_target.filter(|_| target.unreported.is_some()) {
            let begun = slot.trial_began().max(target.since);
            took.add(StepName::Switched, begun - target.since);
            took.add(StepName::Trial, now - begun);
        }
        took
    }

    /// Tries this target from now on, and gives up the one that was tried before.
    pub(super) fn try_out(&mut self, target: Target) {
        (self.tried, self.replaced) = (Some(target), None);
    }

    /// Tries this target from now on, by a reload of the process.
    pub(super) fn try_out_by_reload(&mut self, target: Target) {
        self.replaced = self.tried.replace(target);
    }

    /// Makes this the steady target; nothing is tried any more.
    pub(super) fn go_to(&mut self, target: Target) {
        *self = Self { steady: Some(target), ..Self::default() };
    }

    /// What was tried has proved itself.
    pub(super) fn keep_tried(&mut self) {
        if let Some(tried) = self.tried.take() {
            self.go_to(tried);
        }
    }

    /// The reload failed: gives up its target, and returns to the one that the process still runs on.
    pub(super) fn give_up_reload(&mut self) -> Option<Target> {
        std::mem::replace(&mut self.tried, self.replaced.take())
    }

    /// The present target is started on this build, or applied to a process of this build. A build that differs from
    /// the one before makes a new generation.
    pub(super) fn start_on(&mut self, build: &Build, next: impl FnOnce() -> GenerationId) -> Started {
        let Some(target) = self.present_mut() else { return Started::SameBuild };
        let other = target.started_on.as_ref().is_some_and(|before| before != build);
        target.started_on = Some(build.clone());
        if other {
            target.generation = next();
            Started::OtherBuild
        } else {
            Started::SameBuild
        }
    }

    /// The change to the present target is recorded now. Returns when the change was first seen, if it had not been
    /// recorded before.
    pub(super) fn report(&mut self) -> Option<Moment> {
        let target = self.present_mut()?;
        let seen = target.unreported.take();
        if seen.is_some() {
            target.took = Steps::default();
        }
        seen
    }

    /// The sources now give these same variables from other keys; returns whether a target was concerned.
    pub(super) fn renew(&mut self, environment: &Arc<Environment>) -> bool {
        let mut renewed = false;
        for target in [&mut self.steady, &mut self.tried].into_iter().flatten() {
            let differs = target.environment.source_keys() != environment.source_keys();
            if target.environment == *environment && differs {
                target.environment = Arc::clone(environment);
                renewed = true;
            }
        }
        renewed
    }

    /// The environments of the targets, for a change of what may be shown.
    pub(super) fn environments(&mut self) -> impl Iterator<Item = &mut Arc<Environment>> {
        let targets = [&mut self.steady, &mut self.tried, &mut self.replaced].into_iter().flatten();
        targets.map(|target| &mut target.environment)
    }

    fn present_mut(&mut self) -> Option<&mut Target> {
        self.tried.as_mut().or(self.steady.as_mut())
    }
}

/// Whether a start uses another build than the start before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Started {
    SameBuild,
    OtherBuild,
}
