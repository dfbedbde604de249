//! One probe of one check, cut off at its timeout.

use std::sync::Arc;

use tokio::time;

use super::command::Surroundings;
use super::round::Prober;
#[cfg(feature = "sqs")]
use super::sqs;
use super::{Kind, Spec, command, http, reason, tcp};
#[cfg(feature = "sqs")]
use crate::environment::Environment;
use crate::machine::event::Outcome;

/// What one probe found. The texts are short and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// As it should be.
    Good,
    /// Good, but somebody should know this.
    Warning(String),
    /// Not as it should be, and why.
    Bad(String),
}

impl Finding {
    /// Whether it counts as a success.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Good | Self::Warning(_) => true,
            Self::Bad(_) => false,
        }
    }
}

impl From<Finding> for Outcome {
    fn from(finding: Finding) -> Self {
        match finding {
            Finding::Good | Finding::Warning(_) => Self::Pass,
            Finding::Bad(reason) => Self::Fail(reason),
        }
    }
}

/// The real probes of one run.
#[derive(Debug)]
pub(super) struct Probes {
    pub(super) specs: Arc<[Spec]>,
    /// There is one if one of the checks asks by HTTP.
    pub(super) client: Option<http::Client>,
    /// There are some if one of the checks is a command.
    pub(super) surroundings: Option<Surroundings>,
    /// Keys for AWS that were handed out, and what the service runs on.
    #[cfg(feature = "sqs")]
    pub(super) aws: (sqs::Kept, Arc<Environment>),
}

impl Prober for Probes {
    async fn probe(&self, check: usize) -> Finding {
        let Spec { kind, timeout, .. } = &self.specs[check];
        let probe = async {
            match (kind, &self.client, &self.surroundings) {
                (Kind::Tcp(tcp), _, _) => tcp::probe(tcp).await,
                (Kind::Http(http), Some(client), _) => http::probe(http, client).await,
                (Kind::Command(command), _, Some(around)) => command::probe(command, *timeout, around).await,
                #[cfg(feature = "sqs")]
                (Kind::Sqs(sqs), Some(client), _) => sqs::probe(sqs, client, &self.aws.0, &self.aws.1).await,
                // The configuration lets nothing through that is not built in.
                (Kind::Http(_) | Kind::Sqs(_), ..) | (Kind::Command(_), _, None) => {
                    Finding::Bad("not prepared for this kind of check: a bug of lictor".to_owned())
                }
            }
        };
        let found = time::timeout(*timeout, probe).await;
        found.unwrap_or_else(|_| Finding::Bad(reason::no_answer(*timeout)))
    }
}
