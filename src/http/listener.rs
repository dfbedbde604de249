//! Where connections come from: TCP or a unix socket, behind one trait.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::unix::UCred;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// A client that reads nothing of its answer for this long is cut off, because it holds one of few slots.
const STALLED_WRITE: Duration = Duration::from_secs(30);

/// The client of a connection.
#[derive(Clone, Copy, Debug)]
pub enum Peer {
    /// A client on the network.
    Remote(SocketAddr),
    /// A process on this host, with its user and group from the kernel; `None` if the kernel did not provide them.
    Local(Option<UCred>),
}

/// Accepts connections, one after the other.
pub trait Listener: Send + 'static {
    /// One connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection and who made it. Dropping the future loses none.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, Peer)>> + Send;

    /// Whether the other end has closed its side, even if it has sent more than has been read.
    fn client_has_gone(_stream: &Self::Stream) -> bool {
        false
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, Peer)> {
        let (stream, address) = TcpListener::accept(self).await?;
        // Both are improvements only: a socket that refuses them still serves.
        let _ = stream.set_nodelay(true);
        let stalled = u32::try_from(STALLED_WRITE.as_millis()).unwrap_or(u32::MAX);
        let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, stalled);
        Ok((stream, Peer::Remote(address)))
    }

    fn client_has_gone(stream: &TcpStream) -> bool {
        has_hung_up(stream)
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn accept(&mut self) -> io::Result<(UnixStream, Peer)> {
        let (stream, _) = UnixListener::accept(self).await?;
        let peer = Peer::Local(stream.peer_cred().ok());
        Ok((stream, peer))
    }

    fn client_has_gone(stream: &UnixStream) -> bool {
        has_hung_up(stream)
    }
}

fn has_hung_up(stream: &impl AsFd) -> bool {
    let mut polled = [PollFd::new(stream, PollFlags::RDHUP)];
    let asked = poll(&mut polled, Some(&Timespec::default()));
    asked.is_ok() && polled[0].revents().intersects(PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR)
}
