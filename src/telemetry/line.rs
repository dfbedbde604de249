//! Writes each event as one line: whatever is in a message, it cannot begin a second line.

use std::error::Error;
use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::chain;

/// The longest line, in bytes: a pipe that has any room has room for this.
const LONGEST: usize = 4000;

/// The decoration of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoration {
    /// Priority for the journal, which has the time itself.
    Journal,
    /// Time and level.
    Plain,
    /// Time and level, with the level in colour.
    Colour,
}

/// Formats events; spans are not shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line(Decoration);

impl Line {
    pub(super) fn new(decoration: Decoration) -> Self {
        Self(decoration)
    }
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let level = *event.metadata().level();
        match self.0 {
            Decoration::Journal => write!(writer, "<{}>", priority(level))?,
            Decoration::Plain => {
                SystemTime.format_time(&mut writer)?;
                write!(writer, " {level:<5} ")?;
            }
            Decoration::Colour => {
                SystemTime.format_time(&mut writer)?;
                write!(writer, " \u{1b}[{}m{level:<5}\u{1b}[0m ", colour(level))?;
            }
        }
        let mut text = Text::default();
        event.record(&mut text);
        text.write(&mut writer)?;
        writer.write_char('\n')
    }
}

/// The kernel's numbers for it (`sd-daemon(3)`).
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

fn colour(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        _ => 2,
    }
}

/// The message, then the fields as ` name=value`.
#[derive(Debug, Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn write(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let mut left = LONGEST;
        for letter in self.message.chars().chain(self.fields.chars()) {
            let size = if letter.is_control() { letter.escape_default().len() } else { letter.len_utf8() };
            let Some(rest) = left.checked_sub(size) else { return writer.write_str("...") };
            left = rest;
            if letter.is_control() {
                write!(writer, "{}", letter.escape_default())?;
            } else {
                writer.write_char(letter)?;
            }
        }
        Ok(())
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail, but for a value that refuses to be shown.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let _ = write!(self.fields, " {}={}", field.name(), chain::sentence(value));
    }
}

#[cfg(test)]
mod tests;
