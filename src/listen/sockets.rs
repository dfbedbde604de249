//! All sockets that lictor holds, and the runs that have them.

use std::collections::BTreeSet;
use std::io;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::pair::{Pair, Place};
use super::program::{Marks, Share, Steering};
use super::relay::relay;
use super::settle::Leaving;
use super::sides::{Side, Sides, Width};
use super::{ListenError, Passed, Spec, steering};
use crate::machine::RunId;

/// The sockets of every `listen`.
#[derive(Debug)]
pub struct Sockets {
    pairs: Vec<Pair>,
    sides: Sides,
    share: Share,
    marks: Marks,
    /// Why the kernel cannot steer.
    unsteered: Option<String>,
    /// Carries what is left in the queues of a side whose run has ended.
    relays: JoinSet<()>,
    /// Held for a side while its relays may accept.
    unseated: [Option<watch::Sender<()>>; 2],
}

impl Sockets {
    /// Without any `listen`.
    pub fn none() -> Self {
        Self {
            pairs: Vec::new(),
            sides: Sides::new(Width::One, Side::A),
            share: Share::OF_ALL,
            marks: Marks::Ignored,
            unsteered: None,
            relays: JoinSet::new(),
            unseated: [None, None],
        }
    }

    /// Binds every one of these. From now on connections are let in; they wait for the first run.
    ///
    /// # Errors
    /// The first one that cannot be had; then none is held.
    pub fn bind(specs: &[Spec], marks: Marks) -> Result<Self, ListenError> {
        if specs.is_empty() {
            return Ok(Self::none());
        }
        let unsteered = steering::possible(marks).err();
        if let Some(why) = &unsteered {
            tracing::warn!("{why}");
        }
        let width = if unsteered.is_some() { Width::One } else { Width::Two };
        let sides = Sides::new(width, Side::A);
        let first = Steering::to(sides.active(), marks);
        let pairs = specs.iter().map(|spec| Pair::bind(spec, width, first)).collect::<Result<Vec<_>, _>>()?;
        for pair in &pairs {
            match pair.place() {
                Place::Tcp(address) => tracing::info!(name = pair.name(), %address, "holds a socket for the service"),
                Place::Unix(path) => {
                    tracing::info!(name = pair.name(), path = %path.display(), "holds a socket for the service");
                }
            }
        }
        Ok(Self { pairs, sides, marks, unsteered, ..Self::none() })
    }

    /// Gives a run that is about to start its side of every pair.
    ///
    /// # Errors
    /// Both sides have a run, or there are no more descriptors.
    pub fn give(&mut self, run: RunId) -> io::Result<Vec<Passed>> {
        if self.pairs.is_empty() {
            return Ok(Vec::new());
        }
        let both_taken = || io::Error::other("two runs have the sockets already");
        let side = self.sides.seat(run).ok_or_else(both_taken)?;
        // From now on the run takes what is left there.
        self.unseated[side.index()] = None;
        let copies = self.pairs.iter().map(|pair| {
            let socket = pair.socket(side).try_clone_to_owned()?;
            Ok(Passed { name: pair.name().to_owned(), socket })
        });
        copies.collect()
    }

    /// This share of the new connections goes to the run from now on, and the rest to the other one.
    ///
    /// # Errors
    /// The kernel does not allow it; then nothing has changed.
    pub fn steer(&mut self, run: RunId, share: Share) -> io::Result<()> {
        let before = (self.sides.clone(), self.share);
        self.sides.steer(run);
        self.share = share;
        self.take_effect(before)
    }

    /// The run is about to be stopped: new connections go to the other side from now on. The stop is to wait for what is
    /// given here, if anything.
    pub fn turn_away(&mut self, run: RunId) -> Option<Leaving> {
        let side = self.sides.of(run).filter(|_| self.sides.width() == Width::Two)?;
        let before = (self.sides.clone(), self.share);
        self.sides.turn_away(run);
        self.share = Share::OF_ALL;
        self.take_effect(before).ok()?;
        self.leaving(side)
    }

    /// The run has ended: what it has not accepted is carried to the active side, or waits for the next run.
    pub fn gone(&mut self, run: RunId) {
        let Some(side) = self.sides.gone(run).filter(|side| *side != self.sides.active()) else { return };
        while self.relays.try_join_next().is_some() {}
        let (unseated, seat) = watch::channel(());
        self.unseated[side.index()] = Some(unseated);
        for pair in &self.pairs {
            match pair.socket(side).try_clone_to_owned() {
                Ok(socket) => {
                    self.relays.spawn(relay(socket, pair.place().clone(), seat.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "no descriptor for the connections that a stopped service has left");
                }
            }
        }
    }

    /// Why a restart is not as smooth as it should be, for the board.
    pub fn problem(&self) -> Option<String> {
        let full = self.pairs.iter().find_map(|pair| {
            let queue = pair.queue(self.sides.active());
            (queue.limit > 0 && queue.waiting > queue.limit).then(|| {
                format!(
                    "the queue of listen {:?} is full: {} connections wait, and further ones are put off by a second or \
                     more; raise net.core.somaxconn, or have the service start faster",
                    pair.name(),
                    queue.waiting
                )
            })
        });
        full.or_else(|| self.unsteered.clone())
    }

    /// Steers every pair as was decided; if one cannot be, all are as they were before.
    fn take_effect(&mut self, before: (Sides, Share)) -> io::Result<()> {
        let is_so = (self.sides.active(), self.share) == (before.0.active(), before.1);
        let steered = if is_so { Ok(()) } else { self.steer_all() };
        if let Err(error) = &steered {
            tracing::warn!(%error, "new connections cannot be steered elsewhere");
            (self.sides, self.share) = before;
            // What could be steered a moment ago can be steered back.
            let _ = self.steer_all();
        }
        steered
    }

    fn steer_all(&self) -> io::Result<()> {
        let steering = Steering { active: self.sides.active(), share: self.share, marks: self.marks };
        self.pairs.iter().try_for_each(|pair| pair.steer(steering))
    }

    fn leaving(&self, side: Side) -> Option<Leaving> {
        let sockets: io::Result<Vec<_>> =
            self.pairs.iter().map(|pair| pair.socket(side).try_clone_to_owned()).collect();
        let ports: BTreeSet<u16> = self
            .pairs
            .iter()
            .filter_map(|pair| match pair.place() {
                Place::Tcp(address) => Some(address.port()),
                Place::Unix(_) => None,
            })
            .collect();
        Some(Leaving::new(sockets.ok()?, ports))
    }
}

#[cfg(test)]
mod tests;
