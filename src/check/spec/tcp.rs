//! `tcp {}`: where, how much TLS, and what is said.

use std::path::PathBuf;

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

/// How much TLS, by PostgreSQL's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// None.
    Disable,
    /// If the other end can, without verifying anything: it keeps nobody out who can come between.
    Prefer,
    /// Encrypted, without verifying anything.
    Require,
    /// Encrypted, and the certificate is signed by somebody trusted.
    VerifyCa,
    /// Encrypted, and the certificate is signed by somebody trusted for this very name.
    VerifyFull,
}
