//! Name patterns as Go's `filepath.Match` reads them, so that envconsul's lists mean here what they mean there.
//!
//! `*` stands for any characters but `/`, `?` for one character but `/`, `[a-z]` and `[^a-z]` for one of a class, and a
//! backslash takes the next character as it is. The whole name has to match.

mod parse;
#[cfg(test)]
mod tests;

pub use parse::GlobError;

use serde::{Deserialize, Serialize};

/// A pattern such as `AWS_*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Glob {
    text: String,
    /// What stands before the first star, between stars, and after the last one. Never empty.
    pieces: Vec<Vec<Term>>,
}

/// What one character of a name is held against.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Literal(char),
    AnyButSlash,
    Class { sense: Sense, ranges: Vec<(char, char)> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sense {
    In,
    NotIn,
}

/// How much of a name a pattern spells out: of two patterns that match, the greater one is the more exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exactness {
    // The order of the fields is the order of weight.
    wildcards: Wildcards,
    spelled_at_the_start: usize,
    spelled_in_all: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wildcards {
    Some,
    None,
}

impl TryFrom<String> for Glob {
    type Error = GlobError;

    fn try_from(text: String) -> Result<Self, GlobError> {
        Self::parse(&text)
    }
}

impl From<Glob> for String {
    fn from(glob: Glob) -> Self {
        glob.text
    }
}

impl Exactness {
    /// Whether a pattern of this exactness is a plain name.
    pub fn is_exact(self) -> bool {
        self.wildcards == Wildcards::None
    }
}

impl Glob {
    /// Reads a pattern. Unlike Go, which lets a malformed pattern match nothing, this is an error at once.
    pub fn parse(text: &str) -> Result<Self, GlobError> {
        Ok(Self { text: text.to_owned(), pieces: parse::pieces(text)? })
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole name matches. Takes at most time proportional to name times pattern.
    ///
    /// As in Go each piece is put as far left as it goes and stays there: no backtracking over more than one star.
    pub fn matches(&self, name: &str) -> bool {
        let [first, starred @ ..] = self.pieces.as_slice() else { return false };
        let Some(mut rest) = after(first, name) else { return false };
        let Some((last, between)) = starred.split_last() else { return rest.is_empty() };
        for piece in between {
            match reachable(rest).find_map(|start| after(piece, start)) {
                Some(found) => rest = found,
                None => return false,
            }
        }
        if last.is_empty() {
            return !rest.contains('/');
        }
        reachable(rest).any(|start| after(last, start).is_some_and(str::is_empty))
    }

    /// How exact the pattern is: no wildcard at all, else more characters before the first one, else more in all.
    pub fn exactness(&self) -> Exactness {
        let literal = |term: &&Term| matches!(term, Term::Literal(_));
        let first = self.pieces.first().map_or(&[][..], Vec::as_slice);
        let spelled_in_all = self.pieces.iter().flatten().filter(literal).count();
        let wildcard = self.pieces.len() > 1 || spelled_in_all < first.len();
        Exactness {
            wildcards: if wildcard { Wildcards::Some } else { Wildcards::None },
            spelled_at_the_start: first.iter().take_while(literal).count(),
            spelled_in_all,
        }
    }
}

/// What is left of `name` after the terms, if it begins with them.
fn after<'a>(terms: &[Term], name: &'a str) -> Option<&'a str> {
    let mut rest = name.chars();
    terms.iter().all(|term| rest.next().is_some_and(|character| term.matches(character))).then_some(())?;
    Some(rest.as_str())
}

/// The tails of `name` that a star can reach from its beginning: it does not step over a slash.
fn reachable(name: &str) -> impl Iterator<Item = &str> {
    let slash = name.find('/').unwrap_or(name.len());
    name.char_indices().map(|(at, _)| at).chain([name.len()]).take_while(move |at| *at <= slash).map(|at| &name[at..])
}

impl Term {
    fn matches(&self, character: char) -> bool {
        match self {
            Self::Literal(literal) => *literal == character,
            Self::AnyButSlash => character != '/',
            Self::Class { sense, ranges } => {
                let listed = ranges.iter().any(|(low, high)| (*low..=*high).contains(&character));
                listed == (*sense == Sense::In)
            }
        }
    }
}
