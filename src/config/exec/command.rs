//! A command: a list of words, never joined or split.

use std::path::PathBuf;

use crate::config::report::Finding;
use crate::config::tree::{Node, Value};
use crate::config::value;

/// The words of a command. A list is taken as it is; one text is one word, and is not split.
pub(crate) fn words(node: &Node) -> Result<Vec<String>, Finding> {
    let words = match &node.value {
        Value::List(nodes) => nodes.iter().map(value::text).collect::<Result<Vec<_>, _>>()?,
        Value::Text(text) if text.trim().contains(char::is_whitespace) => {
            let sentence = "a command is not split into words: write a list, as in [\"/path/to/program\", \"-flag\"], \
                            or name a shell, as in [\"sh\", \"-c\", \"...\"]";
            return Err(node.wrong(sentence));
        }
        Value::Text(_) => vec![value::text(node)?],
        _ => return Err(node.unlike("a list of words, as in [\"/path/to/program\", \"-flag\"]")),
    };
    match words.first() {
        Some(program) if !program.trim().is_empty() => Ok(words),
        _ => Err(node.wrong("names no program")),
    }
}

/// The program and its arguments.
pub(crate) fn program(words: Vec<String>) -> (PathBuf, Vec<String>) {
    let mut words = words.into_iter();
    (words.next().unwrap_or_default().into(), words.collect())
}
