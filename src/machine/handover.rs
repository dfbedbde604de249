//! With `apply.handover = "overlap"` one process takes over from another: the new one is started beside the old one,
//! gets new connections once it is ready, and is tried while the old one is alive. If it proves itself, the old one
//! leaves; if not, new connections go back to the old one at once, and the new one leaves.
//!
//! Changes: `process`, `targets`, `trials`.

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

    /// Why a change restarts the service although processes should overlap.
    pub(super) fn steering_trouble(&self) -> Option<&String> {
        self.process.steering_trouble().filter(|_| self.policy.handover != Handover::Restart)
    }

    /// A process has been ordered beside another one, and a reload has changed the command meanwhile: it will run the
    /// build that is installed for the new command.
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

    /// Another process takes the place of this one, which lives on until the new one has proved itself, or is stopped
    /// first if they may not overlap. Returns whether there was anything to do.
    pub(super) fn replace(&mut self, reason: StopReason) -> bool {
        let alone = self.process.old().is_none();
        // A process whose environment is unknown cannot be gone back to.
        let serves = self.process.alive().is_some_and(|slot| slot.may_be_in_traffic() && slot.is_known());
        if !(alone && serves && self.overlaps()) {
            self.process.replace_for(reason);
            return self.stop(reason);
        }
        self.process.set_aside(reason, self.now);
        true
    }

    /// The new process has failed after it took over, and its verdict was that nothing better is known than to let it
    /// run. So the old process is not kept for it.
    pub(super) fn dismiss_overtaken(&mut self) -> bool {
        let late = self.process.is_overdue() && self.process.alive().is_some_and(|slot| slot.connected.is_some());
        late && self.dismiss_old()
    }

    /// Stops the old process, if there is one, because the new one has taken over; returns whether there was one.
    pub(super) fn dismiss_old(&mut self) -> bool {
        let Some(run) = self.process.dismiss_old() else { return false };
        self.orders.push(Order::Stop { run });
        true
    }

    /// The environment of the old process, if it is good, differs from the one that failed, and runs on the same build.
    /// Then the old process shows whether the environment was the cause, without another start.
    pub(super) fn witness(&self, failed: &Environment, build: &Build) -> Option<&Good> {
        let old = self.process.old().filter(|old| *old.environment != *failed && old.build == *build)?;
        self.trials.ledger().holds(&old.environment, &old.build)
    }

    /// The old process takes its place again, with this trial, and the process that was started beside it is stopped.
    pub(super) fn bring_back_old(&mut self, trial: Option<Trial>) {
        let stopped = self.process.bring_back_old(trial, self.now);
        self.process.forget_crashes();
        // New connections go to the other process before this one is stopped.
        self.steer();
        self.orders.extend(stopped.map(|run| Order::Stop { run }));
        // The file was written for the process that does not take over.
        let environment = self.process.alive().filter(|_| !self.shutdown).map(|slot| Arc::clone(&slot.environment));
        self.orders.extend(environment.map(|environment| Order::WriteFile { environment }));
    }

    /// The old process takes its place again, on its good environment, and nothing is tried any more; returns whether
    /// there is one.
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

    /// Whether the old process already runs what would be started now, and nobody has asked for a restart: then nothing
    /// has to be started.
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

    /// A process that was started beside another one does not take over, and its environment is not the cause.
    pub(super) fn give_up_handover(&mut self, kind: TrialKind, why: &str) {
        match (kind, self.targets.environment().cloned()) {
            (TrialKind::Build, Some(environment)) => {
                self.record(Outcome::BuildFailed, self.subject(), why);
                self.trials.build_failed(environment, self.installed.0.clone(), why, self.now);
            }
            (TrialKind::Proven, _) => self.record(Outcome::Inconclusive, self.subject(), why),
            // The outcome has been recorded.
            _ => {}
        }
        self.stay_with_old();
    }

    /// Whether a process with this kind of trial, if it fails beside the old one, is given up and the old one kept.
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

    /// Why a process failed. If it never got connections, the ports that the old process has opened by itself are
    /// named, because two processes cannot share them.
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
            // It gets no connections, so a stop takes nothing away and needs no turn, unlike a stop for the change.
            self.stop(if reason == StopReason::Switch { StopReason::Revert } else { reason });
        }
    }

    /// A new process would be started beside the old one, but connections can no longer be steered: the old one is
    /// stopped first, and if that is for a wish, in its turn, like any other restart. Returns whether there was
    /// anything to do.
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

    /// lictor stops: the process that gets no new connections is stopped now, the other one as usual. Returns whether
    /// there was one.
    pub(super) fn end_handover(&mut self) -> bool {
        let Some(old) = self.process.old().map(|old| old.id) else { return false };
        if self.process.active().is_some_and(|active| active.id == old) {
            self.bring_back_old(None);
            true
        } else {
            self.dismiss_old()
        }
    }

    /// Handles the end of a process beside the main one; returns whether this run was one.
    pub(super) fn ended_beside(&mut self, run: RunId, exit: Option<Exit>, text: &str) -> bool {
        let Some(ended) = self.process.ended_beside(run) else { return false };
        self.shown.totals.ended(exit);
        if let EndedBeside::Old(slot) = &ended {
            // The trial of the new process goes on: another start would not be ready sooner.
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
