//! Taking part in a fleet, if the configuration says so.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::places;
use crate::clock::Clock;
use crate::config::Settings;
use crate::consul::Client;
use crate::drain::DrainWatcher;
use crate::fleet::{self, Fleet};
use crate::machine::{Board, Event};
use crate::state;

/// The fleet, for the driver's orders.
pub(super) fn join(
    tasks: &mut JoinSet<()>,
    settings: &Settings,
    client: Option<&Arc<Client>>,
    boards: &watch::Receiver<Arc<Board>>,
    inbox: &mpsc::Sender<Event>,
    drain: &DrainWatcher,
) -> Option<Fleet> {
    let (rules, client) = (settings.fleet.clone()?, client?);
    let parts = fleet::Parts {
        client: Arc::clone(client),
        rules,
        owner: format!("{} {}", state::machine_id(), places::state_directory(settings).display()),
        clock: || Clock.now(),
        epoch_unix_ms: Clock.epoch_unix_ms(),
        boards: boards.clone(),
        inbox: inbox.clone(),
        drain: drain.clone(),
    };
    Some(fleet::spawn(tasks, parts))
}
