//! `version {}`: where the service's version is read.

pub use crate::version::{ProcessChoice as VersionProcess, Spec as Version};

use super::exec::words;
use crate::config::read::report::Finding;
use crate::config::read::section::Section;
use crate::config::read::tree::{Node, Value};
use crate::config::read::{address, value};
use crate::config::reference::{Block, TakenUp, Type, attribute};

pub(crate) static BLOCK: Block = Block::new("version", "Where the service's version is read.")
    .attributes(&[
        attribute(
            "symbol",
            Type::Text,
            "example.com/billing/build.Version",
            "The variable of the Go program: set by `-ldflags -X`, or found by its symbol. Without it, the module's version is used.",
        )
        .default("main.version"),
        attribute(
            "http",
            Type::Url,
            "http://127.0.0.1:8080/version",
            "A page of the service with its version, as text or as JSON `{\"version\": \"..\"}`, if the program has none.",
        ),
        attribute(
            "command",
            Type::Command,
            "[\"/opt/billing/billing\", \"-version\"]",
            "A command that prints the version, if neither the program nor the page has one.",
        ),
        attribute(
            "process",
            Type::OneOf(&["main", "group"]),
            "group",
            "Whose executable is looked at: the main process's, or the newest Go program's of the process group, for a \
             wrapper script.",
        )
        .default("main"),
    ])
    .taken_up(TakenUp::ByStartOfTheService);

const PROCESSES: &[(&str, VersionProcess)] = &[("main", VersionProcess::Main), ("group", VersionProcess::Group)];

pub(crate) fn read(section: &mut Section<'_>) -> Version {
    let default = Version::default();
    Version {
        symbol: section.read("symbol", value::some_text).unwrap_or(default.symbol),
        http: section.read("http", maybe_url).flatten(),
        command: section.read("command", maybe_words).unwrap_or_default(),
        process: section.read("process", value::one_of(PROCESSES)).unwrap_or(default.process),
    }
}

fn maybe_url(node: &Node) -> Result<Option<String>, Finding> {
    value::maybe_text(node)?.map(|text| address::http(&text).map_err(|why| node.wrong(why))).transpose()
}

fn maybe_words(node: &Node) -> Result<Vec<String>, Finding> {
    match &node.value {
        Value::List(nodes) if nodes.is_empty() => Ok(Vec::new()),
        _ => words(node),
    }
}
