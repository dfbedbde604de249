//! `pattern`: a regular expression for the whole value. Matching takes time in proportion to the value.

use regex_lite::{Regex, RegexBuilder};

/// The largest size of a compiled expression, in bytes.
const LARGEST: usize = 1 << 20;

/// An expression that compiles.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    whole: Regex,
}

/// Why an expression does not compile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a regular expression: {0}")]
pub struct PatternError(String);

impl Pattern {
    /// Compiles an expression.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let compile = |text: &str| RegexBuilder::new(text).size_limit(LARGEST).build();
        let wrong = |error: regex_lite::Error| PatternError(error.to_string());
        // On its own first: `a)|(b` would otherwise become one with what is put around it.
        compile(text).map_err(wrong)?;
        let whole = compile(&format!("^(?:{text})$")).map_err(wrong)?;
        Ok(Self { text: text.to_owned(), whole })
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole value matches.
    pub(super) fn matches(&self, value: &str) -> bool {
        self.whole.is_match(value)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
