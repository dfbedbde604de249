//! What happened between two boards: the difference of their totals.

use super::Board;
use super::counts::{counts_but_of_checks, of_check};
use super::names;
use super::series::{Count, Series};
use crate::machine::totals::Timing;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Change {
    /// So many events.
    Events(u64),
    /// Events with a duration. For several, the mean: their number and their sum stay exact.
    Timed {
        /// How many.
        count: u64,
        /// How long each took, in milliseconds.
        millis: f64,
    },
}

/// How soon a change has to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// Together with others, within a second.
    Batched,
    /// At once.
    Now,
}

/// Everything that happened between the two. Mostly that is one probe of one check, two hundred times a second.
pub(super) fn changes<'a>(before: &Board, now: &'a Board) -> Vec<Series<'a, Change>> {
    let mut changes = Vec::new();
    if !counted_the_same(before, now) {
        let before = counts_but_of_checks(before);
        let change = |(place, series)| change(series, before.get(place), &before);
        changes.extend(counts_but_of_checks(now).into_iter().enumerate().filter_map(change));
    }
    let (before, now) = (&before.totals.checks, &now.totals.checks);
    // Mostly each check has the same place in both lists.
    let places = before.iter().map(Some).chain(std::iter::repeat(None));
    for ((name, probes), place) in now.iter().zip(places) {
        let stood = place.filter(|(known, _)| *known == name).map(|(_, probes)| probes);
        let old = stood.or_else(|| before.get(name)).copied();
        if old != Some(*probes) {
            let old = old.map(|old| of_check(name, old));
            let of = |(place, series)| change(series, old.as_ref().and_then(|old| old.get(place)), &[]);
            changes.extend(of_check(name, *probes).into_iter().enumerate().filter_map(of));
        }
    }
    changes
}

/// Whether nothing but checks has counted.
fn counted_the_same(before: &Board, now: &Board) -> bool {
    let (old, new) = (&before.totals, &now.totals);
    old.restarts == new.restarts
        && old.exits == new.exits
        && old.outcomes == new.outcomes
        && old.propagation == new.propagation
        && (&old.turns, old.turn_wait) == (&new.turns, new.turn_wait)
        && old.drains == new.drains
        && before.sources == now.sources
}

/// How far a series has grown: compared with the old one at the same place, or wherever it was.
fn change<'a>(
    series: Series<'a, Count>,
    place: Option<&Series<'_, Count>>,
    all: &[Series<'_, Count>],
) -> Option<Series<'a, Change>> {
    let same = |old: &&Series<'_, Count>| old.metric == series.metric && old.labels == series.labels;
    let old = place.filter(same).or_else(|| all.iter().find(same));
    let value = difference(old.map(|old| old.value), series.value)?;
    Some(Series { metric: series.metric, labels: series.labels, value })
}

/// Probes happen all the time, and their results are in the gauges; everything else is rare and sent at once.
pub(super) fn urgency<V>(series: &Series<'_, V>) -> Urgency {
    let checks = [&names::CHECK_FAILURES, &names::CHECK_DURATION];
    if checks.contains(&series.metric) { Urgency::Batched } else { Urgency::Now }
}

/// A total that has shrunk was started anew, so all of it is new.
fn difference(before: Option<Count>, now: Count) -> Option<Change> {
    match (before, now) {
        (before, Count::Events(now)) => {
            let before = before.map_or(0, |count| if let Count::Events(before) = count { before } else { 0 });
            let more = now.checked_sub(before).unwrap_or(now);
            (more > 0).then_some(Change::Events(more))
        }
        (before, Count::Timed(now)) => {
            let before = before
                .map_or_else(Timing::default, |count| if let Count::Timed(t) = count { t } else { Timing::default() });
            let before = if now.count < before.count { Timing::default() } else { before };
            let count = now.count - before.count;
            (count > 0)
                .then(|| Change::Timed { count, millis: mean_millis(count, now.sum_us.saturating_sub(before.sum_us)) })
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds are exact in a float for 285 years")]
fn mean_millis(count: u64, sum_us: u64) -> f64 {
    sum_us as f64 / count as f64 / 1000.0
}

#[cfg(test)]
mod tests;
