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

/// Its sockets, one a side; a single one where the kernel cannot steer.
#[derive(Debug)]
pub(super) struct Pair {
    name: String,
    place: Place,
    sockets: Vec<OwnedFd>,
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
    /// The place of this address; the port is the one that is written.
    pub(super) fn of(address: &Address) -> Self {
        match address {
            Address::Tcp(address) => Self::Tcp(*address),
            Address::Unix(path) => Self::Unix(path.clone()),
        }
    }
}

impl Pair {
    /// Binds it; from its first moment on, connections go to `active`.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub(super) fn bind(spec: &Spec, width: Width, first: Steering) -> Result<Self, ListenError> {
        let bound = match &spec.address {
            Address::Tcp(address) => {
                tcp::bind_all(*address, width, first).map(|(sockets, address)| (sockets, Place::Tcp(address)))
            }
            Address::Unix(path) => unix::bind_all(path, first.active).map(|both| (both, Place::Unix(path.clone()))),
        };
        let (sockets, place) = bound.map_err(|source| ListenError::of(&spec.name, &spec.address, source))?;
        Ok(Self { name: spec.name.clone(), place, sockets })
    }

    /// Of both sockets of an earlier lictor, in the order of the sides; connections go to `active` from now on.
    ///
    /// # Errors
    /// The kernel does not allow it.
    pub(super) fn kept(spec: &Spec, sockets: [OwnedFd; 2], steering: Steering) -> io::Result<Self> {
        let pair = Self { name: spec.name.clone(), place: Place::of(&spec.address), sockets: sockets.into() };
        pair.steer(steering)?;
        Ok(pair)
    }

    /// Around a copy of the one socket that is left, which has become side A by that; a new one is side B.
    ///
    /// # Errors
    /// The kernel does not allow it.
    pub(super) fn around(spec: &Spec, left: OwnedFd, width: Width, marks: Marks) -> io::Result<Self> {
        let (name, place) = (spec.name.clone(), Place::of(&spec.address));
        if width == Width::One {
            return Ok(Self { name, place, sockets: vec![left] });
        }
        let steering = Steering::to(Side::A, marks);
        let new = match &place {
            Place::Tcp(address) => {
                // An earlier program may still be there, which would send everything to the new one.
                kernel::attach(&left, &steering.program())?;
                tcp::beside(*address)?
            }
            Place::Unix(path) => unix::beside(&left, path)?,
        };
        Ok(Self { name, place, sockets: vec![left, new] })
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
        // Where there is one alone, it is everybody's.
        self.sockets.get(side.index()).unwrap_or(&self.sockets[0]).as_fd()
    }

    /// Every socket with its side.
    pub(super) fn sockets(&self) -> impl Iterator<Item = (Side, BorrowedFd<'_>)> {
        Side::BOTH.into_iter().zip(&self.sockets).map(|(side, socket)| (side, socket.as_fd()))
    }

    /// From now on new connections are steered like this.
    ///
    /// # Errors
    /// The kernel, or the file system, does not allow it; then it is as it was.
    pub(super) fn steer(&self, steering: Steering) -> io::Result<()> {
        match &self.place {
            _ if self.sockets.len() < 2 => Ok(()),
            Place::Tcp(_) => kernel::attach(&self.sockets[0], &steering.program()),
            Place::Unix(path) => unix::point(path, steering.active),
        }
    }

    /// Whether one of them does not listen any more. `shutdown(2)` on a copy, which the service has, is felt by all.
    pub(super) fn is_shut(&self) -> bool {
        self.sockets.iter().any(|socket| sockopt::socket_acceptconn(socket).is_ok_and(|listens| !listens))
    }

    /// How full the queue of a side is. Of a socket in the file system only emptiness is known, not the number.
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

/// Whether somebody waits in the queue of a listening socket, at the latest after this time; blocks the thread for that
/// long.
fn comes_within(patience: Duration, socket: BorrowedFd<'_>) -> bool {
    let mut watched = [PollFd::new(&socket, PollFlags::IN)];
    let patience = Timespec::try_from(patience).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
    matches!(poll(&mut watched, Some(&patience)), Ok(1..))
}

/// Whether the kernel directs connections as it should, tried on sockets of our own that nothing else connects to.
///
/// # Errors
/// That it refuses, or does something else.
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
        kernel::attach(&sockets[0], &Steering::to(active, marks).program())?;
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
