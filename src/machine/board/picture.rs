//! Draws the board from the machine's state. Nothing on it changes merely because time passes.

use std::time::Duration;

use super::super::build::Build;
use super::super::policy::CheckRule;
use super::super::process::Life;
use super::super::process::health::{Patience, Tally};
use super::super::process::slot::Slot;
use super::super::{Machine, StopReason};
use super::{
    BesidePicture, BesideRole, Board, BuildPicture, CandidatePicture, CheckPicture, CheckState, Phase, ProcessPicture,
    StepName, config,
};

pub(in super::super) fn picture(machine: &Machine) -> Board {
    let serving = serving(machine).filter(|slot| slot.pid.is_some());
    let rules = &machine.policy.checks;
    let shown = &machine.shown;
    Board {
        index: 0,
        epoch_unix_ms: machine.epoch_unix_ms,
        service: machine.policy.service.clone(),
        phase: phase(machine),
        phase_since: machine.process.since(),
        process: machine.process.active().map(of),
        beside: beside(machine),
        restarts: shown.totals.all_restarts(),
        totals: shown.totals.clone(),
        last_exit: machine.process.last_exit().cloned(),
        next_start: machine.process.not_before(),
        build: build(machine),
        config: config::config(machine),
        hold: machine.holds.operator().cloned(),
        reload: shown.reload().cloned(),
        deployment: shown.validation.clone(),
        candidate: candidate(machine),
        sources: shown.sources.reports().to_vec(),
        disk: shown.disk.clone(),
        sockets: shown.sockets.clone().or_else(|| machine.steering_trouble().cloned()),
        fleet: shown.fleet.clone(),
        traffic: machine.process.active().and_then(|slot| machine.traffic.state_of(slot.id)),
        traffic_trouble: machine.traffic.trouble().cloned(),
        checks: checks(machine),
        healthy: serving.is_some_and(|slot| slot.health.healthy_since.is_some()),
        ready: serving.is_some_and(|slot| slot.health.ready(rules)),
        live: serving.is_some_and(|slot| slot.health.dead(rules, Patience::Fall).is_none()),
        stopping: machine.shutdown,
        history: shown.history().cloned().collect(),
        environment: config::environment_in_use(machine).cloned(),
        wish: machine.road.wanted().cloned(),
    }
}

/// The process that answers requests now.
fn serving(machine: &Machine) -> Option<&Slot> {
    machine.process.old_in_front().or_else(|| machine.process.serving())
}

fn phase(machine: &Machine) -> Phase {
    match machine.process.life() {
        _ if machine.process.old_in_front().is_some() => Phase::Up,
        Life::Absent { not_before: Some(_) } => Phase::BackingOff,
        Life::Absent { not_before: None } => Phase::Absent,
        Life::Alive(slot) if slot.been_ready => Phase::Up,
        Life::Alive(_) => Phase::Starting,
        Life::Leaving(..) => Phase::Leaving,
        Life::Stopping(..) => Phase::Stopping,
    }
}

fn beside(machine: &Machine) -> Option<BesidePicture> {
    let slot = machine.process.not_active()?;
    let role = if machine.process.leaving_beside().is_some() {
        BesideRole::Leaving
    } else if machine.process.old().is_some_and(|old| old.id == slot.id) {
        BesideRole::Old
    } else {
        BesideRole::New
    };
    let environment = slot.environment.fingerprint();
    let ready = slot.pid.is_some() && slot.health.ready(&machine.policy.checks);
    Some(BesidePicture { process: of(slot), role, environment, ready })
}

fn build(machine: &Machine) -> BuildPicture {
    let slot = machine.process.active();
    let started_on = slot.map(|slot| slot.build.clone());
    let turned_out = slot.and_then(|slot| slot.turned_out.as_ref());
    let known = |build: &&Build| **build != Build::default();
    let installed = Some(&machine.installed.0).filter(known);
    let outdated = started_on.as_ref().filter(known).zip(installed).is_some_and(|(started, now)| started != now);
    BuildPicture {
        outdated,
        running: turned_out.map(|(_, version)| version.clone()).unwrap_or_default(),
        running_build: turned_out.map(|(build, _)| build.clone()).or(started_on),
        installed: machine.installed.1.clone(),
        installed_build: machine.installed.0.clone(),
    }
}

fn checks(machine: &Machine) -> Vec<CheckPicture> {
    let tallies = serving(machine).map(|slot| slot.health.tallies.as_slice()).unwrap_or_default();
    let picture = |(index, rule): (usize, &CheckRule)| check(machine, rule, tallies.get(index));
    machine.policy.checks.iter().enumerate().map(picture).collect()
}

fn check(machine: &Machine, rule: &CheckRule, tally: Option<&Tally>) -> CheckPicture {
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
        since: tally.map_or(machine.process.since(), |tally| tally.since),
        why: tally.and_then(|tally| tally.why.clone()),
        latency_ms: tally.and_then(|tally| tally.took).map(millis),
        latency_p50_ms: tally.and_then(|tally| tally.latencies.percentile(50)).map(millis),
        latency_p99_ms: tally.and_then(|tally| tally.latencies.percentile(99)).map(millis),
        failures: tally.map_or(0, |tally| tally.failures),
        probes: tally.map_or(0, |tally| tally.probes),
    }
}

fn candidate(machine: &Machine) -> Option<CandidatePicture> {
    let alive = machine.process.alive();
    let deadline = alive.and_then(|slot| Some(slot.trial.as_ref()?.deadline(&slot.evidence(), &machine.policy)));
    if let Some(journey) = machine.road.journey() {
        return Some(CandidatePicture {
            fingerprint: journey.environment.fingerprint(),
            generation: None,
            step: journey.step.name(),
            since: journey.since,
            deadline: None,
            keys: machine.targets.changed_to(&journey.environment),
            effect: machine.effect(),
        });
    }
    let target = machine.targets.present()?;
    let of_target = |step, deadline| CandidatePicture {
        fingerprint: target.environment.fingerprint(),
        generation: Some(target.generation),
        step,
        since: target.since,
        deadline,
        keys: target.keys.clone(),
        effect: machine.effect(),
    };
    if let Some(suspicion) = machine.trials.suspicion() {
        let fingerprint = suspicion.environment.fingerprint();
        return Some(CandidatePicture { fingerprint, ..of_target(StepName::Reverting, deadline) });
    }
    match machine.process.life() {
        Life::Leaving(_, StopReason::Switch, _) | Life::Stopping(_, StopReason::Switch) => {
            Some(of_target(StepName::Switched, None))
        }
        // The new process is started as soon as the one before it has ended.
        Life::Absent { .. } if machine.process.old().is_some() => Some(of_target(StepName::Switched, None)),
        Life::Alive(_) if machine.process.is_on_trial() => Some(of_target(StepName::Trial, deadline)),
        _ => None,
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
