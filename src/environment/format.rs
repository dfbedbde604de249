//! The `format` templates of a prefix: the part of Go's templates that names need.
//!
//! Text, `{{ key }}`, `{{ key | replaceKey "old" "new" }}` (chained at will), `{{ replaceKey "old" "new" key }}`, and
//! the trimming `{{-` and `-}}`. Anything else is an error, where envconsul goes on with an empty name. Nothing is
//! escaped for HTML, which envconsul does.

mod action;
#[cfg(test)]
mod tests;
mod token;

use std::fmt;

/// Longer formats are refused.
const MAX_BYTES: usize = 4096;

/// A parsed template: text, `{{ key }}`, `{{ key | replaceKey "old" "new" }}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Key(Vec<Replacement>),
}

/// `replaceKey "old" "new"`: swaps a name that is exactly `old`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Replacement {
    old: String,
    new: String,
}

/// Why a format cannot be used. Positions count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Something that is not part of the supported subset.
    #[error(
        "{found} at character {at} of the format is not understood: \
         write `{{{{ key }}}}` or `{{{{ key | replaceKey \"old\" \"new\" }}}}`"
    )]
    NotUnderstood {
        /// The word as written, in backquotes.
        found: String,
        /// Where it begins.
        at: usize,
    },
    /// `{{` without `}}`.
    #[error("the `{{{{` at character {at} of the format has no `}}}}` after it")]
    NeverClosed {
        /// Where the action begins.
        at: usize,
    },
    /// A string literal that Go would not read either.
    #[error("the string at character {at} of the format is not a Go string: {why}")]
    BadString {
        /// Where it begins.
        at: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Without `{{ key }}` all keys would become one variable.
    #[error("the format does not contain `{{{{ key }}}}`, so every key would become one and the same variable")]
    Constant,
    /// More than 4096 bytes.
    #[error("the format is longer than {MAX_BYTES} bytes")]
    TooLong,
}

impl Format {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        if text.len() > MAX_BYTES {
            return Err(FormatError::TooLong);
        }
        let parts = parts(text)?;
        if parts.iter().any(|part| matches!(part, Part::Key(_))) { Ok(Self(parts)) } else { Err(FormatError::Constant) }
    }

    /// The name that the template makes of `name`.
    pub fn apply(&self, name: &str) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text,
                Part::Key(replacements) => replacements
                    .iter()
                    .fold(name, |name, replacement| if name == replacement.old { &replacement.new } else { name }),
            })
            .collect()
    }
}

/// A template that reads as this one; not always the text that was written.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A JSON string is a Go string.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        for part in &self.0 {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Key(replacements) => {
                    f.write_str("{{ key")?;
                    for Replacement { old, new } in replacements {
                        write!(f, " | replaceKey {} {}", quoted(old), quoted(new))?;
                    }
                    f.write_str(" }}")?;
                }
            }
        }
        Ok(())
    }
}

/// Text and actions in turn. Where an action asks for it, the white space of the text next to it goes.
fn parts(text: &str) -> Result<Vec<Part>, FormatError> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let Some(open) = rest.find("{{") else {
            parts.push(Part::Text(rest.to_owned()));
            return Ok(parts);
        };
        let (before, action) = (&rest[..open], &rest[open + 2..]);
        let start = text.len() - action.len();
        let trimmed = action.strip_prefix('-').filter(|after| after.starts_with(char::is_whitespace));
        parts.push(Part::Text(if trimmed.is_some() { before.trim_end() } else { before }.to_owned()));
        let (tokens, end) = token::tokens(text, start + usize::from(trimmed.is_some()), open_at(text, start))?;
        parts.push(Part::Key(action::replacements(&tokens)?));
        rest = match end {
            token::End::Plain(at) => &text[at..],
            token::End::Trimming(at) => text[at..].trim_start(),
        };
    }
}

/// The character, counted from 1, at which the action stands whose inside begins at byte `start`.
fn open_at(text: &str, start: usize) -> usize {
    character(text, start - 2)
}

/// The number of the character, counted from 1, that begins at byte `at`.
fn character(text: &str, at: usize) -> usize {
    text[..at].chars().count() + 1
}
