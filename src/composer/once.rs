//! Asks the sources once, for callers that want an answer without a watch.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Composer;
use crate::machine::event::SourceReport;
use crate::machine::{Event, Moment};

/// What the sources have answered.
#[derive(Debug)]
pub struct AskedOnce {
    /// The wish that they compose to, or why they do not; `None`: a required source has not answered.
    pub wish: Option<Event>,
    /// A sentence for each source that has not answered.
    pub silent: Vec<String>,
    /// What the others have left out of what they read, and why.
    pub left_out: Vec<String>,
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
        let silent = reports.iter().filter(|source| source.keys.is_none()).map(unanswered).collect();
        AskedOnce { wish, silent, left_out: self.remarks() }
    }
}

fn is_open(source: &SourceReport) -> bool {
    source.keys.is_none() && source.freshness.error.is_none()
}

fn unanswered(source: &SourceReport) -> String {
    let why = source.freshness.error.as_deref().unwrap_or("it takes too long");
    format!("{} has not answered: {why}", source.name)
}
