//! PostgreSQL's keywords: `host=db port=5432 user=app password='a b'`, as libpq, lib/pq and pgx read them.

use std::iter::Peekable;
use std::str::Chars;

use super::Target;

/// Reads words with values.
pub(super) fn parse(text: &str) -> Result<Target, String> {
    let mut target = Target::default();
    let mut rest = text.chars().peekable();
    loop {
        skip_space(&mut rest);
        if rest.peek().is_none() {
            return Ok(target);
        }
        let mut word = String::new();
        while let Some(c) = rest.next_if(|c| *c != '=' && !c.is_whitespace()) {
            word.push(c);
        }
        skip_space(&mut rest);
        rest.next_if_eq(&'=').ok_or("it is neither a URL nor words with values, as in host=db user=app")?;
        skip_space(&mut rest);
        target.set(&word, &value(&mut rest)?)?;
    }
}

fn skip_space(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| c.is_whitespace()).is_some() {}
}

/// A value, perhaps in single quotes; a backslash takes the next character as it is.
fn value(rest: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let quoted = rest.next_if_eq(&'\'').is_some();
    let mut value = String::new();
    loop {
        match rest.peek() {
            None if quoted => return Err("a quote in it is not closed".to_owned()),
            None => return Ok(value),
            Some('\'') if quoted => {
                rest.next();
                return Ok(value);
            }
            Some(c) if !quoted && c.is_whitespace() => return Ok(value),
            Some('\\') => {
                rest.next();
                value.extend(rest.next());
            }
            Some(_) => value.extend(rest.next()),
        }
    }
}
