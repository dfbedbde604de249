//! `grpc`: a service that must say that it serves, by gRPC's health protocol.

#[cfg(feature = "grpc")]
mod ask;

#[cfg(feature = "grpc")]
pub(super) use ask::probe;

use crate::check::Tls;

/// A service that must say `SERVING` by gRPC's health protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grpc {
    /// `host:port`.
    pub address: String,
    /// The service's full name; empty: the server as a whole.
    pub service: String,
    /// `None`: without TLS. With it, the server's certificate is verified.
    pub tls: Option<Tls>,
}
