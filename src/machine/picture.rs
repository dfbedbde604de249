//! Draws the board from what is known. It holds nothing that changes by mere passing of time.

use std::sync::Arc;
use std::time::Duration;

use super::board::{
    Board, BuildPicture, CandidatePicture, CheckPicture, CheckState, ConfigPicture, ConfigState, Phase, ProcessPicture,
    QuarantinePicture, StepName,
};
use super::build::Build;
use super::event::TurnRefusal;
use super::health::Tally;
use super::life::{Life, StopReason};
use super::numbers::GenerationId;
use super::policy::CheckRule;
use super::road::checked::Refusal;
use super::setback::SetbackKind;
use super::stale::by_the_clock;
use super::trial::TrialKind;
use super::{Machine, Wish};
use crate::environment::{Environment, changed_names};

impl Machine {
    pub(super) fn picture(&self) -> Board {
        // What leaves traffic still serves, and is probed.
        let serving = match &self.life {
            Life::Alive(run) | Life::Leaving(run, ..) => Some(run),
            Life::Absent { .. } | Life::Stopping(..) => None,
        };
        let alive = serving.filter(|run| run.pid.is_some());
        let rules = &self.policy.checks;
        Board {
            index: 0,
            epoch_unix_ms: self.epoch_unix_ms,
            service: self.policy.service.clone(),
            phase: self.phase(),
            phase_since: self.life_since,
            process: self.process(),
            restarts: self.totals.all_restarts(),
            totals: self.totals.clone(),
            last_exit: self.last_exit.clone(),
            next_start: match self.life {
                Life::Absent { not_before } => not_before,
                Life::Alive(_) | Life::Leaving(..) | Life::Stopping(..) => None,
            },
            build: self.build(),
            config: self.config(),
            hold: self.hold.clone(),
            reload: self.reload.clone(),
            deployment: self.validation.clone(),
            candidate: self.candidate(),
            sources: self.sources.clone(),
            disk: self.disk.clone(),
            traffic: self.life.run().and_then(|run| self.traffic.state_of(run.id)),
            traffic_trouble: self.traffic.trouble().cloned(),
            checks: self.checks(),
            healthy: alive.is_some_and(|run| run.health.healthy_since.is_some()),
            ready: alive.is_some_and(|run| run.health.ready(rules)),
            live: alive.is_some_and(|run| run.health.dead(rules, super::health::Patience::Fall).is_none()),
            stopping: self.shutdown,
            history: self.tail.iter().cloned().collect(),
            environment: self.base.as_ref().map(|base| Arc::clone(&base.environment)),
            wish: match &self.wish {
                Wish::Environment(wish) => Some(Arc::clone(wish)),
                Wish::Unheard | Wish::Unfit(_) => None,
            },
        }
    }

    fn phase(&self) -> Phase {
        match &self.life {
            Life::Absent { not_before: Some(_) } => Phase::BackingOff,
            Life::Absent { not_before: None } => Phase::Absent,
            Life::Alive(run) if run.been_ready => Phase::Up,
            Life::Alive(_) => Phase::Starting,
            Life::Leaving(..) => Phase::Leaving,
            Life::Stopping(..) => Phase::Stopping,
        }
    }

    fn process(&self) -> Option<ProcessPicture> {
        self.life.run().map(|run| ProcessPicture {
            run: run.id,
            pid: run.pid,
            started: run.started,
            generation: run.generation,
            healthy_since: run.health.healthy_since,
        })
    }

    fn build(&self) -> BuildPicture {
        let started_on = self.life.run().map(|run| run.build.clone());
        let known = |build: &&Build| **build != Build::default();
        let installed = Some(&self.installed.0).filter(known);
        let outdated = started_on.as_ref().filter(known).zip(installed).is_some_and(|(started, now)| started != now);
        BuildPicture {
            outdated,
            running: self.running.as_ref().map(|(_, version)| version.clone()).unwrap_or_default(),
            running_build: self.running.as_ref().map(|(build, _)| build.clone()).or(started_on),
            installed: self.installed.1.clone(),
            installed_build: self.installed.0.clone(),
        }
    }

    fn checks(&self) -> Vec<CheckPicture> {
        let tallies = match &self.life {
            Life::Alive(run) | Life::Leaving(run, ..) => run.health.tallies.as_slice(),
            Life::Absent { .. } | Life::Stopping(..) => &[],
        };
        let picture = |(index, rule): (usize, &CheckRule)| self.check(rule, tallies.get(index));
        self.policy.checks.iter().enumerate().map(picture).collect()
    }

