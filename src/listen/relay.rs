//! Connections that are left in the queue of a side without a process: each is carried on to the active side, byte by
//! byte, so that no accepted connection is dropped.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::address::from_here;
use super::pair::Place;

/// So many are carried at a time; further ones wait in the queue.
const AT_ONCE: usize = 256;

/// Accepts from this socket until the other end of `seat` is dropped, since the side is active again; what has been
/// accepted by then is carried to its end.
pub(super) async fn relay(socket: &OwnedFd, place: &Place, seat: &watch::Receiver<()>) {
    let mut carried = JoinSet::new();
    let accepted = match (socket.try_clone(), place) {
        (Ok(socket), Place::Tcp(address)) => of_tcp(socket, from_here(*address), seat.clone(), &mut carried).await,
        (Ok(socket), Place::Unix(path)) => of_unix(socket, path.clone(), seat.clone(), &mut carried).await,
        (Err(error), _) => Err(error),
    };
    if let Err(error) = accepted {
        tracing::warn!(%error, "connections that a stopped service has not accepted cannot be carried to the next one");
    }
    while carried.join_next().await.is_some() {}
}

type Carried = JoinSet<io::Result<()>>;

async fn of_tcp(
    socket: OwnedFd,
    to: SocketAddr,
    mut seat: watch::Receiver<()>,
    carried: &mut Carried,
) -> io::Result<()> {
    let listener = TcpListener::from_std(socket.into())?;
    loop {
        let (client, _) = tokio::select! {
            biased;
            Err(_) = seat.changed() => return Ok(()),
            accepted = listener.accept() => accepted?,
        };
        carried.spawn(async move { carry(client, TcpStream::connect(to).await?).await });
        room(carried).await;
    }
}

async fn of_unix(socket: OwnedFd, to: PathBuf, mut seat: watch::Receiver<()>, carried: &mut Carried) -> io::Result<()> {
    let listener = UnixListener::from_std(socket.into())?;
    loop {
        let (client, _) = tokio::select! {
            biased;
            Err(_) = seat.changed() => return Ok(()),
            accepted = listener.accept() => accepted?,
        };
        let to = to.clone();
        carried.spawn(async move { carry(client, UnixStream::connect::<&Path>(&to).await?).await });
        room(carried).await;
    }
}

/// Waits until there is room for one more.
async fn room(carried: &mut Carried) {
    while carried.try_join_next().is_some() {}
    if carried.len() >= AT_ONCE {
        carried.join_next().await;
    }
}

async fn carry<S: AsyncRead + AsyncWrite + Unpin>(mut client: S, mut service: S) -> io::Result<()> {
    copy_bidirectional(&mut client, &mut service).await.map(drop)
}
