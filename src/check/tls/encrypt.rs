//! TLS over a connection, with as much verified as the check asks for. The provider is ring.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::roots::Store;
use super::trust::Lenient;
use super::{PEM, TlsMode, fault};
use crate::check::net::Access;
use crate::check::net::dial::Wire;
use crate::check::net::file::{FileName, Files};
use crate::check::reason;

/// What is verified of the other end, and what it is shown.
#[derive(Clone, Debug)]
pub(in crate::check) struct Demand<'a> {
    /// How much is verified.
    pub(in crate::check) mode: TlsMode,
    /// Who is trusted, in PEM; `None`: whom the system trusts.
    pub(in crate::check) ca: Option<FileName>,
    /// The certificate that is shown and its key, in PEM; perhaps the same file.
    pub(in crate::check) identity: Option<(FileName, FileName)>,
    /// For whom the certificate must be: a name or an address.
    pub(in crate::check) host: &'a str,
    /// The protocols that are offered (ALPN); none for most.
    pub(in crate::check) protocols: &'static [&'static [u8]],
}

/// Encrypts the connection. The files are read anew each time, so that renewed certificates are used at once.
pub(in crate::check) async fn encrypt(wire: Wire, demand: Demand<'_>, access: &Access) -> Result<Wire, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| fault::sentence(&error))?;
    let config = match demand.mode {
        TlsMode::VerifyFull => config.with_root_certificates(trusted(&demand, access).await?),
        mode => {
            let verifier = match mode {
                TlsMode::VerifyCa => Some(signed_by(trusted(&demand, access).await?, &provider)?),
                _ => None,
            };
            config.dangerous().with_custom_certificate_verifier(Arc::new(Lenient { verifier, provider }))
        }
    };
    let mut config = match &demand.identity {
        None => config.with_no_client_auth(),
        Some((cert, key)) => {
            let (chain, key) = identity(cert, key, &access.files).await?;
            config.with_client_auth_cert(chain, key).map_err(|error| fault::sentence(&error))?
        }
    };
    config.alpn_protocols = demand.protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let name = ServerName::try_from(demand.host.to_owned())
        .or_else(|error| match demand.mode {
            // A name that cannot be in a certificate does no harm where names are not verified.
            TlsMode::VerifyFull => Err(error),
            _ => ServerName::try_from("localhost"),
        })
        .map_err(|_| format!("no certificate can be for the name {}", demand.host))?;
    match TlsConnector::from(Arc::new(config)).connect(name, wire).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(fault::within(&error).unwrap_or_else(|| format!("TLS failed: {}", reason::of_io(&error)))),
    }
}

fn signed_by(trusted: Store, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, String> {
    WebPkiServerVerifier::builder_with_provider(trusted, Arc::clone(provider))
        .build()
        .map_err(|error| format!("TLS cannot be set up: {error}"))
}

async fn trusted(demand: &Demand<'_>, access: &Access) -> Result<Store, String> {
    let Some(ca) = &demand.ca else { return access.roots.system().await };
    let pem = access.files.read("ca", ca, PEM).await?;
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok));
    if store.is_empty() {
        return Err("ca holds no certificate in PEM".to_owned());
    }
    Ok(Arc::new(store))
}

async fn identity(
    cert: &FileName,
    key: &FileName,
    files: &Files,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let chain = files.read("cert", cert, PEM).await?;
    let key = if key == cert { chain.clone() } else { files.read("key", key, PEM).await? };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain).filter_map(Result::ok).collect();
    match PrivateKeyDer::from_pem_slice(&key) {
        Ok(key) if !chain.is_empty() => Ok((chain, key)),
        _ => Err("cert and key do not hold a certificate and its key in PEM".to_owned()),
    }
}
