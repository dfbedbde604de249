//! One probe of one check, cut off at its timeout.

use std::sync::Arc;

use tokio::time;

use super::command::Surroundings;
use super::encrypt::Roots;
use super::finding::Finding;
#[cfg(feature = "grpc")]
use super::grpc;
#[cfg(feature = "mysql")]
use super::mysql;
#[cfg(feature = "postgres")]
use super::postgres;
#[cfg(feature = "redis")]
use super::redis;
use super::round::Prober;
#[cfg(feature = "sqs")]
use super::sqs;
use super::text::OfService;
use super::{Kind, Spec, command, http, reason, tcp};

/// The real probes of one run.
#[derive(Debug)]
pub(super) struct Probes {
    pub(super) specs: Arc<[Spec]>,
    /// There is one if one of the checks asks by HTTP.
    pub(super) client: Option<http::Client>,
    /// There are some if one of the checks is a command.
    pub(super) surroundings: Option<Surroundings>,
    /// What `env_of_service` finds.
    pub(super) service: OfService,
    /// Whom the system trusts.
    pub(super) roots: Roots,
    /// Keys for AWS that were handed out.
    #[cfg(feature = "sqs")]
    pub(super) kept: sqs::Kept,
}

impl Prober for Probes {
    async fn probe(&self, check: usize) -> Finding {
        let Spec { kind, timeout, .. } = &self.specs[check];
        let probe = async {
            match (kind, &self.client, &self.surroundings) {
                (Kind::Tcp(tcp), _, _) => tcp::probe(tcp, &self.roots).await,
                #[cfg(feature = "postgres")]
                (Kind::Postgres(sql), _, _) => postgres::probe(sql, *timeout, &self.service, &self.roots).await,
                #[cfg(feature = "mysql")]
                (Kind::Mysql(sql), _, _) => mysql::probe(sql, *timeout, &self.service).await,
                #[cfg(feature = "redis")]
                (Kind::Redis(redis), _, _) => redis::probe(redis, &self.service, &self.roots).await,
                (Kind::Http(http), Some(client), _) => http::probe(http, client, &self.service).await,
                (Kind::Command(command), _, Some(around)) => command::probe(command, *timeout, around).await,
                #[cfg(feature = "grpc")]
                (Kind::Grpc(grpc), _, _) => grpc::probe(grpc).await,
                #[cfg(feature = "sqs")]
                (Kind::Sqs(sqs), Some(client), _) => sqs::probe(sqs, client, &self.kept, &self.service).await,
                // The configuration does not let a kind through that is not built in.
                _ => Finding::Bad("not prepared for this kind of check: a bug of lictor".to_owned()),
            }
        };
        let found = time::timeout(*timeout, probe).await;
        found.unwrap_or_else(|_| Finding::Bad(reason::no_answer(*timeout)))
    }
}
