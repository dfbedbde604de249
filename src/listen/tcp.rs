//! Sockets that share one TCP port.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::sockopt;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, listen, socket_with};

use super::half_open;
use super::kernel;
use super::program::Steering;
use super::sides::{Side, Width};

/// How many connections may wait; the kernel limits that to `net.core.somaxconn`.
const BACKLOG: i32 = 65_535;

/// Whether another socket may share the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sharing {
    Shared,
    Alone,
}

/// Binds as many sockets as there are sides, and lets them listen. Returns them in the kernel's order, and the address
/// with the port that the kernel chose if it was 0.
///
/// # Errors
/// `AddrInUse` if any other process listens there, of any user.
pub(super) fn bind_all(address: SocketAddr, width: Width, first: Steering) -> io::Result<(Vec<OwnedFd>, SocketAddr)> {
    if width == Width::One {
        let socket = bound(address, Sharing::Alone)?;
        listen(&socket, BACKLOG)?;
        let address = address_of(&socket)?;
        return Ok((vec![socket], address));
    }
    let chosen = address.port() != 0;
    if chosen {
        // A process of the same user that shares its port would allow the bind, and get a part of the connections.
        drop(bound(address, Sharing::Alone)?);
    }
    let a = bound(address, Sharing::Shared)?;
    let address = address_of(&a)?;
    listen(&a, BACKLOG)?;
    // This comes before the second one listens, so that from its first moment on it gets only what it should.
    kernel::attach(&a, &first.program(Side::A))?;
    let b = beside(address)?;
    // Another process may have joined in between.
    if chosen && half_open::listeners(address).is_ok_and(|count| count > 2) {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    Ok((vec![a, b], address))
}

/// One more socket that listens at the address of a group, as its last one.
pub(super) fn beside(address: SocketAddr) -> io::Result<OwnedFd> {
    let socket = bound(address, Sharing::Shared)?;
    listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// Lets a socket that was shut down listen again: it becomes the last one of the group at this address.
pub(super) fn listen_again(socket: BorrowedFd<'_>, address: SocketAddr) -> io::Result<()> {
    match bind(socket, &address) {
        // It still has the port, unless the kernel had chosen it.
        Ok(()) | Err(Errno::INVAL) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(listen(socket, BACKLOG)?)
}

/// Where a socket listens.
pub(super) fn address_of(socket: &OwnedFd) -> io::Result<SocketAddr> {
    getsockname(socket)?.try_into().map_err(|_| io::ErrorKind::AddrNotAvailable.into())
}

fn bound(address: SocketAddr, sharing: Sharing) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
    // Remains of earlier connections must not block the port.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if address.ip() == Ipv6Addr::UNSPECIFIED {
        sockopt::set_ipv6_v6only(&socket, false)?;
    }
    if sharing == Sharing::Shared {
        sockopt::set_socket_reuseport(&socket, true)?;
    }
    bind(&socket, &address)?;
    Ok(socket)
}
