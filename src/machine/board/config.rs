//! What is to be said about the configuration: its state in one word, and the line for `/status`.

use super::super::event::TurnRefusal;
use super::super::numbers::GenerationId;
use super::super::process::slot::Slot;
use super::super::road::checked::{Judge, Refusal};
use super::super::trial::TrialKind;
use super::super::trial::ledger::{Quarantined, Standing};
use super::super::trial::setback::SetbackKind;
use super::super::{Machine, Moment, Wish};
use super::sources::by_the_clock;
use super::{ConfigPicture, ConfigState, QuarantinePicture};

impl Machine {
    pub(in super::super) fn config(&self) -> ConfigPicture {
        let (state, message) = self.config_state();
        let is_proved = |held: &&Quarantined| held.standing == Standing::Proved;
        let target = self.targets.present();
        let in_use = self.environment_in_use();
        let wish = self.road.wanted();
        // While no source answers, what they gave last is the newest that is wanted.
        let newest = |slot: &Slot| match wish {
            Some(wish) => *wish == slot.environment,
            None => self.road.is_unheard() && self.shown.stale.is_some(),
        };
        let runs = self.process.alive().is_some_and(newest) && self.rejection().is_none();
        let proved = self.process.trial().is_none_or(|trial| trial.kind == TrialKind::Proven);
        ConfigPicture {
            state,
            fingerprint: in_use.map(|environment| environment.fingerprint()),
            generation: target.map_or(GenerationId(0), |target| target.generation),
            variables: in_use.map_or(0, |environment| environment.variables().len()),
            since: target.map(|target| target.since),
            wish: wish.map(|wish| wish.fingerprint()),
            settled: proved
                && self.awaits().is_none()
                && self.trials.suspicion().is_none()
                && ((runs && self.road.journey().is_none())
                    || self.operator_hold().is_some()
                    || self.guarded_since().is_some()
                    || state == ConfigState::Halted),
            held_since: self.held_since(),
            message,
            violations: match self.road.wish() {
                Wish::Unfit(reasons) => reasons.clone(),
                Wish::Unheard | Wish::Environment(_) => self.road.violations().to_vec(),
            },
            pending_restart: self.pending_restart(),
            good: self.trials.ledger.newest().map(|good| good.environment.fingerprint()),
            quarantine: self.trials.ledger.quarantine().iter().filter(is_proved).map(shown).collect(),
        }
    }

    fn config_state(&self) -> (ConfigState, Option<String>) {
        let say = |state, message: String| (state, Some(message));
        let present = || {
            let environment = self.targets.environment();
            environment.map_or_else(|| "nothing".to_owned(), |environment| environment.fingerprint().to_string())
        };
        let wish = match self.road.wish() {
            Wish::Unheard => return (ConfigState::Waiting, self.shown.stale.clone()),
            Wish::Unfit(reasons) => return say(ConfigState::Rejected, format!("Rejected: {}", reasons.join("; "))),
            Wish::Environment(wish) => wish,
        };
        if let (Some(since), Some(loss)) = (self.guarded_since(), self.holds.guard.sentence()) {
            let (since, fingerprint) = (by_the_clock(since), wish.fingerprint());
            let way_out = format!("write them again, or lictor release {fingerprint}");
            return say(ConfigState::Held, format!("Held: {loss}; since {since}; {way_out}"));
        }
        if let Some(refusal) = self.rejection() {
            return say(ConfigState::Rejected, format!("Rejected: {}", refusal.reason));
        }
        if let Some(suspicion) = self.trials.suspicion() {
            let failed = suspicion.environment.fingerprint();
            let going = format!("Reverting: {failed}: {}; going back to {}", suspicion.reason, present());
            return say(ConfigState::Trial, going);
        }
        if let Some(why) = self.awaits() {
            return say(ConfigState::Waiting, format!("Waits: {why}"));
        }
        if self.targets.is(wish) {
            return self.running_state();
        }
        if let Some(quarantined) = self.trials.ledger.quarantined(wish, &self.installed.0) {
            let (failed, reason) = (quarantined.pair.environment, &quarantined.reason);
            let keys = named(&self.keys_changed_to(wish));
            return say(ConfigState::Reverted, format!("Reverted: {failed}{keys}: {reason}; running on {}", present()));
        }
        if let Some(hold) = self.operator_hold() {
            let since = by_the_clock(hold.since_unix_ms);
            return say(ConfigState::Held, format!("Held: {}; since {since}", hold.reason));
        }
        if let Some(setback) = self.trials.setback() {
            let reason = &setback.reason;
            return match setback.kind {
                SetbackKind::Inconclusive => {
                    say(ConfigState::Inconclusive, format!("Inconclusive: healthy on neither: {reason}"))
                }
                SetbackKind::BuildFailed => say(ConfigState::BuildFailed, format!("Build failed: {reason}")),
            };
        }
        match (self.road.turn().refusal(), self.refusal()) {
            (Some(TurnRefusal::Halted { by, why }), _) => {
                say(ConfigState::Halted, format!("Halted: taken back by {by}: {why}"))
            }
            (Some(TurnRefusal::Waits(why)), _) => say(ConfigState::Pending, format!("Waits: {why}")),
            (None, Some(unanswered)) => say(ConfigState::Pending, format!("Waits: {}; asked again", unanswered.reason)),
            (None, None) => (ConfigState::Pending, None),
        }
    }

