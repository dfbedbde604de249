//! `log {}`: what is logged, and how.

use crate::config::reference::{Block, TakenUp, Type, attribute};
use tracing::Level;

use crate::config::read::report::Finding;
use crate::config::read::section::Section;
use crate::config::read::tree::Node;
use crate::config::read::value;

pub(crate) static BLOCK: Block = Block::new("log", "What lictor logs, and how.")
    .attributes(&[
        attribute(
            "level",
            Type::OneOf(&["trace", "debug", "info", "warn", "error"]),
            "debug",
            "The least severe level that is logged.",
        )
        .default("info"),
        attribute(
            "format",
            Type::OneOf(&["auto", "json"]),
            "json",
            "`auto` writes priorities for the journal under systemd, colours on a terminal, and plain lines otherwise; `json` writes one object on each line.",
        )
        .default("auto"),
    ])
    .taken_up(TakenUp::ByStartOfLictor);

/// `log {}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub level: Level,
    /// The format of the lines.
    pub format: LogFormat,
}

/// `log.format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Journald priorities under systemd, colour on a terminal, else plain.
    Auto,
    /// One JSON object a line.
    Json,
}

const FORMATS: &[(&str, LogFormat)] = &[("auto", LogFormat::Auto), ("json", LogFormat::Json)];

impl Default for Log {
    fn default() -> Self {
        Self { level: Level::INFO, format: LogFormat::Auto }
    }
}

pub(crate) fn read(section: &mut Section<'_>) -> Log {
    let default = Log::default();
    Log {
        level: section.read("level", level).unwrap_or(default.level),
        format: section.read("format", value::one_of(FORMATS)).unwrap_or(default.format),
    }
}

/// The level in any case; envconsul also says `err` and `warning`.
fn level(node: &Node) -> Result<Level, Finding> {
    match value::text(node)?.to_ascii_lowercase().as_str() {
        "trace" => Ok(Level::TRACE),
        "debug" => Ok(Level::DEBUG),
        "info" => Ok(Level::INFO),
        "warn" | "warning" => Ok(Level::WARN),
        "error" | "err" => Ok(Level::ERROR),
        _ => Err(node.wrong("expected \"trace\", \"debug\", \"info\", \"warn\" or \"error\"")),
    }
}
