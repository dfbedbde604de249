//! The sockets of one `listen`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};

use super::kernel::{self, Queue};
use super::program::{Marks, Steering};
use super::sides::{Side, Width};
use super::{Address, ListenError, Spec, tcp, unix};

/// How long a connection over the loopback device may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Its sockets, one for each side; only one if the kernel cannot steer.
#[derive(Debug)]
pub(super) struct Pair {
    name: String,
    place: Place,
    sockets: Vec<OwnedFd>,
    /// The side whose socket is the first one in the kernel's group.
    first: Side,
}

/// Where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At this address, with the real port.
    Tcp(SocketAddr),
    /// At this path.
    Unix(PathBuf),
}

impl Place {
    /// The place of this address, with the configured port.
    pub(super) fn of(address: &Address) -> Self {
        match address {
            Address::Tcp(address) => Self::Tcp(*address),
            Address::Unix(path) => Self::Unix(path.clone()),
        }
    }
}

impl Pair {
    /// Binds it. From the first moment on, connections go to `active`.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub(super) fn bind(spec: &Spec, width: Width, first: Steering) -> Result<Self, ListenError> {
        let bound = match &spec.address {
            Address::Tcp(address) => {
                tcp::bind_all(*address, width, first).map(|(sockets, address)| (sockets, Place::Tcp(address)))
            }
            Address::Unix(path) => unix::bind_all(path, first.active).map(|both| (both, Place::Unix(path.clone()))),
        };
        let (sockets, place) = bound.map_err(|source| ListenError::of(&spec.name, &spec.address, source))?;
        Ok(Self { name: spec.name.clone(), place, sockets, first: Side::A })
    }

    /// From both sockets of an earlier lictor, in the order of the sides, and the side that is the first one in the
    /// kernel's group. From now on connections go to `active`.
    ///
    /// # Errors
    /// The kernel does not allow it.
    pub(super) fn kept(spec: &Spec, sockets: [OwnedFd; 2], first: Side, steering: Steering) -> io::Result<Self> {
        let pair = Self { name: spec.name.clone(), place: Place::of(&spec.address), sockets: sockets.into(), first };
        pair.steer(steering)?;
        Ok(pair)
    }

    /// From a copy of the one socket that is left, which becomes side A; side B is a new one.
    ///
    /// # Errors
    /// The kernel does not allow it.
    pub(super) fn around(spec: &Spec, left: OwnedFd, width: Width, marks: Marks) -> io::Result<Self> {
        let (name, place) = (spec.name.clone(), Place::of(&spec.address));
        if width == Width::One {
            return Ok(Self { name, place, sockets: vec![left], first: Side::A });
        }
        let steering = Steering::to(Side::A, marks);
        let new = match &place {
            Place::Tcp(address) => {
                // An earlier program may still be attached, which would send everything to the new one.
                kernel::attach(&left, &steering.program(Side::A))?;
                tcp::beside(*address)?
            }
            Place::Unix(path) => unix::beside(&left, path)?,
        };
        Ok(Self { name, place, sockets: vec![left, new], first: Side::A })
    }

    /// Its name in `LISTEN_FDNAMES`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// The socket of a side.
    pub(super) fn socket(&self, side: Side) -> BorrowedFd<'_> {
        // A single socket belongs to both sides.
        self.sockets.get(side.index()).unwrap_or(&self.sockets[0]).as_fd()
    }

    /// Every socket with its side.
    pub(super) fn sockets(&self) -> impl Iterator<Item = (Side, BorrowedFd<'_>)> {
        Side::BOTH.into_iter().zip(&self.sockets).map(|(side, socket)| (side, socket.as_fd()))
    }

    /// Steers new connections like this from now on.
    ///
    /// # Errors
    /// The kernel, or the file system, does not allow it; then nothing has changed.
    pub(super) fn steer(&self, steering: Steering) -> io::Result<()> {
        match &self.place {
            _ if self.sockets.len() < 2 => Ok(()),
            // A socket that does not listen has left the group. If none listens, they are steered when they listen
            // again.
            Place::Tcp(_) => match self.sockets().find(|(side, _)| !self.is_shut(*side)) {
                Some((_, socket)) => kernel::attach(socket, &steering.program(self.first)),
                None => Ok(()),
            },
            Place::Unix(path) => unix::point(path, steering.active),
        }
    }

    /// The side whose socket is the first one in the kernel's group.
    pub(super) fn first(&self) -> Side {
        self.first
    }

    /// Lets each socket that was shut down listen again: `shutdown(2)` on the service's copy affects all copies, and
    /// the kernel has reset the connections in its queue. Returns the sides for which that was necessary.
    ///
    /// # Errors
    /// The kernel does not allow it.
    pub(super) fn revive(&mut self, steering: Steering) -> io::Result<Vec<Side>> {
        let shut: Vec<Side> = self.sockets().map(|(side, _)| side).filter(|side| self.is_shut(*side)).collect();
        match self.place.clone() {
            _ if shut.is_empty() => {}
            Place::Tcp(address) => self.listen_again(address, &shut, steering)?,
            Place::Unix(path) => {
                for side in &shut {
                    self.sockets[side.index()] = unix::anew(&path, *side)?;
                }
            }
        }
        Ok(shut)
    }

    fn listen_again(&mut self, address: SocketAddr, shut: &[Side], steering: Steering) -> io::Result<()> {
        let both = self.sockets.len() > 1;
        // The one that went on listening is now the first of the group, and the other one joins as the last.
        let remaining = Side::BOTH.into_iter().find(|side| both && !shut.contains(side));
        self.first = remaining.unwrap_or(Side::A);
        if let Some(remaining) = remaining {
            kernel::attach(self.socket(remaining), &steering.program(self.first))?;
        }
        for side in shut {
            tcp::listen_again(self.socket(*side), address)?;
            if both && remaining.is_none() && *side == self.first {
                // This comes before the second one listens, as when they were bound.
                kernel::attach(self.socket(*side), &steering.program(self.first))?;
            }
        }
        Ok(())
    }

    /// Whether a socket no longer listens.
    fn is_shut(&self, side: Side) -> bool {
        let socket = self.socket(side);
        match &self.place {
            Place::Tcp(_) => sockopt::socket_acceptconn(socket).is_ok_and(|listens| !listens),
            Place::Unix(_) => {
                let mut watched = [PollFd::new(&socket, PollFlags::RDHUP)];
                let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
                matches!(poll(&mut watched, Some(&at_once)), Ok(1..)) && watched[0].revents().contains(PollFlags::RDHUP)
            }
        }
    }

    /// How full the queue of a side is. For a socket in the file system the kernel only shows whether it is empty.
    pub(super) fn queue(&self, side: Side) -> Queue {
        match &self.place {
            Place::Tcp(_) => kernel::queue(self.socket(side)).unwrap_or_default(),
            Place::Unix(_) => Queue { waiting: u32::from(!is_empty(self.socket(side))), limit: u32::MAX },
        }
    }
}