    /// What stands against the newest wish on the road, if anything does.
    fn refusal(&self) -> Option<&Refusal> {
        let wish = self.road.wanted()?;
        self.road.refusal().filter(|refusal| refusal.environment == *wish)
    }

    /// Why the newest wish was rejected, if it was. It may run all the same, if it was good under other rules.
    fn rejection(&self) -> Option<&Refusal> {
        self.refusal().filter(|refusal| refusal.by != Judge::Nobody)
    }

    /// How the newest wish does, once it is what runs.
    fn running_state(&self) -> (ConfigState, Option<String>) {
        let overdue = self.process.trial().and_then(|trial| trial.overdue.clone());
        let keeps_ending = self.process.streak().crashes > 0;
        let ended = self.process.last_exit().filter(|_| keeps_ending).map(|exit| exit.text.clone());
        let trouble = overdue.or(ended);
        if let Some(why) = self.build_that_failed_beside() {
            return (ConfigState::BuildFailed, Some(format!("Build failed: {why}")));
        }
        match (self.kind(), trouble) {
            (TrialKind::Proven, _) => (ConfigState::Good, self.shown.stale.clone()),
            (TrialKind::First, Some(why)) if self.trials.ledger.newest().is_none() => {
                (ConfigState::NoGood, Some(format!("No good configuration yet: {why}")))
            }
            (TrialKind::Build, Some(why)) => (ConfigState::BuildFailed, Some(format!("Build failed: {why}"))),
            (TrialKind::First, Some(why)) => (ConfigState::Trial, Some(format!("Failed: {why}; it is not taken back"))),
            (
                TrialKind::First | TrialKind::Candidate | TrialKind::Fallback | TrialKind::Witness | TrialKind::Build,
                _,
            ) => (ConfigState::Trial, None),
        }
    }

    /// Why the build on disk did not take over from the one that runs, if it was tried.
    fn build_that_failed_beside(&self) -> Option<&String> {
        let slot = self.process.alive().filter(|slot| slot.build != self.installed.0)?;
        let setback = self.trials.setback().filter(|setback| {
            setback.kind == SetbackKind::BuildFailed
                && setback.build == self.installed.0
                && setback.is_about(&slot.environment)
        })?;
        Some(&setback.reason)
    }

    /// What the process has to prove, or the next start will have.
    fn kind(&self) -> TrialKind {
        match self.process.alive() {
            Some(slot) => slot.trial.as_ref().map_or(TrialKind::Proven, |trial| trial.kind),
            None => self.kind_on(&self.installed.0),
        }
    }

    /// Since when wishes are held, in this boot of the host.
    fn held_since(&self) -> Option<Moment> {
        let operator = self.holds.operator().map(|hold| hold.since_unix_ms);
        let since = [operator, self.guarded_since()].into_iter().flatten().min();
        since.map(|since| Moment(since.saturating_sub(self.epoch_unix_ms)))
    }
}

/// The first names of a list, in brackets, for a sentence.
fn named(keys: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = if keys.len() > SHOWN { format!(" and {} more", keys.len() - SHOWN) } else { String::new() };
    let first: Vec<_> = keys.iter().take(SHOWN).map(String::as_str).collect();
    if first.is_empty() { String::new() } else { format!(" ({}{more})", first.join(", ")) }
}

fn shown(held: &Quarantined) -> QuarantinePicture {
    QuarantinePicture {
        environment: held.pair.environment,
        build: held.pair.build.clone(),
        reason: held.reason.clone(),
    }
}
