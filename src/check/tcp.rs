//! `tcp`: a connection that must come about, perhaps with TLS, perhaps with an answer. It is closed at once, by us, so
//! that no port of the service lingers.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::dial::Wire;
use super::encrypt::{Demand, Roots, encrypt};
use super::finding::Finding;
use super::{Tcp, TlsMode, dial, reason};

/// The answer is looked for in this much, in bytes.
const LIMIT: usize = 4096;

/// Connects once; every address of the name is tried.
pub(super) async fn probe(tcp: &Tcp, roots: &Roots) -> Finding {
    match talk(tcp, roots).await {
        Ok(()) => Finding::Good,
        Err(reason) => Finding::Bad(reason::brief(&reason)),
    }
}

async fn talk(tcp: &Tcp, roots: &Roots) -> Result<(), String> {
    let mut wire = dial::tcp(&tcp.address).await?;
    if tcp.tls != TlsMode::Disable {
        let host = tcp.address.rsplit_once(':').map_or(tcp.address.as_str(), |(host, _)| host);
        let host = tcp.server_name.as_deref().unwrap_or(host.trim_matches(['[', ']']));
        let demand = Demand { mode: tcp.tls, ca: tcp.ca.as_deref(), host };
        wire = encrypt(wire, demand, roots).await?;
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
            return Err("connection closed before it said what `expect` asks for".to_owned());
        }
    }
    Err(format!("in the first {LIMIT} bytes it does not say what `expect` asks for"))
}
