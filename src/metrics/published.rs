//! What the service publishes itself (`expvar`): its runtime's numbers and its own.

use super::names::{self, label};
use super::series::{Count, Labels, Series};
use crate::expvar::{Number, Readings, Runtime, SentAs};
use crate::machine::totals::Timing;

/// What the service's counters stood at when their growth was sent last.
#[derive(Clone, Debug, Default)]
pub(super) struct Baseline(Readings);

/// What has been counted since.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Growth<'a> {
    /// Cycles of garbage collection.
    pub(super) cycles: u64,
    /// Their pauses, in milliseconds.
    pub(super) pauses: Vec<f64>,
    /// The service's own counters, as far as they have grown.
    pub(super) counters: Vec<(&'a str, u64)>,
}

impl Baseline {
    /// What has been counted since the last call. Of a service that ran before the first look, what it had counted by then
    /// is not new. Of a service that could not be read before, everything is: it has just been started.
    pub(super) fn growth<'a>(&mut self, now: &'a Readings) -> Growth<'a> {
        let growth = match (self.0.readable, now.readable) {
            (Some(_), Some(true)) => between(&self.0, now),
            _ => Growth::default(),
        };
        // While the page cannot be read, the last baseline stays.
        if now.readable != Some(false) || self.0.readable.is_none() {
            self.0 = now.clone();
        }
        growth
    }
}

fn between<'a>(before: &Readings, now: &'a Readings) -> Growth<'a> {
    let mut growth = Growth::default();
    if let Some(runtime) = &now.runtime {
        let before = before.runtime.as_ref().map_or(0, |before| before.cycles);
        // Fewer than before: another process.
        let before = if before > runtime.cycles { 0 } else { before };
        growth.cycles = runtime.cycles - before;
        growth.pauses = runtime.pauses_after(before).map(millis).collect();
    }
    let more = |number: &'a Number| {
        let same = |old: &&Number| old.name == number.name && old.sent_as == SentAs::Counter;
        let before = before.numbers.iter().find(same).map_or(0, |old| whole(old.value));
        let now = whole(number.value);
        Some((number.name.as_str(), now.checked_sub(before).unwrap_or(now))).filter(|(_, more)| *more > 0)
    };
    growth.counters = now.numbers.iter().filter(|number| number.sent_as == SentAs::Counter).filter_map(more).collect();
    growth
}

/// The runtime's gauges.
pub(super) fn gauges(readings: &Readings) -> Vec<Series<'static, f64>> {
    let of = |metric, value| Series { metric, labels: Labels::NONE, value };
    let mut list = Vec::new();
    list.extend(readings.readable.map(|readable| of(&names::GO_UP, f64::from(u8::from(readable)))));
    if let Some(runtime) = &readings.runtime {
        list.push(of(&names::GO_HEAP, float(runtime.heap_in_use)));
        list.push(of(&names::GO_SYSTEM, float(runtime.from_system)));
    }
    list.extend(readings.goroutines.map(|count| of(&names::GO_ROUTINES, count)));
    list
}

/// What the runtime has counted since the service's process began.
pub(super) fn counts(readings: &Readings) -> Vec<Series<'static, Count>> {
    let of = |metric, value| Series { metric, labels: Labels::NONE, value };
    let both = |Runtime { cycles, paused_ns, .. }: &Runtime| {
        let pauses = Timing { count: *cycles, sum_us: paused_ns / 1000 };
        [of(&names::GO_CYCLES, Count::Events(*cycles)), of(&names::GO_PAUSE, Count::Timed(pauses))]
    };
    readings.runtime.as_ref().map(both).into_iter().flatten().collect()
}

/// The service's own numbers of one kind, as they are now; their names are a label.
pub(super) fn own(readings: &Readings, sent_as: SentAs) -> impl Iterator<Item = Series<'_, f64>> {
    let metric = match sent_as {
        SentAs::Gauge => &names::EXPVAR,
        SentAs::Counter => &names::EXPVAR_TOTAL,
    };
    let of_kind = readings.numbers.iter().filter(move |number| number.sent_as == sent_as);
    of_kind.map(move |Number { name, value, .. }| Series {
        metric,
        labels: Labels::one(label::NAME, name),
        value: *value,
    })
}

/// The fraction of a count that is not a whole number is dropped.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped first")]
fn whole(value: f64) -> u64 {
    value.clamp(0.0, 9e15) as u64
}

fn millis(nanos: u64) -> f64 {
    float(nanos) / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::{Baseline, Growth};
    use crate::expvar::{Number, Readings, Runtime, SentAs};

    fn readings(total: f64, cycles: u64) -> Readings {
        let number = |name: &str, sent_as, value| Number { name: name.to_owned(), sent_as, value };
        let runtime = Runtime { cycles, pause_ns: vec![1_000_000, 2_000_000, 3_000_000], ..Runtime::default() };
        Readings {
            readable: Some(true),
            runtime: Some(runtime),
            goroutines: None,
            numbers: vec![number("depth", SentAs::Gauge, 7.0), number("requests", SentAs::Counter, total)],
        }
    }

    fn away() -> Readings {
        Readings { readable: Some(false), ..Readings::default() }
    }

    fn grown(cycles: u64, pauses: &[f64], requests: u64) -> Growth<'static> {
        Growth { cycles, pauses: pauses.to_vec(), counters: vec![("requests", requests)] }
    }

    #[test]
    fn a_service_that_ran_already_has_no_news() {
        let mut baseline = Baseline::default();
        assert_eq!(baseline.growth(&readings(100.0, 2)), Growth::default());
        assert_eq!(baseline.growth(&readings(105.5, 3)), grown(1, &[3.0], 5));
        assert_eq!(baseline.growth(&readings(105.9, 3)), Growth::default());
    }

    #[test]
    fn a_fresh_process_begins_anew() {
        let mut baseline = Baseline::default();
        assert_eq!(baseline.growth(&away()), Growth::default());
        assert_eq!(baseline.growth(&readings(100.0, 2)), grown(2, &[1.0, 2.0], 100), "it has just been started");
        assert_eq!(baseline.growth(&away()), Growth::default());
        assert_eq!(baseline.growth(&readings(110.0, 3)), grown(1, &[3.0], 10), "the same process after a hiccup");
        assert_eq!(baseline.growth(&away()), Growth::default());
        assert_eq!(baseline.growth(&readings(4.0, 1)), grown(1, &[1.0], 4), "another process");
    }

    #[test]
    fn what_is_not_asked_for_any_more_is_forgotten() {
        let mut baseline = Baseline::default();
        baseline.growth(&readings(100.0, 2));
        assert_eq!(baseline.growth(&Readings::default()), Growth::default());
        assert_eq!(baseline.growth(&readings(200.0, 3)), Growth::default());
    }
}
