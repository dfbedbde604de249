//! `postgres {}`, `mysql {}` and `redis {}`: where, as whom, and what is asked.

use std::path::PathBuf;

use super::TlsMode;
use crate::check::text::Text;

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

/// `redis { url = .. }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redis {
    /// Where, and as whom.
    pub place: Place,
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
