//! `version {}`: where the service's version is read.

use super::exec::words;
use super::report::Finding;
use super::section::Section;
use super::tree::{Node, Value};
use super::{url, value};

/// `version {}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The Go variable that `-ldflags -X` sets.
    pub symbol: String,
    /// A URL of the service that answers with its version.
    pub http: Option<String>,
    /// A command that prints it.
    pub command: Vec<String>,
    /// Which process is read.
    pub process: VersionProcess,
}

/// `version.process`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionProcess {
    /// The main process.
    Main,
    /// The newest Go program of the process group.
    Group,
}

const PROCESSES: &[(&str, VersionProcess)] = &[("main", VersionProcess::Main), ("group", VersionProcess::Group)];

impl Default for Version {
    fn default() -> Self {
        Self { symbol: "main.version".to_owned(), http: None, command: Vec::new(), process: VersionProcess::Main }
    }
}

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
    value::maybe_text(node)?.map(|text| url::http(&text).map_err(|why| node.wrong(why))).transpose()
}

fn maybe_words(node: &Node) -> Result<Vec<String>, Finding> {
    match &node.value {
        Value::List(nodes) if nodes.is_empty() => Ok(Vec::new()),
        _ => words(node),
    }
}
