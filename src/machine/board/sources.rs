//! What is known of the sources, and what is to be said about those that stay silent.

use std::fmt::Display;
use std::time::{Duration, UNIX_EPOCH};

use super::super::event::{Need, SourceReport};
use super::super::{Machine, Moment, Wish};

/// A source that has been failing for this long makes what runs stale.
const PATIENCE: Duration = Duration::from_mins(1);

/// What was reported of the sources last.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Sources {
    reports: Vec<SourceReport>,
    /// When, Unix milliseconds.
    heard_unix_ms: u64,
}

impl Sources {
    pub(in super::super) fn hear(&mut self, reports: Vec<SourceReport>, unix_ms: u64) {
        (self.reports, self.heard_unix_ms) = (reports, unix_ms);
    }

    pub(super) fn reports(&self) -> &[SourceReport] {
        &self.reports
    }

    fn silent(&self) -> impl Iterator<Item = &SourceReport> {
        self.reports.iter().filter(|source| source.keys.is_none())
    }

    /// Those that the wishes wait for.
    fn awaited(&self) -> impl Iterator<Item = &SourceReport> {
        self.reports.iter().filter(|source| source.need == Need::Awaited)
    }

    /// The first failure of those that have been failing for long, and who they are.
    fn failing(&self) -> Option<(u64, impl Iterator<Item = &SourceReport>)> {
        let patience = u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX);
        let is_failing = move |source: &&SourceReport| {
            let since = source.freshness.failing_since_unix_ms;
            since.is_some_and(|since| self.heard_unix_ms.saturating_sub(since) >= patience)
        };
        let failing = || self.reports.iter().filter(is_failing);
        let first = failing().filter_map(|source| source.freshness.failing_since_unix_ms).min()?;
        Some((first, failing()))
    }
}

impl Machine {
    /// Whether a start still waits for the sources.
    pub(in super::super) fn in_grace(&self) -> bool {
        self.road.is_unheard() && self.now < self.began + self.policy.boot_grace
    }

    /// When it does not wait any longer, if there is something good to use then.
    pub(in super::super) fn grace_ends(&self) -> Option<Moment> {
        let usable = self.targets.present().is_some() || self.trials.ledger.newest().is_some();
        (self.in_grace() && usable).then(|| self.began + self.policy.boot_grace)
    }

    /// What the wishes wait for although there has been one: a source that a reload has added. Before the first wish the
    /// grace of a start counts.
    pub(super) fn awaits(&self) -> Option<String> {
        let why: Vec<_> = self.shown.sources.awaited().map(unanswered).collect();
        (!why.is_empty() && !self.road.is_unheard()).then(|| why.join("; "))
    }

    /// The board says so once the running process was started without the sources, or has outlived their silence.
    pub(in super::super) fn grow_stale(&mut self) -> bool {
        let stale = self.staleness();
        let grown = stale != self.shown.stale;
        self.shown.stale = stale;
        grown
    }

    /// What is to be said about silent sources. It changes with events and at the end of the grace, not in between.
    fn staleness(&self) -> Option<String> {
        let began = self.epoch_unix_ms.saturating_add(self.began.0);
        let sources = &self.shown.sources;
        let wish = match self.road.wish() {
            Wish::Unheard => {
                let waited = !self.in_grace() && self.targets.present().is_some();
                return waited.then(|| stale_since(began, sources.silent()));
            }
            Wish::Environment(wish) => Some(wish),
            Wish::Unfit(_) => None,
        };
        // Sources that have not answered yet and are in the wish all the same, with what they gave last.
        let remembered =
            |source: &&SourceReport| wish.is_some_and(|wish| wish.source_keys().of(&source.name).is_some());
        if sources.silent().any(|source| remembered(&source)) {
            return Some(stale_since(began, sources.silent().filter(remembered)));
        }
        sources.failing().map(|(since, failing)| stale_since(since, failing))
    }
}

/// Unix milliseconds as RFC 3339, to the second.
pub(super) fn by_the_clock(unix_ms: u64) -> impl Display {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(unix_ms))
}

fn stale_since<'a>(since_unix_ms: u64, sources: impl Iterator<Item = &'a SourceReport>) -> String {
    let since = by_the_clock(since_unix_ms);
    let why: Vec<_> = sources.map(unanswered).collect();
    if why.is_empty() { format!("Stale since {since}") } else { format!("Stale since {since}: {}", why.join("; ")) }
}

fn unanswered(source: &SourceReport) -> String {
    match &source.freshness.error {
        Some(error) => format!("{}: {error}", source.name),
        None => format!("{} has not answered", source.name),
    }
}
