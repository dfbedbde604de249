//! Asks the sources once, for callers that want an answer without a watch.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Composer;
use crate::machine::event::{Need, SourceReport};
use crate::machine::{Event, Moment};

/// What the sources have answered.
#[derive(Debug)]
pub struct AskedOnce {
    /// The wish that they compose to, or why they do not; `None`: a required source has not answered.
    pub wish: Option<Event>,
    /// The sources that have not answered.
    pub silent: Vec<Silent>,
    /// The others, by name, with how many keys each has given.
    pub answered: Vec<(Arc<str>, usize)>,
    /// What the sources have left out of what they read, and what the rules have left out of that, with the reason.
    pub left_out: Vec<String>,
}

/// A source that has not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{source_name} has not answered: {why}")]
pub struct Silent {
    /// As a person reads it.
    pub source_name: Arc<str>,
    /// Why, as far as it is known.
    pub why: String,
    /// Whether a start waits for it.
    pub need: Need,
}

impl Composer {
    /// Waits until each source has answered or failed, but no longer than this.
    pub async fn ask_once(&mut self, patience: Duration) -> AskedOnce {
        let end = Instant::now() + patience;
        let (mut wish, mut reports) = (None, Vec::new());
        loop {
            for event in self.events(Moment(0)) {
                match event {
                    Event::Sources { sources } => reports = sources,
                    composed => wish = Some(composed),
                }
            }
            if !reports.iter().any(is_open) || timeout_at(end, self.changed()).await.is_err() {
                break;
            }
        }
        let silent = reports.iter().filter(|source| source.keys.is_none()).map(silent).collect();
        let answered = reports.iter().filter_map(|source| Some((Arc::clone(&source.name), source.keys?))).collect();
        let left_out = self.remarks().into_iter().chain(self.warned.clone()).collect();
        AskedOnce { wish, silent, answered, left_out }
    }
}

fn is_open(source: &SourceReport) -> bool {
    source.keys.is_none() && source.freshness.error.is_none()
}

fn silent(source: &SourceReport) -> Silent {
    let why = source.freshness.error.as_deref().unwrap_or("it takes too long");
    Silent { source_name: Arc::clone(&source.name), why: why.to_owned(), need: source.need }
}
