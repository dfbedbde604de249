//! A certificate authority of a test's own, and what it signs.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What `openssl` is told; the sections are chosen by `-extensions`.
const SETTINGS: &str = "[req]\ndistinguished_name = name\nprompt = no\n[name]\nCN = lictor test\n[authority]\n\
    basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\nsubjectKeyIdentifier = hash\n[server]\n\
    basicConstraints = critical, CA:FALSE\nextendedKeyUsage = serverAuth\nsubjectAltName = ";

/// A certificate and its key, in PEM.
pub struct Signed {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Its folder holds everything.
pub struct Authority {
    folder: PathBuf,
    own: Signed,
}

impl Authority {
    /// A new one in this folder.
    pub fn new(folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        let own = Signed { certificate: folder.join("ca.pem"), key: folder.join("ca.key") };
        make(folder, "DNS:none", &own, "authority", None);
        Self { folder: folder.to_owned(), own }
    }

    /// Its own certificate.
    pub fn certificate(&self) -> &Path {
        &self.own.certificate
    }

    /// A server's certificate for this name: `DNS:..` or `IP:..`.
    pub fn sign(&self, name: &str) -> Signed {
        let file = name.replace(':', "-");
        let signed = Signed {
            certificate: self.folder.join(format!("{file}.pem")),
            key: self.folder.join(format!("{file}.key")),
        };
        make(&self.folder, name, &signed, "server", Some(&self.own));
        signed
    }

    /// A server's certificate for its address.
    pub fn sign_address(&self, address: Ipv4Addr) -> Signed {
        self.sign(&format!("IP:{address}"))
    }
}

fn make(folder: &Path, name: &str, new: &Signed, kind: &str, by: Option<&Signed>) {
    let settings = folder.join("openssl.cnf");
    fs::write(&settings, format!("{SETTINGS}{name}\n")).unwrap();
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2"]);
    command.arg("-config").arg(settings).args(["-extensions", kind]);
    command.arg("-keyout").arg(&new.key).arg("-out").arg(&new.certificate);
    if let Some(by) = by {
        command.arg("-CA").arg(&by.certificate).arg("-CAkey").arg(&by.key);
    }
    let made = command.output().expect("openssl can be run: tests/setup probes");
    assert!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
}
