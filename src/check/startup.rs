//! What is held back until the service has started. Pure.

use std::collections::BTreeMap;

use super::Spec;
use super::finding::Finding;
use crate::machine::policy::Role;

/// The startup checks of a run that have not passed `rise` times in a row yet. What fails afterwards holds nothing back.
#[derive(Clone, Debug, Default)]
pub(super) struct Startup(BTreeMap<usize, Streak>);

#[derive(Clone, Copy, Debug)]
struct Streak {
    successes: u32,
    rise: u32,
}

impl Startup {
    /// At the beginning of a run.
    pub(super) fn of(specs: &[Spec]) -> Self {
        let startup = specs.iter().enumerate().filter(|(_, spec)| spec.rule.role == Role::Startup);
        Self(startup.map(|(check, spec)| (check, Streak { successes: 0, rise: spec.rule.rise })).collect())
    }

    /// Whether the other checks may begin.
    pub(super) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this startup check has, so that it has nothing more to say about this run.
    pub(super) fn has_succeeded(&self, check: usize) -> bool {
        !self.0.contains_key(&check)
    }

    /// Counts a finding; says whether it was the one that let the other checks begin.
    pub(super) fn record(&mut self, check: usize, finding: &Finding) -> bool {
        let Some(streak) = self.0.get_mut(&check) else { return false };
        streak.successes = if finding.passes() { streak.successes + 1 } else { 0 };
        if streak.successes >= streak.rise && streak.successes > 0 {
            self.0.remove(&check);
        }
        self.is_over()
    }
}

#[cfg(test)]
mod tests {
    use super::Startup;
    use crate::check::finding::Finding;
    use crate::check::tests::spec;
    use crate::machine::policy::Role;

    #[test]
    fn every_startup_check_must_pass_rise_times_in_a_row() {
        let mut specs = vec![spec("a", Role::Startup), spec("b", Role::Readiness), spec("c", Role::Startup)];
        specs[0].rule.rise = 2;
        let bad = Finding::Bad("down".to_owned());
        let mut startup = Startup::of(&specs);
        assert!(!startup.is_over());
        let facts = [(0, &Finding::Good), (0, &bad), (2, &Finding::Good), (0, &Finding::Good), (1, &Finding::Good)];
        for (check, finding) in facts {
            assert!(!startup.record(check, finding));
        }
        assert!(startup.record(0, &Finding::Warning("hm".to_owned())), "a warning is a success");
        assert!(!startup.record(0, &bad) && startup.is_over(), "once over, it stays over");
    }

    #[test]
    fn without_startup_checks_nothing_is_held_back() {
        assert!(Startup::of(&[spec("a", Role::Readiness)]).is_over());
    }

    #[test]
    fn rise_0_still_asks_for_one_success() {
        let mut specs = vec![spec("a", Role::Startup)];
        specs[0].rule.rise = 0;
        let mut startup = Startup::of(&specs);
        assert!(!startup.record(0, &Finding::Bad("down".to_owned())));
        assert!(startup.record(0, &Finding::Good));
    }
}
