//! The types of values.

use std::fmt;

/// The type of an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Any text.
    Text,
    /// A text that a check evaluates at each probe.
    Anew,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// A whole number of these.
    Count(&'static str),
    /// A number, or a duration.
    Bound,
    /// `"1m30s"`.
    Duration,
    /// `"50%"`.
    Share,
    /// A whole number or a share of these.
    CountOrShare(&'static str),
    /// A path in the file system.
    Path,
    /// An IP address and a port.
    Listening,
    /// A host and a port.
    HostPort,
    /// `http://` or `https://`.
    Url,
    /// The name of a signal.
    Signal,
    /// Permissions, as octal text.
    Mode,
    /// A program and its arguments.
    Command,
    /// Several texts.
    Texts,
    /// Several globs.
    Globs,
    /// Statuses of HTTP, one or several.
    Statuses,
    /// Free names with values.
    Pairs,
    /// Text, a whole number, true or false.
    Scalar,
    /// It is accepted and has no effect.
    Ignored,
}

impl Type {
    /// The value as it is written in a file.
    pub(super) fn written(self, value: &str) -> String {
        let is_call = self == Self::Anew && (value.starts_with("env_of_service(") || value.starts_with("file("));
        if self.is_quoted() && !is_call { format!("\"{value}\"") } else { value.to_owned() }
    }

    /// Whether its values are texts, which the tables have without their quotes.
    fn is_quoted(self) -> bool {
        match self {
            Self::Text
            | Self::Anew
            | Self::OneOf(_)
            | Self::Duration
            | Self::Share
            | Self::Path
            | Self::Listening
            | Self::HostPort
            | Self::Url
            | Self::Signal
            | Self::Mode => true,
            Self::Boolean
            | Self::Count(_)
            | Self::Bound
            | Self::CountOrShare(_)
            | Self::Command
            | Self::Texts
            | Self::Globs
            | Self::Statuses
            | Self::Pairs
            | Self::Scalar
            | Self::Ignored => false,
        }
    }

    /// A value that must be refused.
    #[cfg(test)]
    pub(crate) fn wrong(self) -> &'static str {
        match self {
            Self::Text | Self::Anew | Self::Path | Self::Texts | Self::Globs => "1",
            Self::OneOf(_) | Self::Signal | Self::Listening | Self::HostPort | Self::Url => "\"nothing of it\"",
            Self::Duration | Self::Count(_) | Self::Boolean => "\"soon\"",
            Self::Bound | Self::CountOrShare(_) | Self::Share | Self::Mode => "\"many\"",
            Self::Command => "\"two words\"",
            Self::Statuses => "\"fine\"",
            Self::Pairs => "\"a=b\"",
            Self::Scalar => "[1]",
            Self::Ignored => unreachable!("nothing is wrong for it"),
        }
    }
}

/// In a few words.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneOf(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                return f.write_str(&words.join(", "));
            }
            Self::Count(what) => return write!(f, "number of {what}"),
            Self::CountOrShare(what) => return write!(f, "number of {what}, or a share"),
            Self::Text => "text",
            Self::Anew => "text, env_of_service(\"NAME\") or file(\"PATH\")",
            Self::Boolean => "true or false",
            Self::Bound => "number or duration",
            Self::Duration => "duration",
            Self::Share => "share",
            Self::Path => "path",
            Self::Listening => "IP address and port",
            Self::HostPort => "host and port",
            Self::Url => "URL",
            Self::Signal => "signal",
            Self::Mode => "permissions",
            Self::Command => "list of words",
            Self::Texts => "list of texts",
            Self::Globs => "list of globs",
            Self::Statuses => "statuses",
            Self::Pairs => "names with texts",
            Self::Scalar => "text, whole number, true or false",
            Self::Ignored => "anything",
        })
    }
}
