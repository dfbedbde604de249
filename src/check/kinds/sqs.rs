//! `sqs`: a queue of Amazon SQS that must be there, and not too full.

#[cfg(feature = "sqs")]
mod answer;
#[cfg(feature = "sqs")]
mod ask;
#[cfg(feature = "sqs")]
mod credentials;
#[cfg(feature = "sqs")]
mod region;
#[cfg(feature = "sqs")]
mod sign;

use std::path::PathBuf;

#[cfg(feature = "sqs")]
pub(super) use ask::probe;
#[cfg(feature = "sqs")]
pub(in crate::check) use credentials::Kept;

use crate::check::Text;

/// One queue of Amazon SQS, or of whatever answers like it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sqs {
    /// The queue's URL.
    pub queue_url: Text,
    /// `None`: the one in the queue's URL, else `AWS_REGION`.
    pub region: Option<String>,
    /// Who is asked; `None`: the host of the queue's URL.
    pub endpoint: Option<String>,
    /// More messages than this must not wait in it (`ApproximateNumberOfMessages`); `None`: any number.
    pub max_messages: Option<u64>,
    /// Who signs the endpoint's certificate, in PEM; `None`: whom the system trusts.
    pub ca: Option<PathBuf>,
}
