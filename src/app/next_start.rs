//! The settings of a start of the service: built at the start of lictor, and again each time the configuration is read.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::check::{self, Checks};
use crate::config::Settings;
use crate::driver::{Effects, NextStart, Parts};
use crate::environment::{self, Environment};
use crate::listen::Sockets;
use crate::machine::Event;
use crate::service::{self, Accounts, CheckCommand, OwnChildren, Service};
use crate::state::State;
use crate::version::{Program, Programs, Subject, Watch};

/// The settings of a start of the service, and what belongs to them.
pub(super) fn next_start(settings: &Settings, own: &OwnChildren, accounts: &Accounts) -> NextStart {
    let command = settings.command.clone();
    let (of_service, known) = (command.clone(), accounts.clone());
    let context = check::Context {
        min_healthy: settings.policy.min_healthy,
        user: command.user.clone(),
        directory: command.directory.clone(),
        own_children: own.clone(),
        // The start of the service has looked the user up before anything is probed.
        environment: Arc::new(move |composed: &environment::Environment| {
            service::known_environment(&of_service, composed, &known)
        }),
    };
    let subject = Subject {
        pid: 0,
        reach: None,
        program: command.program.clone(),
        spec: settings.version.clone(),
        environment: Vec::new(),
        redactor: Arc::default(),
        directory: command.directory.clone(),
        user: command.user.clone(),
        own: own.clone(),
    };
    let program = program(settings, &Environment::default());
    NextStart { command, context, subject, program, found: None }
}

/// What a start on this environment would execute.
pub(super) fn program(settings: &Settings, environment: &Environment) -> Program {
    Program {
        command: settings.command.program.clone(),
        directory: settings.command.directory.clone(),
        path: service::search_path(&settings.command, environment),
        spec: settings.version.clone(),
    }
}

/// The acting rooms, for the first start, and what looks at the program that it would execute. `good` is what the service
/// was good on last.
pub(super) fn effects(
    settings: &Settings,
    (own, accounts): (OwnChildren, Accounts),
    (state, sockets): (State, Sockets),
    good: &Environment,
    inbox: &mpsc::Sender<Event>,
) -> (Effects, Watch) {
    let NextStart { command, context, subject, .. } = next_start(settings, &own, &accounts);
    let check_command = CheckCommand {
        words: settings.apply.check_command.clone(),
        timeout: settings.apply.check_timeout,
        own: own.clone(),
        accounts: accounts.clone(),
        inbox: inbox.clone(),
        asked: JoinSet::new(),
    };
    let (events_tx, events_rx) = mpsc::channel(EVENTS);
    let (programs_tx, programs_rx) = watch::channel(Programs { now: program(settings, good), next: None });
    let service = Service::new(command.clone(), own, accounts.clone(), events_tx);
    let checks = Checks::new(settings.checks.clone(), context, inbox.clone());
    let programs = programs_tx;
    let inbox = inbox.clone();
    let watch = Watch::new(programs_rx, events_rx, inbox.clone());
    let parts = Parts { service, accounts, checks, check_command, state, programs, inbox };
    (Effects::new(parts, command, subject).holding(sockets), watch)
}

/// How many facts about the service's process may wait to be passed on.
const EVENTS: usize = 16;
