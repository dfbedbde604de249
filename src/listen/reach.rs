//! How a probe reaches one of two runs that listen at the same address.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustix::net::sockopt;
use tokio::net::{TcpSocket, TcpStream};

use super::sides::Side;

/// Connections that go to one run alone, wherever all others go. They come from this host, over the loopback device; the
/// service needs to know nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    class: u8,
    held: Arc<[SocketAddr]>,
}

impl Reach {
    /// To the run that has this side of what listens at these addresses.
    pub(super) fn to(side: Side, held: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self { class: side.mark(), held: held.into_iter().collect() }
    }

    /// Connects to the run, if it listens there; else to whoever does.
    ///
    /// # Errors
    /// Nobody accepts the connection.
    pub async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if self.held.iter().any(|held| leads_to(address, *held)) {
            // Before it connects: the side is chosen by the first packet.
            if address.is_ipv4() {
                sockopt::set_ip_tos(&socket, self.class)?;
            } else {
                sockopt::set_ipv6_tclass(&socket, self.class.into())?;
            }
        }
        socket.connect(address).await
    }
}

/// Whether a connection to `address` comes to what listens at `held`. An address of another host may have the same port,
/// and then sees a traffic class that means nothing to it.
fn leads_to(address: SocketAddr, held: SocketAddr) -> bool {
    address.port() == held.port() && (held.ip().is_unspecified() || held.ip() == address.ip())
}
