//! The checks as they are configured.

mod database;
mod tcp;

use std::path::PathBuf;
use std::time::Duration;

pub use database::{Place, Redis, Sql};
pub use tcp::{Tcp, TlsMode};

use crate::machine::policy::CheckRule;

/// One check, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Its label, role, words, rise and fall.
    pub rule: CheckRule,
    /// What is probed.
    pub kind: Kind,
    /// From the start of one probe to the start of the next.
    pub interval: Duration,
    /// After this long a probe has failed.
    pub timeout: Duration,
}

/// The kinds of check. A kind is one file in `check/` and one line in `check::probe`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An HTTP request that must be answered with 2xx.
    Http(Http),
    /// A TCP connection that must come about, perhaps with TLS, perhaps with an answer.
    Tcp(Tcp),
    /// A program: 0 good, 1 warning (counts as good, and is said), else bad.
    Command(Command),
    /// A query that PostgreSQL must answer.
    Postgres(Sql),
    /// A query that MySQL or MariaDB must answer.
    Mysql(Sql),
    /// A PING that Redis must answer.
    Redis(Redis),
}

/// `http { url = ".." }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// What is asked for; `http` or `https`.
    pub url: String,
}

/// `command { command = [..] }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}
