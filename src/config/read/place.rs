//! Where something was written: a position in a file, a flag, or lictor's own environment.

use std::fmt;
use std::sync::Arc;

/// Where something was written. The order is that of reading: the files in their order, then flags, then what has no
/// place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A position in a file.
    File(Position),
    /// A flag, as in `--prefix`, or `the command line` for the words after `--`.
    Flag(&'static str),
    /// lictor's own environment.
    Environment,
    /// No place, because something is missing as a whole.
    Nowhere,
}

/// A position in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Which of the files that were read, in the order of reading.
    pub order: usize,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The file, as a person would name it.
    pub file: Arc<str>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(position) => write!(f, "{}:{}:{}", position.file, position.line, position.column),
            Self::Flag(flag) => f.write_str(flag),
            Self::Environment => f.write_str("the environment"),
            Self::Nowhere => f.write_str("the configuration"),
        }
    }
}

/// One file that is being read, and where its lines begin.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    order: usize,
    file: Arc<str>,
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Page<'a> {
    /// The `order`-th file that is read.
    pub(crate) fn new(order: usize, file: Arc<str>, text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { order, file, text, starts }
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The place at this many bytes from the beginning.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        self.at(line, self.text[start..offset].chars().count() + 1)
    }

    /// The place at this line and column, both from 1.
    pub(crate) fn at(&self, line: usize, column: usize) -> Place {
        Place::File(Position { order: self.order, line, column, file: Arc::clone(&self.file) })
    }

    /// How many characters of white space a line begins with.
    pub(crate) fn indent(&self, line: usize) -> usize {
        self.line(line).chars().take_while(|c| c.is_whitespace()).count()
    }

    /// A line's text; empty if there is no such line.
    pub(crate) fn line(&self, line: usize) -> &'a str {
        self.text.lines().nth(line.saturating_sub(1)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn columns_count_characters_from_one() {
        let page = Page::new(0, "a.hcl".into(), "x = 1\nnäme = 2\n");
        assert_eq!(page.place(0).to_string(), "a.hcl:1:1");
        assert_eq!(page.place(6).to_string(), "a.hcl:2:1");
        assert_eq!(page.place("x = 1\nnäme ".len()).to_string(), "a.hcl:2:6");
        assert_eq!(page.place(10_000).to_string(), "a.hcl:3:1");
    }
}
