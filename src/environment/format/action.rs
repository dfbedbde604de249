//! Parses the tokens of one action into what it does with the name.

use super::token::{Placed, Token};
use super::{FormatError, Replacement};

/// A pipeline: `key` or `replaceKey "old" "new" key`, then any number of `| replaceKey "old" "new"`.
pub(super) fn replacements(tokens: &[Placed]) -> Result<Vec<Replacement>, FormatError> {
    let mut replacements = Vec::new();
    let mut rest = tokens;
    if let Some(after) = eat(rest, "replaceKey") {
        let replacement;
        (replacement, rest) = strings(after)?;
        replacements.push(replacement);
    }
    rest = eat(rest, "key").ok_or_else(|| not_understood(rest))?;
    while let [(Token::Bar, _), after @ ..] = rest {
        let after = eat(after, "replaceKey").ok_or_else(|| not_understood(after))?;
        let replacement;
        (replacement, rest) = strings(after)?;
        replacements.push(replacement);
    }
    // The end of the action is the last token.
    if rest.len() == 1 { Ok(replacements) } else { Err(not_understood(rest)) }
}

fn eat<'a>(tokens: &'a [Placed], wanted: &str) -> Option<&'a [Placed]> {
    match tokens {
        [(Token::Word(word), _), rest @ ..] if word == wanted => Some(rest),
        _ => None,
    }
}

fn strings(tokens: &[Placed]) -> Result<(Replacement, &[Placed]), FormatError> {
    match tokens {
        [(Token::Text(old), _), (Token::Text(new), _), rest @ ..] => {
            Ok((Replacement { old: old.clone(), new: new.clone() }, rest))
        }
        [(Token::Text(_), _), rest @ ..] => Err(not_understood(rest)),
        _ => Err(not_understood(tokens)),
    }
}

fn not_understood(tokens: &[Placed]) -> FormatError {
    let (found, at) = match tokens {
        [(Token::Word(word), at), ..] => (format!("`{word}`"), *at),
        [(Token::Text(_), at), ..] => ("the string".to_owned(), *at),
        [(Token::Bar, at), ..] => ("`|`".to_owned(), *at),
        [] => ("the end".to_owned(), 0),
    };
    FormatError::NotUnderstood { found, at }
}
