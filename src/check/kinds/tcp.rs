//! `tcp`: a connection that must come about, perhaps with TLS, perhaps with an answer. It is closed at once, by us, so
//! that no port of the service lingers.

use std::path::PathBuf;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::check::finding::Finding;
use crate::check::net::Access;
use crate::check::net::dial::{self, Place, Wire};
use crate::check::net::file::FileName;
use crate::check::tls::{Demand, encrypt};
use crate::check::{TlsMode, reason};

/// The answer is looked for in this much, in bytes.
const LIMIT: usize = 4096;

/// `tcp { address = "host:port" }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// `host:port`.
    pub address: String,
    /// Whether the connection is encrypted, and what is verified of the other end.
    pub tls: TlsMode,
    /// The certificates that are trusted instead of the system's, in PEM.
    pub ca: Option<PathBuf>,
    /// For whom the certificate must be instead of the host.
    pub server_name: Option<String>,
    /// What is said first.
    pub send: Option<String>,
    /// What must be in the answer.
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
