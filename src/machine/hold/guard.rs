//! The guard: what the newest wish would lose against what runs, or ran a while ago, and how long it is held for that.
//!
//! A hold begins when such a wish has settled. It ends when no key of what runs is missing any more, so that a restore
//! key by key is never applied half way, or when an operator releases the wish; a restart of lictor does not end it.
//! Losses add up over `guard.window`: many small ones are a wipe as well.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::policy::GuardRules;
use super::super::{Machine, Moment, Outcome};
use super::losses::{Loss, losses};
use crate::environment::{Environment, Fingerprint};

/// So many sources are named in a message.
const NAMED: usize = 3;

/// So many environments that ran within the window are remembered.
const REMEMBERED: usize = 32;

const NOTHING: &str = "nothing is held by the guard";

/// What the guard has to know again after a restart of lictor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuardRecord {
    /// The sources on which a hold has begun, by name: each needs every key again.
    pub begun: Vec<Arc<str>>,
    /// Since when, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_unix_ms: Option<u64>,
    /// The wish that an operator has let through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released: Option<Fingerprint>,
}

impl GuardRecord {
    /// Whether nothing is held and nothing was released.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What the guard knows.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct GuardState {
    compared: Option<Compared>,
    /// What was good and ran, until something took its place at that moment; the oldest first.
    before: VecDeque<(Moment, Arc<Environment>)>,
    /// What the wish would lose, as far as it is held for it.
    losses: Vec<Loss>,
    /// What is kept on disk of it.
    kept: GuardRecord,
    /// The sources that the newest line of history about a hold names.
    recorded: Vec<Arc<str>>,
}

/// What was compared last.
#[derive(Clone, Debug)]
struct Compared {
    wish: Arc<Environment>,
    running: Arc<Environment>,
    worth: Worth,
}

/// Whether what runs is worth being guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Worth {
    Guarded,
    /// It has failed and nothing was ever good: removing the key on which it fails is a repair.
    Nothing,
}

/// What a comparison has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// Nothing.
    None,
    /// What the guard holds the wish for.
    Losses,
    /// What is kept on disk.
    Kept,
    /// Both.
    Both,
}

impl GuardState {
    /// With what an earlier lictor has kept.
    pub(super) fn kept(kept: GuardRecord) -> Self {
        Self { kept, ..Self::default() }
    }

    /// What is kept on disk.
    pub(in super::super) fn record(&self) -> &GuardRecord {
        &self.kept
    }

    /// What the newest wish is held for.
    pub(in super::super) fn losses(&self) -> &[Loss] {
        &self.losses
    }

    /// The rules are others now.
    pub(in super::super) fn forget_comparison(&mut self) {
        self.compared = None;
    }

    /// What the newest wish would lose, as a sentence; `None` if nothing that it is held for.
    pub(in super::super) fn sentence(&self) -> Option<String> {
        let shown: Vec<_> = self.losses.iter().take(NAMED).map(ToString::to_string).collect();
        let more = self.losses.len().saturating_sub(NAMED);
        match (shown.is_empty(), more) {
            (true, _) => None,
            (false, 0) => Some(shown.join("; ")),
            (false, more) => Some(format!("{}; and {more} more sources", shown.join("; "))),
        }
    }

    fn is_compared(&self, wish: &Arc<Environment>, running: &Arc<Environment>, worth: Worth) -> bool {
        self.compared.as_ref().is_some_and(|before| {
            Arc::ptr_eq(&before.wish, wish) && Arc::ptr_eq(&before.running, running) && before.worth == worth
        })
    }

    /// Another environment runs: what ran before it, if it was good, is compared with for as long as the window.
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

    fn compare(
        &mut self,
        wish: &Arc<Environment>,
        running: &Arc<Environment>,
        worth: Worth,
        rules: &GuardRules,
    ) -> Change {
        let fingerprint = wish.fingerprint();
        let same = wish == running;
        let free = same || worth == Worth::Nothing || self.kept.released == Some(fingerprint);
        let lost_since =
            |reference: &Environment| losses(rules, reference.source_keys(), wish.source_keys(), &self.kept.begun);
        let found = if free {
            Vec::new()
        } else {
            let oldest = self.before.front().map(|(_, oldest)| lost_since(oldest)).unwrap_or_default();
            if oldest.is_empty() { lost_since(running) } else { oldest }
        };
        self.compared = Some(Compared { wish: Arc::clone(wish), running: Arc::clone(running), worth });
        let changed = found != self.losses;
        self.losses = found;
        let outlived = self.kept.released.is_some_and(|released| released != fingerprint);
        if outlived {
            self.kept.released = None;
        }
        match (changed, outlived) {
            (false, false) => Change::None,
            (true, false) => Change::Losses,
            (false, true) => Change::Kept,
            (true, true) => Change::Both,
        }
    }

