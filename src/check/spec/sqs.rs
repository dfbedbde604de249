//! `sqs {}`: which queue, and what is asked of it.

use std::path::PathBuf;

use crate::check::text::Text;

/// One queue of Amazon SQS, or of whatever answers like it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sqs {
    /// The queue's URL.
    pub queue_url: Text,
    /// `None`: the one in the queue's URL, else `AWS_REGION`.
    pub region: Option<String>,
    /// Who is asked; `None`: the host of the queue's URL.
    pub endpoint: Option<String>,
    /// More messages than this must not wait in it (`ApproximateNumberOfMessages`); `None`: as many as may be.
    pub max_messages: Option<u64>,
    /// Who signs the endpoint's certificate, in PEM; `None`: whom the system trusts.
    pub ca: Option<PathBuf>,
}

impl Sqs {
    /// Whether it is known beforehand that whom the system trusts does not matter.
    pub(in crate::check) fn needs_no_roots(&self) -> bool {
        if self.ca.is_some() {
            return true;
        }
        let written = match (&self.endpoint, &self.queue_url) {
            (Some(endpoint), _) => Some(endpoint.as_str()),
            (None, Text::Written(url)) => url.expose_str(),
            (None, _) => None,
        };
        written.and_then(|url| url.get(..5)).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http:"))
    }
}