    fn check(&self, rule: &CheckRule, tally: Option<&Tally>) -> CheckPicture {
        let state = tally.map_or(CheckState::Unknown, |tally| tally.state);
        CheckPicture {
            name: rule.name.clone(),
            role: rule.role,
            state,
            word: match state {
                CheckState::Unknown => "Unknown".to_owned(),
                CheckState::Passing => rule.good.clone(),
                CheckState::Failing => rule.bad.clone(),
            },
            since: tally.map_or(self.life_since, |tally| tally.since),
            why: tally.and_then(|tally| tally.why.clone()),
            latency_ms: tally.and_then(|tally| tally.took).map(millis),
            latency_p50_ms: tally.and_then(|tally| tally.latencies.percentile(50)).map(millis),
            latency_p99_ms: tally.and_then(|tally| tally.latencies.percentile(99)).map(millis),
            failures: tally.map_or(0, |tally| tally.failures),
            probes: tally.map_or(0, |tally| tally.probes),
        }
    }

    fn candidate(&self) -> Option<CandidatePicture> {
        let deadline = self.life.alive().zip(self.trial.as_ref()).map(|(run, trial)| trial.deadline(run, &self.policy));
        if let Some(journey) = &self.journey {
            let keys = self.base.as_ref().map(|base| changed_names(&base.environment, &journey.environment));
            return Some(CandidatePicture {
                fingerprint: journey.environment.fingerprint(),
                generation: None,
                step: journey.step_name(),
                since: journey.since,
                deadline: None,
                keys: keys.unwrap_or_default(),
                effect: self.effect(),
            });
        }
        let base = self.base.as_ref()?;
        let of_base = |step, deadline| CandidatePicture {
            fingerprint: base.environment.fingerprint(),
            generation: Some(base.generation),
            step,
            since: base.since,
            deadline,
            keys: base.keys.clone(),
            effect: self.effect(),
        };
        if let Some(suspect) = &self.suspect {
            let fingerprint = suspect.environment.fingerprint();
            return Some(CandidatePicture { fingerprint, ..of_base(StepName::Reverting, deadline) });
        }
        match &self.life {
            Life::Leaving(_, StopReason::Switch, _) | Life::Stopping(_, StopReason::Switch) => {
                Some(of_base(StepName::Switched, None))
            }
            Life::Alive(_) if self.on_trial() => Some(of_base(StepName::Trial, deadline)),
            _ => None,
        }
    }

    pub(super) fn on_trial(&self) -> bool {
        self.trial.as_ref().is_some_and(|trial| trial.kind != TrialKind::Proven && trial.overdue.is_none())
    }

    pub(super) fn config(&self) -> ConfigPicture {
        let (state, message) = self.config_state();
        let base = self.base.as_ref();
        let wish = match &self.wish {
            Wish::Environment(wish) => Some(wish),
            Wish::Unheard | Wish::Unfit(_) => None,
        };
        // While no source answers, what they gave last is the newest that is wanted.
        let newest = |run: &super::life::Slot| match wish {
            Some(wish) => *wish == run.environment,
            None => self.wish == Wish::Unheard && self.stale.is_some(),
        };
        let runs = self.life.alive().is_some_and(newest) && self.refusal().is_none();
        let proved = self.trial.as_ref().is_none_or(|trial| trial.kind == TrialKind::Proven);
        ConfigPicture {
            state,
            fingerprint: base.map(|base| base.environment.fingerprint()),
            generation: base.map_or(GenerationId(0), |base| base.generation),
            variables: base.map_or(0, |base| base.environment.variables().len()),
            since: base.map(|base| base.since),
            wish: wish.map(|wish| wish.fingerprint()),
            settled: proved
                && self.suspect.is_none()
                && ((runs && self.journey.is_none())
                    || self.holding().is_some()
                    || self.guarded_since().is_some()
                    || state == ConfigState::Halted),
            held_since: self.held_since(),
            message,
            violations: match &self.wish {
                Wish::Unfit(reasons) => reasons.clone(),
                Wish::Unheard | Wish::Environment(_) => self.violations.clone(),
            },
            pending_restart: self.pending_restart(),
            good: self.ledger.newest().map(|good| good.environment.fingerprint()),
            quarantine: self.ledger.quarantine().iter().map(shown).collect(),
        }
    }

