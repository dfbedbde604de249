//! Parses the text of a pattern into its pieces.

use std::iter::Peekable;
use std::str::Chars;

use super::{Sense, Term};

/// Longer patterns are refused; no variable's name is near that long.
const MAX_CHARACTERS: usize = 1024;

/// The pattern cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// `[` without an end, or with an empty class, as in `[]` and `[a-]`.
    #[error(
        "a class is written `[a-z]` or `[^a-z]`, with `]` at its end and a backslash before a `-` or `]` that is meant"
    )]
    Class,
    /// A backslash at the end.
    #[error("the backslash at the end escapes nothing: write two for a backslash")]
    Escape,
    /// More than 1024 characters.
    #[error("the pattern has more than {MAX_CHARACTERS} characters")]
    TooLong,
}

/// The terms between the stars; neighbouring stars are one.
pub(super) fn pieces(text: &str) -> Result<Vec<Vec<Term>>, GlobError> {
    if text.chars().count() > MAX_CHARACTERS {
        return Err(GlobError::TooLong);
    }
    let mut rest = text.chars().peekable();
    let mut done = Vec::new();
    let mut piece = Vec::new();
    while let Some(character) = rest.next() {
        match character {
            '*' => {
                done.push(std::mem::take(&mut piece));
                while rest.next_if_eq(&'*').is_some() {}
            }
            '?' => piece.push(Term::AnyButSlash),
            '[' => piece.push(class(&mut rest)?),
            '\\' => piece.push(Term::Literal(rest.next().ok_or(GlobError::Escape)?)),
            literal => piece.push(Term::Literal(literal)),
        }
    }
    done.push(piece);
    Ok(done)
}

fn class(rest: &mut Peekable<Chars<'_>>) -> Result<Term, GlobError> {
    let sense = if rest.next_if_eq(&'^').is_some() { Sense::NotIn } else { Sense::In };
    let mut ranges = Vec::new();
    while ranges.is_empty() || rest.next_if_eq(&']').is_none() {
        let low = member(rest)?;
        let high = if rest.next_if_eq(&'-').is_some() { member(rest)? } else { low };
        ranges.push((low, high));
    }
    Ok(Term::Class { sense, ranges })
}

fn member(rest: &mut Peekable<Chars<'_>>) -> Result<char, GlobError> {
    match rest.next() {
        None | Some('-' | ']') => Err(GlobError::Class),
        Some('\\') => rest.next().ok_or(GlobError::Class),
        Some(character) => Ok(character),
    }
}
