//! Typed values: one small function for each type. No message repeats a value, because it may be a secret.

use std::path::PathBuf;
use std::time::Duration;

use super::duration;
use super::report::Finding;
use super::tree::{Node, Object, Value};
use crate::check::Text;

/// Text without a NUL character, which no argument, path or variable can contain.
pub(crate) fn text(node: &Node) -> Result<String, Finding> {
    match &node.value {
        Value::Text(text) if text.contains('\0') => Err(node.wrong("text must not hold a NUL")),
        Value::Text(text) => Ok(text.clone()),
        Value::Integer(_) | Value::Float(_) => Err(node.unlike("text, in quotes")),
        _ => Err(node.unlike("text")),
    }
}

/// Text that a check evaluates at each probe: literal text, `env_of_service("NAME")` or `file("PATH")`. JSON has no
/// functions: there it is `{"env_of_service": "NAME"}` or `{"file": "PATH"}`. Literal text must be accepted by `parse`.
pub(crate) fn anew<E: ToString>(
    parse: impl FnOnce(&str) -> Result<(), E>,
) -> impl FnOnce(&Node) -> Result<Text, Finding> {
    move |node| match &node.value {
        Value::OfService(name) => Ok(Text::OfService(name.clone())),
        Value::InFile(path) => Ok(Text::InFile(path.into())),
        Value::Object(Object { entries }) => match entries.as_slice() {
            [entry] if entry.word == "env_of_service" => some_text(&entry.node).map(Text::OfService),
            [entry] if entry.word == "file" => some_text(&entry.node).map(|path| Text::InFile(path.into())),
            _ => Err(node.unlike("text, or {\"env_of_service\": \"NAME\"} or {\"file\": \"/path\"}")),
        },
        _ => {
            let text = some_text(node)?;
            parse(&text).map_err(|why| node.wrong(why.to_string()))?;
            Ok(Text::Written(text.into()))
        }
    }
}

/// Text that is not empty.
pub(crate) fn some_text(node: &Node) -> Result<String, Finding> {
    text(node).and_then(|text| if text.is_empty() { Err(node.wrong("must not be empty")) } else { Ok(text) })
}

/// `None` for empty text, which in envconsul means "not set".
pub(crate) fn maybe_text(node: &Node) -> Result<Option<String>, Finding> {
    text(node).map(|text| Some(text).filter(|text| !text.is_empty()))
}

/// Text that `parse` accepts; its error must not repeat the text.
pub(crate) fn parsed<T, E: ToString>(
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> impl FnOnce(&Node) -> Result<T, Finding> {
    move |node| parse(&text(node)?).map_err(|why| node.wrong(why.to_string()))
}

/// A path in the file system.
pub(crate) fn path(node: &Node) -> Result<PathBuf, Finding> {
    some_text(node).map(PathBuf::from)
}

/// `true` or `false`.
pub(crate) fn boolean(node: &Node) -> Result<bool, Finding> {
    match node.value {
        Value::Bool(value) => Ok(value),
        _ => Err(node.unlike("true or false, without quotes")),
    }
}

/// A number of things, from `min` to a million.
pub(crate) fn count(min: u32) -> impl FnOnce(&Node) -> Result<u32, Finding> {
    const MAX: u32 = 1_000_000;
    move |node| match node.value {
        Value::Integer(number) => u32::try_from(number)
            .ok()
            .filter(|number| (min..=MAX).contains(number))
            .ok_or_else(|| node.wrong(format!("expected a whole number from {min} to {MAX}"))),
        _ => Err(node.unlike("a whole number")),
    }
}

/// A duration such as `"1m30s"`.
pub(crate) fn duration(node: &Node) -> Result<Duration, Finding> {
    match &node.value {
        Value::Integer(_) | Value::Float(_) => Err(node.wrong(duration::NO_UNIT)),
        _ => parsed(duration::parse)(node),
    }
}

/// A duration that is at least this long.
pub(crate) fn duration_from(min: Duration) -> impl FnOnce(&Node) -> Result<Duration, Finding> {
    move |node| {
        let value = duration(node)?;
        if value < min {
            return Err(node.wrong(format!("must be at least {}", humantime::format_duration(min))));
        }
        Ok(value)
    }
}

/// A list of texts. One text counts as a list of one; envconsul would split it at commas, lictor does not.
pub(crate) fn texts(node: &Node) -> Result<Vec<String>, Finding> {
    match &node.value {
        Value::List(nodes) => nodes.iter().map(text).collect(),
        Value::Text(one) if one.contains(',') => {
            Err(node.wrong("text is not split at commas: write a list, as in [\"A\", \"B\"]"))
        }
        Value::Text(_) => text(node).map(|text| vec![text]),
        _ => Err(node.unlike("a list of texts")),
    }
}

/// One of a few words, each with its meaning.
pub(crate) fn one_of<T: Copy>(words: &[(&'static str, T)]) -> impl FnOnce(&Node) -> Result<T, Finding> {
    move |node| {
        let given = text(node)?;
        words.iter().find(|(word, _)| *word == given).map(|(_, meaning)| *meaning).ok_or_else(|| {
            let words: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            node.wrong(format!("expected {}", words.join(" or ")))
        })
    }
}
