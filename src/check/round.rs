//! Probes one run: one task for each check. When the round is dropped, its tasks end, and nothing more is sent.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Spec;
use super::schedule::Schedule;
use super::startup::Startup;
use crate::machine::event::ProbeResult;
use crate::machine::order::Pace;
use crate::machine::policy::Role;
use crate::machine::{Event, RunId};

/// Probes a check once: really, or in memory for tests.
pub(super) trait Prober: Send + Sync + 'static {
    /// Probes the check with this number. It ends by its own timeout; dropping the future cancels it.
    fn probe(&self, check: usize) -> impl Future<Output = Finding> + Send;
}

/// The result of a probe, of any kind of check. The texts are short and have no secret in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// The check passes.
    Good,
    /// The check passes, with a warning for the log.
    Warning(String),
    /// The check fails, and why.
    Bad(String),
}

impl From<Finding> for ProbeResult {
    fn from(finding: Finding) -> Self {
        match finding {
            Finding::Good | Finding::Warning(_) => Self::Pass,
            Finding::Bad(reason) => Self::Fail(reason),
        }
    }
}

/// The checks of a run, and their clocks.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) run: RunId,
    pub(super) specs: Arc<[Spec]>,
    pub(super) min_healthy: Duration,
}

/// The probing of one run.
#[derive(Debug)]
pub(super) struct Round {
    plan: Plan,
    pace: watch::Sender<Pace>,
    startup: watch::Sender<Startup>,
    /// Held only to be dropped.
    _tasks: JoinSet<()>,
}

impl Round {
    /// Begins to probe at once; `startup` is the state of the run's start.
    pub(super) fn begin(
        plan: Plan,
        startup: Startup,
        pace: Pace,
        prober: impl Prober,
        inbox: &mpsc::Sender<Event>,
    ) -> Self {
        let pace = watch::Sender::new(pace);
        let startup = watch::Sender::new(startup);
        let prober = Arc::new(prober);
        let mut tasks = JoinSet::new();
        for check in 0..plan.specs.len() {
            let task = Task {
                check,
                plan: plan.clone(),
                pace: pace.subscribe(),
                startup: startup.clone(),
                prober: Arc::clone(&prober),
                inbox: inbox.clone(),
            };
            tasks.spawn(task.run());
        }
        Self { plan, pace, startup, _tasks: tasks }
    }

    /// Whether the run is probed by exactly these checks.
    pub(super) fn is_by(&self, specs: &Arc<[Spec]>) -> bool {
        Arc::ptr_eq(&self.plan.specs, specs)
    }

    /// The state of the run's start, for new checks of the same run.
    pub(super) fn startup(&self, specs: &[Spec]) -> Startup {
        self.startup.borrow().carry(specs)
    }

    /// Changes how often the checks are probed, without losing any state.
    pub(super) fn set_pace(&self, pace: Pace) {
        self.pace.send_if_modified(|now| std::mem::replace(now, pace) != pace);
    }
}

/// One check of the round.
struct Task<P> {
    check: usize,
    plan: Plan,
    pace: watch::Receiver<Pace>,
    startup: watch::Sender<Startup>,
    prober: Arc<P>,
    inbox: mpsc::Sender<Event>,
}

impl<P: Prober> Task<P> {
    /// Probes until the receiver has been dropped; a startup check only until it has passed.
    async fn run(mut self) {
        let spec = &self.plan.specs[self.check];
        if spec.rule.role != Role::Startup && self.startup.subscribe().wait_for(Startup::is_over).await.is_err() {
            return;
        }
        if spec.rule.role == Role::Startup && self.startup.borrow().has_succeeded(self.check) {
            return;
        }
        let begun = Instant::now();
        let mut schedule = Schedule::new(self.check, spec.interval, self.plan.min_healthy);
        let mut warning = None;
        while until_due(&schedule, begun, &mut self.pace).await {
            let started = Instant::now();
            let finding = guarded(self.prober.probe(self.check)).await;
            let ended = Instant::now();
            tell_warning(&spec.rule.name, &finding, &mut warning);
            let outcome = ProbeResult::from(finding);
            schedule.probed(started - begun, ended - begun, &outcome);

            let probed = Event::Probed {
                run: self.plan.run,
                check: self.check,
                outcome: outcome.clone(),
                took: ended - started,
            };
            if self.inbox.send(probed).await.is_err() {
                return;
            }
            // Only after the finding has been sent, so that findings of the checks that were held back come later.
            self.startup.send_if_modified(|startup| startup.record(self.check, &outcome));
            if spec.rule.role == Role::Startup && self.startup.borrow().has_succeeded(self.check) {
                return;
            }
        }
    }
}

/// Waits for the next probe, at the pace of that moment; false if the round is over.
async fn until_due(schedule: &Schedule, begun: Instant, pace: &mut watch::Receiver<Pace>) -> bool {
    loop {
        let due = begun + schedule.due(*pace.borrow_and_update());
        tokio::select! {
            () = tokio::time::sleep_until(due) => return true,
            changed = pace.changed() => if changed.is_err() { return false },
        }
    }
}

/// A bug in a probe counts as a failure of that probe, so that its check does not fall silent.
async fn guarded(probe: impl Future<Output = Finding>) -> Finding {
    let mut probe = pin!(probe);
    std::future::poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| probe.as_mut().poll(context)))
            .unwrap_or_else(|_| Poll::Ready(Finding::Bad("the check itself panicked: a bug of lictor".to_owned())))
    })
    .await
}

/// Logs a warning once, and again when its text changes. Nothing else is logged about a probe.
fn tell_warning(check: &str, finding: &Finding, last: &mut Option<String>) {
    let now = match finding {
        Finding::Warning(text) => Some(text),
        Finding::Good | Finding::Bad(_) => None,
    };
    if let Some(text) = now
        && last.as_ref() != now
    {
        tracing::warn!(check, "the check passes with a warning: {text}");
    }
    *last = now.cloned();
}

#[cfg(test)]
mod tests;
