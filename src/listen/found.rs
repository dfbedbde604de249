//! Sockets that outlived an earlier lictor, on their way back: from the service manager, by name, or from the service
//! itself, which has copies.

use std::os::fd::{AsFd, OwnedFd};

use rustix::net::sockopt;

use super::pair::Place;
use super::sides::Side;
use super::{Spec, tcp, unix};

/// What precedes the label and the side in a name by which the service manager keeps a socket.
const PREFIX: &str = "listen-";

/// What ends the name of a socket where side B is the first one in the kernel's group.
const SWAPPED: &str = ".swapped";

/// Sockets that may be those of our `listen`s.
#[derive(Debug, Default)]
pub struct Found {
    kept: Vec<(String, OwnedFd)>,
    survivor: Vec<OwnedFd>,
    /// The side of the service that still runs.
    side: Option<Side>,
    /// Names under which something else is to be kept from now on.
    stale: Vec<String>,
}

impl Found {
    /// Nothing: an ordinary start.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// What the service manager has kept, by name, and the side of the service that still runs, by its mark.
    #[must_use]
    pub fn kept(mut self, kept: Vec<(String, OwnedFd)>) -> Self {
        self.kept = kept;
        self
    }

    /// A service still runs. These are copies of its descriptors, as far as they can be had, and `mark` is what was kept of
    /// its side.
    #[must_use]
    pub fn with(mut self, specs: &[Spec], copies: impl IntoIterator<Item = OwnedFd>, mark: Option<u8>) -> Self {
        let side = |mark| Side::BOTH.into_iter().find(|side| side.index() == usize::from(mark));
        self.side = Some(mark.and_then(side).unwrap_or(Side::A));
        // No more copies are made than are needed: each of the others is a connection of somebody's for a moment.
        let ours = copies.into_iter().filter(|socket| specs.iter().any(|spec| fits(socket, spec)));
        self.survivor = ours.take(specs.len()).collect();
        self
    }

    /// Another run is alive beside that one, or was when lictor ended: copies of the sockets of both, as far as they can be
    /// had, are as good as if the service manager had kept them.
    #[must_use]
    pub fn with_both(
        mut self,
        specs: &[Spec],
        runs: impl IntoIterator<Item = (Option<u8>, impl IntoIterator<Item = OwnedFd>)>,
    ) -> Self {
        for (mark, copies) in runs {
            let side = Side::BOTH.into_iter().find(|side| mark.is_some_and(|mark| side.index() == usize::from(mark)));
            let Some(side) = side else { continue };
            let ours = copies.into_iter().filter(|socket| specs.iter().any(|spec| fits(socket, spec)));
            // Nor are more of them made here.
            for socket in ours.take(specs.len()) {
                let spec = specs.iter().find(|spec| fits(&socket, spec));
                let name = spec.map(|spec| name(&spec.name, side, Side::A));
                if let Some(name) = name.filter(|name| !self.kept.iter().any(|(kept, _)| kept == name)) {
                    self.kept.push((name, socket));
                }
            }
        }
        self
    }

    /// The side of the service that still runs; `None`: there is none.
    pub(super) fn side(&self) -> Option<Side> {
        self.side
    }

    /// The sockets of this `listen`, one a side, that were kept, and the side that is the first one in the kernel's group;
    /// what is kept under its name and does not fit is let go.
    pub(super) fn take(&mut self, spec: &Spec) -> ([Option<OwnedFd>; 2], Side) {
        let [usual, swapped] = Side::BOTH.map(|first| self.take_named(spec, first));
        if swapped.iter().flatten().count() > usual.iter().flatten().count() {
            (swapped, Side::B)
        } else {
            (usual, Side::A)
        }
    }

    fn take_named(&mut self, spec: &Spec, first: Side) -> [Option<OwnedFd>; 2] {
        let before = self.kept.len();
        let taken = Side::BOTH.map(|side| {
            let name = name(&spec.name, side, first);
            let at = self.kept.iter().position(|(kept, _)| *kept == name)?;
            let (_, socket) = self.kept.swap_remove(at);
            fits(&socket, spec).then_some(socket)
        });
        if self.kept.len() < before && taken.iter().any(Option::is_none) {
            // Others take their place, and the service manager would keep both under one name.
            self.stale.extend(Side::BOTH.map(|side| name(&spec.name, side, first)));
        }
        taken
    }

    /// The service's own copy of the socket of this `listen`.
    pub(super) fn copy(&mut self, spec: &Spec) -> Option<OwnedFd> {
        let at = self.survivor.iter().position(|socket| fits(socket, spec))?;
        Some(self.survivor.swap_remove(at))
    }

    /// Names of kept sockets that the configuration does not have any more.
    pub(super) fn left(&self) -> impl Iterator<Item = &str> {
        let left = self.kept.iter().map(|(name, _)| name.as_str()).filter(|name| name.starts_with(PREFIX));
        left.chain(self.stale.iter().map(String::as_str))
    }
}

/// The name by which the service manager keeps a socket. It says also which side is the first one in the kernel's group,
/// which nobody can ask the kernel.
pub(super) fn name(label: &str, side: Side, first: Side) -> String {
    let order = if first == Side::A { "" } else { SWAPPED };
    format!("{PREFIX}{label}.{}{order}", side.index())
}

/// Every name under which a socket of this `listen` may be kept.
pub(super) fn names(label: &str) -> Vec<String> {
    Side::BOTH.iter().flat_map(|first| Side::BOTH.map(|side| name(label, side, *first))).collect()
}

/// Whether it listens where it should. A number in a process may have come to mean something else, an accepted
/// connection above all, which must not be mistaken for what accepts.
fn fits(socket: &OwnedFd, spec: &Spec) -> bool {
    if !sockopt::socket_acceptconn(socket.as_fd()).unwrap_or(false) {
        return false;
    }
    match Place::of(&spec.address) {
        Place::Tcp(address) => tcp::address_of(socket).is_ok_and(|there| there == address),
        Place::Unix(path) => unix::side_of(socket, &path).is_some(),
    }
}
