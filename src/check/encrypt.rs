//! TLS over a connection, with as much verified as the check asks for. The provider is ring.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

use super::dial::Wire;
use super::tls::{self, NO_CA, PEM};
use super::trust::Lenient;
use super::{TlsMode, file, reason};

/// The system's certificates, read when the first check needs them: some 0.4 MB.
#[derive(Debug, Default)]
pub(super) struct Roots(OnceCell<Arc<RootCertStore>>);

impl Roots {
    async fn system(&self) -> Result<Arc<RootCertStore>, String> {
        let load = || async {
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if store.is_empty() {
                return Err("no certificate is trusted on this host: install ca-certificates, or write `ca`".to_owned());
            }
            Ok(Arc::new(store))
        };
        self.0.get_or_try_init(load).await.cloned()
    }
}

/// What is verified of the other end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demand<'a> {
    /// How much.
    pub(super) mode: TlsMode,
    /// Who is trusted instead of whom the system trusts, in PEM.
    pub(super) ca: Option<&'a Path>,
    /// For whom the certificate must be: a name or an address.
    pub(super) host: &'a str,
}

/// Encrypts the connection. The certificates of `ca` are read anew each time.
pub(super) async fn encrypt(wire: Wire, demand: Demand<'_>, roots: &Roots) -> Result<Wire, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| tls::sentence(&error))?;
    let config = match demand.mode {
        TlsMode::VerifyFull => config.with_root_certificates(trusted(demand.ca, roots).await?),
        mode => {
            let verifier = match mode {
                TlsMode::VerifyCa => Some(signed_by(trusted(demand.ca, roots).await?, &provider)?),
                _ => None,
            };
            config.dangerous().with_custom_certificate_verifier(Arc::new(Lenient { verifier, provider }))
        }
    };
    let name = ServerName::try_from(demand.host.to_owned())
        .or_else(|error| match demand.mode {
            // A name that no certificate can be for is no hindrance where names are not looked at.
            TlsMode::VerifyFull => Err(error),
            _ => ServerName::try_from("localhost"),
        })
        .map_err(|_| format!("no certificate can be for the name {}", demand.host))?;
    let connector = TlsConnector::from(Arc::new(config.with_no_client_auth()));
    match connector.connect(name, wire).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(tls::within(&error).unwrap_or_else(|| format!("TLS failed: {}", reason::of_io(&error)))),
    }
}

fn signed_by(trusted: Arc<RootCertStore>, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, String> {
    WebPkiServerVerifier::builder_with_provider(trusted, Arc::clone(provider))
        .build()
        .map_err(|error| format!("TLS cannot be set up: {error}"))
}

async fn trusted(ca: Option<&Path>, roots: &Roots) -> Result<Arc<RootCertStore>, String> {
    let Some(path) = ca else { return roots.system().await };
    let pem = file::read("ca", path, PEM).await?;
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok));
    if store.is_empty() {
        return Err(NO_CA.to_owned());
    }
    Ok(Arc::new(store))
}
