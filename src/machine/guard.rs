//! The guard: what the newest wish would lose against what runs, and how long it is held for that.
//!
//! A hold begins when such a wish has settled. It ends when no key of what runs is missing any more, so that a restore
//! key by key is never applied half way, or when an operator releases the wish; a restart of lictor does not end it.

use std::sync::Arc;

use super::history::Outcome;
use super::hold::GuardRecord;
use super::order::{Effect, Order};
use super::road::Step;
use super::road::guarded::{Loss, losses};
use super::{Machine, Subject, Wish};
use crate::environment::{Environment, Fingerprint, changed_names};

/// So many sources are named in a message.
const NAMED: usize = 3;

const NOTHING: &str = "nothing is held by the guard";

/// What the guard knows.
#[derive(Clone, Debug, Default)]
pub(super) struct GuardState {
    /// The wish and what runs, as they were compared last, and what the latter was worth then.
    compared: Option<(Arc<Environment>, Arc<Environment>, Worth)>,
    /// What the wish would lose, as far as it is held for it.
    losses: Vec<Loss>,
    /// What is kept on disk of it.
    kept: GuardRecord,
    /// The wish whose line of history has been written.
    told: Option<Fingerprint>,
}

/// Whether what runs is worth being guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worth {
    Guarded,
    /// It has failed and nothing was ever good: whoever takes away the key that it fails on mends it.
    Nothing,
}

impl GuardState {
    /// With what an earlier lictor has kept.
    pub(super) fn kept(kept: GuardRecord) -> Self {
        Self { kept, ..Self::default() }
    }

    /// What the newest wish is held for.
    pub(super) fn losses(&self) -> &[Loss] {
        &self.losses
    }

    /// The rules are others now.
    pub(super) fn forget_comparison(&mut self) {
        self.compared = None;
    }
}

impl Machine {
    /// Compares the newest wish with what runs, or would be run instead; says whether the guard's mind has changed.
    pub(super) fn compare_losses(&mut self) -> bool {
        let Wish::Environment(wish) = &self.wish else { return false };
        let running = self.base.as_ref().map(|base| &base.environment);
        let running = running.or_else(|| self.ledger.resort(&self.installed.0).map(|good| &good.environment));
        let Some(running) = running else { return false };
        let worth = self.worth();
        let compared = self.guard.compared.as_ref();
        if compared
            .is_some_and(|(one, other, was)| Arc::ptr_eq(one, wish) && Arc::ptr_eq(other, running) && *was == worth)
        {
            return false;
        }
        let fingerprint = wish.fingerprint();
        let same = wish == running;
        let free = same || worth == Worth::Nothing || self.guard.kept.released == Some(fingerprint);
        let found = if free {
            Vec::new()
        } else {
            losses(&self.policy.guard, running.source_keys(), wish.source_keys(), &self.guard.kept.begun)
        };
        self.guard.compared = Some((Arc::clone(wish), Arc::clone(running), worth));
        let changed = found != self.guard.losses;
        self.guard.losses = found;
        if same {
            self.note_begun();
        }
        if self.guard.kept.released.is_some_and(|released| released != fingerprint) {
            self.guard.kept.released = None;
            self.keep_holds();
        }
        changed
    }

    fn worth(&self) -> Worth {
        let late = self.trial.as_ref().is_some_and(|trial| trial.overdue.is_some());
        let failed = late || self.streak.crashes > 0;
        if failed && self.ledger.newest().is_none() { Worth::Nothing } else { Worth::Guarded }
    }

    /// The wish has come to the guard: a hold begins or ends. Says whether a line of history was written for it.
    pub(super) fn tell_losses(&mut self) -> bool {
        // What has failed is not guarded, but may get good all the same: its hold is not forgotten meanwhile.
        if self.worth() == Worth::Guarded {
            self.note_begun();
        }
        let Some(reason) = self.loss() else { return false };
        let Some(environment) = self.journey.as_ref().map(|journey| Arc::clone(&journey.environment)) else {
            return false;
        };
        let fingerprint = Some(environment.fingerprint());
        if self.guard.told == fingerprint {
            return false;
        }
        self.guard.told = fingerprint;
        let keys = self.base.as_ref().map(|base| changed_names(&base.environment, &environment)).unwrap_or_default();
        let subject = Subject { environment: Some(environment), keys, took: self.journey_took(), ..self.subject() };
        self.record(Outcome::Held, subject, reason);
        true
    }

