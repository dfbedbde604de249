//! The guard's law, held at every step: what is lost at once is not applied, and neither is half of a restore.

use super::World;
use super::nature::kept;
use crate::environment::Fingerprint;
use crate::machine::event::{Event, Outcome, Verb};

/// What the world knows of the guard, from the board alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Watched {
    /// It has held something since the last wish that was whole.
    losing: bool,
    /// The wish that an operator has let through.
    released: Option<Fingerprint>,
}

/// What an event can say about what is on trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trial {
    /// There is none, or nothing against it.
    GoesOn,
    MayHaveFailed,
}

impl World {
    pub(super) fn trial_after(&self, event: &Event) -> Trial {
        let proven = self.machine.config().fingerprint.is_none_or(|runs| self.good.contains(&runs));
        let overdue = self.live.values().any(|process| self.now - process.started >= self.policy.deadline);
        let bad = matches!(
            event,
            Event::Exited { .. }
                | Event::StartFailed { .. }
                | Event::ReloadFailed { .. }
                | Event::Probed { outcome: Outcome::Fail(_), .. }
        );
        if !proven && (overdue || bad) { Trial::MayHaveFailed } else { Trial::GoesOn }
    }

    pub(super) fn watch_release(&mut self, event: &Event) {
        if matches!(event, Event::Operator { verb: Verb::Release { .. }, .. }) && self.guards() {
            self.guard.released = self.wish;
        }
    }

    /// What runs never changes to a wish that would lose much at once, nor to one that lacks any key of what runs once a
    /// hold has begun, unless an operator has let it through. What fails before anything was good is not guarded.
    ///
    /// What has just failed its trial is gone back from: then the good one counts, not what failed.
    pub(super) fn hold_to_the_guard(&mut self, before: Option<Fingerprint>, trial: Trial) {
        let now = self.machine.config().fingerprint;
        let through = now.is_some_and(|now| self.guard.released == Some(now) || self.good.contains(&now));
        if let (Some(had), Some(has)) = (self.keys(before), self.keys(now))
            && now != before
            && now == self.wish
            && !self.good.is_empty()
            && !through
        {
            let good = self.good.iter().filter_map(|good| self.keys(Some(*good))).min();
            let had = good.filter(|_| trial == Trial::MayHaveFailed).map_or(had, |good| good.min(had));
            let lost = had.saturating_sub(has);
            assert!(lost < 3 || lost * 2 <= had, "{lost} of {had} keys are lost at once");
            assert!(lost == 0 || !self.guard.losing, "half of a restore is applied: {lost} of {had} keys are missing");
        }
        let missing = self.keys(now).zip(self.keys(self.wish)).is_none_or(|(had, has)| has < had);
        let released = self.guard.released.is_some() && self.guard.released == self.wish;
        self.guard.losing = missing && !released && (self.guard.losing || self.guards());
    }

    fn keys(&self, wanted: Option<Fingerprint>) -> Option<usize> {
        self.environments.iter().position(|known| Some(known.fingerprint()) == wanted).map(kept)
    }

    fn guards(&self) -> bool {
        self.machine.config().message.is_some_and(|message| message.starts_with("Held: kv lost"))
    }
}
