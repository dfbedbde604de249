//! Decides which checks are held back until the service has started. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::Spec;
use crate::machine::event::ProbeResult;
use crate::machine::policy::Role;

/// The startup checks of a run. Once each of them has passed `rise` times in a row, the service has started. That stays so until the
/// run ends, whatever fails later and however the checks are changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Startup {
    /// The checks that have not passed yet.
    pending: BTreeMap<usize, Streak>,
    /// The names of those that have passed, and are not probed any more in this run.
    succeeded: BTreeSet<String>,
    gate: Gate,
}

#[derive(Clone, Debug)]
struct Streak {
    name: String,
    successes: u32,
    rise: u32,
}

/// Whether the other checks may begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Gate {
    Closed,
    #[default]
    Open,
}

impl Startup {
    /// The state at the beginning of a run.
    pub(super) fn of(specs: &[Spec]) -> Self {
        Self { gate: Gate::Closed, ..Self::started(specs) }.opened()
    }

    /// The state of a run that began before this lictor: it has started, and nothing is held back.
    pub(super) fn started(specs: &[Spec]) -> Self {
        Self { pending: streaks(specs, &BTreeSet::new()), succeeded: BTreeSet::new(), gate: Gate::Open }
    }

    /// The state of the same run with new checks: what has passed is not asked again, and a started service stays started.
    pub(super) fn carry(&self, specs: &[Spec]) -> Self {
        let pending = streaks(specs, &self.succeeded);
        Self { pending, succeeded: self.succeeded.clone(), gate: self.gate }.opened()
    }

    /// Whether the other checks may begin.
    pub(super) fn is_over(&self) -> bool {
        self.gate == Gate::Open
    }

    /// Whether this startup check has passed, so that it is not probed any more in this run.
    pub(super) fn has_succeeded(&self, check: usize) -> bool {
        !self.pending.contains_key(&check)
    }

    /// Counts a probe; returns whether it was the one that lets the other checks begin.
    pub(super) fn record(&mut self, check: usize, outcome: &ProbeResult) -> bool {
        let Some(streak) = self.pending.get_mut(&check) else { return false };
        streak.successes = if outcome.passes() { streak.successes + 1 } else { 0 };
        if streak.successes < streak.rise.max(1) {
            return false;
        }
        let was_over = self.is_over();
        if let Some(streak) = self.pending.remove(&check) {
            self.succeeded.insert(streak.name);
        }
        if self.pending.is_empty() {
            self.gate = Gate::Open;
        }
        self.is_over() && !was_over
    }

    /// Nothing is held back by checks that are not there.
    fn opened(self) -> Self {
        let gate = if self.pending.is_empty() { Gate::Open } else { self.gate };
        Self { gate, ..self }
    }
}

fn streaks(specs: &[Spec], succeeded: &BTreeSet<String>) -> BTreeMap<usize, Streak> {
    let is_pending = |spec: &Spec| spec.rule.role == Role::Startup && !succeeded.contains(&spec.rule.name);
    let streak = |spec: &Spec| Streak { name: spec.rule.name.clone(), successes: 0, rise: spec.rule.rise };
    specs.iter().enumerate().filter(|(_, spec)| is_pending(spec)).map(|(check, spec)| (check, streak(spec))).collect()
}

#[cfg(test)]
mod tests {
    use super::Startup;
    use crate::check::round::Finding;
    use crate::check::tests::spec;
    use crate::machine::event::ProbeResult;
    use crate::machine::policy::Role;

    #[test]
    fn every_startup_check_must_pass_rise_times_in_a_row() {
        let mut specs = vec![spec("a", Role::Startup), spec("b", Role::Readiness), spec("c", Role::Startup)];
        specs[0].rule.rise = 2;
        let bad = ProbeResult::Fail("down".to_owned());
        let mut startup = Startup::of(&specs);
        assert!(!startup.is_over());
        let probes = [
            (0, &ProbeResult::Pass),
            (0, &bad),
            (2, &ProbeResult::Pass),
            (0, &ProbeResult::Pass),
            (1, &ProbeResult::Pass),
        ];
        for (check, outcome) in probes {
            assert!(!startup.record(check, outcome));
        }
        assert!(startup.record(0, &Finding::Warning("hm".to_owned()).into()), "a warning is a success");
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
        assert!(!startup.record(0, &ProbeResult::Fail("down".to_owned())));
        assert!(startup.record(0, &ProbeResult::Pass));
    }

    #[test]
    fn a_service_that_has_started_has_however_the_checks_change() {
        let specs = vec![spec("a", Role::Startup), spec("web", Role::Readiness)];
        let mut startup = Startup::of(&specs);
        assert!(startup.record(0, &ProbeResult::Pass));
        let more = vec![spec("new", Role::Startup), spec("a", Role::Startup), spec("web", Role::Readiness)];
        let mut carried = startup.carry(&more);
        assert!(carried.is_over() && carried.has_succeeded(1) && !carried.has_succeeded(0));
        assert!(!carried.record(0, &ProbeResult::Pass), "it has let nothing begin: nothing was held back");
        assert!(carried.has_succeeded(0));

        let begun = Startup::of(&more).carry(&specs);
        assert!(!begun.is_over(), "a start that is not over yet goes on");
        assert!(Startup::of(&more).carry(&specs[1..]).is_over(), "without startup checks it is over");
        let adopted = Startup::started(&specs);
        assert!(adopted.is_over() && !adopted.has_succeeded(0), "it is asked, and holds nothing back");
    }
}
