//! Takes back sockets that outlived an earlier lictor: from the service manager, by name, or from the service itself,
//! which has copies.

use std::os::fd::{AsFd, OwnedFd};

use rustix::net::sockopt;

use super::pair::Place;
use super::sides::Side;
use super::{Spec, tcp, unix};

/// The prefix of a name under which the service manager keeps a socket, before the label and the side.
const PREFIX: &str = "listen-";

/// The suffix of such a name if side B is the first one in the kernel's group.
const SWAPPED: &str = ".swapped";

/// Sockets that may belong to our `listen`s.
#[derive(Debug, Default)]
pub struct Found {
    kept: Vec<(String, OwnedFd)>,
    survivor: Vec<OwnedFd>,
    /// The side of the service that still runs.
    side: Option<Side>,
    /// The names under which the service manager has to keep another socket from now on.
    stale: Vec<String>,
}

impl Found {
    /// No sockets: an ordinary start.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// The sockets that the service manager has kept, by name, and the side of the service that still runs, by its
    /// mark.
    #[must_use]
    pub fn kept(mut self, kept: Vec<(String, OwnedFd)>) -> Self {
        self.kept = kept;
        self
    }

    /// A service still runs. These are copies of those of its descriptors that can be copied; `mark` is the record of
    /// its side.
    #[must_use]
    pub fn with(mut self, specs: &[Spec], copies: impl IntoIterator<Item = OwnedFd>, mark: Option<u8>) -> Self {
        let side = |mark| Side::BOTH.into_iter().find(|side| side.index() == usize::from(mark));
        self.side = Some(mark.and_then(side).unwrap_or(Side::A));
        // Only as many copies are made as are needed, because a copy of any other descriptor keeps somebody's
        // connection open for a moment.
        let ours = copies.into_iter().filter(|socket| specs.iter().any(|spec| fits(socket, spec)));
        self.survivor = ours.take(specs.len()).collect();
        self
    }

    /// Another run is alive beside that one, or was when lictor ended: copies of the sockets of both serve as well as
    /// those of the service manager.
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
            // Again only as many copies as are needed.
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

    /// The sockets of this `listen` that were kept, one for each side, and the side that is the first one in the
    /// kernel's group. Those that are kept under its name but do not fit are released.
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
            // Other sockets replace them, and the service manager would keep both under one name.
            self.stale.extend(Side::BOTH.map(|side| name(&spec.name, side, first)));
        }
        taken
    }

    /// The service's own copy of the socket of this `listen`.
    pub(super) fn copy(&mut self, spec: &Spec) -> Option<OwnedFd> {
        let at = self.survivor.iter().position(|socket| fits(socket, spec))?;
        Some(self.survivor.swap_remove(at))
    }

    /// Names of kept sockets that are no longer in the configuration.
    pub(super) fn left(&self) -> impl Iterator<Item = &str> {
        let left = self.kept.iter().map(|(name, _)| name.as_str()).filter(|name| name.starts_with(PREFIX));
        left.chain(self.stale.iter().map(String::as_str))
    }
}

/// The name under which the service manager keeps a socket. It also says which side is the first one in the kernel's
/// group, because the kernel cannot be asked for that.
pub(super) fn name(label: &str, side: Side, first: Side) -> String {
    let order = if first == Side::A { "" } else { SWAPPED };
    format!("{PREFIX}{label}.{}{order}", side.index())
}

/// Every name under which a socket of this `listen` may be kept.
pub(super) fn names(label: &str) -> Vec<String> {
    Side::BOTH.iter().flat_map(|first| Side::BOTH.map(|side| name(label, side, *first))).collect()
}

/// Whether it listens where it should. A descriptor's number may have been reused since, for example for an accepted
/// connection, which must not be mistaken for a listening socket.
fn fits(socket: &OwnedFd, spec: &Spec) -> bool {
    if !sockopt::socket_acceptconn(socket.as_fd()).unwrap_or(false) {
        return false;
    }
    match Place::of(&spec.address) {
        Place::Tcp(address) => tcp::address_of(socket).is_ok_and(|there| there == address),
        Place::Unix(path) => unix::side_of(socket, &path).is_some(),
    }
}
