//! With `apply.handover = "overlap"` one process takes over from another: the new one is started beside the old one, gets
//! new connections once it is ready, and is tried while the old one is alive. If it proves itself, the old one leaves;
//! if not, new connections go back to the old one at once, and the new one leaves.

use std::sync::Arc;

use super::board::ExitPicture;
use super::event::Exit;
use super::history::{Outcome, Subject};
use super::order::Order;
use super::policy::Handover;
use super::process::beside::EndedBeside;
use super::process::slot::Slot;
use super::trial::ledger::Good;
use super::trial::{Trial, TrialKind};
use super::{Build, Machine, RunId, StopReason, Target};
use crate::environment::Environment;

impl Machine {
    /// Whether the next process is started beside the one that runs.
    fn overlaps(&self) -> bool {
        matches!(self.policy.handover, Handover::Overlap { .. }) && self.process.steering_trouble().is_none()
    }

    /// Why a change is a restart although processes are to overlap.
    pub(super) fn steering_trouble(&self) -> Option<&String> {
        self.process.steering_trouble().filter(|_| self.policy.handover != Handover::Restart)
    }

    /// A start beside another process takes up another command: the process that has been asked for runs what lies on the
    /// disk for that one.
    pub(super) fn starts_on_what_is_installed(&mut self) {
        let build = self.installed.0.clone();
        let asked = self.process.alive().is_some_and(|slot| slot.pid.is_none() && slot.build != build);
        if !asked || self.process.old().is_none() {
            return;
        }
        let kind = self.kind_on(&build);
        let numbers = &mut self.numbers;
        self.targets.start_on(&build, || numbers.next_generation());
        let generation = self.targets.present().map(|target| target.generation).unwrap_or_default();
        self.process.starts_on(build, generation, Trial::new(kind));
    }

    /// The process gives way to another one: it lives on until that has proved itself, or is stopped first. Says whether
    /// there was anything to do.
    pub(super) fn replace(&mut self, reason: StopReason) -> bool {
        let alone = self.process.old().is_none();
        // What nobody knows is nothing to go back to.
        let serves = self.process.alive().is_some_and(|slot| slot.may_be_in_traffic() && slot.is_known());
        if !(alone && serves && self.overlaps()) {
            self.process.replace_for(reason);
            return self.stop(reason);
        }
        self.process.set_aside(reason, self.now);
        true
    }

    /// The process that failed has taken over from one that can go on, which its verdict says: nothing better is known
    /// than what runs, so the old one is not kept for it.
    pub(super) fn dismiss_overtaken(&mut self) -> bool {
        let late = self.process.is_overdue() && self.process.alive().is_some_and(|slot| slot.connected.is_some());
        late && self.dismiss_old()
    }

    /// The old process, if there is one, is stopped: the new one has taken over.
    pub(super) fn dismiss_old(&mut self) -> bool {
        let Some(run) = self.process.dismiss_old() else { return false };
        self.orders.push(Order::Stop { run });
        true
    }

    /// What the old process runs, if it is good and a process that failed on this build can be told from it: then who is to
    /// blame can be seen without another start.
    pub(super) fn witness(&self, failed: &Environment, build: &Build) -> Option<&Good> {
        let old = self.process.old().filter(|old| *old.environment != *failed && old.build == *build)?;
        self.trials.ledger().holds(&old.environment, &old.build)
    }

    /// The old process takes its place again, with this to prove, and whatever was started beside it is stopped.
    pub(super) fn bring_back_old(&mut self, trial: Option<Trial>) {
        let stopped = self.process.bring_back_old(trial, self.now);
        self.process.forget_crashes();
        // First the connections go elsewhere, then the process may.
        self.steer();
        self.orders.extend(stopped.map(|run| Order::Stop { run }));
        // It was written for the process that does not take over.
        let environment = self.process.alive().filter(|_| !self.shutdown).map(|slot| Arc::clone(&slot.environment));
        self.orders.extend(environment.map(|environment| Order::WriteFile { environment }));
    }

    /// The old process takes its place again, on what is good, and nothing is tried any more; says whether there is one.
    pub(super) fn stay_with_old(&mut self) -> bool {
        let Some(old) = self.process.old().cloned() else { return false };
        let known = self.trials.ledger().good().iter().find(|good| good.environment == old.environment);
        let target = match known {
            Some(good) => Target::of(good, self.now),
            None => Target::unproved(&old, self.now),
        };
        self.targets.go_to(Target { started_on: Some(old.build), ..target });
        self.bring_back_old(None);
        true
    }

