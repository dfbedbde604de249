//! *Good* is not final: what crash-loops soon after its promotion was not good.

use super::Machine;
use super::life::Run;
use super::policy::Revert;

/// So many ends in a row, the first of them soon after the promotion, show that *good* was not good.
const CRASH_LOOP: u32 = 3;

impl Machine {
    /// Whether this run's generation crash-loops soon after its promotion and an older one exists.
    pub(super) fn was_not_good(&self, run: &Run) -> bool {
        let soon = match (self.promoted, self.streak.began) {
            (Some(promoted), Some(began)) => began >= promoted && began - promoted < self.policy.crash.reset_after,
            _ => false,
        };
        let newest = self.ledger.newest().is_some_and(|good| good.environment == run.environment);
        soon && newest
            && self.streak.crashes >= CRASH_LOOP
            && self.policy.revert == Revert::ToLastGood
            && self.ledger.fallback(&run.environment, &run.build).is_some()
            && self.ledger.holds(&run.environment, &run.build).is_some()
    }
}
