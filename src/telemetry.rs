//! lictor's own log, on stderr: one line for each event, plain, with priorities for the journal, coloured, or as JSON.
//!
//! Logging must never disturb anything else: if stderr is closed, full or stuck, lines are lost, and nothing more.

mod bug;
mod json;
mod line;
mod outlet;

use std::env;
use std::io::{IsTerminal, stderr};
use std::os::fd::AsFd;

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::set_global_default;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry;

use json::Json;
use line::{Decoration, Line};
use outlet::Outlet;

/// The format of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Priorities for the journal under systemd, colour on a terminal, else plain.
    Auto,
    /// One JSON object a line.
    Json,
}

/// The libraries whose events are shown only from `warn` on.
const LIBRARIES: [&str; 8] = ["hyper", "hyper_util", "reqwest", "rustls", "mio", "notify", "tower", "h2"];

/// Sends everything from this level on to stderr, from now on and for the whole process. A second call changes nothing.
pub fn init(level: Level, format: Format) {
    bug::tell_of_bugs();
    let targets = Targets::new()
        .with_default(level)
        .with_targets(LIBRARIES.map(|library| (library, LevelFilter::from(level).min(LevelFilter::WARN))));
    let layer = fmt::layer().with_writer(Outlet::default()).log_internal_errors(false);
    // An error means that there is a subscriber already, which is fine too.
    let _ = match format {
        Format::Auto => {
            set_global_default(registry().with(layer.event_format(Line::new(decoration())).with_filter(targets)))
        }
        Format::Json => set_global_default(registry().with(layer.event_format(Json).with_filter(targets))),
    };
}

/// The decoration of messages that suits this stderr.
fn decoration() -> Decoration {
    let stderr = stderr();
    let identity = rustix::fs::fstat(stderr.as_fd()).ok().map(|stat| format!("{}:{}", stat.st_dev, stat.st_ino));
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if is_the_journal(env::var("JOURNAL_STREAM").ok().as_deref(), identity.as_deref()) {
        Decoration::Journal
    } else if stderr.is_terminal() && !no_color {
        Decoration::Colour
    } else {
        Decoration::Plain
    }
}

/// A process that redirects stderr inherits `JOURNAL_STREAM` too, so it only counts if it names this very stream.
fn is_the_journal(journal_stream: Option<&str>, stderr: Option<&str>) -> bool {
    journal_stream.is_some() && journal_stream == stderr
}

#[cfg(test)]
mod tests {
    use super::is_the_journal;

    #[test]
    fn the_journal_is_known_by_its_stream() {
        assert!(is_the_journal(Some("9:1234"), Some("9:1234")));
        assert!(!is_the_journal(Some("9:1234"), Some("9:1235")));
        assert!(!is_the_journal(None, Some("9:1234")));
        assert!(!is_the_journal(None, None));
    }
}
