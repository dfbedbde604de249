//! `history.jsonl`: one line an entry, names and fingerprints only. The newest lines are also kept in memory, so that
//! whoever asks for them waits for no disk, and gets them without one.

mod append;
mod keeper;

use std::collections::VecDeque;
use std::sync::Arc;

pub(super) use keeper::Keeper;

use super::directory::{Directory, HISTORY};
use crate::machine::deployment::Validation;
use crate::machine::history::Entry;

/// So many lines are kept in memory ...
const LINES: usize = 1000;
/// ... and so many bytes of them.
const BYTES: usize = 1 << 20;

/// The newest lines of history, oldest first, each one JSON object without its newline. They are numbered from 1.
#[derive(Debug, Default)]
pub struct Recent {
    lines: VecDeque<Arc<str>>,
    bytes: usize,
    last: u64,
}

impl Recent {
    /// The number of the newest line; zero: there is none.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The lines with larger numbers than this, as far as they are still here.
    pub fn after(&self, number: u64) -> impl Iterator<Item = &Arc<str>> {
        let first = self.last - self.lines.len() as u64;
        let known = usize::try_from(number.saturating_sub(first)).unwrap_or(usize::MAX);
        self.lines.iter().skip(known)
    }

    /// What the last deployment was answered, as far as that is still here.
    pub fn validation(&self) -> Option<Validation> {
        let entries = self.lines.iter().rev().map(|line| serde_json::from_str(line).ok());
        entries.flatten().find_map(|entry| Validation::of(&entry))
    }

    pub(super) fn push(&mut self, line: Arc<str>) {
        self.bytes += line.len();
        self.lines.push_back(line);
        self.last += 1;
        while self.lines.len() > LINES || (self.bytes > BYTES && self.lines.len() > 1) {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.len());
        }
    }

    /// What an earlier life has left; lines that are damaged are left out, with one warning.
    pub(super) fn from_disk(directory: &Directory) -> Self {
        let mut recent = Self::default();
        let path = || directory.path().join(HISTORY);
        let found = match directory.read(HISTORY) {
            Ok(found) => found.unwrap_or_default(),
            Err(why) => {
                tracing::warn!("{} is not used: {why}", path().display());
                return recent;
            }
        };
        let mut damaged = 0_usize;
        for line in found.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match (serde_json::from_slice::<Entry>(line), std::str::from_utf8(line)) {
                (Ok(_), Ok(text)) => recent.push(text.into()),
                _ => damaged += 1,
            }
        }
        if damaged > 0 {
            tracing::warn!(damaged, "{} has lines that are damaged; they are left out", path().display());
        }
        recent
    }
}

/// One entry as a line, without its newline.
pub(super) fn line(entry: &Entry) -> Option<Arc<str>> {
    serde_json::to_string(entry).ok().map(Into::into)
}

#[cfg(test)]
mod tests;
