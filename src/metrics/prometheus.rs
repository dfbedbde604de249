//! The same numbers as Prometheus text 0.0.4 or `OpenMetrics` 1.0.0: the board as it is now, and what the last tick found
//! beside it.

use std::fmt::{self, Write as _};

use tokio::sync::watch;

use super::counts::counts;
use super::gauges::gauges;
use super::names::{Exposed, Metric, MetricType, Unit, label};
use super::series::{Count, Labels, Series};
use super::{Board, Clock, Latest, Moment, names, published};
use crate::expvar::SentAs;
use crate::machine::totals::Timing;

const EXPVAR_TOTAL: &str = "lictor_expvar_total";

/// The page, to be written on request.
#[derive(Clone, Debug)]
pub struct Exposition {
    latest: watch::Receiver<Latest>,
    clock: Clock,
}

impl Exposition {
    pub(super) fn new(latest: watch::Receiver<Latest>, clock: Clock) -> Self {
        Self { latest, clock }
    }

    /// The page about this board. Nothing is read for it but memory and the clock.
    pub fn page(&self, board: &Board, syntax: Syntax) -> String {
        let latest = self.latest.borrow().clone();
        page(board, &latest, (self.clock)(), syntax)
    }
}

/// How the page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// Prometheus's text format 0.0.4.
    Prometheus,
    /// `OpenMetrics` 1.0.0: heads name a counter without `_total`, and the page says where it ends.
    OpenMetrics,
}

fn page(board: &Board, latest: &Latest, now: Moment, syntax: Syntax) -> String {
    let mut page = Page { text: String::with_capacity(8 * 1024), last: None, syntax };
    for Series { metric, labels, value } in gauges(board, latest, now) {
        let build = Labels::two((label::SERVICE, &board.service), labels.iter().next().unwrap_or_default());
        let labels = if *metric == names::BUILD_INFO { build } else { labels };
        page.gauge(metric, labels, value);
    }
    for Series { metric, labels, value } in counts(board).into_iter().chain(published::counts(&latest.published)) {
        page.count(metric, labels, value);
    }
    for sent_as in [SentAs::Gauge, SentAs::Counter] {
        for Series { metric, labels, value } in published::own(&latest.published, sent_as) {
            page.gauge(metric, labels, value);
        }
    }
    if syntax == Syntax::OpenMetrics {
        page.text.push_str("# EOF\n");
    }
    page.text
}

/// Text that is being written.
struct Page {
    text: String,
    /// The metric whose head was written last.
    last: Option<&'static str>,
    syntax: Syntax,
}

impl Page {
    fn gauge(&mut self, metric: &Metric, labels: Labels<'_>, value: f64) {
        let Some(exposed) = self.head(metric) else { return };
        let value = match exposed.unit {
            Unit::Same => value,
            Unit::Ratio => value / 100.0,
        };
        self.sample(exposed.name, "", labels, value);
    }

    fn count(&mut self, metric: &Metric, labels: Labels<'_>, count: Count) {
        let Some(exposed) = self.head(metric) else { return };
        match count {
            Count::Events(count) => self.sample(exposed.name, "", labels, count),
            Count::Timed(Timing { count, sum_us }) => {
                let (seconds, rest) = (sum_us / 1_000_000, sum_us % 1_000_000);
                self.sample(exposed.name, "_sum", labels, format_args!("{seconds}.{rest:06}"));
                self.sample(exposed.name, "_count", labels, count);
            }
        }
    }

    /// Writes what a metric is before its first sample.
    fn head(&mut self, metric: &Metric) -> Option<Exposed> {
        let exposed = metric.prometheus?;
        if self.last != Some(exposed.name) {
            self.last = Some(exposed.name);
            let (family, metric_type) = family(exposed, self.syntax);
            let help = metric.help;
            self.put(format_args!("# HELP {family} {help}\n# TYPE {family} {metric_type}\n"));
        }
        Some(exposed)
    }

    fn sample(&mut self, name: &str, suffix: &str, labels: Labels<'_>, value: impl fmt::Display) {
        self.put(format_args!("{name}{suffix}"));
        let mut separator = '{';
        for (label, value) in labels.iter() {
            self.put(format_args!("{separator}{label}=\"{}\"", Escaped(value)));
            separator = ',';
        }
        if separator == ',' {
            self.text.push('}');
        }
        self.put(format_args!(" {value}\n"));
    }

    fn put(&mut self, text: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.text.write_fmt(text);
    }
}

/// The name and the type in a metric's head.
fn family(exposed: Exposed, syntax: Syntax) -> (&'static str, &'static str) {
    let name = exposed.name;
    match (exposed.metric_type, syntax) {
        (MetricType::Gauge, _) => (name, "gauge"),
        (MetricType::Summary, _) => (name, "summary"),
        (MetricType::Counter, Syntax::Prometheus) => (name, "counter"),
        // Without `_total` it would be the family of the service's gauges.
        (MetricType::Counter, Syntax::OpenMetrics) if name == EXPVAR_TOTAL => (name, "unknown"),
        (MetricType::Counter, Syntax::OpenMetrics) => (name.strip_suffix("_total").unwrap_or(name), "counter"),
    }
}

/// A label's value between its quotes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
