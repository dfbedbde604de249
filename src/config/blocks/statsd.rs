//! `statsd {}`: where metrics go, and how they are written.

use crate::config::reference::{Block, Type, attribute};
use std::time::Duration;

pub use crate::metrics::{Statsd, Style};

use crate::config::read::section::Section;
use crate::config::read::{address, value};

pub(crate) static BLOCK: Block =
    Block::new("statsd", "Where metrics are sent, and how they are written.").attributes(&[
        attribute(
            "address",
            Type::HostPort,
            "127.0.0.1:9125",
            "Where Telegraf or another StatsD server listens, over UDP.",
        )
        .default("127.0.0.1:8125"),
        attribute(
            "prefix",
            Type::Text,
            "billing",
            "The beginning of the names: words of a-z, 0-9 and _ with dots between them.",
        )
        .default("lictor"),
        attribute(
            "style",
            Type::OneOf(&["influx", "datadog"]),
            "datadog",
            "How tags are written: as Telegraf reads them by default, or as Datadog does.",
        )
        .default("influx"),
        attribute("interval", Type::Duration, "10s", "How often gauges are sent; at most half of Telegraf's interval.")
            .default("5s"),
        attribute("tags", Type::Pairs, "{ env = \"prod\" }", "Tags of every metric, besides lictor's own."),
    ]);

/// The tags by which lictor distinguishes its own series: a configured tag of the same name would give one tag two
/// values.
const OWN: [&str; 8] = ["service", "reason", "result", "version", "source", "class", "check", "name"];

const STYLES: &[(&str, Style)] = &[("influx", Style::Influx), ("datadog", Style::Datadog)];

pub(crate) fn read(section: &mut Section<'_>) -> Statsd {
    let default = Statsd::default();
    Statsd {
        address: section.read("address", value::parsed(address::host_port)).unwrap_or(default.address),
        prefix: section.read("prefix", value::parsed(prefix)).unwrap_or(default.prefix),
        style: section.read("style", value::one_of(STYLES)).unwrap_or(default.style),
        interval: section
            .read("interval", value::duration_from(Duration::from_millis(100)))
            .unwrap_or(default.interval),
        tags: tags(section),
    }
}

fn prefix(text: &str) -> Result<String, &'static str> {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
    let dots = text.starts_with('.') || text.ends_with('.') || text.contains("..");
    if !text.is_empty() && text.len() <= 64 && text.chars().all(fine) && !dots {
        Ok(text.to_owned())
    } else {
        Err("expected words of a-z, 0-9 and _ with dots between them")
    }
}

fn tags(section: &mut Section<'_>) -> Vec<(String, String)> {
    const MAX_TAGS: usize = 20;
    let mut tags = Vec::new();
    for (name, node) in section.pairs("tags") {
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if name.is_empty() || name.len() > 64 || !name.chars().all(fine) || OWN.contains(&name.as_str()) {
            let own = OWN.map(|name| format!("`{name}`")).join(", ");
            section.error(
                &node.place,
                format!("statsd.tags: the name of a tag is letters, digits, `_`, `.` and `-`; lictor's own are {own}"),
            );
            continue;
        }
        match value::some_text(&node) {
            Ok(value) => tags.push((name, value)),
            Err(finding) => section.error(&finding.place, format!("statsd.tags.{name}: {}", finding.sentence)),
        }
    }
    if tags.len() > MAX_TAGS {
        section.wrong(&format!("more than {MAX_TAGS} tags make every metric too long"));
    }
    tags
}
