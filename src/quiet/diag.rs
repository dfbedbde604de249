//! The kernel's list of TCP sockets, asked for over netlink.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};
use tokio::task::yield_now;

use super::message::{Family, Progress, Socket, Wanted, read, request};

/// The largest datagram of a list, in bytes.
const DATAGRAM: usize = 32 << 10;
/// More connections than any service has; a longer list is cut.
const MOST: usize = 1 << 20;

/// The end of a connection that has the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The one that was accepted.
    Local,
    /// The one that connected to it.
    Peer,
}

/// A netlink socket to the kernel.
#[derive(Debug)]
pub(super) struct Diag {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

impl Diag {
    pub(super) fn open() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(SOCK_DIAG))?;
        Ok(Self { socket, buffer: vec![0; DATAGRAM] })
    }

    /// All sockets that listen.
    pub(super) async fn listening(&mut self) -> io::Result<Vec<Socket>> {
        self.ask(Wanted::Listening).await
    }

    /// The connections that have this port at this end.
    pub(super) async fn connections(&mut self, side: Side, port: u16) -> io::Result<Vec<Socket>> {
        self.ask(match side {
            Side::Local => Wanted::Local(port),
            Side::Peer => Wanted::Peer(port),
        })
        .await
    }

    async fn ask(&mut self, wanted: Wanted) -> io::Result<Vec<Socket>> {
        let mut sockets = Vec::new();
        for family in [Family::V4, Family::V6] {
            let kernel = SocketAddrNetlink::new(0, 0);
            sendto(&self.socket, &request(family, wanted), SendFlags::empty(), &kernel)?;
            loop {
                // The kernel writes the next part while it is read, so there is always one.
                let (length, _) = recv(&self.socket, &mut self.buffer[..], RecvFlags::empty())?;
                match read(&self.buffer[..length], &mut sockets) {
                    Progress::Done => break,
                    Progress::Refused(number) => return Err(io::Error::from_raw_os_error(number)),
                    Progress::More if sockets.len() > MOST => return Err(io::ErrorKind::FileTooLarge.into()),
                    // A long list must not block the only thread.
                    Progress::More => yield_now().await,
                }
            }
        }
        Ok(sockets)
    }
}
