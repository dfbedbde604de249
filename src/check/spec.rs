//! The checks as they are configured.

mod database;
mod grpc;
mod http;
mod sqs;
mod tcp;
mod tls;

use std::path::PathBuf;
use std::time::Duration;

pub use database::{Place, Redis, Sql};
pub use grpc::Grpc;
pub use http::{Expression, Field, Http, Scalar, Statuses};
pub use sqs::Sqs;
pub use tcp::{Tcp, TlsMode};
pub use tls::Tls;

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
    /// An HTTP request that must be answered as it should be.
    Http(Box<Http>),
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
    /// A queue of Amazon SQS that must be there, and not too full.
    Sqs(Sqs),
    /// A service that must say that it serves.
    Grpc(Grpc),
}

/// `command { command = [..] }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}
