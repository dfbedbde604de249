//! `expvar {}` as it is configured.

use std::time::Duration;

use crate::environment::glob::Glob;

/// Where numbers are published, and which of them are passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The page, as a rule `http://127.0.0.1:PORT/debug/vars`.
    pub url: String,
    /// From one look to the next.
    pub interval: Duration,
    /// After this long a look has failed.
    pub timeout: Duration,
    /// Which of the service's own numbers are passed on, and as what.
    pub rules: Rules,
}

/// Which of the service's own numbers are passed on, and as what. By their names as they are passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Only these.
    pub allow: Vec<Glob>,
    /// These only grow, from the start of the process on: the difference is sent.
    pub counters: Vec<Glob>,
    /// No more than so many.
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
