//! What a start of the service takes: built at the start of lictor, and again each time the configuration is read.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::places;
use crate::check::{self, Checks};
use crate::config::Settings;
use crate::driver::{CheckCommand, Effects, NextStart};
use crate::environment;
use crate::listen::Sockets;
use crate::machine::Event;
use crate::service::roster::Roster;
use crate::service::{self, Service};
use crate::state::State;
use crate::version::Subject;

/// What a start of the service takes, and what goes with it.
pub(super) fn next_start(settings: &Settings, roster: &Roster) -> NextStart {
    let command = settings.command.clone();
    let of_service = command.clone();
    let context = check::Context {
        min_healthy: settings.policy.min_healthy,
        user: command.user.clone(),
        directory: command.directory.clone(),
        roster: roster.clone(),
        // A user that cannot be found has failed the start of the service before anything is probed.
        environment: Arc::new(move |composed: &environment::Environment| {
            service::child_environment(&of_service, composed).unwrap_or_default()
        }),
    };
    let subject = Subject {
        pid: 0,
        program: places::program(&command),
        spec: settings.version.clone(),
        environment: Vec::new(),
        redactor: Arc::default(),
        directory: command.directory.clone(),
        user: command.user.clone(),
        roster: roster.clone(),
    };
    NextStart { command, context, subject }
}

/// The acting rooms, for the first start.
pub(super) fn effects(
    settings: &Settings,
    roster: Roster,
    state: State,
    sockets: Sockets,
    inbox: &mpsc::Sender<Event>,
) -> Effects {
    let NextStart { command, context, subject } = next_start(settings, &roster);
    let check_command = CheckCommand {
        words: settings.apply.check_command.clone(),
        timeout: settings.apply.check_timeout,
        roster: roster.clone(),
        inbox: inbox.clone(),
        asked: JoinSet::new(),
    };
    let service = Service::new(command.clone(), roster, inbox.clone());
    let checks = Checks::new(settings.checks.clone(), context, inbox.clone());
    Effects::new(command, service, checks, check_command, state, subject, inbox.clone()).holding(sockets)
}
