//! Merges several files to one: single blocks merge by attribute, where the later file wins; repeated blocks add up.

use super::place::Place;
use super::report::Report;
use super::tree::{Entry, Object, Value};

/// Top-level words that may occur more than once; in a directory of files they add up.
pub(crate) const REPEATED: &[&str] = &["prefix", "file", "directory", "key", "check", "listen", "secret", "service"];

/// Blocks inside blocks that may occur more than once.
const REPEATED_INSIDE: &[&str] = &["key"];

/// Objects that count as one value: a later one replaces an earlier one as a whole.
const VALUES: &[&str] = &["tags"];

/// Reports words that occur twice in one file although only one counts.
pub(crate) fn refuse_twins(object: &Object, report: &mut Report) {
    twins(object, REPEATED, report);
}

fn twins(object: &Object, repeated: &[&str], report: &mut Report) {
    for (at, entry) in object.entries.iter().enumerate() {
        let first = object.entries[..at].iter().find(|earlier| earlier.word == entry.word);
        if let Some(first) = first.filter(|_| !repeated.contains(&entry.word.as_str())) {
            let (word, line) = (&entry.word, line(&first.place));
            report.error(&entry.place, format!("`{word}` is given twice, here and on line {line}: write it once"));
        }
        inner(&entry.node.value, report);
    }
}

fn inner(value: &Value, report: &mut Report) {
    match value {
        Value::Object(object) => twins(object, REPEATED_INSIDE, report),
        Value::List(nodes) => nodes.iter().for_each(|node| inner(&node.value, report)),
        _ => {}
    }
}

fn line(place: &Place) -> String {
    match place {
        Place::File(position) => position.line.to_string(),
        other => other.to_string(),
    }
}

/// Merges a later file (or the flags) over the earlier ones.
pub(crate) fn merge(into: &mut Object, later: Object) {
    merge_words(into, later, REPEATED);
}

fn merge_words(into: &mut Object, later: Object, repeated: &[&str]) {
    for entry in later.entries {
        let known = into.entries.iter_mut().find(|known| known.word == entry.word);
        match known.filter(|_| !repeated.contains(&entry.word.as_str())) {
            Some(known) => replace(known, entry),
            None => into.entries.push(entry),
        }
    }
}

fn replace(known: &mut Entry, later: Entry) {
    if VALUES.contains(&later.word.as_str()) {
        *known = later;
        return;
    }
    match (&mut known.node.value, later) {
        (Value::Object(old), Entry { node, .. }) if matches!(node.value, Value::Object(_)) => {
            if let Value::Object(new) = node.value {
                merge_words(old, new, &[]);
            }
        }
        (_, later) => *known = later,
    }
}
