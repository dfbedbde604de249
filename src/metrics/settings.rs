//! What `statsd {}` says.

use std::time::Duration;

/// Where metrics go, and how they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statsd {
    /// `host:port`.
    pub address: String,
    /// Before every name.
    pub prefix: String,
    /// How tags are written.
    pub style: Style,
    /// Between two ticks.
    pub interval: Duration,
    /// Added to every metric.
    pub tags: Vec<(String, String)>,
}

/// How tags are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `name,tag=value:1|c`.
    Influx,
    /// `name:1|c|#tag:value`.
    Datadog,
}

impl Default for Statsd {
    fn default() -> Self {
        Self {
            address: "127.0.0.1:8125".to_owned(),
            prefix: "lictor".to_owned(),
            style: Style::Influx,
            interval: Duration::from_secs(5),
            tags: Vec::new(),
        }
    }
}
