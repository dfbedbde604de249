//! `commit_key`: edits count only once the key is written after them. Pure.
//!
//! Consul numbers its writes, so the set is sealed if no write in the folder is newer than that of the key (all writes of a
//! transaction have one number). A deletion shows only in the index of the answer, and only until Consul forgets it; so a change that
//! was seen after a seal is remembered here.

use crate::consul::kv::{List, Pair};

/// When the keys of a folder were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// The commit key itself.
    commit: Option<u64>,
    /// The last write or deletion, the commit key included.
    newest: u64,
}

impl Stamp {
    pub(super) fn of(list: &List, key: &str) -> Self {
        let commit = list.pairs.iter().find(|pair| pair.key == key).map(|pair| pair.modify_index);
        let written = list.pairs.iter().map(|pair: &Pair| pair.modify_index).max();
        Self { commit, newest: list.index.max(written.unwrap_or(0)) }
    }
}

/// Whether the list counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is sealed, and counts from now on.
    Sealed,
    /// The set that counted last still does; nothing waits.
    Known,
    /// It waits for the key to be written, for this reason.
    Open(&'static str),
}

/// What is known about the seals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seal {
    /// The write of the key with which a set was counted last.
    counted: Option<u64>,
    /// A write of the key after which something was changed.
    broken: Option<u64>,
}

impl Seal {
    pub(super) fn judge(&mut self, stamp: Stamp) -> Standing {
        let Some(commit) = stamp.commit else { return Standing::Open("it is not there") };
        if stamp.newest > commit {
            self.broken = Some(commit);
        }
        if self.broken == Some(commit) {
            return Standing::Open("keys were written or deleted after it");
        }
        if self.counted == Some(commit) {
            return Standing::Known;
        }
        *self = Self { counted: Some(commit), broken: None };
        Standing::Sealed
    }
}

#[cfg(test)]
mod tests {
    use super::{Seal, Stamp, Standing};

    fn stamp(commit: impl Into<Option<u64>>, newest: u64) -> Stamp {
        Stamp { commit: commit.into(), newest }
    }

    const CHANGED: Standing = Standing::Open("keys were written or deleted after it");

    #[test]
    fn a_set_counts_once_its_key_is_written_after_it() {
        let mut seal = Seal::default();
        assert_eq!(seal.judge(stamp(None, 7)), Standing::Open("it is not there"));
        assert_eq!(seal.judge(stamp(8, 8)), Standing::Sealed);
        assert_eq!(seal.judge(stamp(8, 8)), Standing::Known);
        assert_eq!(seal.judge(stamp(8, 11)), CHANGED);
        assert_eq!(seal.judge(stamp(12, 12)), Standing::Sealed);
        assert_eq!(seal.judge(stamp(None, 13)), Standing::Open("it is not there"));
        // Another Consul, whose numbers begin anew.
        assert_eq!(seal.judge(stamp(3, 3)), Standing::Sealed);
    }

    #[test]
    fn a_deletion_that_consul_has_forgotten_is_not_sealed() {
        for first in [Some(8), None] {
            let mut seal = Seal::default();
            if let Some(commit) = first {
                assert_eq!(seal.judge(stamp(commit, 8)), Standing::Sealed);
            }
            assert_eq!(seal.judge(stamp(8, 9)), CHANGED);
            assert_eq!(seal.judge(stamp(8, 8)), CHANGED, "the tombstone is gone, the deletion is not");
            assert_eq!(seal.judge(stamp(10, 10)), Standing::Sealed);
        }
    }
}
