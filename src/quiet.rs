//! Whether anybody still talks to a service: what the kernel knows of the connections to where it listens.
//!
//! It needs no privilege: `sock_diag` over netlink tells every socket of the network namespace. A connection counts while
//! data moves on it; a peer that wasn't there at the last look counts as well, even if its connection has closed in the
//! meantime (it is then in `TIME_WAIT`). Connections of lictor's own, its probes, don't count.

mod diag;
mod message;
mod owners;
mod stillness;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use diag::{Diag, Side};
use message::{Socket, State};
use stillness::{Owner, Stillness};

/// Looks at the connections of one service, again and again.
#[derive(Debug)]
pub struct Observer {
    diag: Diag,
    /// Where the service listens.
    places: BTreeSet<SocketAddr>,
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
        let own = listening.into_iter().filter(|socket| inodes.contains(&socket.inode));
        let mut places: BTreeSet<SocketAddr> = own.map(|socket| socket.local).collect();
        if places.is_empty() {
            places.extend(registered.map(|port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))));
        }
        Ok(Self { diag, places, own: BTreeSet::new(), stillness: Stillness::default() })
    }

    /// The ports that are looked at.
    pub fn ports(&self) -> BTreeSet<u16> {
        self.places.iter().map(SocketAddr::port).collect()
    }

    /// Whether the service listens there: another one may have the same port of another address.
    fn listens_on(&self, address: SocketAddr) -> bool {
        let reaches = |ip: IpAddr| ip.is_unspecified() || ip == address.ip();
        self.places.iter().any(|place| place.port() == address.port() && reaches(place.ip()))
    }

    /// Looks once more, and says for how long nothing new has come and nothing has moved. `now` is the time since any fixed
    /// moment, `probes` how many probes of ours there have been: one that has closed can't be told from others' connections
    /// otherwise. What happened before the first look isn't known: it begins with zero.
    ///
    /// # Errors
    /// The kernel doesn't tell any more.
    pub async fn look(&mut self, now: Duration, probes: u64) -> io::Result<Duration> {
        let mut sockets = Vec::new();
        for port in self.ports() {
            sockets.extend(self.diag.connections(Side::Local, port).await?);
        }
        sockets.retain(|socket| self.listens_on(socket.local));
        let is_new = |socket: &Socket| is_local(socket) && !self.stillness.knows(socket);
        let clients = if sockets.iter().any(is_new) { self.local_clients().await? } else { BTreeMap::new() };
        let ours = if clients.is_empty() { BTreeSet::new() } else { owners::of_ourselves() };
        let ours = |inode: u64| ours.contains(&inode);
        self.own.extend(clients.iter().filter(|(_, inode)| ours(**inode)).map(|(address, _)| *address));
        let sockets: Vec<_> = sockets
            .into_iter()
            .filter(|socket| !self.own.contains(&socket.peer))
            .map(|socket| {
                // 0: whoever had it has closed it.
                let is_known = !is_local(&socket) || clients.get(&socket.peer).is_some_and(|inode| *inode != 0);
                (socket, if is_known { Owner::Other } else { Owner::Unclear })
            })
            .collect();
        Ok(self.stillness.look(now, &sockets, probes))
    }

    /// The sockets on this host that are connected to one of the ports, with their inode numbers.
    async fn local_clients(&mut self) -> io::Result<BTreeMap<SocketAddr, u64>> {
        let mut clients = BTreeMap::new();
        for port in self.ports() {
            let found = self.diag.connections(Side::Peer, port).await?;
            clients.extend(found.iter().map(|client| (client.local, client.inode)));
        }
        Ok(clients)
    }
}

/// Whether the other end may be on this host.
fn is_local(socket: &Socket) -> bool {
    socket.state != State::Listen && (socket.peer.ip().is_loopback() || socket.peer.ip() == socket.local.ip())
}

#[cfg(test)]
mod tests;
