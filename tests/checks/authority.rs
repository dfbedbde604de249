//! A certificate authority of the test's own, and certificates that it signs.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Signs what a test needs.
#[derive(Debug)]
pub struct Authority(TempDir);

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct Pair {
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    /// A new one, whom nobody trusts yet.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("authority-").tempdir().unwrap();
        let authority = Self(folder);
        authority.openssl("ca", &["-subj", "/CN=ca", "-addext", "basicConstraints=critical,CA:TRUE"]);
        authority
    }

    /// Its certificate: who has it in `ca` trusts all that it signs.
    pub fn ca(&self) -> PathBuf {
        self.0.path().join("ca.pem")
    }

    /// A certificate for a server under this name and this address.
    pub fn server(&self, name: &str, address: Ipv4Addr) -> Pair {
        self.sign(name, &format!("subjectAltName=DNS:{name},IP:{address}"))
    }

    /// A certificate for a client.
    pub fn client(&self, name: &str) -> Pair {
        self.sign(name, &format!("subjectAltName=DNS:{name}"))
    }

    fn sign(&self, name: &str, more: &str) -> Pair {
        let (ca, key) = (self.ca(), self.0.path().join("ca.key"));
        let (ca, key) = (ca.to_str().unwrap(), key.to_str().unwrap());
        let subject = format!("/CN={name}");
        self.openssl(
            name,
            &["-subj", &subject, "-CA", ca, "-CAkey", key, "-addext", "basicConstraints=CA:FALSE", "-addext", more],
        );
        Pair { cert: self.0.path().join(format!("{name}.pem")), key: self.0.path().join(format!("{name}.key")) }
    }

    fn openssl(&self, name: &str, more: &[&str]) {
        let path = |end: &str| self.0.path().join(format!("{name}.{end}"));
        let run = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
            .arg("-keyout")
            .arg(path("key"))
            .arg("-out")
            .arg(path("pem"))
            .args(more)
            .stdin(Stdio::null())
            .output()
            .expect("openssl is there: `make setup` installs it");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    }
}
