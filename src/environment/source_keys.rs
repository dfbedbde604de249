//! What each source gave: the names of its keys, as the source has them. A later wish is held against it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Entry;

/// The names of one source's keys, in byte order, each once.
pub type Keys = Arc<[Box<str>]>;

/// For every source that an environment was composed of, by its name on the board, the keys that it gave. Names only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceKeys(BTreeMap<Arc<str>, Keys>);

impl SourceKeys {
    /// Whether nothing is known of any source: what an older lictor kept has no record.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sources by name, with their keys.
    pub fn sources(&self) -> impl Iterator<Item = (&Arc<str>, &Keys)> {
        self.0.iter()
    }

    /// What this source gave; `None`: it was not asked, or had not answered.
    pub fn of(&self, source: &str) -> Option<&Keys> {
        self.0.get(source)
    }

    /// Notes that a source gave these keys. Two blocks with one name count as one source.
    pub fn add(&mut self, source: &Arc<str>, keys: impl IntoIterator<Item = Box<str>>) {
        let before = self.0.get(source);
        let mut all: Vec<Box<str>> = before.into_iter().flat_map(|keys| keys.iter().cloned()).chain(keys).collect();
        all.sort_unstable();
        all.dedup();
        self.0.insert(Arc::clone(source), all.into());
    }

    pub(super) fn add_entries(&mut self, source: &Arc<str>, entries: &[Entry]) {
        self.add(source, entries.iter().map(|entry| entry.key.as_str().into()));
    }
}

/// The keys that only `before` has. Both are in byte order.
pub fn missing<'a>(before: &'a [Box<str>], now: &[Box<str>]) -> Vec<&'a str> {
    let mut now = now.iter().peekable();
    before
        .iter()
        .filter(|key| {
            while now.next_if(|other| other < key).is_some() {}
            now.peek() != Some(key)
        })
        .map(AsRef::as_ref)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{SourceKeys, missing};

    fn keys(names: &[&str]) -> Vec<Box<str>> {
        names.iter().map(|name| (*name).into()).collect()
    }

    #[test]
    fn what_is_missing_is_found_wherever_it_lay() {
        for (before, now, gone) in [
            (&["a", "b", "c"][..], &["a", "b", "c"][..], &[][..]),
            (&["a", "b", "c"], &[], &["a", "b", "c"]),
            (&[], &["a"], &[]),
            (&["a", "b", "c"], &["0", "b", "z"], &["a", "c"]),
            (&["B", "a/x", "b"], &["a", "a/x"], &["B", "b"]),
        ] {
            assert_eq!(missing(&keys(before), &keys(now)), gone, "{before:?} {now:?}");
        }
    }

    #[test]
    fn two_blocks_of_one_name_are_one_source() {
        let (mut source_keys, name) = (SourceKeys::default(), Arc::from("consul a/"));
        source_keys.add(&name, keys(&["y", "x"]));
        source_keys.add(&name, keys(&["x", "z"]));
        assert_eq!(source_keys.of("consul a/").map(|keys| &**keys), Some(&*keys(&["x", "y", "z"])));
        assert_eq!(source_keys.of("consul b/"), None);
    }
}
