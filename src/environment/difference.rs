//! Which variables differ between two environments: their names, or as much of them as may be shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Environment, Fingerprint, Visibility};

/// One variable that only one of the two has, or that has another value in each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// The variable before; `None`: it is added.
    pub before: Option<Side>,
    /// The variable after; `None`: it is removed.
    pub after: Option<Side>,
}

/// A variable in one of the two, as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// Which layer it comes from.
    pub origin: Arc<str>,
    /// The fingerprint of the value (and name).
    pub fingerprint: Fingerprint,
    /// The length of the value, in bytes.
    pub length: usize,
    /// The value, only if the key is public and it is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
}

/// Every variable that differs, in the order of the names.
pub fn changes(before: &Environment, after: &Environment) -> Vec<Change> {
    let (old, new): (BTreeMap<_, _>, BTreeMap<_, _>) = (before.marks().collect(), after.marks().collect());
    let change = |name: String| {
        let (before, after) = (side(before, &old, &name), side(after, &new, &name));
        Change { name, before, after }
    };
    changed_names(before, after).into_iter().map(change).collect()
}

fn side(environment: &Environment, marks: &BTreeMap<&str, Fingerprint>, name: &str) -> Option<Side> {
    let variable = environment.variables().get(name)?;
    Some(Side {
        origin: Arc::clone(&variable.origin),
        fingerprint: *marks.get(name)?,
        length: variable.value.len(),
        value: match variable.visibility {
            Visibility::Public => variable.value.expose_str().map(str::to_owned),
            Visibility::Secret => None,
        },
    })
}

/// The names that only one of the two has, or that have another value in each; in the order of the names.
pub fn changed_names(before: &Environment, after: &Environment) -> Vec<String> {
    let mut old = before.marks().peekable();
    let mut new = after.marks().peekable();
    let mut changed = Vec::new();
    loop {
        let name = match (old.peek().copied(), new.peek().copied()) {
            (None, None) => return changed,
            (Some((name, _)), None) => {
                old.next();
                name
            }
            (None, Some((name, _))) => {
                new.next();
                name
            }
            (Some((left, was)), Some((right, is))) => {
                if left <= right {
                    old.next();
                }
                if right <= left {
                    new.next();
                }
                if left == right && was == is {
                    continue;
                }
                left.min(right)
            }
        };
        changed.push(name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Environment, Variable, Visibility};
    use super::{changed_names, changes};

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        let variables = pairs.iter().map(|(name, value)| {
            let variable = Variable::new((*value).into(), "test".into(), Visibility::Secret);
            ((*name).to_owned(), variable)
        });
        Environment::new(variables.collect())
    }

    #[test]
    fn added_removed_and_changed_names_come_in_order() {
        let before = environment(&[("A", "1"), ("B", "1"), ("D", "1")]);
        let after = environment(&[("B", "2"), ("C", "1"), ("D", "1"), ("E", "1")]);
        assert_eq!(changed_names(&before, &after), ["A", "B", "C", "E"]);
        assert_eq!(changed_names(&after, &before), ["A", "B", "C", "E"]);
        assert!(changed_names(&after, &after).is_empty());
    }

    #[test]
    fn a_change_shows_no_secret_value() {
        let changes =
            changes(&environment(&[("A", "hunter2"), ("B", "1")]), &environment(&[("A", "hunter23"), ("C", "")]));
        let lengths: Vec<_> = changes
            .iter()
            .map(|change| {
                let length = |side: &Option<super::Side>| side.as_ref().map(|side| side.length);
                (change.name.as_str(), length(&change.before), length(&change.after))
            })
            .collect();
        assert_eq!(lengths, [("A", Some(7), Some(8)), ("B", Some(1), None), ("C", None, Some(0))]);
        assert!(!serde_json::to_string(&changes).unwrap().contains("hunter"));
    }
}
