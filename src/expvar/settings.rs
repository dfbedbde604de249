//! The settings of `expvar {}`.

use std::time::Duration;

use crate::environment::glob::Glob;

/// The page, and which of its numbers are passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The page, usually `http://127.0.0.1:PORT/debug/vars`.
    pub url: String,
    /// The time from one read to the next.
    pub interval: Duration,
    /// The timeout of a read.
    pub timeout: Duration,
    /// Which of the service's own numbers are passed on, and as what.
    pub rules: Rules,
}

/// Which of the service's own numbers are passed on, and as what, by the names under which they are passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Only these.
    pub allow: Vec<Glob>,
    /// These only grow while the process runs, so their difference is sent.
    pub counters: Vec<Glob>,
    /// At most this many.
    pub max_series: usize,
}

impl Settings {
    /// The defaults: everything as a gauge, up to a hundred series.
    pub fn at(url: String) -> Self {
        let all = Glob::parse("*").into_iter().collect();
        Self {
            url,
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(2),
            rules: Rules { allow: all, counters: Vec::new(), max_series: 100 },
        }
    }
}
