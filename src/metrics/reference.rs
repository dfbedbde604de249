//! The table in `docs/metrics.md`, made from the definitions of the metrics.

use std::fmt::Write as _;

use super::names::{ALL, EXPVAR, EXPVAR_TOTAL, SentAs};

/// One row a metric, in Markdown.
pub(super) fn reference() -> String {
    let mut text = String::from("| StatsD | type | tags | Prometheus | meaning |\n|---|---|---|---|---|\n");
    for metric in ALL {
        let own = **metric == EXPVAR || **metric == EXPVAR_TOTAL;
        let name = if own { format!("{}.NAME", metric.statsd) } else { metric.statsd.to_owned() };
        let sent_as = match metric.sent_as {
            SentAs::Gauge => "gauge",
            SentAs::Counter => "counter",
            SentAs::Timer => "timer",
        };
        let tags: Vec<String> = metric.tags.iter().map(|tag| format!("`{tag}`")).collect();
        let exposed = metric.prometheus.map_or_else(String::new, |exposed| {
            let label = if own { "{name=\"NAME\"}" } else { "" };
            format!("`{}{label}`", exposed.name)
        });
        // Writing to a string does not fail.
        let _ = writeln!(text, "| `lictor.{name}` | {sent_as} | {} | {exposed} | {} |", tags.join(", "), metric.help);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::reference;
    use crate::machine::Moment;
    use crate::metrics::counts::counts;
    use crate::metrics::gauges::gauges;
    use crate::metrics::names::{ALL, Metric, SentAs};
    use crate::metrics::series::{Count, Labels};
    use crate::metrics::{Latest, sample};

    #[test]
    fn every_metric_is_in_the_list_once() {
        let defined = include_str!("names.rs").matches(": Metric =").count();
        let names: BTreeSet<_> =
            ALL.iter().map(|metric| (metric.statsd, metric.prometheus.map(|exposed| exposed.name))).collect();
        assert_eq!((ALL.len(), names.len()), (defined, defined), "a metric is missing in ALL, or is there twice");
    }

    fn fits(metric: &Metric, labels: Labels<'_>, sent_as: SentAs) {
        let tags: Vec<&str> = labels.iter().map(|(name, _)| name).collect();
        assert_eq!((metric.tags, metric.sent_as), (&tags[..], sent_as), "{}", metric.statsd);
    }

    #[test]
    fn tags_and_types_are_those_that_are_sent() {
        let board = sample::busy();
        for series in gauges(&board, &Latest::default(), Moment(12_000)) {
            fits(series.metric, series.labels, SentAs::Gauge);
        }
        for series in counts(&board) {
            let sent_as = match series.value {
                Count::Events(_) => SentAs::Counter,
                Count::Timed(_) => SentAs::Timer,
            };
            fits(series.metric, series.labels, sent_as);
        }
    }

    #[test]
    fn the_documentation_has_the_table() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
        let text = std::fs::read_to_string(page).unwrap();
        assert!(text.contains(&reference()), "docs/metrics.md differs from this:\n{}", reference());
    }
}
