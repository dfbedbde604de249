//! The losses of a wish: the keys that a source gave for the running environment and no longer gives; and for which
//! losses the guard holds a wish.

use std::fmt::{self, Display, Write as _};
use std::sync::Arc;

use super::super::policy::{Empty, GuardRules};
use crate::environment::SourceKeys;
use crate::environment::source_keys::missing;

/// The losses of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Loss {
    pub(in super::super) source: Arc<str>,
    /// How many keys it gave for what runs.
    had: usize,
    /// How many of them are missing.
    lost: usize,
    /// The first of those.
    names: Vec<Box<str>>,
}

/// How many names are shown, and how many characters of each.
const NAMED: usize = 3;
const LONGEST: usize = 40;

/// The losses for which the guard holds a wish. A source for which a hold has `begun` needs all of its keys back; for
/// any other only a large loss counts. A source that only one of the two environments has is not compared.
pub(in super::super) fn losses(
    rules: &GuardRules,
    running: &SourceKeys,
    wish: &SourceKeys,
    begun: &[Arc<str>],
) -> Vec<Loss> {
    let mut losses = Vec::new();
    for (source, before) in running.sources().filter(|(source, _)| !rules.sealed.contains(source)) {
        let Some(now) = wish.of(source) else { continue };
        let missing = missing(before, now);
        let held = match (missing.len(), now.len()) {
            (0, _) => false,
            (_, 0) => rules.when_empty(source) == Empty::Hold,
            (lost, _) => begun.contains(source) || rules.is_large(lost, before.len()),
        };
        if held {
            let names = missing.iter().take(NAMED).map(|name| Box::from(*name)).collect();
            losses.push(Loss { source: Arc::clone(source), had: before.len(), lost: missing.len(), names });
        }
    }
    losses
}

impl GuardRules {
    fn when_empty(&self, source: &str) -> Empty {
        self.empty_of.iter().rev().find(|(name, _)| **name == *source).map_or(self.empty, |(_, empty)| *empty)
    }

    fn is_large(&self, lost: usize, had: usize) -> bool {
        let many = lost >= usize::try_from(self.min_loss).unwrap_or(usize::MAX);
        many && lost.saturating_mul(100) > had.saturating_mul(usize::from(self.max_loss_percent))
    }
}

impl Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, had, lost, names } = self;
        write!(f, "{source} lost {lost} of {had} keys (")?;
        for (place, name) in names.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            f.write_str(comma)?;
            name.chars().take(LONGEST).flat_map(char::escape_debug).try_for_each(|shown| f.write_char(shown))?;
        }
        if *lost > names.len() { f.write_str(", ..)") } else { f.write_str(")") }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Empty, GuardRules, SourceKeys, losses};

    fn record(sources: &[(&str, usize)]) -> SourceKeys {
        let mut record = SourceKeys::default();
        for (source, count) in sources {
            record.add(&Arc::from(*source), (0..*count).map(|number| format!("K{number}").into()));
        }
        record
    }

    /// Whether a change from `before` keys to `after` keys is held.
    fn held(rules: &GuardRules, before: usize, after: usize, begun: &[Arc<str>]) -> bool {
        !losses(rules, &record(&[("a", before)]), &record(&[("a", after)]), begun).is_empty()
    }

    #[test]
    fn a_source_that_becomes_empty_or_loses_many_keys_at_once_is_held() {
        let rules = GuardRules::default();
        for (before, after, expected) in [
            (0, 0, false),
            (0, 9, false),
            (1, 0, true),
            (9, 9, false),
            (9, 10, false),
            (9, 0, true),
            // More than half of them, and at least three.
            (9, 5, false),
            (9, 4, true),
            (6, 3, false),
            (5, 2, true),
            (2, 1, false),
            (3, 1, false),
        ] {
            assert_eq!(held(&rules, before, after, &[]), expected, "{before} to {after}");
        }
        let strict = GuardRules { max_loss_percent: 0, min_loss: 0, ..rules.clone() };
        assert!(held(&strict, 9, 8, &[]));
        let lax = GuardRules { max_loss_percent: 100, ..rules };
        assert!(!held(&lax, 9, 1, &[]));
    }

    #[test]
    fn once_a_hold_has_begun_every_key_has_to_come_back() {
        let (rules, begun) = (GuardRules::default(), [Arc::from("a")]);
        for after in 0..9 {
            assert!(held(&rules, 9, after, &begun), "{after}");
        }
        assert!(!held(&rules, 9, 9, &begun));
        assert!(!held(&rules, 9, 8, &[Arc::from("b")]));
    }

    #[test]
    fn a_source_that_may_become_empty_or_is_sealed_is_not_held() {
        let apply = GuardRules { empty: Empty::Apply, ..GuardRules::default() };
        assert!(!held(&apply, 9, 0, &[]));
        assert!(held(&apply, 9, 1, &[]), "that is not empty");
        let own = GuardRules { empty_of: vec![("a".into(), Empty::Hold)], ..apply };
        assert!(held(&own, 9, 0, &[]));
        let sealed = GuardRules { sealed: vec!["a".into()], ..GuardRules::default() };
        assert!(!held(&sealed, 9, 0, &[Arc::from("a")]));
    }

    #[test]
    fn each_source_counts_by_itself_and_a_new_or_removed_one_does_not_count() {
        let (rules, before) = (GuardRules::default(), record(&[("a", 100), ("b", 4), ("c", 5)]));
        let lost = losses(&rules, &before, &record(&[("a", 100), ("b", 0), ("d", 0)]), &[]);
        assert_eq!(lost.iter().map(|loss| &*loss.source).collect::<Vec<_>>(), ["b"]);
        assert_eq!(lost[0].to_string(), "b lost 4 of 4 keys (K0, K1, K2, ..)");
        assert!(losses(&rules, &SourceKeys::default(), &before, &[]).is_empty());
    }
}
