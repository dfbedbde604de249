//! Plans what a promotion writes, from one look at each side.

use std::collections::BTreeMap;

use crate::consul::kv::Pair;
use crate::environment::glob::Glob;
use crate::secret::Secret;

/// Which keys are promoted, and under which names. Names are relative to the folders.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Only keys that match one of these; none: all.
    pub only: Vec<Glob>,
    /// Keys that belong to each side, and stay there as they are.
    pub skip: Vec<Glob>,
    /// Keys that have another name at the target.
    pub rename: BTreeMap<String, String>,
}

/// The keys that seal a set of edits: they are promoted by being written last, not by their values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealing<'a> {
    /// The source's.
    pub source: Option<&'a str>,
    /// The target's.
    pub target: Option<&'a str>,
}

/// The plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The keys that change, in the order of their names.
    pub changes: Vec<Change>,
    /// The keys that belong to each side.
    pub kept: Vec<String>,
    /// The keys that are the same on both sides, with their indices at the target.
    pub same: Vec<(String, u64)>,
    /// The future set at the target, without its own keys and the sealing key.
    pub set: BTreeMap<String, Secret>,
}

/// One key that changes at the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name there.
    pub key: String,
    /// Its present value; `None`: it does not exist.
    pub before: Option<Held>,
    /// Its new value; `None`: it is deleted.
    pub after: Option<Value>,
}

/// The present value of a key at the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its value and flags.
    pub value: Value,
    /// When it was last written.
    pub index: u64,
}

/// A value with its flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The bytes.
    pub bytes: Secret,
    /// The flags, whose meaning its writer decides.
    pub flags: u64,
}

/// Two keys of the source have one name at the target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keys {first} and {second} would both be written to {name}: mend the renames")]
pub struct Clash {
    /// One of them.
    pub first: String,
    /// The other one.
    pub second: String,
    /// The name.
    pub name: String,
}

impl Rules {
    fn concern(&self, key: &str) -> bool {
        let any = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(key));
        (self.only.is_empty() || any(&self.only)) && !any(&self.skip)
    }
}

impl Plan {
    /// The plan that gives the target's folder the source's set.
    ///
    /// # Errors
    /// Two keys of the source with one name at the target.
    pub fn between(source: &[Pair], target: &[Pair], rules: &Rules, sealing: Sealing<'_>) -> Result<Self, Clash> {
        let mut plan = Self::default();
        let mut wanted: BTreeMap<&str, &Pair> = BTreeMap::new();
        for pair in source.iter().filter(|pair| sealing.source != Some(&pair.key)) {
            let name = rules.rename.get(&pair.key).unwrap_or(&pair.key);
            if !rules.concern(&pair.key) {
                plan.kept.push(pair.key.clone());
                continue;
            }
            if let Some(first) = wanted.insert(name, pair) {
                let (first, second) = (first.key.clone(), pair.key.clone());
                return Err(Clash { first, second, name: name.clone() });
            }
        }
        let held: BTreeMap<&str, &Pair> = target.iter().map(|pair| (pair.key.as_str(), pair)).collect();
        for (name, pair) in &wanted {
            let after = Value { bytes: pair.value.clone(), flags: pair.flags };
            plan.set.insert((*name).to_owned(), pair.value.clone());
            match held.get(name).map(|pair| Held::of(pair)) {
                Some(before) if before.value == after => plan.same.push(((*name).to_owned(), before.index)),
                before => plan.changes.push(Change { key: (*name).to_owned(), before, after: Some(after) }),
            }
        }
        for pair in target.iter().filter(|pair| sealing.target != Some(&pair.key)) {
            if wanted.contains_key(pair.key.as_str()) {
                continue;
            }
            if rules.concern(&pair.key) {
                plan.changes.push(Change { key: pair.key.clone(), before: Some(Held::of(pair)), after: None });
            } else {
                plan.kept.push(pair.key.clone());
                plan.set.insert(pair.key.clone(), pair.value.clone());
            }
        }
        plan.changes.sort_by(|a, b| a.key.cmp(&b.key));
        plan.kept.sort_unstable();
        plan.kept.dedup();
        Ok(plan)
    }

