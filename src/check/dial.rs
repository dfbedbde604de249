//! A connection to something that is probed, and what of it is told when there is none.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::reason;

/// Bytes in both directions, whatever carries them. When it is dropped it is closed.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Any of them.
pub(super) type Wire = Box<dyn Stream>;

/// Connects to a name or an address; every address of a name is tried.
pub(super) async fn tcp(address: &str) -> Result<Wire, String> {
    let connected = async {
        let stream = TcpStream::connect(address).await?;
        // Questions are short, and each waits for its answer.
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    connected.await.map(|stream| Box::new(stream) as Wire).map_err(|error| cannot(address, &error))
}

/// Connects to a socket in the file system.
pub(super) async fn unix(path: &str) -> Result<Wire, String> {
    UnixStream::connect(path).await.map(|stream| Box::new(stream) as Wire).map_err(|error| cannot(path, &error))
}

/// Why there is no connection.
pub(super) fn cannot(place: &str, error: &io::Error) -> String {
    format!("cannot connect to {place}: {}", reason::of_io(error))
}
