//! `sqs {}`: which queue, and what is asked of it.

/// One queue of Amazon SQS, or of whatever answers like it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sqs {
    /// The queue's URL.
    pub queue_url: String,
    /// `None`: the one in the queue's URL, else `AWS_REGION`.
    pub region: Option<String>,
    /// Who is asked; `None`: the host of the queue's URL.
    pub endpoint: Option<String>,
    /// More messages than this must not wait in it (`ApproximateNumberOfMessages`); `None`: as many as may be.
    pub max_messages: Option<u64>,
}
