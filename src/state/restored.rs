//! What earlier lictors have kept, with warnings about what is not used of it.

use std::time::Duration;

use super::directory::{self, Directory};
use super::identity::StateIdentity;
use super::stored;
use crate::environment::FingerprintKey;
use crate::machine::GenerationId;
use crate::machine::hold::{GuardRecord, Hold};
use crate::machine::ledger::{GOOD_KEPT, Good, QUARANTINE_KEPT, Quarantined};

/// What was found on disk and can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The good environments, newest first.
    pub good: Vec<Good>,
    /// The pairs in quarantine; empty if there is no good environment, because then nothing else could run.
    pub quarantine: Vec<Quarantined>,
    /// The operator's hold.
    pub hold: Option<Hold>,
    /// The guard's hold.
    pub guarded: GuardRecord,
    /// The next generation number: larger than that of every known generation.
    pub next_generation: GenerationId,
    /// A sentence for everything that was found and is not used.
    pub warnings: Vec<String>,
}

impl Default for Restored {
    /// Nothing was found.
    fn default() -> Self {
        Self {
            good: Vec::new(),
            quarantine: Vec::new(),
            hold: None,
            guarded: GuardRecord::default(),
            next_generation: GenerationId::default().next(),
            warnings: Vec::new(),
        }
    }
}

impl Restored {
    pub(super) fn from_disk(directory: &Directory, identity: &StateIdentity, key: &FingerprintKey) -> Self {
        let mut restored = Self::default();
        for good in restored.file(directory, directory::GOOD, |bytes| stored::decode_good(identity, key, bytes)) {
            match good {
                Ok(good) => restored.good.push(good),
                Err(why) => restored.not_used(directory, directory::GOOD, &why),
            }
        }
        restored.good.truncate(GOOD_KEPT);
        restored.quarantine =
            restored.file(directory, directory::QUARANTINE, |bytes| stored::decode_quarantine(identity, key, bytes));
        restored.quarantine.truncate(QUARANTINE_KEPT);
        let holds = |bytes: &[u8]| stored::decode_hold(identity, key, bytes).map(|holds| vec![holds]);
        (restored.hold, restored.guarded) = restored.file(directory, directory::HOLD, holds).pop().unwrap_or_default();
        if let Some(last) = restored.good.iter().map(|good| good.generation).max() {
            restored.next_generation = last.next();
        }
        restored.without_lone_quarantine()
    }

    /// Drops the good environments that became good longer ago than this (`state.max_age`), with a warning if none is left.
    #[must_use]
    pub fn without_older_than(mut self, max_age: Duration, now_unix_ms: u64) -> Self {
        let found = self.good.len();
        let age = |good: &Good| Duration::from_millis(now_unix_ms.saturating_sub(good.at_unix_ms));
        self.good.retain(|good| age(good) <= max_age);
        if found > 0 && self.good.is_empty() {
            self.warnings.push(format!(
                "the good environments that were kept are older than {} (state.max_age) and are not used",
                humantime::format_duration(max_age)
            ));
        }
        self.without_lone_quarantine()
    }

    fn without_lone_quarantine(mut self) -> Self {
        if self.good.is_empty() {
            self.quarantine.clear();
        }
        self
    }

    fn file<T>(
        &mut self,
        directory: &Directory,
        name: &str,
        decode: impl FnOnce(&[u8]) -> Result<Vec<T>, String>,
    ) -> Vec<T> {
        match directory.read(name).and_then(|found| found.map(|bytes| decode(&bytes)).transpose()) {
            Ok(found) => found.unwrap_or_default(),
            Err(why) => {
                self.not_used(directory, name, &why);
                Vec::new()
            }
        }
    }

    fn not_used(&mut self, directory: &Directory, name: &str, why: &str) {
        self.warnings.push(format!("{} is not used: {why}", directory.path().join(name).display()));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Restored;
    use crate::state::tests::{good, quarantined};

    #[test]
    fn what_is_too_old_is_left_out() {
        let mut old = good(&[("A", b"old")], 1);
        old.at_unix_ms = 1_000;
        let mut new = good(&[("A", b"new")], 2);
        new.at_unix_ms = 5_000;
        let found =
            Restored { good: vec![new.clone(), old], quarantine: vec![quarantined("x")], ..Restored::default() };
        let kept = found.clone().without_older_than(Duration::from_secs(5), 10_000);
        assert_eq!((&kept.good, kept.quarantine.len(), kept.warnings.len()), (&vec![new], 1, 0));
        let kept = found.without_older_than(Duration::from_secs(4), 10_000);
        assert_eq!((kept.good.len(), kept.quarantine.len(), kept.warnings.len()), (0, 0, 1));
    }
}
