//! The kinds of check. A kind has a file of its own here, with its settings and its probe, a variant in [`Kind`] and a line in
//! [`Probes::probe`]; its block is read in `config/blocks/check/`.

mod command;
mod grpc;
mod http;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
mod sqs;
mod tcp;

use std::sync::Arc;

use tokio::time;

pub use command::Command;
pub use grpc::Grpc;
pub use http::{Expression, Field, Http, Scalar, Statuses};
pub use sqs::Sqs;
pub use tcp::Tcp;

#[cfg(feature = "sqs")]
pub(super) use sqs::Kept;

pub(super) use command::Surroundings;

use super::Spec;
use super::database::{Place, Sql};
use super::net::Access;
use super::round::{Finding, Prober};

/// What is probed, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An HTTP request with an expected answer.
    Http(Box<Http>),
    /// A TCP connection, perhaps with TLS, perhaps with an expected answer.
    Tcp(Tcp),
    /// A program: exit status 0 passes, 1 is a warning (it passes and is logged), anything else fails.
    Command(Command),
    /// A query that PostgreSQL must answer.
    Postgres(Sql),
    /// A query that MySQL or MariaDB must answer.
    Mysql(Sql),
    /// A PING that Redis must answer.
    Redis(Place),
    /// A queue of Amazon SQS that must exist, and not be too full.
    Sqs(Sqs),
    /// A gRPC service that must report that it serves.
    Grpc(Grpc),
}

/// The real probes of one run.
#[derive(Debug)]
pub(super) struct Probes {
    pub(super) specs: Arc<[Spec]>,
    pub(super) access: Access,
    /// The user, directory and environment of commands.
    pub(super) surroundings: Surroundings,
    /// Temporary keys for AWS.
    #[cfg(feature = "sqs")]
    pub(super) kept: Kept,
}

impl Prober for Probes {
    async fn probe(&self, check: usize) -> Finding {
        let Self { specs, surroundings: around, .. } = self;
        let access = &self.access.of_one_probe();
        let Spec { kind, timeout, .. } = &specs[check];
        let probe = async {
            match kind {
                Kind::Http(http) => http::probe(http, access).await,
                Kind::Tcp(tcp) => tcp::probe(tcp, access).await,
                Kind::Command(command) => command::probe(command, *timeout, around, access).await,
                #[cfg(feature = "postgres")]
                Kind::Postgres(sql) => postgres::probe(sql, *timeout, access).await,
                #[cfg(feature = "mysql")]
                Kind::Mysql(sql) => mysql::probe(sql, *timeout, access).await,
                #[cfg(feature = "redis")]
                Kind::Redis(place) => redis::probe(place, access).await,
                #[cfg(feature = "sqs")]
                Kind::Sqs(sqs) => sqs::probe(sqs, &self.kept, access, around).await,
                #[cfg(feature = "grpc")]
                Kind::Grpc(grpc) => grpc::probe(grpc, access).await,
                // The configuration refuses a kind that is not built in.
                #[cfg(not(all(
                    feature = "postgres",
                    feature = "mysql",
                    feature = "redis",
                    feature = "sqs",
                    feature = "grpc"
                )))]
                _ => Finding::Bad("this kind of check is not built in: a bug of lictor".to_owned()),
            }
        };
        let found = time::timeout(*timeout, probe).await;
        found.unwrap_or_else(|_| Finding::Bad(access.no_answer(*timeout)))
    }
}
