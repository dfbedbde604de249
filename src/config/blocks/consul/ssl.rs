//! `consul.ssl {}`: TLS towards Consul.

use crate::config::reference::{Block, Type, attribute};
use std::path::PathBuf;

use crate::config::read::section::Section;
use crate::config::read::value;
use crate::consul::{Connection, Tls};

pub(super) static BLOCK: Block = Block::new("ssl", "TLS towards Consul.").attributes(&[
    attribute("enabled", Type::Boolean, "true", "Whether TLS is used.")
        .otherwise("`true` with an `https://` address or any other attribute of this block"),
    attribute("verify", Type::Boolean, "false", "Whether Consul's certificate is verified.")
        .default("true")
        .with("enabled = true"),
    attribute("ca_cert", Type::Path, "/etc/consul.d/ca.pem", "A file of trusted certificates.")
        .otherwise("the system's certificates"),
    attribute("ca_cert_bytes", Type::Text, "-----BEGIN CERTIFICATE-----", "The same as text, in PEM."),
    attribute("ca_path", Type::Path, "/etc/consul.d/ca", "A folder of such files."),
    attribute(
        "cert",
        Type::Path,
        "/etc/lictor/client.pem",
        "lictor's own certificate; its key may be in the same file.",
    ),
    attribute("key", Type::Path, "/etc/lictor/client.key", "The key of `cert`.")
        .with("cert = \"/etc/lictor/client.pem\""),
    attribute("server_name", Type::Text, "server.dc1.consul", "The name that Consul's certificate must have.")
        .otherwise("the host of `address`"),
]);

/// The written settings; `None` leaves those of the environment.
#[derive(Debug)]
pub(super) struct Ssl {
    enabled: Option<bool>,
    verify: Option<bool>,
    ca_cert: Option<PathBuf>,
    ca_cert_bytes: Option<String>,
    ca_path: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    server_name: Option<String>,
}

pub(super) fn read(section: &mut Section<'_>) -> Ssl {
    let mut path = |word| section.read(word, value::maybe_text).flatten().map(PathBuf::from);
    let (ca_cert, ca_path, cert, key) = (path("ca_cert"), path("ca_path"), path("cert"), path("key"));
    if key.is_some() && cert.is_none() {
        section.wrong("a `key` without `cert`: write both, or a `cert` that holds both");
    }
    Ssl {
        enabled: section.read("enabled", value::boolean),
        verify: section.read("verify", value::boolean),
        ca_cert,
        ca_cert_bytes: section.read("ca_cert_bytes", value::maybe_text).flatten(),
        ca_path,
        cert,
        key,
        server_name: section.read("server_name", value::maybe_text).flatten(),
    }
}

impl Ssl {
    /// Whether TLS is asked for: by `enabled`, else by any other word.
    pub(super) fn wanted(&self) -> bool {
        self.enabled.unwrap_or(
            self.verify.is_some()
                || self.ca_cert.is_some()
                || self.ca_cert_bytes.is_some()
                || self.ca_path.is_some()
                || self.cert.is_some()
                || self.key.is_some()
                || self.server_name.is_some(),
        )
    }

    /// Written settings win over those of the environment.
    pub(super) fn put_over(self, connection: &mut Connection) {
        if !self.wanted() && connection.tls.is_none() {
            return;
        }
        let tls = connection.tls.get_or_insert_with(Tls::default);
        tls.verify = self.verify.unwrap_or(tls.verify);
        tls.ca_cert = self.ca_cert.or(tls.ca_cert.take());
        tls.ca_cert_bytes = self.ca_cert_bytes.or(tls.ca_cert_bytes.take());
        tls.ca_path = self.ca_path.or(tls.ca_path.take());
        tls.server_name = self.server_name.or(tls.server_name.take());
        if self.cert.is_some() {
            (tls.cert, tls.key) = (self.cert, self.key);
        }
    }
}
