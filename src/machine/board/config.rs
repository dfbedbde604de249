//! The state of the configuration for the board, with the line for `/status`.

use std::sync::Arc;

use super::super::event::TurnRefusal;
use super::super::numbers::GenerationId;
use super::super::process::slot::Slot;
use super::super::road::checked::{Judge, Refusal};
use super::super::trial::TrialKind;
use super::super::trial::ledger::{Quarantined, Standing};
use super::super::trial::setback::SetbackKind;
use super::super::{Machine, Moment, Wish};
use super::sources::{awaits, by_the_clock};
use super::{ConfigPicture, ConfigState, QuarantinePicture};
use crate::environment::Environment;

pub(super) fn config(machine: &Machine) -> ConfigPicture {
    let (state, message) = config_state(machine);
    let is_proved = |held: &&Quarantined| held.standing == Standing::Proved;
    let target = machine.targets.present();
    let in_use = environment_in_use(machine);
    let wish = machine.road.wanted();
    // While no source answers, the last good environment counts as the newest wish.
    let newest = |slot: &Slot| match wish {
        Some(wish) => *wish == slot.environment,
        None => machine.road.is_unheard() && machine.shown.stale.is_some(),
    };
    let runs = machine.process.alive().is_some_and(newest) && rejection(machine).is_none();
    let proved = machine.process.trial().is_none_or(|trial| trial.kind == TrialKind::Proven);
    ConfigPicture {
        state,
        fingerprint: in_use.map(|environment| environment.fingerprint()),
        generation: target.map_or(GenerationId(0), |target| target.generation),
        variables: in_use.map_or(0, |environment| environment.variables().len()),
        since: target.map(|target| target.since),
        wish: wish.map(|wish| wish.fingerprint()),
        settled: proved
            && awaits(machine).is_none()
            && machine.trials.suspicion().is_none()
            && ((runs && machine.road.journey().is_none())
                || machine.operator_hold().is_some()
                || machine.guarded_since().is_some()
                || state == ConfigState::Halted),
        held_since: held_since(machine),
        message,
        violations: match machine.road.wish() {
            Wish::Unfit(reasons) => reasons.clone(),
            Wish::Unheard | Wish::Environment(_) => machine.road.violations().to_vec(),
        },
        pending_restart: machine.pending_restart(),
        good: machine.trials.ledger().newest().map(|good| good.environment.fingerprint()),
        quarantine: machine.trials.ledger().quarantine().iter().filter(is_proved).map(shown).collect(),
    }
}

fn config_state(machine: &Machine) -> (ConfigState, Option<String>) {
    let say = |state, message: String| (state, Some(message));
    let present = || {
        let environment = machine.targets.environment();
        environment.map_or_else(|| "nothing".to_owned(), |environment| environment.fingerprint().to_string())
    };
    let wish = match machine.road.wish() {
        Wish::Unheard => return (ConfigState::Waiting, machine.shown.stale.clone()),
        Wish::Unfit(reasons) => return say(ConfigState::Rejected, format!("Rejected: {}", reasons.join("; "))),
        Wish::Environment(wish) => wish,
    };
    if let (Some(since), Some(loss)) = (machine.guarded_since(), machine.holds.guard.sentence()) {
        let (since, fingerprint) = (by_the_clock(since), wish.fingerprint());
        let way_out = format!("write them again, or lictor release {fingerprint}");
        return say(ConfigState::Held, format!("Held: {loss}; since {since}; {way_out}"));
    }
    if let Some(refusal) = rejection(machine) {
        return say(ConfigState::Rejected, format!("Rejected: {}", refusal.reason));
    }
    if let Some(suspicion) = machine.trials.suspicion() {
        let failed = suspicion.environment.fingerprint();
        let going = format!("Reverting: {failed}: {}; going back to {}", suspicion.reason, present());
        return say(ConfigState::Trial, going);
    }
    if let Some(why) = awaits(machine) {
        return say(ConfigState::Waiting, format!("Waits: {why}"));
    }
    if machine.targets.is(wish) {
        return running_state(machine);
    }
    if let Some(quarantined) = machine.trials.ledger().quarantined(wish, &machine.installed.0) {
        let (failed, reason) = (quarantined.pair.environment, &quarantined.reason);
        let keys = named(&machine.targets.changed_to(wish));
        return say(ConfigState::Reverted, format!("Reverted: {failed}{keys}: {reason}; running on {}", present()));
    }
    if let Some(hold) = machine.operator_hold() {
        let since = by_the_clock(hold.since_unix_ms);
        return say(ConfigState::Held, format!("Held: {}; since {since}", hold.reason));
    }
    if let Some(setback) = machine.trials.setback() {
        let reason = &setback.reason;
        return match setback.kind {
            SetbackKind::Inconclusive => {
                say(ConfigState::Inconclusive, format!("Inconclusive: healthy on neither: {reason}"))
            }
            SetbackKind::BuildFailed => say(ConfigState::BuildFailed, format!("Build failed: {reason}")),
        };
    }
    match (machine.road.turn().refusal(), refusal(machine)) {
        (Some(TurnRefusal::Halted { by, why }), _) => {
            say(ConfigState::Halted, format!("Halted: taken back by {by}: {why}"))
        }
        (Some(TurnRefusal::Waits(why)), _) => say(ConfigState::Pending, format!("Waits: {why}")),
        (None, Some(unanswered)) => say(ConfigState::Pending, format!("Waits: {}; asked again", unanswered.reason)),
        (None, None) => (ConfigState::Pending, None),
    }
}

