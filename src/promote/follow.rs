//! Follows a promotion at the target's fleet.

use std::collections::BTreeMap;

use crate::fleet::operator::Picture;
use crate::fleet::{FolderShown, InstanceRecord, Key};
use crate::secret::Secret;

/// The state of the promotion there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is good on every live instance.
    Good {
        /// How many there are.
        instances: usize,
    },
    /// It was halted, or taken back.
    Failed {
        /// By whom and why.
        why: String,
    },
    /// Some instances have no verdict yet.
    UnderWay {
        /// On how many it is good.
        good: usize,
        /// How many there are.
        instances: usize,
    },
}

/// The state of the target's fleet when the set was written.
#[derive(Clone, Debug)]
pub struct Start<'a> {
    /// The folder that it was written to.
    pub folder: &'a str,
    /// The set.
    pub set: &'a BTreeMap<String, Secret>,
    /// The fleet as it was before.
    pub before: &'a Picture,
}

impl Start<'_> {
    /// Compares the fleet with its earlier state.
    pub fn progress(&self, now: &Picture, key: Option<&Key>) -> Progress {
        if let Some(halt) = now.halts.iter().find(|halt| !self.before.halts.contains(halt)) {
            return Progress::Failed { why: format!("halted: taken back by {}: {}", halt.by, halt.reason) };
        }
        let of_it = |record: &&InstanceRecord| self.read(record).is_some();
        let instances: Vec<&InstanceRecord> = now.instances.iter().filter(of_it).collect();
        for record in &instances {
            let shown = &record.shown;
            let ended = matches!(shown.state.as_str(), "reverted" | "rejected" | "halted");
            if ended && self.record_before(record) != Some(record) {
                let note = shown.note.clone().unwrap_or_else(|| shown.state.clone());
                return Progress::Failed { why: format!("{}: {note}", record.member) };
            }
        }
        let good = instances.iter().filter(|record| self.is_good(record, key)).count();
        if good == instances.len() && good > 0 {
            Progress::Good { instances: good }
        } else {
            Progress::UnderWay { good, instances: instances.len() }
        }
    }

    fn read<'r>(&self, record: &'r InstanceRecord) -> Option<&'r FolderShown> {
        record.shown.reading.as_ref()?.folder(self.folder)
    }

    fn record_before(&self, record: &InstanceRecord) -> Option<&InstanceRecord> {
        self.before.instances.iter().find(|before| before.member == record.member)
    }

    fn is_good(&self, record: &InstanceRecord, key: Option<&Key>) -> bool {
        let Some((read, key)) = self.read(record).zip(key) else { return false };
        if record.shown.state != "good" || !record.shown.settled {
            return false;
        }
        match read.marked(key, self.set.iter().map(|(key, value)| (key.as_str(), value))) {
            Some((variables, mark)) if variables == read.variables => read.mark.as_ref() == Some(&mark),
            // Some variables are overridden there, so it is enough that it runs something new, and is good.
            _ => self
                .record_before(record)
                .and_then(|before| self.read(before))
                .is_none_or(|before| before.mark != read.mark),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fleet::operator::Halt;

    fn key() -> Key {
        Key::new(&[1; 32])
    }

    fn set(value: &str) -> BTreeMap<String, Secret> {
        BTreeMap::from([("A".to_owned(), Secret::from(value))])
    }

    fn record(node: &str, state: &str, value: &str, at: u64) -> Value {
        let values = set(value);
        let all = values.iter().map(|(key, value)| (key.as_str(), value));
        let (variables, mark) = FolderShown::default().marked(&key(), all).unwrap();
        json!({
            "node": node, "id": "x", "state": state, "settled": true, "at": at, "note": format!("it is {state}"),
            "reading": { "folders": [{ "path": "b/", "variables": variables, "mark": mark }] },
        })
    }

    fn picture(instances: &[Value]) -> Picture {
        let instances = instances.iter().map(|record| serde_json::from_value(record.clone()).unwrap()).collect();
        Picture { instances, ..Picture::default() }
    }

    #[test]
    fn it_is_good_once_every_instance_runs_it() {
        let before = picture(&[record("a", "good", "1", 1), record("b", "reverted", "1", 1)]);
        let set = set("2");
        let start = Start { folder: "b/", set: &set, before: &before };
        let now = |instances: &[Value]| start.progress(&picture(instances), Some(&key()));
        // What was reverted before is not this promotion's.
        assert_eq!(
            now(&[record("a", "good", "1", 1), record("b", "reverted", "1", 1)]),
            Progress::UnderWay { good: 0, instances: 2 }
        );
        assert_eq!(
            now(&[record("a", "good", "2", 2), record("b", "trial", "2", 2)]),
            Progress::UnderWay { good: 1, instances: 2 }
        );
        assert_eq!(now(&[record("a", "good", "2", 2), record("b", "good", "2", 3)]), Progress::Good { instances: 2 });
    }

    #[test]
    fn what_is_taken_back_or_halted_ends_it() {
        let before = picture(&[record("a", "good", "1", 1)]);
        let set = set("2");
        let start = Start { folder: "b/", set: &set, before: &before };
        let failed = start.progress(&picture(&[record("a", "reverted", "1", 2)]), Some(&key()));
        assert_eq!(failed, Progress::Failed { why: "x on a: it is reverted".into() });
        let mut now = picture(&[record("a", "good", "1", 1)]);
        now.halts.push(Halt { change: "c".into(), by: "b".into(), reason: "sick".into(), at: 5 });
        assert!(matches!(start.progress(&now, Some(&key())), Progress::Failed { .. }));
    }
}
