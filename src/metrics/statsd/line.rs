//! Writes values as lines, in the configured style.

use std::fmt::{self, Write as _};

use super::safe::{self, Values};
use crate::metrics::names::{self, Metric, label};
use crate::metrics::series::Labels;
use crate::metrics::{Statsd, Style};

/// The configured tags together may have this many bytes: more would leave no room for the metric itself.
const LONGEST_TAGS: usize = 512;

/// Writes lines into one buffer, over and over.
#[derive(Debug)]
pub(super) struct Writer {
    prefix: String,
    style: Style,
    /// `service` and the configured tags as they stand in every line, without what comes before the first.
    tags: String,
    values: Values,
    line: String,
}

impl Writer {
    pub(super) fn new(settings: &Statsd, service: &str) -> Self {
        let separator = between(settings.style);
        let mut tags = format!("{}{separator}{}", label::SERVICE, safe::value(service));
        let room = tags.len() + LONGEST_TAGS;
        for (name, value) in &settings.tags {
            let tag = format!(",{name}{separator}{}", safe::value(value));
            if tags.len() + tag.len() > room {
                tracing::warn!("statsd.tags: {name} and what follows is left out: tags have {LONGEST_TAGS} bytes");
                break;
            }
            tags.push_str(&tag);
        }
        Self {
            prefix: settings.prefix.clone(),
            style: settings.style,
            tags,
            values: Values::default(),
            line: String::new(),
        }
    }

    pub(super) fn gauge(&mut self, metric: &Metric, labels: Labels<'_>, value: f64) -> &str {
        self.write(metric, labels, thousandths(value), "g")
    }

    pub(super) fn counter(&mut self, metric: &Metric, labels: Labels<'_>, count: u64) -> &str {
        self.write(metric, labels, count, "c")
    }

    pub(super) fn timer(&mut self, metric: &Metric, labels: Labels<'_>, millis: f64) -> &str {
        self.write(metric, labels, thousandths(millis), "ms")
    }

    /// A number that the service publishes. With a sign it would count as a difference, so a negative number is sent after a zero, in
    /// the same datagram.
    pub(super) fn own_gauge(&mut self, name: &str, value: f64) -> &str {
        if value >= 0.0 {
            return self.write_own(name, plain(value), "g");
        }
        let zero = self.write_own(name, 0, "g").to_owned();
        let line = self.write_own(name, plain(value), "g");
        self.line = [&zero, "\n", line].concat();
        &self.line
    }

    /// What a counter of the service has grown by.
    pub(super) fn own_counter(&mut self, name: &str, more: u64) -> &str {
        self.write_own(name, more, "c")
    }

    fn write_own(&mut self, name: &str, value: impl fmt::Display, kind: &str) -> &str {
        self.begin(&[names::EXPVAR.statsd, ".", name]);
        self.finish(Labels::NONE, value, kind)
    }

    fn write(&mut self, metric: &Metric, labels: Labels<'_>, value: impl fmt::Display, kind: &str) -> &str {
        self.begin(&[metric.statsd]);
        self.finish(labels, value, kind)
    }

    fn begin(&mut self, words: &[&str]) {
        self.line.clear();
        self.line.extend([self.prefix.as_str(), "."]);
        self.line.extend(words.iter().copied());
    }

    fn finish(&mut self, labels: Labels<'_>, value: impl fmt::Display, kind: &str) -> &str {
        match self.style {
            Style::Influx => {
                self.line.push(',');
                self.put_tags(labels);
                self.put(format_args!(":{value}|{kind}"));
            }
            Style::Datadog => {
                self.put(format_args!(":{value}|{kind}|#"));
                self.put_tags(labels);
            }
        }
        &self.line
    }

    fn put_tags(&mut self, labels: Labels<'_>) {
        self.line.push_str(&self.tags);
        let separator = between(self.style);
        for (name, value) in labels.iter() {
            let value = self.values.written(name, value);
            self.line.push(',');
            self.line.push_str(name);
            self.line.push(separator);
            self.line.push_str(value);
        }
    }

    fn put(&mut self, text: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.line.write_fmt(text);
    }
}

fn between(style: Style) -> char {
    match style {
        Style::Influx => '=',
        Style::Datadog => ':',
    }
}

