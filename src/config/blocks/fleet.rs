//! `fleet {}`: how the hosts that run this service take turns.

use crate::config::reference::{Block, TakenUp, Type, attribute};
use std::time::Duration;

use crate::config::read::report::Finding;
use crate::config::read::section::Section;
use crate::config::read::tree::{Node, Value};
use crate::config::read::value;
use crate::fleet::{Limit, Rules};

pub(crate) static BLOCK: Block = Block::new(
    "fleet",
    "How the hosts that run this service take turns when the configuration changes. Without this block they do not.",
)
.attributes(&[
    attribute("prefix", Type::Text, "lictor/payments/", "The folder of Consul's KV store that the turns are kept in.")
        .otherwise("`lictor/NAME/`"),
    attribute(
        "limit",
        Type::CountOrShare("instances"),
        "\"25%\"",
        "How many instances may restart for a change at a time.",
    )
    .default("1"),
    attribute(
        "min_passing",
        Type::Count("instances"),
        "2",
        "How many others must be passing in Consul's catalog before one restarts; none if there are no others.",
    )
    .default("1"),
    attribute(
        "bake",
        Type::Duration,
        "5m",
        "How long the first instance of a change is watched after it is good, before the second one gets its turn.",
    )
    .default("1m"),
])
.taken_up(TakenUp::ByStartOfLictor);

/// The instance that takes part, as it is registered in Consul.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instance<'a> {
    /// The service's name in the catalog.
    pub(crate) service: &'a str,
    /// Its id at the local agent.
    pub(crate) id: &'a str,
    /// lictor's own name for it.
    pub(crate) name: &'a str,
}

pub(crate) fn read(section: &mut Section<'_>, instance: Instance<'_>) -> Rules {
    let prefix = section.read("prefix", value::parsed(prefix));
    Rules {
        prefix: prefix.unwrap_or_else(|| format!("lictor/{}/", instance.name)),
        service: instance.service.to_owned(),
        id: instance.id.to_owned(),
        limit: section.read("limit", limit).unwrap_or(Limit::Count(1)),
        min_passing: section.read("min_passing", value::count(0)).unwrap_or(1),
        bake: section.read("bake", value::duration).unwrap_or(Duration::from_mins(1)),
    }
}

/// A folder, so that `lictor/billing` means `lictor/billing/`.
fn prefix(text: &str) -> Result<String, &'static str> {
    let folder = text.trim_end_matches('/');
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if folder.is_empty() || folder.starts_with('/') || folder.contains("//") || !folder.chars().all(plain) {
        return Err(
            "expected a folder of the KV store, of letters, digits, `-`, `_`, `.` and `/`, as in \"lictor/billing/\"",
        );
    }
    if folder.split('/').any(|part| matches!(part, "." | "..")) {
        return Err("`.` and `..` are not folders of the KV store");
    }
    Ok(format!("{folder}/"))
}

/// A number of instances, or a share of them.
fn limit(node: &Node) -> Result<Limit, Finding> {
    const EXPECTED: &str = "expected a whole number from 1, or a share from \"1%\" to \"100%\"";
    match &node.value {
        Value::Integer(_) => value::count(1)(node).map(Limit::Count).map_err(|_| node.wrong(EXPECTED)),
        Value::Text(text) => text
            .strip_suffix('%')
            .filter(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .filter(|percent| (1..=100).contains(percent))
            .map(Limit::Share)
            .ok_or_else(|| node.wrong(EXPECTED)),
        _ => Err(node.unlike("a whole number or a share such as \"25%\"")),
    }
}