    /// Notes on which sources a hold has begun; says whether that has changed.
    fn note_begun(&mut self, unix_ms: u64) -> bool {
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

    /// From now on the hold is a line of history; says whether it was none before. One line for the sources that it names.
    fn take_new_hold(&mut self) -> bool {
        let sources: Vec<_> = self.losses.iter().map(|loss| Arc::clone(&loss.source)).collect();
        if sources.is_empty() || sources == self.recorded {
            return false;
        }
        self.recorded = sources;
        true
    }

    /// The wish is let through, and counts as what was meant from now on.
    fn release(&mut self, wish: Fingerprint) {
        self.kept = GuardRecord { released: Some(wish), ..GuardRecord::default() };
        self.losses.clear();
        self.before.clear();
        self.recorded.clear();
    }
}

impl Machine {
    /// Compares the newest wish with what runs, or would be run instead; says whether the guard's mind has changed.
    pub(in super::super) fn compare_losses(&mut self) -> bool {
        let Some(wish) = self.road.wanted() else { return false };
        let resort = || self.trials.ledger.resort(&self.installed.0).map(|good| &good.environment);
        let Some(running) = self.targets.environment().or_else(resort) else { return false };
        let worth = self.worth();
        if self.holds.guard.is_compared(wish, running, worth) {
            return false;
        }
        let same = wish == running;
        let ledger = &self.trials.ledger;
        self.holds.guard.remember(running, &self.policy.guard, &|environment| ledger.knows(environment), self.now);
        let change = self.holds.guard.compare(wish, running, worth, &self.policy.guard);
        if same {
            self.note_begun();
        }
        if matches!(change, Change::Kept | Change::Both) {
            self.keep_holds();
        }
        matches!(change, Change::Losses | Change::Both)
    }

    fn worth(&self) -> Worth {
        let failed = self.process.is_overdue() || self.process.streak().crashes > 0;
        if failed && self.trials.ledger.newest().is_none() { Worth::Nothing } else { Worth::Guarded }
    }

    /// The wish has come to the guard: a hold begins or ends. Says whether a line of history was written for it.
    pub(in super::super) fn record_losses(&mut self) -> bool {
        // What has failed is not guarded, but may get good all the same: its hold is not forgotten meanwhile.
        if self.worth() == Worth::Guarded {
            self.note_begun();
        }
        let Some(reason) = self.holds.guard.sentence() else { return false };
        let Some(environment) = self.road.journey().map(|journey| Arc::clone(&journey.environment)) else {
            return false;
        };
        if !self.holds.guard.take_new_hold() {
            return false;
        }
        self.record_stopped(Outcome::Held, environment, reason);
        true
    }

    fn note_begun(&mut self) {
        let unix_ms = self.unix_ms();
        if self.holds.guard.note_begun(unix_ms) {
            self.keep_holds();
        }
    }

    /// Since when the guard holds the newest wish, Unix milliseconds. While a change still settles it begins no hold.
    pub(in super::super) fn guarded_since(&self) -> Option<u64> {
        let held = self.road.wanted().is_some() && !self.holds.guard.losses().is_empty();
        self.holds.guard.record().since_unix_ms.filter(|_| held)
    }

    /// An operator lets through what the guard holds: the fingerprint, if one is given, must be that of the wish.
    pub(in super::super) fn release(&mut self, meant: Option<Fingerprint>, who: Option<u32>) -> Result<(), String> {
        let held = self.road.wanted().filter(|_| self.guarded_since().is_some()).map(|wish| wish.fingerprint());
        let Some(held) = held else { return Err(NOTHING.to_owned()) };
        if let Some(meant) = meant.filter(|meant| *meant != held) {
            return Err(format!("{meant} is not what is held, which is {held}: only that can be released"));
        }
        self.note(who, format!("release {held}"));
        self.holds.guard.release(held);
        self.keep_holds();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
