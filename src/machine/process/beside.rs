//! The other process, with `apply.handover = "overlap"`: while a new one is started and tried, the old one lives on
//! beside it, and serves until the new one is ready. After the verdict one of the two is stopped.
//!
//! ```text
//!                 life          beside
//! set aside:      absent        old          (the next start is beside it)
//! warm, tried:    alive         old          (new connections go to the old one, then to the new one)
//! good:           alive         leaving      (that was the old one)
//! failed:         alive         leaving      (the old one is back in its place; it is the new one that leaves)
//! ```
//! Nothing starts while one is leaving: there are never more than two processes.

use super::super::build::Build;
use super::super::moment::Moment;
use super::super::numbers::{GenerationId, RunId};
use super::super::order::Order;
use super::super::policy::{Handover, Policy};
use super::super::trial::Trial;
use super::connections::ALL;
use super::slot::{Slot, StopReason};
use super::{Life, Process};

/// The processes beside the one that changes are tried with.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Beside {
    /// The process that is being replaced, and why. It is alive.
    old: Option<(Slot, StopReason)>,
    /// The ports that it opened by itself, besides the sockets that lictor holds: a second process cannot bind them.
    own_ports: Vec<u16>,
    /// The process that is being stopped.
    leaving: Option<(Slot, StopReason)>,
}

impl Beside {
    pub(super) fn is_empty(&self) -> bool {
        self.old.is_none() && self.leaving.is_none()
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    pub(super) fn slots_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        [&mut self.old, &mut self.leaving].into_iter().flatten().map(|(slot, _)| slot)
    }
}

/// Which of the processes beside the main one has ended.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum EndedBeside {
    /// The old one, by itself.
    Old(Slot),
    /// The one that was stopped.
    Leaving(Slot),
}

impl Process {
    /// The old process, while another one is started and tried.
    pub(in super::super) fn old(&self) -> Option<&Slot> {
        self.beside.old.as_ref().map(|(slot, _)| slot)
    }

    /// This process has opened these ports by itself, besides the sockets that lictor holds.
    pub(in super::super) fn has_own_ports(&mut self, run: RunId, ports: Vec<u16>) {
        if self.old().is_some_and(|old| old.id == run) {
            self.beside.own_ports = ports;
        }
    }

    /// The ports that the old process listens on by itself.
    pub(in super::super) fn own_ports_of_old(&self) -> &[u16] {
        if self.old().is_some() { &self.beside.own_ports } else { &[] }
    }

    /// Why it is being replaced.
    pub(in super::super) fn replaced_for(&self) -> Option<StopReason> {
        self.beside.old.as_ref().map(|(_, reason)| *reason)
    }

    /// The old process is now replaced for this reason, whatever the reason was before.
    pub(in super::super) fn replace_for(&mut self, reason: StopReason) {
        if let Some((_, before)) = &mut self.beside.old {
            *before = reason;
        }
    }

    /// The process that is being stopped beside the other one.
    pub(in super::super) fn leaving_beside(&self) -> Option<&Slot> {
        self.beside.leaving.as_ref().map(|(slot, _)| slot)
    }

    /// The process that new connections go to: the old one until the new one is ready.
    pub(in super::super) fn active(&self) -> Option<&Slot> {
        self.old_in_front().or_else(|| self.slot())
    }

    /// The old process, while new connections still go to it.
    pub(in super::super) fn old_in_front(&self) -> Option<&Slot> {
        self.old().filter(|_| !self.is_taken_over())
    }

    /// The process that new connections do not go to: alive, or being stopped.
    pub(in super::super) fn not_active(&self) -> Option<&Slot> {
        let other = self.old().and_then(|old| if self.is_taken_over() { Some(old) } else { self.slot() });
        other.or_else(|| self.leaving_beside())
    }

    /// Whether new connections go to the new process.
    fn is_taken_over(&self) -> bool {
        self.alive().is_some_and(|slot| self.connections.are_for(slot.id))
    }

