//! `postgres {}`, `mysql {}` and `redis {}`: where, as whom, and what an answer means.

#[cfg(any(feature = "mysql", feature = "postgres", feature = "redis"))]
mod answer;
mod target;

use std::path::PathBuf;

#[cfg(any(feature = "mysql", feature = "postgres", feature = "redis"))]
pub(super) use answer::finding;
pub(super) use target::{MYSQL, Negotiation, POSTGRES, REDIS, Server, Session, Target};
pub use target::{is_of_mysql, is_of_postgres, is_of_redis};

use super::{Text, TlsMode};

/// `postgres { url = .. }` and `mysql { url = .. }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sql {
    /// Where, and as whom.
    pub place: Place,
    /// What is asked.
    pub query: String,
    /// What the first value of the first row must be, as text; `None`: any answer will do.
    pub expect: Option<String>,
}

/// Where a database is, and as whom it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// A URL, or what the usual Go drivers take in its place.
    pub url: Text,
    /// Over the user of the URL.
    pub user: Option<Text>,
    /// Over the password of the URL.
    pub password: Option<Text>,
    /// Over the mode of the URL.
    pub tls: Option<TlsMode>,
    /// Over the certificates of the URL: these are trusted, in PEM.
    pub ca: Option<PathBuf>,
    /// For whom the certificate must be instead of the URL's host; not for MySQL.
    pub server_name: Option<String>,
}
