//! `tcp`: a connection that must come about. It is closed at once, by us, so that no port of the service lingers.

use tokio::net::TcpStream;

use super::probe::Finding;
use super::{Tcp, reason};

/// Connects once; every address of the name is tried.
pub(super) async fn probe(tcp: &Tcp) -> Finding {
    match TcpStream::connect(&tcp.address).await {
        Ok(_) => Finding::Good,
        Err(error) => Finding::Bad(reason::of_io(&error)),
    }
}