    fn note_begun(&mut self) {
        let begun: Vec<_> = self.guard.losses.iter().map(|loss| Arc::clone(&loss.source)).collect();
        if begun == self.guard.kept.begun {
            return;
        }
        let since = self.guard.kept.since_unix_ms.unwrap_or(self.unix_ms());
        self.guard.kept.since_unix_ms = (!begun.is_empty()).then_some(since);
        self.guard.kept.begun = begun;
        self.keep_holds();
    }

    /// Has everything that holds wishes back written to disk.
    pub(super) fn keep_holds(&mut self) {
        self.order(Order::KeepHold { hold: self.hold.clone(), guarded: self.guard.kept.clone() });
    }

    /// Since when the guard holds the newest wish, Unix milliseconds. While a change still settles it begins no hold.
    pub(super) fn guarded_since(&self) -> Option<u64> {
        let heard = matches!(self.wish, Wish::Environment(_)) && !self.guard.losses.is_empty();
        self.guard.kept.since_unix_ms.filter(|_| heard)
    }

    /// What the newest wish would lose, as a sentence; `None` if nothing that is held for.
    pub(super) fn loss(&self) -> Option<String> {
        let losses = &self.guard.losses;
        let shown: Vec<_> = losses.iter().take(NAMED).map(ToString::to_string).collect();
        let more = losses.len().saturating_sub(NAMED);
        match (shown.is_empty(), more) {
            (true, _) => None,
            (false, 0) => Some(shown.join("; ")),
            (false, more) => Some(format!("{}; and {more} more sources", shown.join("; "))),
        }
    }

    /// An operator lets through what the guard holds: the fingerprint, if one is given, must be that of the wish.
    pub(super) fn release(&mut self, meant: Option<Fingerprint>, who: Option<u32>) -> Result<Effect, String> {
        let Wish::Environment(wish) = &self.wish else { return Err(NOTHING.to_owned()) };
        let held = wish.fingerprint();
        if self.guarded_since().is_none() {
            return Err(NOTHING.to_owned());
        }
        if let Some(meant) = meant.filter(|meant| *meant != held) {
            return Err(format!("{meant} is not what is held, which is {held}: only that can be released"));
        }
        self.note(who, format!("release {held}"));
        self.guard.kept = GuardRecord { released: Some(held), ..GuardRecord::default() };
        self.guard.losses = Vec::new();
        self.keep_holds();
        Ok(Effect::Done)
    }

    /// The environment is the one that is known, with another record: what its sources gave for it counts from now on.
    pub(super) fn renew_record(&mut self, environment: &Arc<Environment>) {
        if let Some(journey) = self.journey.as_mut().filter(|journey| journey.environment == *environment) {
            journey.environment = Arc::clone(environment);
        }
        let Some(base) = self.base.as_mut().filter(|base| base.environment == *environment) else { return };
        if base.environment.source_keys() == environment.source_keys() {
            return;
        }
        base.environment = Arc::clone(environment);
        if let Some(run) = self.life.any_mut().filter(|run| run.environment == *environment) {
            run.environment = Arc::clone(environment);
        }
        if self.ledger.renew_record(environment) == super::ledger::Changed::Yes {
            self.order(Order::KeepGood { good: self.ledger.good().to_vec() });
        }
    }

    /// Whether a wish that has come this far has to go back to the guard.
    pub(super) fn is_losing(&self, step: Step) -> bool {
        !self.guard.losses.is_empty() && !matches!(step, Step::Settled | Step::Guarded)
    }
}

#[cfg(test)]
mod tests;
