//! `tcp`: a connection, perhaps with TLS, perhaps with an expected answer. We close it at once, so that no port of the service lingers
//! in `TIME_WAIT`.

use std::path::PathBuf;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::check::net::Access;
use crate::check::net::dial::{self, Place, Wire};
use crate::check::net::file::FileName;
use crate::check::round::Finding;
use crate::check::tls::{Demand, encrypt};
use crate::check::{TlsMode, reason};

/// How much of the answer is searched, in bytes.
const LIMIT: usize = 4096;

/// `tcp { address = "host:port" }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// `host:port`.
    pub address: String,
    /// Whether the connection is encrypted, and how much of the certificate is verified.
    pub tls: TlsMode,
    /// The certificates that are trusted instead of the system's, in PEM.
    pub ca: Option<PathBuf>,
    /// The name that the certificate must be for, if not the host.
    pub server_name: Option<String>,
    /// The text that is sent first.
    pub send: Option<String>,
    /// The text that must be in the answer.
    pub expect: Option<String>,
}

impl Tcp {
    /// A connection and nothing more.
    pub fn at(address: impl Into<String>) -> Self {
        Self { address: address.into(), tls: TlsMode::Disable, ca: None, server_name: None, send: None, expect: None }
    }
}

/// Connects once.
pub(in crate::check) async fn probe(tcp: &Tcp, access: &Access) -> Finding {
    match talk(tcp, access).await {
        Ok(()) => Finding::Good,
        Err(reason) => Finding::Bad(reason::brief(&reason)),
    }
}

async fn talk(tcp: &Tcp, access: &Access) -> Result<(), String> {
    let place = Place::parse(&tcp.address).ok_or("`address` is not host:port")?;
    let mut wire = dial::tcp(place, access).await?;
    if tcp.tls != TlsMode::Disable {
        let demand = Demand {
            mode: tcp.tls,
            ca: tcp.ca.as_deref().map(FileName::of_configuration),
            identity: None,
            host: tcp.server_name.as_deref().unwrap_or(place.host),
            protocols: &[],
        };
        wire = encrypt(wire, demand, access).await?;
    }
    if let Some(text) = &tcp.send {
        let sent = async {
            wire.write_all(text.as_bytes()).await?;
            wire.flush().await
        };
        sent.await.map_err(|error| reason::of_io(&error))?;
    }
    match &tcp.expect {
        Some(expected) => hear(&mut wire, expected.as_bytes()).await,
        None => Ok(()),
    }
}

/// Reads until the text has come.
async fn hear(wire: &mut Wire, expected: &[u8]) -> Result<(), String> {
    let mut heard = Vec::with_capacity(LIMIT);
    while heard.len() < LIMIT {
        let read = wire.read_buf(&mut heard).await.map_err(|error| reason::of_io(&error))?;
        if heard.windows(expected.len()).any(|part| part == expected) {
            return Ok(());
        }
        if read == 0 {
            return Err("connection closed before the text in `expect` came".to_owned());
        }
    }
    Err(format!("the text in `expect` is not in the first {LIMIT} bytes of the answer"))
}