    fn config_state(&self) -> (ConfigState, Option<String>) {
        let say = |state, message: String| (state, Some(message));
        let present = |environment: Option<&Environment>| {
            environment.map_or_else(|| "nothing".to_owned(), |environment| environment.fingerprint().to_string())
        };
        let base = || present(self.base.as_ref().map(|base| &*base.environment));
        let waits = |wish: &Environment| self.base.as_ref().is_none_or(|base| *base.environment != *wish);
        let wish = match &self.wish {
            Wish::Unheard => return (ConfigState::Waiting, self.stale.clone()),
            Wish::Unfit(reasons) => return say(ConfigState::Rejected, format!("Rejected: {}", reasons.join("; "))),
            Wish::Environment(wish) => wish,
        };
        if let (Some(since), Some(loss)) = (self.guarded_since(), self.loss()) {
            let (since, fingerprint) = (by_the_clock(since), wish.fingerprint());
            let way_out = format!("write them again, or lictor release {fingerprint}");
            return say(ConfigState::Held, format!("Held: {loss}; since {since}; {way_out}"));
        }
        if let Some(refused) = self.refusal() {
            return say(ConfigState::Rejected, format!("Rejected: {}", refused.reason));
        }
        if let Some(suspect) = &self.suspect {
            let failed = suspect.environment.fingerprint();
            let going = format!("Reverting: {failed}: {}; going back to {}", suspect.reason, base());
            return say(ConfigState::Trial, going);
        }
        let quarantined = self.ledger.quarantined(wish, &self.installed.0).filter(|_| waits(wish));
        if let Some(quarantined) = quarantined {
            let (failed, reason) = (quarantined.pair.environment, &quarantined.reason);
            let keys =
                self.base.as_ref().map(|base| named(&changed_names(&base.environment, wish))).unwrap_or_default();
            return say(ConfigState::Reverted, format!("Reverted: {failed}{keys}: {reason}; running on {}", base()));
        }
        if let Some(hold) = self.holding().filter(|_| waits(wish)) {
            let since = by_the_clock(hold.since_unix_ms);
            return say(ConfigState::Held, format!("Held: {}; since {since}", hold.reason));
        }
        if let Some(setback) = self.setback.as_ref().filter(|_| waits(wish)) {
            return match setback.kind {
                SetbackKind::Inconclusive => {
                    say(ConfigState::Inconclusive, format!("Inconclusive: healthy on neither: {}", setback.reason))
                }
                SetbackKind::BuildFailed => say(ConfigState::BuildFailed, format!("Build failed: {}", setback.reason)),
            };
        }
        if waits(wish) {
            return match self.turn.refusal() {
                Some(TurnRefusal::Halted { by, why }) => {
                    say(ConfigState::Halted, format!("Halted: taken back by {by}: {why}"))
                }
                Some(TurnRefusal::Waits(why)) => say(ConfigState::Pending, format!("Waits: {why}")),
                None => (ConfigState::Pending, None),
            };
        }
        self.running_state()
    }

    /// Why the newest wish was rejected, if it was. It may run all the same, if it was good under other rules.
    fn refusal(&self) -> Option<&Refusal> {
        let Wish::Environment(wish) = &self.wish else { return None };
        self.refused.as_ref().filter(|refused| refused.environment == *wish)
    }

    /// How the newest wish does, once it is what runs.
    fn running_state(&self) -> (ConfigState, Option<String>) {
        let overdue = self.trial.as_ref().and_then(|trial| trial.overdue.clone());
        let ended = self.last_exit.as_ref().filter(|_| self.streak.crashes > 0).map(|exit| exit.text.clone());
        let trouble = overdue.or(ended);
        match (self.kind(), trouble) {
            (TrialKind::Proven, _) => (ConfigState::Good, self.stale.clone()),
            (TrialKind::First, Some(why)) if self.ledger.newest().is_none() => {
                (ConfigState::NoGood, Some(format!("No good configuration yet: {why}")))
            }
            (TrialKind::Build, Some(why)) => (ConfigState::BuildFailed, Some(format!("Build failed: {why}"))),
            (TrialKind::First, Some(why)) => (ConfigState::Trial, Some(format!("Failed: {why}; it is not taken back"))),
            (TrialKind::First | TrialKind::Candidate | TrialKind::Fallback | TrialKind::Build, _) => {
                (ConfigState::Trial, None)
            }
        }
    }

    /// What the present run has to prove, or the next start will have.
    fn kind(&self) -> TrialKind {
        match (&self.trial, &self.life) {
            (Some(trial), _) => trial.kind,
            (None, Life::Alive(_)) => TrialKind::Proven,
            (None, Life::Absent { .. } | Life::Leaving(..) | Life::Stopping(..)) => self.kind_of_start(),
        }
    }
}

/// The first names of a list, in brackets, for a sentence.
fn named(keys: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = if keys.len() > SHOWN { format!(" and {} more", keys.len() - SHOWN) } else { String::new() };
    let first: Vec<_> = keys.iter().take(SHOWN).map(String::as_str).collect();
    if first.is_empty() { String::new() } else { format!(" ({}{more})", first.join(", ")) }
}

fn shown(held: &super::ledger::Quarantined) -> QuarantinePicture {
    QuarantinePicture {
        environment: held.pair.environment,
        build: held.pair.build.clone(),
        reason: held.reason.clone(),
    }
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
