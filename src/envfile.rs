//! The grammar of systemd's `EnvironmentFile=`: a reader that agrees with systemd 252 (in comments with 254), and a
//! writer that systemd and a POSIX shell read alike. Values are never expanded. No file is opened here.

mod read;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
mod write;

use crate::secret::Secret;

pub use read::parse;
pub use write::write;

/// Longer files are neither read nor written: 1 MiB.
pub const MAX_BYTES: usize = 1 << 20;

/// A line that was ignored, as systemd ignores it. The message does not repeat the line, which may be the
/// middle of a secret that somebody forgot to quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub trouble: Trouble,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Text without a name and `=`.
    NoAssignment,
    /// `export A=1`, `1A=`, `A-B=`.
    Name,
    /// A quote without its end: the rest of the file became part of the value.
    OpenQuote,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let trouble = match self.trouble {
            Trouble::NoAssignment => "is ignored: it is not of the form NAME=value",
            Trouble::Name => {
                "is ignored: what stands before the `=` is not a name of letters, digits and `_` (nor is `export` one)"
            }
            Trouble::OpenQuote => "opens a quote that is never closed, so all that follows is part of the value",
        };
        write!(f, "line {} {trouble}", self.line)
    }
}

/// Why a file cannot be read at all, or why an environment cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Over [`MAX_BYTES`].
    #[error("the file has {0} bytes, more than the {MAX_BYTES} that are allowed")]
    TooLong(usize),
    /// systemd refuses such a file as a whole.
    #[error("line {0} has a NUL byte: an environment file is text")]
    Nul(usize),
    /// systemd also refuses such a file as a whole.
    #[error("line {0} is not UTF-8: an environment file is text")]
    NotUtf8(usize),
    /// The grammar has no form for these variables.
    #[error("an environment file cannot hold {}: a name there is of letters, digits and `_`, and a value is UTF-8 without NUL", .0.join(", "))]
    Unwritable(Vec<String>),
}

/// The entries of a file, and what was left out.
pub type Parsed = (Vec<(String, Secret)>, Vec<Warning>);

/// Letters, digits and `_`, not beginning with a digit.
fn is_name(name: &[u8]) -> bool {
    name.first().is_some_and(|first| !first.is_ascii_digit())
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}