/// Whether the accept queue of a listening socket is empty.
pub(super) fn is_empty(socket: BorrowedFd<'_>) -> bool {
    !comes_within(Duration::ZERO, socket)
}

/// Whether a connection is in the queue of a listening socket, or arrives within this time; blocks the thread for that
/// long.
fn comes_within(patience: Duration, socket: BorrowedFd<'_>) -> bool {
    let mut watched = [PollFd::new(&socket, PollFlags::IN)];
    let patience = Timespec::try_from(patience).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
    matches!(poll(&mut watched, Some(&patience)), Ok(1..))
}

/// Tries whether the kernel steers connections correctly, on sockets that nothing else connects to.
///
/// # Errors
/// It refuses, or steers them wrongly.
pub(super) fn try_out(marks: Marks) -> io::Result<()> {
    let first = Steering::to(Side::B, marks);
    let (sockets, address) = tcp::bind_all((Ipv4Addr::LOCALHOST, 0).into(), Width::Two, first)?;
    let arrives_at = |side: Side| {
        let (right, wrong) = (sockets[side.index()].as_fd(), sockets[side.other().index()].as_fd());
        if !comes_within(PATIENCE, right) || !is_empty(wrong) {
            return Err(io::Error::other("they do not go where they should"));
        }
        rustix::net::accept(right)?;
        Ok(())
    };
    for active in [Side::B, Side::A, Side::B] {
        kernel::attach(&sockets[0], &Steering::to(active, marks).program(Side::A))?;
        let _connection = TcpStream::connect(address)?;
        arrives_at(active)?;
        if marks == Marks::Heeded {
            for side in Side::BOTH {
                let _marked = marked(address, side.mark())?;
                arrives_at(side)?;
            }
        }
    }
    Ok(())
}

/// A connection that asks for a side.
fn marked(address: SocketAddr, class: u8) -> io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_ip_tos(&socket, class)?;
    connect(&socket, &address)?;
    Ok(socket)
}
