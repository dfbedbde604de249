//! Turns a plan into transactions, so that all of it happens or none of it counts.

use super::plan::{Change, Plan};
use crate::consul::transaction::{MOST, Operation};

/// Consul takes transactions of up to 512 KiB; each byte of a value is sent as four thirds, and the rest needs room too.
const LARGEST: usize = 360 << 10;

/// The set is larger than one transaction, and there is no key to seal it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{keys} keys are more than one transaction of Consul takes (64 keys, 512 KiB), and half of a set could be read in \
     between: give the target a commit_key, and say which with --commit-key if its instances' records do not"
)]
pub struct TooMany {
    /// How many there are.
    pub keys: usize,
}

/// The key that seals the set at the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seal {
    /// The key, relative to the folder.
    pub(super) key: String,
    /// When it was last written; 0: it does not exist.
    pub(super) index: u64,
    /// Its new value.
    pub(super) value: Vec<u8>,
}

/// The transactions, in their order. Each operation succeeds only if its key is as it was when the plan was made; keys that stay
/// the same are checked too. The seal comes last.
pub(super) fn transactions(plan: &Plan, folder: &str, seal: Option<&Seal>) -> Result<Vec<Vec<Operation>>, TooMany> {
    let path = |key: &str| format!("{folder}{key}");
    let write = |change: &Change| {
        let (key, index) = (path(&change.key), change.before.as_ref().map_or(0, |held| held.index));
        match &change.after {
            Some(value) => Operation::Cas { key, value: value.bytes.expose().to_vec(), flags: value.flags, index },
            None => Operation::DeleteCas { key, index },
        }
    };
    let check = |(key, index): &(String, u64)| Operation::CheckIndex { key: path(key), index: *index };
    let sealing = seal.map(|seal| Operation::Cas {
        key: path(&seal.key),
        value: seal.value.clone(),
        flags: 0,
        index: seal.index,
    });
    // Keys that are only checked come first, so that an edit of one of them stops everything.
    let operations = plan.same.iter().map(check).chain(plan.changes.iter().map(write)).chain(sealing);
    let (mut all, mut size): (Vec<Vec<Operation>>, usize) = (Vec::new(), 0);
    for operation in operations {
        let more = match &operation {
            Operation::Cas { value, .. } => value.len(),
            _ => 0,
        };
        match all.last_mut() {
            Some(last) if last.len() < MOST && size + more <= LARGEST => {
                last.push(operation);
                size += more;
            }
            _ => {
                all.push(vec![operation]);
                size = more;
            }
        }
    }
    if all.len() > 1 && seal.is_none() {
        return Err(TooMany { keys: plan.same.len() + plan.changes.len() });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::super::plan::tests::pairs;
    use super::super::plan::{Rules, Sealing};
    use super::*;

    fn plan(keys: usize) -> Plan {
        let names: Vec<String> = (0..keys).map(|number| format!("K{number:03}")).collect();
        let source: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "new")).collect();
        let target: Vec<(&str, &str)> = names.iter().skip(keys / 2).map(|name| (name.as_str(), "old")).collect();
        Plan::between(&pairs(&source), &pairs(&target), &Rules::default(), Sealing::default()).unwrap()
    }

    fn seal() -> Seal {
        Seal { key: ".commit".into(), index: 3, value: b"1".to_vec() }
    }

    #[test]
    fn up_to_64_keys_are_one_transaction() {
        assert_eq!(transactions(&plan(64), "b/", None).unwrap().len(), 1);
        assert_eq!(transactions(&plan(63), "b/", Some(&seal())).unwrap().len(), 1);
        assert_eq!(transactions(&plan(65), "b/", None), Err(TooMany { keys: 65 }));
    }

    #[test]
    fn more_are_sealed_by_the_last_operation_of_the_last_one() {
        let all = transactions(&plan(200), "b/", Some(&seal())).unwrap();
        assert!(all.len() > 1 && all.iter().all(|some| some.len() <= MOST));
        assert_eq!(all.last().and_then(|some| some.last()).map(Operation::key), Some("b/.commit"));
        assert_eq!(all.iter().map(Vec::len).sum::<usize>(), 201);
    }

    #[test]
    fn what_is_too_large_for_one_needs_a_seal_too() {
        let large = "x".repeat(200 << 10);
        let source = pairs(&[("A", &large), ("B", &large)]);
        let plan = Plan::between(&source, &[], &Rules::default(), Sealing::default()).unwrap();
        assert!(transactions(&plan, "b/", None).is_err());
        assert_eq!(transactions(&plan, "b/", Some(&seal())).unwrap().len(), 2);
    }

    #[test]
    fn every_index_of_the_look_is_checked() {
        let source = pairs(&[("A", "1"), ("B", "2"), ("C", "3")]);
        let target = pairs(&[("A", "1"), ("B", "x"), ("D", "4")]);
        let plan = Plan::between(&source, &target, &Rules::default(), Sealing::default()).unwrap();
        let all = transactions(&plan, "b/", None).unwrap().concat();
        let indices: Vec<(&str, u64)> = all
            .iter()
            .map(|operation| match operation {
                Operation::Cas { index, .. }
                | Operation::DeleteCas { index, .. }
                | Operation::CheckIndex { index, .. } => (operation.key(), *index),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(indices, [("b/A", 10), ("b/B", 11), ("b/C", 0), ("b/D", 12)]);
    }
}
