//! TLS as a check speaks it.

use std::path::PathBuf;

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
    /// Whether nothing of it is said: the usual way with the system's certificates.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