/// The environment of the process that new connections go to, or of the next one.
pub(super) fn environment_in_use(machine: &Machine) -> Option<&Arc<Environment>> {
    machine.process.old_in_front().map(|old| &old.environment).or_else(|| machine.targets.environment())
}

/// The refusal of the newest wish, if there is one.
fn refusal(machine: &Machine) -> Option<&Refusal> {
    let wish = machine.road.wanted()?;
    machine.road.refusal().filter(|refusal| refusal.environment == *wish)
}

/// The rejection of the newest wish, if there is one. The wish may run all the same, if it was good under other rules.
fn rejection(machine: &Machine) -> Option<&Refusal> {
    refusal(machine).filter(|refusal| refusal.by != Judge::Nobody)
}

/// The state while the newest wish runs.
fn running_state(machine: &Machine) -> (ConfigState, Option<String>) {
    let overdue = machine.process.trial().and_then(|trial| trial.overdue.clone());
    let keeps_ending = machine.process.streak().crashes > 0;
    let ended = machine.process.last_exit().filter(|_| keeps_ending).map(|exit| exit.text.clone());
    let trouble = overdue.or(ended);
    if let Some(why) = build_that_failed_beside(machine) {
        return (ConfigState::BuildFailed, Some(format!("Build failed: {why}")));
    }
    match (kind(machine), trouble) {
        (TrialKind::Proven, _) => (ConfigState::Good, machine.shown.stale.clone()),
        (TrialKind::First, Some(why)) if machine.trials.ledger().newest().is_none() => {
            (ConfigState::NoGood, Some(format!("No good configuration yet: {why}")))
        }
        (TrialKind::Build, Some(why)) => (ConfigState::BuildFailed, Some(format!("Build failed: {why}"))),
        (TrialKind::First, Some(why)) => (ConfigState::Trial, Some(format!("Failed: {why}; it is not taken back"))),
        (TrialKind::First | TrialKind::Candidate | TrialKind::Fallback | TrialKind::Witness | TrialKind::Build, _) => {
            (ConfigState::Trial, None)
        }
    }
}

/// Why the installed build did not take over from the one that runs, if it has been tried.
fn build_that_failed_beside(machine: &Machine) -> Option<&String> {
    let slot = machine.process.alive().filter(|slot| slot.build != machine.installed.0)?;
    let setback = machine.trials.setback().filter(|setback| {
        setback.kind == SetbackKind::BuildFailed
            && setback.build == machine.installed.0
            && setback.is_about(&slot.environment)
    })?;
    Some(&setback.reason)
}

/// What the process has to prove, or the next start will have.
fn kind(machine: &Machine) -> TrialKind {
    match machine.process.alive() {
        Some(slot) => slot.trial.as_ref().map_or(TrialKind::Proven, |trial| trial.kind),
        None => machine.kind_on(&machine.installed.0),
    }
}

/// Since when wishes are held, in this boot of the host.
fn held_since(machine: &Machine) -> Option<Moment> {
    let operator = machine.holds.operator().map(|hold| hold.since_unix_ms);
    let since = [operator, machine.guarded_since()].into_iter().flatten().min();
    since.map(|since| Moment(since.saturating_sub(machine.epoch_unix_ms)))
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
