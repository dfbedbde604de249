//! The guard: which keys the newest wish would lose, compared with the environment that runs or ran a while ago, and
//! how long it is held for that.
//!
//! A hold begins when a wish that loses too much has settled. It ends when no key of the running environment is missing
//! any more, so that a restore key by key is never applied half-way, or when an operator releases the wish. A restart
//! of lictor does not end it. Losses add up over `guard.window`: many small ones amount to a wipe.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::Moment;
use super::super::policy::GuardRules;
use super::losses::{Loss, losses};
use crate::environment::{Environment, Fingerprint};

/// How many sources a message names.
const NAMED: usize = 3;

/// How many environments that ran within the window are remembered.
const REMEMBERED: usize = 32;

/// What the guard keeps on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuardRecord {
    /// The names of the sources for which a hold has begun: such a source needs all of its keys back.
    pub begun: Vec<Arc<str>>,
    /// Since when, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_unix_ms: Option<u64>,
    /// The wish that an operator has released.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released: Option<Fingerprint>,
}

impl GuardRecord {
    /// Whether nothing is held and nothing was released.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The state of the guard.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct GuardState {
    compared: Option<Compared>,
    /// Good environments that ran, with the moment at which another one took their place; the oldest first.
    before: VecDeque<(Moment, Arc<Environment>)>,
    /// The losses for which the wish is held.
    losses: Vec<Loss>,
    /// The part that is kept on the disk.
    kept: GuardRecord,
    /// The sources that are named in the newest line of history about a hold.
    recorded: Vec<Arc<str>>,
}

/// A wish, and the environment that runs or would run instead.
#[derive(Clone, Debug)]
pub(in super::super) struct Compared {
    pub(in super::super) wish: Arc<Environment>,
    pub(in super::super) running: Arc<Environment>,
    pub(in super::super) worth: Worth,
}

/// Whether the running environment is worth guarding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Worth {
    Guarded,
    /// It has failed, and nothing has ever been good: to remove the key that breaks it is a repair.
    Nothing,
}

/// What has changed with a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Change {
    /// Nothing.
    None,
    /// The losses for which the wish is held.
    Losses,
    /// What is kept on disk.
    Kept,
    /// Both.
    Both,
}

impl GuardState {
    /// The state that an earlier lictor has kept.
    pub(super) fn kept(kept: GuardRecord) -> Self {
        Self { kept, ..Self::default() }
    }

    /// What is kept on disk.
    pub(in super::super) fn record(&self) -> &GuardRecord {
        &self.kept
    }

    /// The losses for which the newest wish is held.
    pub(in super::super) fn losses(&self) -> &[Loss] {
        &self.losses
    }

    /// Since when a wish is held, Unix milliseconds. A change that has not settled yet begins no hold.
    pub(in super::super) fn held_since(&self) -> Option<u64> {
        self.kept.since_unix_ms.filter(|_| !self.losses.is_empty())
    }

    /// The rules have changed: the next comparison is made anew.
    pub(in super::super) fn forget_comparison(&mut self) {
        self.compared = None;
    }

    /// The losses for which the newest wish is held, as a sentence; `None`: it is not held.
    pub(in super::super) fn sentence(&self) -> Option<String> {
        let shown: Vec<_> = self.losses.iter().take(NAMED).map(ToString::to_string).collect();
        let more = self.losses.len().saturating_sub(NAMED);
        match (shown.is_empty(), more) {
            (true, _) => None,
            (false, 0) => Some(shown.join("; ")),
            (false, more) => Some(format!("{}; and {more} more sources", shown.join("; "))),
        }
    }

    pub(in super::super) fn is_compared(
        &self,
        wish: &Arc<Environment>,
        running: &Arc<Environment>,
        worth: Worth,
    ) -> bool {
        self.compared.as_ref().is_some_and(|before| {
            Arc::ptr_eq(&before.wish, wish) && Arc::ptr_eq(&before.running, running) && before.worth == worth
        })
    }

    /// If another environment runs now, the one before it, if it was good, is compared with wishes until the window has
    /// passed.
    fn remember(
        &mut self,
        running: &Arc<Environment>,
        rules: &GuardRules,
        was_good: &dyn Fn(&Environment) -> bool,
        now: Moment,
    ) {
        let before = self.compared.as_ref().map(|compared| Arc::clone(&compared.running));
        if let Some(before) = before.filter(|before| before != running && was_good(before)) {
            self.before.push_back((now, before));
        }
        let recent = |(at, _): &(Moment, Arc<Environment>)| now - *at < rules.window;
        while self.before.len() > REMEMBERED || self.before.front().is_some_and(|oldest| !recent(oldest)) {
            self.before.pop_front();
        }
    }

    /// Compares a wish with what runs. `was_good` tells whether an environment has ever been good. The time is given
    /// twice, the second one in Unix milliseconds.
    pub(in super::super) fn compare(
        &mut self,
        next: Compared,
        rules: &GuardRules,
        was_good: &dyn Fn(&Environment) -> bool,
        (now, unix_ms): (Moment, u64),
    ) -> Change {
        let Compared { wish, running, worth } = &next;
        self.remember(running, rules, was_good, now);
        let fingerprint = wish.fingerprint();
        let same = wish == running;
        let free = same || *worth == Worth::Nothing || self.kept.released == Some(fingerprint);
        let lost_since =
            |reference: &Environment| losses(rules, reference.source_keys(), wish.source_keys(), &self.kept.begun);
        let found = if free {
            Vec::new()
        } else {
            let oldest = self.before.front().map(|(_, oldest)| lost_since(oldest)).unwrap_or_default();
            if oldest.is_empty() { lost_since(running) } else { oldest }
        };
        self.compared = Some(next);
        let changed = found != self.losses;
        self.losses = found;
        let outlived = self.kept.released.is_some_and(|released| released != fingerprint);
        if outlived {
            self.kept.released = None;
        }
        let ended = same && self.note_begun(unix_ms);
        match (changed, outlived || ended) {
            (false, false) => Change::None,
            (true, false) => Change::Losses,
            (false, true) => Change::Kept,
            (true, true) => Change::Both,
        }
    }

    /// Notes for which sources a hold has begun; returns whether that has changed.
    pub(in super::super) fn note_begun(&mut self, unix_ms: u64) -> bool {
        let begun: Vec<_> = self.losses.iter().map(|loss| Arc::clone(&loss.source)).collect();
        if begun == self.kept.begun {
            return false;
        }
        let since = self.kept.since_unix_ms.unwrap_or(unix_ms);
        self.kept.since_unix_ms = (!begun.is_empty()).then_some(since);
        if begun.is_empty() {
            self.recorded.clear();
        }
        self.kept.begun = begun;
        true
    }

    /// The losses for which the newest wish is held, as a sentence, if the history has no line about the same sources
    /// yet. The caller writes that line.
    pub(in super::super) fn take_new_hold(&mut self) -> Option<String> {
        let sources: Vec<_> = self.losses.iter().map(|loss| Arc::clone(&loss.source)).collect();
        if sources == self.recorded {
            return None;
        }
        let sentence = self.sentence()?;
        self.recorded = sources;
        Some(sentence)
    }

    /// The wish is released: its losses were meant.
    pub(in super::super) fn release(&mut self, wish: Fingerprint) {
        self.kept = GuardRecord { released: Some(wish), ..GuardRecord::default() };
        self.losses.clear();
        self.before.clear();
        self.recorded.clear();
    }
}

#[cfg(test)]
mod tests;
