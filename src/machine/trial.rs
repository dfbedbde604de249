//! On trial: a run proves itself, or not.

use super::Base;
use super::health::Patience;
use super::life::Slot;
use super::moment::Moment;
use super::policy::Policy;

/// What the present run has to prove, and what its failure means.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trial {
    pub(super) kind: TrialKind,
    /// Why it has failed already, where nothing can be done about it but wait: it can still pass late.
    pub(super) overdue: Option<String>,
    /// Set if it is about a reload: then it counts from there and not from the start of the process.
    pub(super) reload: Option<ReloadTrial>,
}

/// What a run has been told without a restart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ReloadTrial {
    pub(super) at: Moment,
    /// What to be again if it turns out that it could not be told.
    pub(super) before: Option<Base>,
}

/// The kinds of trial differ in what their failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrialKind {
    /// A wish that can be taken back.
    Candidate,
    /// The good environment, after a candidate has failed: its health decides the verdict on the candidate.
    Fallback,
    /// A new build under the environment that was good last: nothing of ours can be taken back.
    Build,
    /// Nothing has been good yet (or reverting is turned off): nothing to go back to.
    First,
    /// A pair that is good already: no trial. It is noted when it is healthy again, or that it is not by the deadline, so
    /// that nobody waits for it any longer.
    Proven,
}

/// What the run has shown so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It has been healthy for long enough, in time.
    Passed,
    /// It has failed, and why.
    Failed(String),
    /// Nothing yet; look again then.
    Open(Option<Moment>),
}

impl Trial {
    /// The trial of a run that is about to start.
    pub(super) fn new(kind: TrialKind) -> Self {
        Self { kind, overdue: None, reload: None }
    }

    /// When the run must have passed.
    pub(super) fn deadline(&self, run: &Slot, policy: &Policy) -> Moment {
        self.begun(run) + policy.deadline
    }

    pub(super) fn begun(&self, run: &Slot) -> Moment {
        self.reload.as_ref().map_or(run.started, |reload| reload.at)
    }

    /// When the run will have been healthy for `min_healthy`, if nothing breaks. Checks are probed three times in that, so
    /// one that has not passed in the last third of it may just be hanging: its answer is waited for.
    fn passes_at(&self, run: &Slot, policy: &Policy) -> Option<Moment> {
        let since = run.health.steady_since?.max(self.begun(run));
        let answered = self.kind == TrialKind::Proven
            || self.overdue.is_some()
            || run.health.has_passed_since(&policy.checks, since + policy.min_healthy * 2 / 3);
        Some((since + policy.min_healthy).max(run.health.confirmed_at?)).filter(|_| answered)
    }

    /// Judges the run. A run that is overdue can only pass, whenever that may be.
    pub(super) fn judge(&self, now: Moment, run: &Slot, policy: &Policy) -> Judgement {
        if run.pid.is_none() {
            return Judgement::Open(None);
        }
        let proof = self.passes_at(run, policy);
        if self.overdue.is_some() {
            let passed = proof.is_some_and(|at| at <= now);
            return if passed { Judgement::Passed } else { Judgement::Open(proof) };
        }
        let deadline = self.deadline(run, policy);
        if proof.is_some_and(|at| at <= now && at <= deadline) {
            return Judgement::Passed;
        }
        if self.kind != TrialKind::Proven
            && let Some(why) = run.health.dead(&policy.checks, Patience::None)
        {
            return Judgement::Failed(why);
        }
        if now >= deadline {
            return Judgement::Failed(too_late(run, policy));
        }
        Judgement::Open(Some(proof.map_or(deadline, |at| at.min(deadline))))
    }
}

fn too_late(run: &Slot, policy: &Policy) -> String {
    let needed = humantime::format_duration(policy.min_healthy);
    let deadline = humantime::format_duration(policy.deadline);
    let why = run.health.complaint(&policy.checks).map(|why| format!(" ({why})")).unwrap_or_default();
    format!("not healthy for {needed} within {deadline}{why}")
}
