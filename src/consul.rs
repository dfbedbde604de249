//! A thin client for Consul over reqwest.
//!
//! The rules of blocking queries live in [`watch`] and nowhere else; [`Pacer`] drives one, and [`Client`] sends what it decides.

mod address;
pub mod agent;
pub mod catalog;
mod client;
mod error;
#[cfg(test)]
#[path = "../tests/it/fake_consul.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, reason = "written for more than one user")]
pub(crate) mod fake_consul;
pub mod head;
pub mod health;
pub mod key;
pub mod kv;
mod pacer;
pub mod session;
mod single;
mod tls;
mod token;
pub mod transaction;
mod variables;
pub mod watch;

use std::path::PathBuf;
use std::time::Duration;

pub use client::{Client, Endpoint};
pub use error::{Class, Error, ServerText, Site, Whom};
pub use pacer::Pacer;
pub use single::{Single, SingleKey};
pub use tls::install_crypto;
pub use token::Renewal;

use crate::secret::Secret;

/// Where Consul is and how to speak to it (`consul {}` and the `CONSUL_*` variables).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// `host:port`, `http://...`, `https://...` or `unix:///path`, as written; a path after the host is a proxy's prefix.
    pub address: String,
    /// The token itself.
    pub token: Option<Secret>,
    /// A file with the token, read again when it changes; wins over `token`.
    pub token_file: Option<PathBuf>,
    /// `user` or `user:password` for HTTP basic authentication.
    pub auth: Option<(String, Option<Secret>)>,
    /// Sent as `ns` with every query, if set.
    pub namespace: Option<String>,
    /// Sent as `partition` with every query, if set.
    pub partition: Option<String>,
    /// TLS, if asked for (by `ssl.enabled`, any ssl key, or an `https` address).
    pub tls: Option<Tls>,
    /// Waits between attempts after errors.
    pub retry: Retry,
    /// Timeouts of the connection.
    pub transport: Transport,
}

/// TLS towards Consul (`consul.ssl {}`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Whether the server's certificate must be right.
    pub verify: bool,
    /// A file of trusted certificates, instead of the system's.
    pub ca_cert: Option<PathBuf>,
    /// The same as text, in PEM.
    pub ca_cert_bytes: Option<String>,
    /// A folder of such files.
    pub ca_path: Option<PathBuf>,
    /// The client's certificate (alone: a PEM file with certificate and key).
    pub cert: Option<PathBuf>,
    /// The client's key.
    pub key: Option<PathBuf>,
    /// The name the server's certificate must have, if not the address's host.
    pub server_name: Option<String>,
}

impl Default for Tls {
    /// The system's certificates, verified, and no certificate of our own.
    fn default() -> Self {
        Self {
            verify: true,
            ca_cert: None,
            ca_cert_bytes: None,
            ca_path: None,
            cert: None,
            key: None,
            server_name: None,
        }
    }
}

/// Waits between attempts after errors: full jitter, doubling. There is no number of attempts: a watch never gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The first upper bound.
    pub backoff: Duration,
    /// The largest upper bound.
    pub max_backoff: Duration,
}

/// Timeouts of the connection (`consul.transport {}`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transport {
    /// Time between TCP keep-alive probes.
    pub dial_keep_alive: Duration,
    /// How long to wait for a connection, TLS included.
    pub dial_timeout: Duration,
}

impl Connection {
    /// The defaults, at this address.
    pub fn at(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            token: None,
            token_file: None,
            auth: None,
            namespace: None,
            partition: None,
            tls: None,
            retry: Retry { backoff: Duration::from_millis(250), max_backoff: Duration::from_secs(30) },
            transport: Transport { dial_keep_alive: Duration::from_secs(15), dial_timeout: Duration::from_secs(5) },
        }
    }
}
