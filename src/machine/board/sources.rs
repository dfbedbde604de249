//! The reports of the sources, and the sentences about those that do not answer.

use std::fmt::Display;
use std::time::{Duration, UNIX_EPOCH};

use super::super::event::{Need, SourceReport};
use super::super::{Machine, Wish};

/// When a source has been failing for this long, the running environment counts as stale.
const PATIENCE: Duration = Duration::from_mins(1);

/// The last reports about the sources.
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

/// What the wishes wait for although there has been one: a source that a reload has added. Before the first wish the
/// grace of a start counts.
pub(super) fn awaits(machine: &Machine) -> Option<String> {
    let why: Vec<_> = machine.shown.sources.awaited().map(unanswered).collect();
    (!why.is_empty() && !machine.road.is_unheard()).then(|| why.join("; "))
}

/// The sentence about sources that do not answer. It changes with events and at the end of the grace period, not in
/// between.
pub(in super::super) fn staleness(machine: &Machine) -> Option<String> {
    let began = machine.epoch_unix_ms.saturating_add(machine.began.0);
    let sources = &machine.shown.sources;
    let wish = match machine.road.wish() {
        Wish::Unheard => {
            let waited = !machine.in_grace() && machine.targets.present().is_some();
            return waited.then(|| stale_since(began, sources.silent()));
        }
        Wish::Environment(wish) => Some(wish),
        Wish::Unfit(_) => None,
    };
    // Sources that have not answered yet: the wish has their variables from the last good environment.
    let remembered = |source: &&SourceReport| wish.is_some_and(|wish| wish.source_keys().of(&source.name).is_some());
    if sources.silent().any(|source| remembered(&source)) {
        return Some(stale_since(began, sources.silent().filter(remembered)));
    }
    sources.failing().map(|(since, failing)| stale_since(since, failing))
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