/// The service's own value, rounded where it would need an exponent.
fn plain(value: f64) -> f64 {
    if value.abs() < 1e15 { (value * 1e6).round() / 1e6 } else { value.round() }
}

/// More digits than this are noise. Never with an exponent or a sign.
fn thousandths(value: f64) -> f64 {
    if value < 1e9 { (value * 1000.0).round() / 1000.0 } else { value.round() }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_TAGS, Writer};
    use crate::metrics::names::{self, label};
    use crate::metrics::series::Labels;
    use crate::metrics::{Statsd, Style};

    fn writer(style: Style) -> Writer {
        let tags = vec![("env".to_owned(), "prod".to_owned()), ("az".to_owned(), "eu west:1".to_owned())];
        Writer::new(&Statsd { style, tags, ..Statsd::default() }, "billing")
    }

    #[test]
    fn a_line_in_both_styles() {
        let labels = Labels::two((label::SOURCE, "consul billing/"), (label::CLASS, "timeout"));
        let mut influx = writer(Style::Influx);
        assert_eq!(influx.gauge(&names::UP, Labels::NONE, 1.0), "lictor.up,service=billing,env=prod,az=eu_west_1:1|g");
        assert_eq!(
            influx.counter(&names::SOURCE_ERRORS, labels, 2),
            "lictor.source.errors,service=billing,env=prod,az=eu_west_1,source=consul_billing/,class=timeout:2|c"
        );
        let mut datadog = writer(Style::Datadog);
        assert_eq!(
            datadog.timer(&names::CHECK_DURATION, Labels::one(label::CHECK, "Web"), 1.25),
            "lictor.check.duration_ms:1.25|ms|#service:billing,env:prod,az:eu_west_1,check:Web"
        );
    }

    #[test]
    fn two_checks_are_never_one_series() {
        let mut writer = writer(Style::Influx);
        let mut line = |name| writer.gauge(&names::CHECK_UP, Labels::one(label::CHECK, name), 1.0).to_owned();
        let lines = ["Web: 1", "Web, 1", "Web: 1"].map(&mut line);
        assert_ne!(lines[0], lines[1]);
        assert_eq!(lines[0], lines[2]);
        assert!(lines[1].ends_with(",check=Web__1_2:1|g"), "{}", lines[1]);
    }

    #[test]
    fn numbers_have_no_exponent_and_no_noise() {
        let mut writer = writer(Style::Influx);
        let mut shown = |value| {
            let line = writer.gauge(&names::RSS, Labels::NONE, value).to_owned();
            line.split_once(':').unwrap().1.to_owned()
        };
        assert_eq!(shown(0.1 + 0.2), "0.3|g");
        assert_eq!(shown(123_456_789_012_345.0), "123456789012345|g");
        assert_eq!(shown(0.000_01), "0|g");
    }

    #[test]
    fn what_the_service_publishes_has_its_own_name() {
        let mut influx = writer(Style::Influx);
        let tags = "service=billing,env=prod,az=eu_west_1";
        assert_eq!(influx.own_gauge("queue.depth", 7.5), format!("lictor.expvar.queue.depth,{tags}:7.5|g"));
        assert_eq!(influx.own_counter("requests", 3), format!("lictor.expvar.requests,{tags}:3|c"));
        let below = format!("lictor.expvar.t,{tags}:0|g\nlictor.expvar.t,{tags}:-2|g");
        assert_eq!(influx.own_gauge("t", -2.0), below);
        assert_eq!(
            writer(Style::Datadog).own_gauge("a", 1e20),
            "lictor.expvar.a:100000000000000000000|g|#service:billing,env:prod,az:eu_west_1"
        );
    }

    #[test]
    fn tags_that_leave_no_room_are_left_out() {
        let tags = (0..20).map(|number| (format!("t{number}"), "x".repeat(190))).collect();
        let mut writer = Writer::new(&Statsd { tags, ..Statsd::default() }, &"s".repeat(300));
        let line = writer.gauge(&names::UP, Labels::NONE, 1.0);
        assert!(line.len() < 64 + LONGEST_TAGS + 300, "{line}");
        assert!(line.contains(",t1=x") && !line.contains("t2="), "{line}");
    }
}
