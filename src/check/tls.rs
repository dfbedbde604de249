//! TLS of a check: how much is verified, against which CA, and for which name.

pub(super) mod encrypt;
pub(super) mod fault;
mod roots;
mod trust;

use std::path::{Path, PathBuf};

pub(super) use encrypt::{Demand, encrypt};
pub(super) use roots::Roots;

use super::net::file::FileName;

/// Larger than any bundle of certificates. In bytes.
pub(super) const PEM: u64 = 4 << 20;

/// How much TLS, by PostgreSQL's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// None.
    Disable,
    /// If the other end insists on it, without verifying anything. Only in what a service is given, never in a check.
    Allow,
    /// TLS if the other end offers it, without verifying anything: it gives no protection against an active attacker.
    Prefer,
    /// Encrypted, without verifying anything.
    Require,
    /// Encrypted, and the certificate is signed by somebody trusted.
    VerifyCa,
    /// Encrypted, and the certificate is signed by somebody trusted for this very name.
    VerifyFull,
}

/// Certificates and names. The files are read again for each probe, so a renewed certificate is used at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Who signs the server's certificate, in PEM; `None`: whom the system trusts.
    pub ca: Option<PathBuf>,
    /// The certificate that is shown to the server, in PEM.
    pub cert: Option<PathBuf>,
    /// Its key, if the same file does not hold it.
    pub key: Option<PathBuf>,
    /// The name that the server's certificate must be for; `None`: the host that is asked.
    pub server_name: Option<String>,
}

impl Tls {
    /// What is demanded of the server that is asked by this name.
    pub(super) fn demand<'a>(&'a self, host: &'a str) -> Demand<'a> {
        let file = |path: &Path| FileName::of_configuration(path);
        let identity = self.cert.as_deref().map(|cert| (file(cert), file(self.key.as_deref().unwrap_or(cert))));
        Demand {
            mode: TlsMode::VerifyFull,
            ca: self.ca.as_deref().map(file),
            identity,
            host: self.server_name.as_deref().unwrap_or(host),
            protocols: &[],
        }
    }

    /// Whether nothing of it is said: the usual way with the system's certificates.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
