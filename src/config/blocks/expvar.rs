//! `expvar {}`: where the service publishes numbers, and which of them are passed on.

use crate::config::reference::{Block, Type, attribute};
use std::time::Duration;

use crate::config::read::report::Finding;
use crate::config::read::section::Section;
use crate::config::read::tree::Node;
use crate::config::read::{address, value};
use crate::environment::glob::Glob;
use crate::expvar::{Rules, Settings};

pub(crate) static BLOCK: Block =
    Block::new("expvar", "Where a Go service publishes numbers, and which of them are passed on as metrics.")
        .attributes(&[
            attribute("url", Type::Url, "http://127.0.0.1:6060/debug/vars", "The page of the package `expvar`.")
                .needed(),
            attribute("interval", Type::Duration, "30s", "The time from one read of the page to the next.")
                .default("10s"),
            attribute("timeout", Type::Duration, "1s", "After this long a read of the page has failed.").default("2s"),
            attribute(
                "allow",
                Type::Globs,
                "[\"requests.*\"]",
                "Which of the service's own numbers are passed on, by name.",
            )
            .default("[\"*\"]"),
            attribute("counters", Type::Globs, "[\"requests.*\"]", "Which of them only grow; the others are gauges."),
            attribute(
                "max_series",
                Type::Count("series"),
                "20",
                "Further ones are left out, with a warning. At most 1000.",
            )
            .default("100"),
        ]);

/// The shortest interval. Each read stops the service for a moment, so more frequent ones would cost too much.
const LEAST_INTERVAL: Duration = Duration::from_millis(100);

/// The most series, because each of them costs money.
const MOST_SERIES: u32 = 1_000;

pub(crate) fn read(section: &mut Section<'_>) -> Option<Settings> {
    let url = section.needed("url", value::parsed(address::http));
    let default = Settings::at(String::new());
    let most = section.read("max_series", value::count(0)).unwrap_or(100);
    if most > MOST_SERIES {
        section.wrong(&format!(
            "`max_series` is at most {MOST_SERIES}: each series is a metric of its own, and is paid for"
        ));
    }
    Some(Settings {
        interval: section.read("interval", value::duration_from(LEAST_INTERVAL)).unwrap_or(default.interval),
        timeout: section.read("timeout", value::duration_from(Duration::from_millis(1))).unwrap_or(default.timeout),
        rules: Rules {
            allow: section.read("allow", globs).unwrap_or(default.rules.allow),
            counters: section.read("counters", globs).unwrap_or_default(),
            max_series: usize::try_from(most).unwrap_or(usize::MAX),
        },
        url: url?,
    })
}

fn globs(node: &Node) -> Result<Vec<Glob>, Finding> {
    value::texts(node)?.iter().map(|text| Glob::parse(text).map_err(|why| node.wrong(why.to_string()))).collect()
}
