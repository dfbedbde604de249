//! `state {}`: what is kept on disk.

use crate::config::reference::{Block, TakenUp, Type, attribute};
use std::path::PathBuf;
use std::time::Duration;

use crate::config::read::section::Section;
use crate::config::read::value;

pub(crate) static BLOCK: Block =
    Block::new("state", "What is kept on disk: the last good environments, and the history.")
        .attributes(&[
            attribute(
                "directory",
                Type::Path,
                "/srv/billing/lictor",
                "The directory. It holds values, so it has mode 0700.",
            )
            .otherwise("`$STATE_DIRECTORY`, else `/var/lib/lictor/NAME` (root) or `$XDG_STATE_HOME/lictor/NAME`"),
            attribute("max_age", Type::Duration, "168h", "Good environments that are older are not used.")
                .default("720h"),
            attribute(
                "boot_grace",
                Type::Duration,
                "30s",
                "How long a start waits for the sources before it uses the last good environment.",
            )
            .default("10s"),
        ])
        .taken_up(TakenUp::ByStartOfLictor);

/// `state {}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// `None`: the default place for this name.
    pub directory: Option<PathBuf>,
    /// The age after which a good environment is no longer used.
    pub max_age: Duration,
    /// How long a start waits for the sources.
    pub boot_grace: Duration,
}

impl Default for State {
    fn default() -> Self {
        Self { directory: None, max_age: Duration::from_hours(720), boot_grace: Duration::from_secs(10) }
    }
}

pub(crate) fn read(section: &mut Section<'_>) -> State {
    let default = State::default();
    State {
        directory: section.read("directory", value::maybe_text).flatten().map(PathBuf::from),
        max_age: section.read("max_age", value::duration).unwrap_or(default.max_age),
        boot_grace: section.read("boot_grace", value::duration).unwrap_or(default.boot_grace),
    }
}
