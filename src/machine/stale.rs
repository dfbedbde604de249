//! Sources that stay silent: how long a start waits for them, and what is said about it.

use std::fmt::Display;
use std::time::{Duration, UNIX_EPOCH};

use super::event::SourceReport;
use super::moment::Moment;
use super::{Machine, Wish};

/// A source that has been failing for this long makes what runs stale.
const PATIENCE: Duration = Duration::from_mins(1);

impl Machine {
    /// Whether a start still waits for the sources.
    pub(super) fn in_grace(&self) -> bool {
        self.wish == Wish::Unheard && self.now < self.began + self.policy.boot_grace
    }

    /// When it does not wait any longer, if there is something good to use then.
    pub(super) fn grace_ends(&self) -> Option<Moment> {
        let usable = self.base.is_some() || self.ledger.newest().is_some();
        (self.in_grace() && usable).then(|| self.began + self.policy.boot_grace)
    }

    /// Once what runs was started without the sources, or has outlived their silence, the board says so.
    pub(super) fn grow_stale(&mut self) -> bool {
        let stale = self.staleness();
        let grown = stale != self.stale;
        self.stale = stale;
        grown
    }

    /// The sources that have not answered yet and are in the wish all the same, with what they gave last.
    fn remembered(&self) -> impl Iterator<Item = &SourceReport> {
        let record = match &self.wish {
            Wish::Environment(wish) => Some(wish.source_keys()),
            Wish::Unheard | Wish::Unfit(_) => None,
        };
        let silent = self.sources.iter().filter(|source| source.keys.is_none());
        silent.filter(move |source| record.is_some_and(|record| record.of(&source.name).is_some()))
    }

    /// What is to be said about silent sources. It changes with events and at the end of the grace, not in between.
    pub(super) fn staleness(&self) -> Option<String> {
        if self.wish == Wish::Unheard {
            let waited = !self.in_grace() && self.base.is_some();
            let silent = self.sources.iter().filter(|source| source.keys.is_none());
            return waited.then(|| said(self.epoch_unix_ms.saturating_add(self.began.0), silent));
        }
        let began = self.epoch_unix_ms.saturating_add(self.began.0);
        if self.remembered().next().is_some() {
            return Some(said(began, self.remembered()));
        }
        let patience = u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX);
        let failing = |source: &&SourceReport| {
            let since = source.freshness.failing_since_unix_ms;
            since.is_some_and(|since| self.heard_unix_ms.saturating_sub(since) >= patience)
        };
        let first =
            self.sources.iter().filter(failing).filter_map(|source| source.freshness.failing_since_unix_ms).min();
        first.map(|since| said(since, self.sources.iter().filter(failing)))
    }
}

/// Unix milliseconds as RFC 3339, to the second.
pub(super) fn by_the_clock(unix_ms: u64) -> impl Display {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(unix_ms))
}

fn said<'a>(since_unix_ms: u64, sources: impl Iterator<Item = &'a SourceReport>) -> String {
    let since = by_the_clock(since_unix_ms);
    let why = |source: &SourceReport| match &source.freshness.error {
        Some(error) => format!("{}: {error}", source.name),
        None => format!("{} has not answered", source.name),
    };
    let why: Vec<_> = sources.map(why).collect();
    if why.is_empty() { format!("Stale since {since}") } else { format!("Stale since {since}: {}", why.join("; ")) }
}
