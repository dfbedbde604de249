//! How a probe reaches one of two runs that listen at the same address.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::net::sockopt;
use tokio::net::{TcpSocket, TcpStream};

use super::pair::Place;
use super::sides::Side;
use super::unix;

/// Makes connections to one run only, wherever new connections are steered to. They come from this host, over the
/// loopback device, and the service need not support that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    class: u8,
    held: Arc<[SocketAddr]>,
    /// The path that clients connect to, and the run's own file.
    files: Arc<[(PathBuf, PathBuf)]>,
}

impl Reach {
    /// To the run that has this side of the sockets at these places.
    pub(super) fn to<'a>(side: Side, held: impl IntoIterator<Item = &'a Place>) -> Self {
        let (mut addresses, mut files) = (Vec::new(), Vec::new());
        for place in held {
            match place {
                Place::Tcp(address) => addresses.push(canonical(*address)),
                Place::Unix(path) => files.push((path.clone(), unix::file(path, side))),
            }
        }
        Self { class: side.mark(), held: addresses.into(), files: files.into() }
    }

    /// Connects to the run if this address is one of lictor's sockets, else to whatever listens there.
    ///
    /// # Errors
    /// The connection is refused.
    pub async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let address = canonical(address);
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if self.held.iter().any(|held| leads_to(address, *held)) {
            // It has to be set before the connection is made, because the first packet decides the side.
            if address.is_ipv4() {
                sockopt::set_ip_tos(&socket, self.class)?;
            } else {
                sockopt::set_ipv6_tclass(&socket, self.class.into())?;
            }
        }
        socket.connect(address).await
    }

    /// The run's own socket in the file system, if it listens at this path.
    pub fn file(&self, path: &Path) -> Option<&Path> {
        let (_, own) = self.files.iter().find(|(held, _)| held == path)?;
        Some(own)
    }
}

/// The same address in the kernel's view: IPv4 within IPv6 is IPv4, whose traffic class is set in another way.
fn canonical(address: SocketAddr) -> SocketAddr {
    let mut canonical = address;
    canonical.set_ip(address.ip().to_canonical());
    canonical
}

/// Whether a connection to `address` reaches the socket at `held`. Another host may use the same port, and must not get
/// a traffic class that means something else to it.
fn leads_to(address: SocketAddr, held: SocketAddr) -> bool {
    let (to, at) = (address.ip(), held.ip());
    address.port() == held.port() && (to == at || (at.is_unspecified() || to.is_unspecified()) && is_of_this_host(to))
}

/// Whether it is an address of this host: only these can be bound. The unspecified address leads to this host as well.
fn is_of_this_host(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{canonical, leads_to};

    #[test]
    fn only_what_leads_to_a_held_socket_carries_its_mark() {
        let at = |text: &str| canonical(text.parse().unwrap());
        for (address, held) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("127.0.0.1:80", "0.0.0.0:80"),
            ("127.0.0.9:80", "0.0.0.0:80"),
            ("127.0.0.1:80", "[::]:80"),
            ("[::ffff:127.0.0.1]:80", "127.0.0.1:80"),
            ("[::1]:80", "[::]:80"),
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            // An address of some interface can be held by itself alone.
            ("192.0.2.1:80", "192.0.2.1:80"),
        ] {
            assert!(leads_to(at(address), at(held)), "{address} to {held}");
        }
        for (address, held) in [
            ("127.0.0.1:81", "127.0.0.1:80"),
            ("127.0.0.2:80", "127.0.0.1:80"),
            // Kept for examples: no host has it.
            ("192.0.2.1:80", "0.0.0.0:80"),
            ("[2001:db8::1]:80", "[::]:80"),
        ] {
            assert!(!leads_to(at(address), at(held)), "{address} to {held}");
        }
    }
}