    /// Whether the old process is just what would be started now, so that nothing has to be: nobody asked for a restart.
    pub(super) fn old_is_wanted(&self, environment: &Environment) -> bool {
        let asked = matches!(self.process.replaced_for(), Some(StopReason::Operator));
        self.process.old().is_some_and(|old| {
            let build = self.installed.0 == old.build;
            !asked && build && *old.environment == *environment && self.trials.suspicion().is_none()
        }) && self.installed_is_good_with(environment)
    }

    fn installed_is_good_with(&self, environment: &Environment) -> bool {
        self.trials.ledger().holds(environment, &self.installed.0).is_some()
    }

    /// A process that was started beside another one will not take over, and the environment is not to blame.
    pub(super) fn give_up_handover(&mut self, kind: TrialKind, why: &str) {
        match (kind, self.targets.environment().cloned()) {
            (TrialKind::Build, Some(environment)) => {
                self.record(Outcome::BuildFailed, self.subject(), why);
                self.trials.build_failed(environment, self.installed.0.clone(), why, self.now);
            }
            (TrialKind::Proven, _) => self.record(Outcome::Inconclusive, self.subject(), why),
            // What came of it has been recorded.
            _ => {}
        }
        self.stay_with_old();
    }

    /// Whether a process of this kind that fails beside the old one is given up for it.
    pub(super) fn is_given_up(&self, kind: TrialKind) -> bool {
        let Some(old) = self.process.old() else { return false };
        let good = self.trials.ledger().holds(&old.environment, &old.build).is_some();
        match kind {
            TrialKind::Build => good,
            TrialKind::Proven => good && self.process.replaced_for() == Some(StopReason::Operator),
            TrialKind::Fallback => good && old.build != self.installed.0,
            TrialKind::Candidate | TrialKind::First | TrialKind::Witness => false,
        }
    }

    /// Why a process failed before it was connected to, with what it may have clashed with: the old one listens on ports
    /// that are not held, and two processes cannot share them.
    pub(super) fn with_own_ports(&self, slot: &Slot, why: &str) -> String {
        let ports: Vec<_> = self.process.own_ports_of_old().iter().map(ToString::to_string).collect();
        if ports.is_empty() || slot.connected.is_some() {
            return why.to_owned();
        }
        let word = if ports.len() == 1 { "port" } else { "ports" };
        format!(
            "{why}; it was started beside a process that listens on {word} {} by itself, which a second process cannot \
             bind: use `listen` for that too, or handover = \"restart\"",
            ports.join(", ")
        )
    }

    /// New connections could not be sent to this run.
    pub(super) fn steer_failed(&mut self, run: RunId, error: String) {
        self.process.set_steering_trouble(Some(error));
        if self.shutdown || !self.process.is_connected(run) {
            return;
        }
        let reason = self.process.replaced_for().unwrap_or(StopReason::Revert);
        if self.process.alive().is_some_and(|slot| slot.id == run) {
            self.stop(reason);
        } else if self.process.old().is_some_and(|old| old.id == run) {
            self.bring_back_old(None);
            // It gets no connections: a stop takes nothing away, and needs no turn as one for the change would.
            self.stop(if reason == StopReason::Switch { StopReason::Revert } else { reason });
        }
    }

    /// The old process would be replaced by one beside it, but connections cannot be steered any more: it is stopped first,
    /// and for a wish in its turn, like any other restart. Says whether there was anything to do.
    pub(super) fn stop_old_first(&mut self) -> bool {
        match self.process.replaced_for().filter(|_| !self.overlaps()) {
            None => false,
            Some(StopReason::Switch) => self.stay_with_old(),
            Some(reason) => {
                self.bring_back_old(None);
                self.stop(reason)
            }
        }
    }

    /// lictor ends: the process that is not connected to is stopped now, the other one as ever. Says whether there was one.
    pub(super) fn end_handover(&mut self) -> bool {
        let Some(old) = self.process.old().map(|old| old.id) else { return false };
        if self.process.active().is_some_and(|active| active.id == old) {
            self.bring_back_old(None);
            true
        } else {
            self.dismiss_old()
        }
    }

    /// A process beside the one that the road is about has ended; says whether it was one.
    pub(super) fn ended_beside(&mut self, run: RunId, exit: Option<Exit>, text: &str) -> bool {
        let Some(ended) = self.process.ended_beside(run) else { return false };
        self.shown.totals.ended(exit);
        if let EndedBeside::Old(slot) = &ended {
            // The trial of the new one goes on: another process would not be ready any sooner.
            let subject = self.subject().in_run(slot);
            let environment = Some(Arc::clone(&slot.environment));
            let subject = Subject { generation: slot.generation, environment, ..subject };
            self.record(Outcome::Exited, subject, text);
        }
        let crashes = self.process.streak().crashes;
        self.process.note_exit(ExitPicture { run, at: self.now, exit, text: text.to_owned(), crashes });
        true
    }
}