    /// The process that is alive lives on beside the one that is started next, until that has proved itself.
    pub(in super::super) fn set_aside(&mut self, reason: StopReason, now: Moment) {
        match std::mem::replace(&mut self.life, Life::Absent { not_before: None }) {
            Life::Alive(slot) => {
                self.beside.old = Some((Slot { trial: None, ..slot }, reason));
                self.beside.own_ports = Vec::new();
                self.since = now;
                self.start_reason = super::Reason::after(Some(reason), None);
            }
            other => self.life = other,
        }
    }

    /// The process that has been ordered will run this build.
    pub(in super::super) fn starts_on(&mut self, build: Build, generation: GenerationId, trial: Trial) {
        if let Life::Alive(slot) = &mut self.life {
            (slot.build, slot.generation, slot.trial) = (build, generation, Some(trial));
        }
    }

    /// The new process has taken over for good: the old one is to be stopped now.
    pub(in super::super) fn dismiss_old(&mut self) -> Option<RunId> {
        let old = self.beside.old.take()?;
        let run = old.0.id;
        self.beside.leaving = Some(old);
        Some(run)
    }

    /// The old process takes its place again, with this trial. Returns the new one if it has to be stopped now.
    pub(in super::super) fn bring_back_old(&mut self, trial: Option<Trial>, now: Moment) -> Option<RunId> {
        let (old, reason) = self.beside.old.take()?;
        let old = Slot { trial, ..old };
        let before = std::mem::replace(&mut self.life, Life::Alive(old));
        self.since = now;
        match before {
            Life::Absent { .. } => None,
            Life::Stopping(slot, reason) => {
                self.beside.leaving = Some((slot, reason));
                None
            }
            Life::Alive(slot) | Life::Leaving(slot, ..) => {
                let run = slot.id;
                self.beside.leaving = Some((slot, reason));
                Some(run)
            }
        }
    }

    /// The order that sends new connections where they should go, if they do not go there yet: to the new process once
    /// it has been ready, as long as it is not being stopped or gone; else to the old one.
    pub(in super::super) fn steer(&mut self, policy: &Policy, now: Moment) -> Option<Order> {
        let new = self.alive().filter(|slot| slot.may_be_in_traffic());
        let (run, share) = match (new, self.old()) {
            (Some(new), Some(_)) => (new.id, share_of(new, policy, now)),
            (Some(new), None) => (new.id, ALL),
            (None, Some(old)) => (old.id, ALL),
            (None, None) => return None,
        };
        self.connections.order(run, share)
    }

    /// When the share of new connections changes next.
    pub(in super::super) fn share_changes_at(&self, policy: &Policy, now: Moment) -> Option<Moment> {
        self.old()?;
        let new = self.alive().filter(|slot| share_of(slot, policy, now) != ALL)?;
        gets_all_at(new, policy)
    }

    /// Why a process that has taken over fails now, before its deadline: there is no need to wait, because the old
    /// process still answers.
    pub(in super::super) fn sick_once_connected(&self, policy: &Policy) -> Option<String> {
        self.old()?;
        let slot = self.alive().filter(|slot| slot.trial.as_ref().is_some_and(|it| it.overdue.is_none()))?;
        slot.health.failed_since(&policy.checks, slot.connected?)
    }

    /// If this run is a process beside the main one, it has ended; `None`: it is not one of them.
    pub(in super::super) fn ended_beside(&mut self, run: RunId) -> Option<EndedBeside> {
        let is_it = |place: &mut (Slot, StopReason)| place.0.id == run;
        if let Some((slot, _)) = self.beside.old.take_if(is_it) {
            return Some(EndedBeside::Old(slot));
        }
        self.beside.leaving.take_if(is_it).map(|(slot, _)| EndedBeside::Leaving(slot))
    }
}

/// How many of a hundred new connections a new process gets beside the old one.
fn share_of(new: &Slot, policy: &Policy, now: Moment) -> u8 {
    match policy.handover {
        Handover::Overlap { share } if gets_all_at(new, policy).is_none_or(|at| at > now) => share,
        Handover::Overlap { .. } | Handover::Restart => ALL,
    }
}

/// When a process that is tried with a share of the new connections gets all of them.
fn gets_all_at(new: &Slot, policy: &Policy) -> Option<Moment> {
    new.connected.map(|at| at + policy.min_healthy / 2)
}
