//! Writes events to the log: one line for each event, never a value.

use crate::line::listed;
use crate::machine::board::{CandidatePicture, StepName, words};
use crate::machine::history::{Entry, Outcome};
use crate::machine::reload::Pending;
use crate::machine::{Board, Event, Order};

/// So many names of variables are logged.
const NAMED: usize = 5;

pub(super) fn note_event(event: &Event) {
    match event {
        Event::Started { run, pid } => tracing::info!(%run, pid, "the service has been started"),
        Event::Adopted { run, pid, environment, .. } => {
            tracing::info!(%run, pid, fingerprint = %environment, "the service of an earlier lictor still runs");
        }
        Event::Steered { run } => tracing::info!(%run, "new connections go to this run"),
        Event::SteerFailed { run, error } => tracing::error!(%run, "{error}"),
        Event::StartFailed { run, error } | Event::ReloadFailed { run, error } => tracing::error!(%run, "{error}"),
        Event::Exited { run, exit } => tracing::info!(%run, "the process {exit}"),
        // The process had ended before its program could be read: that it ended is in the log.
        Event::Identified { build, version, .. } if build.0.is_empty() && version.version.is_none() => {}
        Event::Identified { version, .. } => {
            let source = version.source.as_deref().unwrap_or_default();
            if let Some(version) = version.version.as_deref() {
                tracing::info!(version, source, "the running version is known");
            } else {
                tracing::info!("the running version is unknown: the program does not report it");
            }
        }
        Event::Shutdown => tracing::info!("stopping"),
        Event::Operator { verb, by } => tracing::info!(?verb, uid = by.uid, "an operator asks"),
        Event::Reloaded { outcome: Ok(pending), .. } => note_reload(pending),
        Event::Reloaded { outcome: Err(errors), .. } => {
            for error in errors {
                tracing::error!("the configuration cannot be read again: {error}");
            }
        }
        Event::Installed { build, version } => {
            // An unknown version is logged once, when the process is identified.
            if let Some(version) = version.version.as_deref() {
                tracing::info!("version {version} is installed");
            }
            tracing::debug!(build = %build.0, "the installed build is known");
        }
        Event::Wish { environment, .. } => {
            let variables = environment.variables().len();
            tracing::debug!(fingerprint = %environment.fingerprint(), variables, "the sources say");
        }
        Event::Unfit { .. }
        | Event::Sources { .. }
        | Event::Disk { .. }
        | Event::Sockets { .. }
        | Event::FleetProblems { .. }
        | Event::Steering { .. }
        | Event::OwnPorts { .. }
        | Event::Probed { .. }
        | Event::Checked { .. }
        | Event::TurnGranted { .. }
        | Event::TurnLost { .. }
        | Event::Paused { .. }
        | Event::TurnRefused { .. }
        | Event::TrafficChanged { .. }
        | Event::TrafficTrouble { .. }
        | Event::Policy { .. }
        | Event::Signal { .. }
        | Event::Tick => tracing::trace!(?event),
    }
}

/// A change that has come to another step of its road. What became of it in the end is in the history.
pub(super) fn note_step(before: &Board, board: &Board) {
    let Some(now) = &board.candidate else { return };
    let place = |change: &CandidatePicture| (change.fingerprint, change.step);
    if before.candidate.as_ref().map(place) == Some(place(now)) {
        return;
    }
    let (fingerprint, keys, step) = (now.fingerprint, listed(&now.keys, NAMED), words::step(now.step));
    // What is started first changes nothing.
    let subject = if keys.is_empty() { "the configuration" } else { "the change" };
    // Values that never come to rest would fill the log.
    if now.step == StepName::Settling {
        tracing::debug!(%fingerprint, keys, "{subject} {step}");
    } else {
        tracing::info!(%fingerprint, keys, "{subject} {step}");
    }
}

fn note_reload(pending: &Pending) {
    let (service, lictor) = (pending.service.join(" "), pending.lictor.join(" "));
    tracing::info!(
        next_start_of_service = service,
        next_start_of_lictor = lictor,
        "the configuration was read again; these changes wait"
    );
}

pub(super) fn note_order(order: &Order) {
    match order {
        Order::Record { entry } => note_entry(entry),
        Order::Start { run, generation, environment, .. } => {
            tracing::debug!(%run, %generation, fingerprint = %environment.fingerprint(), "start");
        }
        Order::Reload { run, environment } => {
            tracing::info!(%run, fingerprint = %environment.fingerprint(), "reload");
        }
        other => tracing::trace!(order = ?other),
    }
}

fn note_entry(entry: &Entry) {
    let fingerprint = entry.environment.map(|fingerprint| fingerprint.to_string()).unwrap_or_default();
    let (generation, why, keys) = (entry.generation, entry.why.as_str(), entry.keys.join(" "));
    let deployment = entry.deployment.as_ref().map(ToString::to_string).unwrap_or_default();
    match entry.outcome {
        Outcome::Applied => tracing::info!(%generation, fingerprint, keys, "the configuration is good"),
        Outcome::Reloaded => {
            tracing::info!(%generation, fingerprint, keys, "the configuration is good, reloaded without a restart");
        }
        Outcome::Ignored => tracing::info!(%generation, fingerprint, keys, "the change waits for the next start"),
        Outcome::Superseded => tracing::info!(%generation, fingerprint, keys, "superseded: {why}"),
        Outcome::Held => tracing::warn!(%generation, fingerprint, keys, "held: {why}"),
        Outcome::Halted => tracing::warn!(%generation, fingerprint, keys, "halted: {why}"),
        Outcome::Reverted => tracing::error!(%generation, fingerprint, keys, "reverted: {why}"),
        Outcome::Rejected => tracing::error!(%generation, fingerprint, "rejected: {why}"),
        Outcome::Inconclusive => tracing::error!(%generation, fingerprint, keys, "healthy on neither: {why}"),
        Outcome::BuildFailed => tracing::error!(%generation, fingerprint, "build failed: {why}"),
        Outcome::Exited if why.starts_with("killed ") => tracing::warn!(%generation, "the service was {why}"),
        Outcome::Exited => tracing::warn!(%generation, "the service {why}"),
        Outcome::Unresponsive => tracing::error!(%generation, "restarting after a failed liveness check: {why}"),
        Outcome::Validated => tracing::info!(%generation, deployment, "the deployment is validated: {why}"),
        Outcome::NotValidated => tracing::error!(%generation, deployment, "the deployment is not validated: {why}"),
        Outcome::Operator => tracing::warn!(%generation, uid = entry.who, "{why}"),
    }
}
