//! Whether anybody still talks to a service, from the kernel's list of connections to its ports.
//!
//! It needs no privilege: `sock_diag` over netlink lists every socket of the network namespace. A connection counts while data moves
//! on it. A new peer counts too, even if its connection has closed since the last look (it is then in `TIME_WAIT`). Connections of
//! lictor's own probes do not count.

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

/// Observes the connections of one service.
#[derive(Debug)]
pub struct Observer {
    diag: Diag,
    /// The service's ports.
    places: BTreeSet<SocketAddr>,
    /// Peers that are sockets of our own.
    own: BTreeSet<SocketAddr>,
    stillness: Stillness,
}

impl Observer {
    /// Observes the service whose process group has this ID. If we may not see its ports, or it has none, `registered` is used.
    ///
    /// # Errors
    /// The kernel does not list sockets: netlink is forbidden (`AF_NETLINK`), or there is no `sock_diag` for TCP.
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

    /// The observed ports.
    pub fn ports(&self) -> BTreeSet<u16> {
        self.places.iter().map(SocketAddr::port).collect()
    }

    /// Whether the service listens there: another service may have the same port of another address.
    fn listens_on(&self, address: SocketAddr) -> bool {
        let reaches = |ip: IpAddr| ip.is_unspecified() || ip == address.ip();
        self.places.iter().any(|place| place.port() == address.port() && reaches(place.ip()))
    }

    /// Looks once more, and returns for how long there has been no new connection and no data. `now` is the time since some fixed
    /// moment; `probes` is the number of our probes so far, without which a closed connection of a probe could not be told from
    /// others. What happened before the first look is unknown, so the time begins at zero.
    ///
    /// # Errors
    /// The kernel does not list sockets any more.
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
                // 0: its process has closed it.
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
