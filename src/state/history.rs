//! `history.jsonl`: one line for each entry, with names and fingerprints only. The newest lines are also kept in memory, so that
//! readers never wait for a disk, and get them even without one.

mod append;
mod keeper;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(super) use keeper::Keeper;

use super::directory::{Directory, HISTORY};
use super::writer;
use crate::environment::{Fingerprint, FingerprintKey};
use crate::machine::deployment::Validation;
use crate::machine::history::Entry;

/// The most lines that are kept in memory ...
const LINES: usize = 1000;
/// ... and the most bytes of them.
const BYTES: usize = 1 << 20;

/// The newest lines of history, oldest first, each one JSON object without its newline. They are numbered from 1.
#[derive(Debug, Default)]
pub struct Recent {
    lines: VecDeque<Arc<str>>,
    bytes: usize,
    last: u64,
}

impl Recent {
    /// The number of the newest line; zero if there is none.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The lines with larger numbers than this that are still in memory.
    pub fn after(&self, number: u64) -> impl Iterator<Item = &Arc<str>> {
        let first = self.last - self.lines.len() as u64;
        let known = usize::try_from(number.saturating_sub(first)).unwrap_or(usize::MAX);
        self.lines.iter().skip(known)
    }

    /// The answer to the last deployment, if it is still in memory.
    pub fn validation(&self) -> Option<Validation> {
        let entries = self.lines.iter().rev().map(|line| serde_json::from_str(line).ok());
        entries.flatten().find_map(|entry: Entry| entry.validation())
    }

    pub(super) fn push(&mut self, line: Arc<str>) {
        self.bytes += line.len();
        self.lines.push_back(line);
        self.last += 1;
        while self.lines.len() > LINES || (self.bytes > BYTES && self.lines.len() > 1) {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.len());
        }
    }

    /// Reads the lines of earlier lictors. Damaged lines are left out, with one warning. In lines of lictor 0.1.0 the fingerprints,
    /// which were plain digests, are replaced by those made with this key, on disk too.
    pub(super) fn from_disk(directory: &Directory, key: &FingerprintKey) -> Self {
        let mut recent = Self::default();
        let path = || directory.path().join(HISTORY);
        let found = match directory.read(HISTORY) {
            Ok(found) => found.unwrap_or_default(),
            Err(why) => {
                tracing::warn!("{} is not used: {why}", path().display());
                return recent;
            }
        };
        let (mut damaged, mut unkeyed, mut rewritten) = (0_usize, false, Vec::new());
        for line in found.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let known: Option<Arc<str>> = match (serde_json::from_slice(line), std::str::from_utf8(line)) {
                (Ok(Line { key: Some(_), .. }), Ok(text)) => Some(text.into()),
                (Ok(Line { entry, key: None }), Ok(_)) => {
                    unkeyed = true;
                    self::line(&with_key(entry.into_owned(), key), key)
                }
                _ => None,
            };
            let Some(known) = known else {
                damaged += 1;
                continue;
            };
            rewritten.extend_from_slice(known.as_bytes());
            rewritten.push(b'\n');
            recent.push(known);
        }
        if unkeyed && let Err(error) = directory.replace(HISTORY, &rewritten) {
            tracing::warn!("{}", writer::cannot_write(&path(), &error));
        }
        if damaged > 0 {
            tracing::warn!(damaged, "{} has lines that are damaged; they are left out", path().display());
        }
        recent
    }
}

/// One line of the file.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    #[serde(flatten)]
    entry: Cow<'a, Entry>,
    /// The ID of the key that its fingerprints are made with; lictor 0.1.0 had none.
    #[serde(rename = "fingerprint_key", default, skip_serializing_if = "Option::is_none")]
    key: Option<Fingerprint>,
}

/// One entry as a line without its newline, with fingerprints by this key.
pub(super) fn line(entry: &Entry, key: &FingerprintKey) -> Option<Arc<str>> {
    serde_json::to_string(&Line { entry: Cow::Borrowed(entry), key: Some(key.id()) }).ok().map(Into::into)
}

/// Converts an entry of lictor 0.1.0, whose sentence may have fingerprints in it too.
fn with_key(entry: Entry, key: &FingerprintKey) -> Entry {
    let is_end = |character: char| character.is_whitespace() || ",;)".contains(character);
    let words = entry.why.split_inclusive(is_end).map(|piece| {
        let word = piece.trim_end_matches(is_end);
        match word.parse().ok().map(|unkeyed| key.of_unkeyed(unkeyed)) {
            Some(keyed) => Cow::Owned(format!("{keyed}{}", &piece[word.len()..])),
            None => Cow::Borrowed(piece),
        }
    });
    let why = words.collect();
    Entry { environment: entry.environment.map(|unkeyed| key.of_unkeyed(unkeyed)), why, ..entry }
}

#[cfg(test)]
mod tests;
