//! Whether anybody still talks to a service: what the kernel knows of the connections to the ports on which it listens.
//!
//! It needs no privilege: `sock_diag` over netlink tells every socket of the network namespace. A connection counts while
//! data moves on it; a peer that wasn't there at the last look counts as well, even if its connection has closed in the
//! meantime (it is then in `TIME_WAIT`). Connections of lictor's own, its probes, don't count.

mod diag;
mod message;
mod owners;
mod stillness;

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use diag::{Diag, Side};
use message::{Socket, State};
pub use stillness::Stillness;

/// Looks at the connections of one service, again and again.
#[derive(Debug)]
pub struct Observer {
    diag: Diag,
    ports: BTreeSet<u16>,
    /// Peers that are sockets of our own.
    own: BTreeSet<SocketAddr>,
    stillness: Stillness,
}

impl Observer {
    /// Of the service whose process group has this number. Where we may not see on which ports it listens, or it listens on
    /// none, `registered` counts.
    ///
    /// # Errors
    /// The kernel doesn't tell: netlink is forbidden (`AF_NETLINK`), or it has no `sock_diag` for TCP.
    pub async fn new(group: u32, registered: Option<u16>) -> io::Result<Self> {
        let mut diag = Diag::open()?;
        let inodes = owners::of_group(group);
        let listening = diag.listening().await?;
        let mut ports: BTreeSet<u16> = listening
            .into_iter()
            .filter(|socket| inodes.contains(&socket.inode))
            .map(|socket| socket.local.port())
            .collect();
        if ports.is_empty() {
            ports.extend(registered);
        }
        Ok(Self { diag, ports, own: BTreeSet::new(), stillness: Stillness::default() })
    }

    /// The ports that are looked at.
    pub fn ports(&self) -> impl Iterator<Item = u16> {
        self.ports.iter().copied()
    }

    /// Looks once more, and says for how long nothing new has come and nothing has moved. `now` is the time since any fixed
    /// moment. What happened before the first look isn't known: it begins with zero.
    ///
    /// # Errors
    /// The kernel doesn't tell any more.
    pub async fn look(&mut self, now: Duration) -> io::Result<Duration> {
        let mut sockets = Vec::new();
        for port in self.ports.clone() {
            sockets.extend(self.diag.connections(Side::Local, port).await?);
        }
        let suspects = |socket: &Socket| is_local(socket) && !self.own.contains(&socket.peer);
        if sockets.iter().any(|socket| suspects(socket) && !self.stillness.knows(socket)) {
            self.recognise_own().await?;
        }
        sockets.retain(|socket| !self.own.contains(&socket.peer));
        Ok(self.stillness.look(now, &sockets))
    }

    /// Finds the other ends of these connections that are sockets of ours.
    async fn recognise_own(&mut self) -> io::Result<()> {
        let inodes = owners::of_ourselves();
        for port in self.ports.clone() {
            let clients = self.diag.connections(Side::Peer, port).await?;
            self.own.extend(clients.iter().filter(|client| inodes.contains(&client.inode)).map(|client| client.local));
        }
        Ok(())
    }
}

/// Whether the other end may be on this host.
fn is_local(socket: &Socket) -> bool {
    socket.state != State::Listen && (socket.peer.ip().is_loopback() || socket.peer.ip() == socket.local.ip())
}

#[cfg(test)]
mod tests;
