//! `state {}`: what is kept on disk.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::read::section::Section;
use crate::config::read::value;

/// `state {}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// `None`: the default place for this name.
    pub directory: Option<PathBuf>,
    /// Older good environments are not used.
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