    /// The plan that restores the replaced values of these keys.
    pub fn back_to(kept: &BTreeMap<String, Option<Value>>, target: &[Pair]) -> Self {
        let held: BTreeMap<&str, &Pair> = target.iter().map(|pair| (pair.key.as_str(), pair)).collect();
        let mut plan =
            Self { set: target.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect(), ..Self::default() };
        for (key, after) in kept {
            let before = held.get(key.as_str()).map(|pair| Held::of(pair));
            match &after {
                Some(value) => drop(plan.set.insert(key.clone(), value.bytes.clone())),
                None => drop(plan.set.remove(key)),
            }
            match before {
                Some(before) if Some(&before.value) == after.as_ref() => plan.same.push((key.clone(), before.index)),
                None if after.is_none() => {}
                before => plan.changes.push(Change { key: key.clone(), before, after: after.clone() }),
            }
        }
        plan
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl Held {
    fn of(pair: &Pair) -> Self {
        Self { value: Value { bytes: pair.value.clone(), flags: pair.flags }, index: pair.modify_index }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::promote) fn pairs(keys: &[(&str, &str)]) -> Vec<Pair> {
        let pair = |(place, (key, value)): (usize, &(&str, &str))| Pair {
            key: (*key).into(),
            value: (*value).into(),
            flags: 0,
            modify_index: 10 + place as u64,
            session: None,
        };
        keys.iter().enumerate().map(pair).collect()
    }

    fn shown(plan: &Plan) -> Vec<String> {
        let sign = |change: &Change| match (&change.before, &change.after) {
            (None, _) => '+',
            (_, None) => '-',
            _ => '~',
        };
        plan.changes.iter().map(|change| format!("{}{}", sign(change), change.key)).collect()
    }

    #[test]
    fn the_target_is_made_to_hold_the_sources_set() {
        let source = pairs(&[(".commit", "9"), ("A", "1"), ("B", "2"), ("C", "3"), ("DATABASE_URL", "test")]);
        let target = pairs(&[("A", "1"), ("B", "old"), ("DATABASE_URL", "prod"), ("GONE", "x"), ("seal", "1")]);
        let rules = Rules { skip: vec![Glob::parse("DATABASE_*").unwrap()], ..Rules::default() };
        let sealing = Sealing { source: Some(".commit"), target: Some("seal") };
        let plan = Plan::between(&source, &target, &rules, sealing).unwrap();
        assert_eq!(shown(&plan), ["~B", "+C", "-GONE"]);
        assert_eq!(
            (plan.kept.as_slice(), plan.same.as_slice()),
            (&["DATABASE_URL".into()][..], &[("A".into(), 10)][..])
        );
        let set: Vec<_> = plan.set.iter().map(|(key, value)| (key.as_str(), value.expose())).collect();
        assert_eq!(set, [("A", &b"1"[..]), ("B", b"2"), ("C", b"3"), ("DATABASE_URL", b"prod")]);
    }

    #[test]
    fn only_what_is_named_is_promoted_and_nothing_else_is_deleted() {
        let rules = Rules { only: vec![Glob::parse("FLAG_*").unwrap()], ..Rules::default() };
        let source = pairs(&[("FLAG_A", "1"), ("OTHER", "1")]);
        let plan =
            Plan::between(&source, &pairs(&[("FLAG_B", "1"), ("MINE", "1")]), &rules, Sealing::default()).unwrap();
        assert_eq!(shown(&plan), ["+FLAG_A", "-FLAG_B"]);
        assert_eq!(plan.kept, ["MINE", "OTHER"]);
    }

    #[test]
    fn a_renamed_key_is_written_under_its_new_name_once() {
        let rename = BTreeMap::from([("host_test".to_owned(), "host".to_owned())]);
        let rules = Rules { rename, ..Rules::default() };
        let plan =
            Plan::between(&pairs(&[("host_test", "t")]), &pairs(&[("host", "p")]), &rules, Sealing::default()).unwrap();
        assert_eq!(shown(&plan), ["~host"]);
        let both = pairs(&[("host", "x"), ("host_test", "t")]);
        assert!(Plan::between(&both, &[], &rules, Sealing::default()).is_err());
    }

    #[test]
    fn flags_are_part_of_what_is_promoted() {
        let mut source = pairs(&[("A", "1")]);
        source[0].flags = 7;
        let plan = Plan::between(&source, &pairs(&[("A", "1")]), &Rules::default(), Sealing::default()).unwrap();
        assert_eq!(shown(&plan), ["~A"]);
    }

    #[test]
    fn going_back_restores_what_was_there() {
        let value = |text: &str| Some(Value { bytes: text.into(), flags: 0 });
        let kept = BTreeMap::from([
            ("ADDED".to_owned(), None),
            ("CHANGED".to_owned(), value("old")),
            ("REMOVED".to_owned(), value("x")),
        ]);
        let plan = Plan::back_to(&kept, &pairs(&[("ADDED", "1"), ("CHANGED", "new"), ("OTHER", "o")]));
        assert_eq!(shown(&plan), ["-ADDED", "~CHANGED", "+REMOVED"]);
        assert_eq!(plan.set.keys().collect::<Vec<_>>(), ["CHANGED", "OTHER", "REMOVED"]);
        assert!(Plan::back_to(&kept, &pairs(&[("CHANGED", "old"), ("REMOVED", "x")])).is_empty());
    }
}
