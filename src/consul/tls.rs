//! TLS towards Consul: certificates from files, and a name that may differ from the address.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use reqwest::{Certificate, ClientBuilder, Identity};

use super::Tls;
use super::error::Error;

/// Larger than any bundle of certificates.
const PEM_LIMIT: u64 = 4 << 20;
/// More files than any folder of certificates has.
const FOLDER_LIMIT: usize = 4096;

/// Makes ring the process's provider of cryptography, once; later calls change nothing.
///
/// [`super::Client::new`] does it too. Call it at start when another part may use TLS first.
pub fn install_crypto() {
    // An error means that a provider is installed already: ours, or the one that the program chose.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Which certificates are trusted, and which one is presented.
pub(super) fn configure(mut builder: ClientBuilder, tls: &Tls) -> Result<ClientBuilder, Error> {
    if !tls.verify {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    if let Some(path) = &tls.ca_cert {
        builder = builder.tls_certs_only(certificates("ca_cert", path)?);
    } else if let Some(text) = &tls.ca_cert_bytes {
        let unusable = || Error::Setting { what: "ca_cert_bytes", reason: "it holds no certificate in PEM" };
        let found = Certificate::from_pem_bundle(text.as_bytes()).map_err(|_| unusable())?;
        if found.is_empty() {
            return Err(unusable());
        }
        builder = builder.tls_certs_only(found);
    } else if let Some(folder) = &tls.ca_path {
        builder = builder.tls_certs_only(certificates_in(folder)?);
    }
    if let Some(path) = &tls.cert {
        builder = builder.identity(identity(path, tls.key.as_deref())?);
    } else if tls.key.is_some() {
        return Err(Error::Setting { what: "key", reason: "it is given without cert; name both, or neither" });
    }
    Ok(builder)
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<Certificate>, Error> {
    let unusable = || Error::Content { what, path: path.to_owned(), reason: "it holds no certificate in PEM" };
    let found = Certificate::from_pem_bundle(&read(what, path)?).map_err(|_| unusable())?;
    if found.is_empty() { Err(unusable()) } else { Ok(found) }
}

/// The certificates in every file of the folder; files without any are skipped.
fn certificates_in(folder: &Path) -> Result<Vec<Certificate>, Error> {
    const WHAT: &str = "ca_path";
    let unreadable = |source| Error::File { what: WHAT, path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)?.take(FOLDER_LIMIT) {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() {
            found.extend(Certificate::from_pem_bundle(&read(WHAT, &path)?).unwrap_or_default());
        }
    }
    if found.is_empty() {
        let reason = "none of its files holds a certificate in PEM";
        return Err(Error::Content { what: WHAT, path: folder.to_owned(), reason });
    }
    Ok(found)
}

fn identity(cert: &Path, key: Option<&Path>) -> Result<Identity, Error> {
    let mut pem = read("cert", cert)?;
    if let Some(key) = key {
        pem.push(b'\n');
        pem.extend(read("key", key)?);
    }
    let reason = "certificate and key are not both there in PEM";
    Identity::from_pem(&pem).map_err(|_| Error::Content { what: "cert", path: cert.to_owned(), reason })
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::File { what, path: path.to_owned(), source };
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(failed(io::Error::from(io::ErrorKind::InvalidInput)));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(PEM_LIMIT).read_to_end(&mut bytes)).map_err(failed)?;
    Ok(bytes)
}
