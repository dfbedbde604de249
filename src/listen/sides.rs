//! Decides which side gets new connections, and which run has which side. Pure.

use crate::machine::RunId;

/// One of the two sockets of each `listen`. The kernel numbers the sockets of a group in the order in which they began
/// to listen, and `A` is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// The first to listen.
    A,
    /// The second.
    B,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The other one.
    pub(super) fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// The traffic class (TOS) by which a connection over the loopback device asks for this side. It only counts for
    /// connections from this host, so nobody outside can choose a side.
    pub(super) fn mark(self) -> u8 {
        match self {
            Self::A => 0x54,
            Self::B => 0x58,
        }
    }

    /// Its index in an array of two, which is its number in the kernel's group.
    pub(super) fn index(self) -> usize {
        match self {
            Self::A => 0,
            Self::B => 1,
        }
    }
}

/// How many sides there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// The kernel cannot steer: every run gets the same sockets.
    One,
    /// The kernel steers between two.
    Two,
}

/// The active side, and the runs that have a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sides {
    width: Width,
    active: Side,
    seats: [Option<RunId>; 2],
}

impl Sides {
    /// No run has a side yet.
    pub(super) fn new(width: Width, active: Side) -> Self {
        let active = if width == Width::One { Side::A } else { active };
        Self { width, active, seats: [None; 2] }
    }

    /// The side that new connections go to.
    pub(super) fn active(&self) -> Side {
        self.active
    }

    /// Whether there are two of them.
    pub(super) fn width(&self) -> Width {
        self.width
    }

    /// The side of a run that has not ended.
    pub(super) fn of(&self, run: RunId) -> Option<Side> {
        Side::BOTH.into_iter().find(|side| self.seats[side.index()] == Some(run))
    }

    /// The run that has this side.
    pub(super) fn run(&self, side: Side) -> Option<RunId> {
        self.seats[side.index()]
    }

    /// Whether a run has this side.
    pub(super) fn is_seated(&self, side: Side) -> bool {
        self.run(side).is_some()
    }

    /// Gives a side to a run that is about to start: the active one if it is free, so that the connections that wait
    /// there are served; else the other one, which gets no connections. `None`: both are taken.
    pub(super) fn seat(&mut self, run: RunId) -> Option<Side> {
        if let Some(side) = self.of(run) {
            return Some(side);
        }
        let free = |side: &Side| self.width == Width::One || self.seats[side.index()].is_none();
        let side = [self.active, self.active.other()].into_iter().find(free)?;
        self.seats[side.index()] = Some(run);
        Some(side)
    }

    /// Gives a run that was started by an earlier lictor the side that it has.
    pub(super) fn adopt(&mut self, run: RunId, side: Side) {
        let side = if self.width == Width::One { Side::A } else { side };
        self.seats[side.index()] = Some(run);
    }

    /// New connections go to this run from now on. Returns its side, if it has one that was not active before.
    pub(super) fn steer(&mut self, run: RunId) -> Option<Side> {
        let side = self.of(run).filter(|side| *side != self.active)?;
        self.active = side;
        Some(side)
    }

    /// The run is about to be stopped: new connections go to the other side from now on. Returns that side, if it was
    /// not active before.
    pub(super) fn turn_away(&mut self, run: RunId) -> Option<Side> {
        let side = self.of(run).filter(|side| *side == self.active && self.width == Width::Two)?;
        self.active = side.other();
        Some(self.active)
    }

    /// The run has ended, and its side is free. Returns that side.
    pub(super) fn gone(&mut self, run: RunId) -> Option<Side> {
        let side = self.of(run)?;
        self.seats[side.index()] = None;
        Some(side)
    }
}

#[cfg(test)]
mod tests;
