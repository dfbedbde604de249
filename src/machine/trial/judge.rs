//! What a run has to prove, and whether it has.

use std::time::Duration;

use super::super::moment::Moment;
use super::super::policy::Policy;
use super::super::process::health::{Health, Patience};

/// What a run has to prove, and what its failure means.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Trial {
    pub(in super::super) kind: TrialKind,
    /// Why it has failed, if nothing better is known than to let it run: it can still pass late.
    pub(in super::super) overdue: Option<String>,
    /// When the process was reloaded, if the trial concerns a reload.
    pub(in super::super) reloaded: Option<Moment>,
    /// When it began, if not with the start of the process.
    began: Option<Moment>,
    /// When the verdict is due, if that does not depend on the start of the process.
    due: Option<Moment>,
    /// How long nothing moved since it began.
    paused: Duration,
}

/// The kinds of trial, which differ in what a failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum TrialKind {
    /// A wish that can be taken back.
    Candidate,
    /// The good environment, after a candidate has failed: its health decides the verdict on the candidate.
    Fallback,
    /// The good environment, in a process that was alive while a candidate failed beside it: what its next probes find
    /// decides the verdict on the candidate.
    Witness,
    /// A new build on the environment that was good last: lictor has nothing to take back.
    Build,
    /// Nothing has been good yet (or reverting is turned off): nothing to go back to.
    First,
    /// A pair that is good already, so this is not a real trial. It only notes when the run is healthy, or that it is
    /// not healthy by the deadline, so that nobody waits any longer.
    Proven,
}

/// The facts that a run is judged by.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Evidence<'a> {
    /// Whether it has a process.
    pub(in super::super) is_up: bool,
    /// When the process was started.
    pub(in super::super) started: Moment,
    /// Since when new connections reach it, if they do.
    pub(in super::super) connected: Option<Moment>,
    /// What its checks have found.
    pub(in super::super) health: &'a Health,
}

/// The judgement about a run so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Judgement {
    /// It has been healthy for long enough, in time.
    Passed,
    /// It has failed, and why.
    Failed(String),
    /// A liveness check has failed, which decides nothing yet: the process is started again.
    Unresponsive(String),
    /// Neither yet; it has to be judged again at this moment.
    Open(Option<Moment>),
}

impl Trial {
    /// The trial of a run that is about to start.
    pub(in super::super) fn new(kind: TrialKind) -> Self {
        Self { kind, overdue: None, reloaded: None, began: None, due: None, paused: Duration::ZERO }
    }

    /// The trial of a run that is reloaded now.
    pub(in super::super) fn of_reload(kind: TrialKind, now: Moment) -> Self {
        Self { reloaded: Some(now), began: Some(now), ..Self::new(kind) }
    }

    /// The trial of the old process, after a candidate has failed beside it now.
    pub(in super::super) fn of_witness(now: Moment) -> Self {
        Self { began: Some(now), ..Self::new(TrialKind::Witness) }
    }

    /// With a verdict at this moment, if there is one.
    pub(in super::super) fn due(self, due: Option<Moment>) -> Self {
        Self { due, ..self }
    }

    /// Its deadline has passed: from now on it can only pass late, and `kind` says what that would mean.
    pub(in super::super) fn late(self, kind: TrialKind, why: &str) -> Self {
        Self { kind, overdue: Some(why.to_owned()), ..self }
    }

    /// When the run must have passed.
    pub(in super::super) fn deadline(&self, run: &Evidence<'_>, policy: &Policy) -> Moment {
        self.due.unwrap_or(self.begun(run.started) + policy.deadline) + self.paused
    }

    /// When it began, for a run that was started at this moment.
    pub(in super::super) fn begun(&self, started: Moment) -> Moment {
        self.began.unwrap_or(started)
    }

    /// Nothing moved for this long: the trial does not count that time.
    pub(in super::super) fn paused(&mut self, length: Duration) {
        self.paused = self.paused.saturating_add(length);
    }

    /// When the run will have been healthy for `min_healthy`, if nothing fails until then. Every check is probed three
    /// times in that time, so a check that has not passed in the last third of it may be hanging: its answer is
    /// awaited.
    fn passes_at(&self, run: &Evidence<'_>, policy: &Policy) -> Option<Moment> {
        let since = run.health.steady_since?.max(self.begun(run.started)).max(run.connected?);
        let answered = self.kind == TrialKind::Proven
            || self.overdue.is_some()
            || run.health.has_passed_since(&policy.checks, since + policy.min_healthy * 2 / 3);
        Some((since + policy.min_healthy).max(run.health.confirmed_at?)).filter(|_| answered)
    }

    /// Judges the run. A run that is overdue can only pass, whenever that may be.
    pub(in super::super) fn judge(&self, now: Moment, run: &Evidence<'_>, policy: &Policy) -> Judgement {
        if !run.is_up {
            return Judgement::Open(None);
        }
        if self.kind == TrialKind::Witness && self.overdue.is_none() {
            return self.bear_witness(now, run, policy);
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
        match (self.kind, run.health.dead(&policy.checks, Patience::None)) {
            (TrialKind::Fallback, Some(why)) if now < deadline => return Judgement::Unresponsive(why),
            (TrialKind::Proven, _) | (_, None) => {}
            (_, Some(why)) => return Judgement::Failed(why),
        }
        if now >= deadline {
            return Judgement::Failed(too_late(run, policy));
        }
        Judgement::Open(Some(proof.map_or(deadline, |at| at.min(deadline))))
    }

    /// It was good before, and has been probed all the time: one probe of each check after the candidate's failure is
    /// enough.
    fn bear_witness(&self, now: Moment, run: &Evidence<'_>, policy: &Policy) -> Judgement {
        let (begun, deadline) = (self.begun(run.started), self.deadline(run, policy));
        let dead = run.health.dead(&policy.checks, Patience::None);
        if let Some(why) = dead.or_else(|| run.health.failed_since(&policy.checks, begun)) {
            return Judgement::Failed(why);
        }
        match run.health.has_passed_since(&policy.checks, begun) {
            true => Judgement::Passed,
            false if now >= deadline => Judgement::Failed(too_late(run, policy)),
            false => Judgement::Open(Some(deadline)),
        }
    }
}

fn too_late(run: &Evidence<'_>, policy: &Policy) -> String {
    let needed = humantime::format_duration(policy.min_healthy);
    let deadline = humantime::format_duration(policy.deadline);
    let why = run.health.complaint(&policy.checks).map(|why| format!(" ({why})")).unwrap_or_default();
    format!("not healthy for {needed} within {deadline}{why}")
}
