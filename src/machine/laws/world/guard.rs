//! The guard's law, held at every step: what is lost at once is not applied, and neither is half of a restore.

use super::World;
use super::nature::kept;
use crate::environment::Fingerprint;
use crate::machine::event::{Event, Verb};
use crate::machine::history::Outcome;

/// The state of the guard, from the board alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Watched {
    /// Whether it has held something since the last wish that was complete.
    losing: bool,
    /// The wish that an operator has released.
    released: Option<Fingerprint>,
}

impl World {
    pub(super) fn watch_release(&mut self, event: &Event) {
        if matches!(event, Event::Operator { verb: Verb::Release { .. }, .. }) && self.guards() {
            self.guard.released = self.wish;
        }
    }

    /// The running environment is never replaced by a wish that loses many keys at once, nor, once a hold has begun, by
    /// one that lacks any of its keys, unless an operator has released that. An environment that fails before anything
    /// was good is not guarded.
    pub(super) fn hold_to_the_guard(&mut self, before: Option<Fingerprint>) {
        let now = self.target();
        let through = now.is_some_and(|now| self.guard.released == Some(now) || self.good.contains(&now));
        if let (Some(had), Some(has)) = (self.keys(before), self.keys(now))
            && now != before
            && now == self.wish
            && !self.good.is_empty()
            && !through
            && !self.had_failed(before)
        {
            let lost = had.saturating_sub(has);
            assert!(lost < 3 || lost * 2 <= had, "{lost} of {had} keys are lost at once");
            assert!(lost == 0 || !self.guard.losing, "half of a restore is applied: {lost} of {had} keys are missing");
        }
        let missing = self.keys(now).zip(self.keys(self.wish)).is_none_or(|(had, has)| has < had);
        let released = self.guard.released.is_some() && self.guard.released == self.wish;
        self.guard.losing = missing && !released && (self.guard.losing || self.guards());
    }

    /// Whether the environment had just failed and was being replaced by the good one, when the newest wish took over:
    /// that wish is compared with the good one.
    fn had_failed(&self, before: Option<Fingerprint>) -> bool {
        let last = self.machine.shown.history().next_back();
        let was_judged = |outcome: &Outcome| match outcome {
            Outcome::Superseded => true,
            Outcome::Inconclusive => before.is_some_and(|before| !self.good.contains(&before)),
            _ => false,
        };
        last.is_some_and(|last| was_judged(&last.outcome) && last.run.is_none() && last.environment == before)
    }

    fn keys(&self, wanted: Option<Fingerprint>) -> Option<usize> {
        self.environments.iter().position(|known| Some(known.fingerprint()) == wanted).map(kept)
    }

    fn guards(&self) -> bool {
        self.machine.picture().config.message.is_some_and(|message| message.starts_with("Held: kv lost"))
    }
}
