//! A change in the form that hosts exchange: the changed variables, by their marks. Hosts with different other variables can compare
//! it, because it has only what changes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::mark::{Mark, Marks};

/// The most variables in a record, which must stay small: larger changes have only a mark.
const MOST: usize = 500;

/// The variables that differ between two environments, with their new marks; `None`: the variable is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pairs: BTreeMap<String, Option<Mark>>,
    id: Mark,
}

/// A change in the form of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pairs(Option<BTreeMap<String, Option<Mark>>>);

impl Change {
    /// The change from one environment to another, on this build.
    pub fn between(from: &Marks, to: &Marks, build: &str) -> Self {
        let set = to.iter().filter(|(name, mark)| from.get(name) != Some(mark));
        let gone = from.iter().filter(|(name, _)| to.get(name).is_none());
        let set = set.map(|(name, mark)| (name.clone(), Some(mark.clone())));
        let pairs: BTreeMap<_, _> = set.chain(gone.map(|(name, _)| (name.clone(), None))).collect();
        let mut text = format!("{build}\n");
        for (name, mark) in &pairs {
            text.extend([name.as_str(), "=", mark.as_ref().map_or("", Mark::as_str), "\n"]);
        }
        Self { pairs, id: Mark::of_text(&text) }
    }

    /// The key of its record: the same for equal changes on equal builds.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The form for a record.
    pub fn pairs(&self) -> Pairs {
        Pairs(Some(&self.pairs).filter(|pairs| pairs.len() <= MOST).cloned())
    }

    /// Whether each of its variables also changes in one of these.
    pub fn is_covered_by<'a>(&self, tried: &(impl Iterator<Item = &'a Pairs> + Clone)) -> bool {
        self.pairs.iter().all(|(name, mark)| {
            tried.clone().any(|Pairs(pairs)| pairs.as_ref().is_some_and(|pairs| pairs.get(name) == Some(mark)))
        })
    }
}

impl Pairs {
    /// Whether this environment has all of the changed variables. `None`: the record does not list them.
    pub fn are_in(&self, marks: &Marks) -> Option<bool> {
        self.0.as_ref().map(|pairs| pairs.iter().all(|(name, mark)| marks.get(name) == mark.as_ref()))
    }

    /// The number of variables, if the record lists them.
    pub fn count(&self) -> Option<usize> {
        self.0.as_ref().map(BTreeMap::len)
    }
}

#[cfg(test)]
mod tests {
    use super::super::mark::{Mark, Marks};
    use super::Change;

    fn marks(pairs: &[(&str, &str)]) -> Marks {
        pairs.iter().map(|(name, mark)| ((*name).to_owned(), Mark::test(mark))).collect()
    }

    #[test]
    fn a_change_is_what_differs_and_its_name_is_the_same_wherever_the_rest_differs() {
        let one = Change::between(
            &marks(&[("A", "1"), ("B", "1"), ("HOST", "a")]),
            &marks(&[("A", "2"), ("HOST", "a")]),
            "b",
        );
        let two = Change::between(
            &marks(&[("A", "1"), ("B", "1"), ("HOST", "b")]),
            &marks(&[("A", "2"), ("HOST", "b")]),
            "b",
        );
        assert_eq!(one, two);
        assert_eq!(one.pairs().count(), Some(2));
        let on_another_build = Change::between(&marks(&[("A", "1"), ("B", "1")]), &marks(&[("A", "2")]), "c");
        assert_ne!(one.id(), on_another_build.id());
    }

    #[test]
    fn an_environment_has_a_change_when_it_has_all_of_it() {
        let change = Change::between(&marks(&[("A", "1"), ("B", "1")]), &marks(&[("A", "2")]), "b").pairs();
        assert_eq!(change.are_in(&marks(&[("A", "2"), ("X", "1")])), Some(true));
        assert_eq!(change.are_in(&marks(&[("A", "2"), ("B", "1")])), Some(false), "B should be gone");
        assert_eq!(change.are_in(&marks(&[("A", "3")])), Some(false));
    }

    #[test]
    fn a_change_is_covered_by_what_was_tried_before_even_in_parts() {
        let change = Change::between(&marks(&[]), &marks(&[("A", "1"), ("B", "1")]), "b");
        let a = Change::between(&marks(&[]), &marks(&[("A", "1")]), "b").pairs();
        let b = Change::between(&marks(&[]), &marks(&[("B", "1"), ("C", "1")]), "b").pairs();
        assert!(!change.is_covered_by(&[&a].into_iter()));
        assert!(change.is_covered_by(&[&a, &b].into_iter()));
    }

    #[test]
    fn a_change_that_is_too_large_for_a_record_is_known_by_its_name() {
        let many: Vec<_> = (0..600).map(|number| format!("V{number}")).collect();
        let many: Vec<_> = many.iter().map(|name| (name.as_str(), "1")).collect();
        let change = Change::between(&marks(&[]), &marks(&many), "b");
        assert_eq!(change.pairs().are_in(&marks(&many)), None);
    }
}
