//! Draws the board from what is known. It holds nothing that changes by mere passing of time.

use std::sync::Arc;
use std::time::Duration;

use super::super::build::Build;
use super::super::policy::CheckRule;
use super::super::process::Life;
use super::super::process::health::{Patience, Tally};
use super::super::process::slot::Slot;
use super::super::{Machine, StopReason};
use super::{
    BesidePicture, BesideRole, Board, BuildPicture, CandidatePicture, CheckPicture, CheckState, Phase, ProcessPicture,
    StepName,
};
use crate::environment::Environment;

impl Machine {
    pub(in super::super) fn picture(&self) -> Board {
        let serving = self.serving().filter(|slot| slot.pid.is_some());
        let rules = &self.policy.checks;
        let shown = &self.shown;
        Board {
            index: 0,
            epoch_unix_ms: self.epoch_unix_ms,
            service: self.policy.service.clone(),
            phase: self.phase(),
            phase_since: self.process.since(),
            process: self.process.active().map(of),
            beside: self.beside(),
            restarts: shown.totals.all_restarts(),
            totals: shown.totals.clone(),
            last_exit: self.process.last_exit().cloned(),
            next_start: self.process.not_before(),
            build: self.build(),
            config: self.config(),
            hold: self.holds.operator().cloned(),
            reload: shown.reload().cloned(),
            deployment: shown.validation.clone(),
            candidate: self.candidate(),
            sources: shown.sources.reports().to_vec(),
            disk: shown.disk.clone(),
            sockets: shown.sockets.clone().or_else(|| self.steering_trouble().cloned()),
            fleet: shown.fleet.clone(),
            traffic: self.process.active().and_then(|slot| self.traffic.state_of(slot.id)),
            traffic_trouble: self.traffic.trouble().cloned(),
            checks: self.checks(),
            healthy: serving.is_some_and(|slot| slot.health.healthy_since.is_some()),
            ready: serving.is_some_and(|slot| slot.health.ready(rules)),
            live: serving.is_some_and(|slot| slot.health.dead(rules, Patience::Fall).is_none()),
            stopping: self.shutdown,
            history: shown.history().cloned().collect(),
            environment: self.environment_in_use().cloned(),
            wish: self.road.wanted().cloned(),
        }
    }

    /// The process that answers the requests that come now.
    fn serving(&self) -> Option<&Slot> {
        self.old_in_front().or_else(|| self.process.serving())
    }

    /// The old process, while new connections still go to it.
    fn old_in_front(&self) -> Option<&Slot> {
        self.process.old().filter(|old| self.process.active().is_some_and(|active| active.id == old.id))
    }

    /// What the process that new connections go to is on, or the next one will be.
    pub(super) fn environment_in_use(&self) -> Option<&Arc<Environment>> {
        self.old_in_front().map(|old| &old.environment).or_else(|| self.targets.environment())
    }

    fn phase(&self) -> Phase {
        match self.process.life() {
            _ if self.old_in_front().is_some() => Phase::Up,
            Life::Absent { not_before: Some(_) } => Phase::BackingOff,
            Life::Absent { not_before: None } => Phase::Absent,
            Life::Alive(slot) if slot.been_ready => Phase::Up,
            Life::Alive(_) => Phase::Starting,
            Life::Leaving(..) => Phase::Leaving,
            Life::Stopping(..) => Phase::Stopping,
        }
    }

    fn beside(&self) -> Option<BesidePicture> {
        let slot = self.process.not_active()?;
        let role = if self.process.leaving_beside().is_some() {
            BesideRole::Leaving
        } else if self.process.old().is_some_and(|old| old.id == slot.id) {
            BesideRole::Old
        } else {
            BesideRole::New
        };
        let environment = slot.environment.fingerprint();
        let ready = slot.pid.is_some() && slot.health.ready(&self.policy.checks);
        Some(BesidePicture { process: of(slot), role, environment, ready })
    }

    fn build(&self) -> BuildPicture {
        let slot = self.process.active();
        let started_on = slot.map(|slot| slot.build.clone());
        let turned_out = slot.and_then(|slot| slot.turned_out.as_ref());
        let known = |build: &&Build| **build != Build::default();
        let installed = Some(&self.installed.0).filter(known);
        let outdated = started_on.as_ref().filter(known).zip(installed).is_some_and(|(started, now)| started != now);
        BuildPicture {
            outdated,
            running: turned_out.map(|(_, version)| version.clone()).unwrap_or_default(),
            running_build: turned_out.map(|(build, _)| build.clone()).or(started_on),
            installed: self.installed.1.clone(),
            installed_build: self.installed.0.clone(),
        }
    }

    fn checks(&self) -> Vec<CheckPicture> {
        let tallies = self.serving().map(|slot| slot.health.tallies.as_slice()).unwrap_or_default();
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
            since: tally.map_or(self.process.since(), |tally| tally.since),
            why: tally.and_then(|tally| tally.why.clone()),
            latency_ms: tally.and_then(|tally| tally.took).map(millis),
            latency_p50_ms: tally.and_then(|tally| tally.latencies.percentile(50)).map(millis),
            latency_p99_ms: tally.and_then(|tally| tally.latencies.percentile(99)).map(millis),
            failures: tally.map_or(0, |tally| tally.failures),
            probes: tally.map_or(0, |tally| tally.probes),
        }
    }

    fn candidate(&self) -> Option<CandidatePicture> {
        let alive = self.process.alive();
        let deadline = alive.and_then(|slot| Some(slot.trial.as_ref()?.deadline(&slot.evidence(), &self.policy)));
        if let Some(journey) = self.road.journey() {
            return Some(CandidatePicture {
                fingerprint: journey.environment.fingerprint(),
                generation: None,
                step: journey.step.name(),
                since: journey.since,
                deadline: None,
                keys: self.keys_changed_to(&journey.environment),
                effect: self.effect(),
            });
        }
        let target = self.targets.present()?;
        let of_target = |step, deadline| CandidatePicture {
            fingerprint: target.environment.fingerprint(),
            generation: Some(target.generation),
            step,
            since: target.since,
            deadline,
            keys: target.keys.clone(),
            effect: self.effect(),
        };
        if let Some(suspicion) = self.trials.suspicion() {
            let fingerprint = suspicion.environment.fingerprint();
            return Some(CandidatePicture { fingerprint, ..of_target(StepName::Reverting, deadline) });
        }
        match self.process.life() {
            Life::Leaving(_, StopReason::Switch, _) | Life::Stopping(_, StopReason::Switch) => {
                Some(of_target(StepName::Switched, None))
            }
            // It is started as soon as the one before it has left.
            Life::Absent { .. } if self.process.old().is_some() => Some(of_target(StepName::Switched, None)),
            Life::Alive(_) if self.process.is_on_trial() => Some(of_target(StepName::Trial, deadline)),
            _ => None,
        }
    }
}

fn of(slot: &Slot) -> ProcessPicture {
    ProcessPicture {
        run: slot.id,
        pid: slot.pid,
        started: slot.started,
        generation: slot.generation,
        healthy_since: slot.health.healthy_since,
    }
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
