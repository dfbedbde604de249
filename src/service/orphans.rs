//! Finds processes of a run that have outlived their parents.
//!
//! lictor is a subreaper: every process that the service starts, however detached, becomes our child once its parent has ended, if
//! we started the service. If an earlier lictor started it, such processes become children of PID 1. Both are recognised by the
//! mark of the run; a process without one is recognised by its group, or because it is a child of ours that can only be the service's.

use std::io;

use rustix::process::{Signal, WaitId, WaitIdOptions};

use super::mark::{self, Mark};
use super::own_children::OwnChildren;
use super::pidfd::{Pidfd, raw};
use super::process::Kinship;
use crate::procfs;

/// How many are watched at a time, to save descriptors; the others follow in the next round.
const WATCHED_AT_ONCE: usize = 64;

/// From now on orphans become children of lictor, not of PID 1. Call it once, at start.
///
/// # Errors
/// The kernel's; none is known to happen.
pub fn become_subreaper() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// The run or errand whose orphans are looked for.
#[derive(Clone, Debug)]
pub(super) struct Family {
    /// The main process: its PID is the group's ID, and it is not an orphan itself.
    pub(super) leader: u32,
    pub(super) kinship: Kinship,
    /// The mark that its members inherit; `None`: an errand, or a service that was started by an older lictor.
    pub(super) mark: Option<Mark>,
    pub(super) reach: Reach,
    pub(super) own: OwnChildren,
}

/// Which processes belong to a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Those in its process group.
    Group,
    /// Also those that have left the group.
    Run,
}

/// Where an orphan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the group of its main process.
    Group,
    /// In another group.
    Away,
}

/// What is left of a family after a round.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// How many are left in the group.
    pub(super) in_group: usize,
    /// How many are left elsewhere.
    pub(super) away: usize,
    /// Some of them, to wait for.
    pub(super) watched: Vec<Pidfd>,
}

impl Left {
    pub(super) fn is_empty(&self) -> bool {
        self.in_group + self.away == 0
    }
}

impl Family {
    /// Finds every orphan of this family, sends each the signal from `signal`, and reaps those that have ended.
    ///
    /// It reads the memory of processes, so with [`Reach::Run`] it may block.
    pub(super) fn round(&self, mut signal: impl FnMut(u32, Place) -> Option<Signal>) -> Left {
        loop {
            let (left, reaped) = self.pass(&mut signal);
            // Each process that has ended since the listing may have left us further ones.
            if reaped == 0 || !left.is_empty() {
                return left;
            }
        }
    }

    /// One listing; also returns how many were reaped.
    fn pass(&self, signal: &mut impl FnMut(u32, Place) -> Option<Signal>) -> (Left, usize) {
        let (mut left, mut reaped) = (Left::default(), 0);
        let before = self.own.quiet();
        let listed = match (self.kinship, self.reach) {
            (Kinship::Adopted, Reach::Run) => procfs::pids().collect(),
            (Kinship::Child, _) | (_, Reach::Group) => procfs::children(),
        };
        let quiet = before.is_some() && before == self.own.quiet();
        for pid in listed.into_iter().filter(|&pid| pid != self.leader && pid != std::process::id()) {
            // The descriptor first: from then on the PID cannot come to mean another process unseen.
            let Some(pidfd) = raw(pid).and_then(|pid| Pidfd::open(pid).ok()) else { continue };
            let Some(place) = self.place_of(pid, quiet) else { continue };
            if self.kinship == Kinship::Child && pidfd.reap().is_some() {
                reaped += 1;
                continue;
            }
            if let Some(signal) = signal(pid, place) {
                // It may have ended just now, or run as a user that we may not signal.
                let _ = pidfd.signal(signal);
            }
            match place {
                Place::Group => left.in_group += 1,
                Place::Away => left.away += 1,
            }
            if left.watched.len() < WATCHED_AT_ONCE {
                left.watched.push(pidfd);
            }
        }
        (left, reaped)
    }

    /// Where a process belongs; `None`: not to this family. `quiet`: every listed child that is our own is on record.
    fn place_of(&self, pid: u32, quiet: bool) -> Option<Place> {
        let stat = procfs::stat(pid).ok().filter(|_| !self.own.holds(pid))?;
        let ours = stat.parent == std::process::id();
        let marks = || if self.reach == Reach::Run { mark::of(pid) } else { Vec::new() };
        match self.kinship {
            Kinship::Child if !ours => None,
            Kinship::Child if stat.group == self.leader => Some(Place::Group),
            Kinship::Child => {
                let marks = marks();
                let marked = self.mark.is_some_and(|mark| marks.contains(&mark));
                let of_another = || marks.iter().any(|mark| self.mark.is_some_and(|own| own.is_kin_of(*mark)));
                let unmarked = || quiet && !of_another() && self.own.the_unmarked_are_the_services();
                (self.reach == Reach::Run && orphans_come_to_us() && (marked || unmarked())).then_some(Place::Away)
            }
            Kinship::Adopted if stat.state == 'Z' => None,
            Kinship::Adopted => {
                let marks = marks();
                let in_group = stat.group == self.leader;
                match self.mark.filter(|_| !marks.is_empty()) {
                    Some(mark) if !marks.contains(&mark) => None,
                    Some(_) if in_group => Some(Place::Group),
                    Some(_) => Some(Place::Away),
                    None => in_group.then_some(Place::Group),
                }
            }
        }
    }
}

/// Every live process with a mark of this lineage. It reads the memory of processes, so it may block.
pub(super) fn of_lineage(lineage: Mark) -> Vec<(u32, Mark)> {
    let kin = |pid: u32| Some((pid, mark::of(pid).into_iter().find(|mark| mark.is_kin_of(lineage))?));
    procfs::pids().filter(|&pid| pid != std::process::id()).filter_map(kin).collect()
}

/// Reaps children that have ended and are not on record, so that a long run gathers no zombies.
pub(super) fn collect(own: &OwnChildren) {
    own.reap_lingering();
    let before = own.quiet();
    let listed = procfs::children();
    // While a child is being launched, its exit status belongs to the launch.
    if before.is_none() || before != own.quiet() {
        return;
    }
    for pid in listed {
        let zombie = procfs::stat(pid).is_ok_and(|stat| stat.state == 'Z');
        if let Some(pid) = raw(pid).filter(|_| zombie && !own.is_own(pid)) {
            // An error means that it is not our child any more, which is what we want.
            let _ = rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        }
    }
}

/// Without that, a child of ours that is not on record would be somebody else's, not the service's.
fn orphans_come_to_us() -> bool {
    matches!(rustix::process::child_subreaper(), Ok(Some(_))) || rustix::process::getpid().is_init()
}
