//! `sqs {}`: which queue, and what is asked of it.

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
}

impl Sqs {
    /// Whether it is known beforehand that it is asked without TLS.
    pub(in crate::check) fn is_plain(&self) -> bool {
        let written = match (&self.endpoint, &self.queue_url) {
            (Some(endpoint), _) => Some(endpoint.as_str()),
            (None, Text::Written(url)) => url.expose_str(),
            (None, _) => None,
        };
        written.and_then(|url| url.get(..5)).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http:"))
    }
}
