//! *Good* is not final: what crash-loops soon after its promotion, or gets unhealthy while it is still watched, was not
//! good.

use super::Machine;
use super::life::{Life, Slot, StopReason};
use super::moment::Moment;
use super::policy::Revert;

/// So many ends in a row, the first of them soon after the promotion, show that *good* was not good.
const CRASH_LOOP: u32 = 3;

impl Machine {
    /// Whether this run's generation crash-loops soon after its promotion and an older one exists.
    pub(super) fn was_not_good(&self, run: &Slot) -> bool {
        let soon = match (self.promoted, self.streak.began) {
            (Some(promoted), Some(began)) => began >= promoted && began - promoted < self.policy.crash.reset_after,
            _ => false,
        };
        soon && self.streak.crashes >= CRASH_LOOP && self.can_be_taken_back(run)
    }

    /// Whether this run's environment is the newest good one, and an older one exists to go back to.
    fn can_be_taken_back(&self, run: &Slot) -> bool {
        self.ledger.newest().is_some_and(|good| good.environment == run.environment)
            && self.policy.revert == Revert::ToLastGood
            && self.ledger.fallback(&run.environment, &run.build).is_some()
            && self.ledger.holds(&run.environment, &run.build).is_some()
    }

    /// Until when the run is watched, if it is.
    fn watched_until(&self) -> Option<Moment> {
        let until = self.promoted? + self.policy.watch;
        (self.trial.is_none() && self.suspect.is_none() && until > self.now).then_some(until)
    }

    /// A run that gets unhealthy while it is watched is taken back; says whether one was.
    pub(super) fn take_back_sickened(&mut self) -> bool {
        let Life::Alive(run) = &self.life else { return false };
        if self.watched_until().is_none() || run.health.healthy_since.is_some() || !self.can_be_taken_back(run) {
            return false;
        }
        let run = run.clone();
        let complaint = run.health.complaint(&self.policy.checks).unwrap_or_else(|| "a check fails".to_owned());
        self.ledger.demote(&run.environment, &run.build);
        self.keep_good();
        self.take_back(&run, &format!("unhealthy soon after it was good: {complaint}"));
        self.stop(StopReason::Revert)
    }
}
