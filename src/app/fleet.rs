//! Taking part in a fleet, if the configuration says so.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::places;
use crate::clock::Clock;
use crate::config::Settings;
use crate::consul::Client;
use crate::drain::DrainWatcher;
use crate::fleet::{self, Fleet, Folder, Reading};
use crate::machine::{Board, Event};
use crate::source::Kind;
use crate::state;

/// The fleet, for the driver's orders, and where it hears which folders are read.
pub(super) fn join(
    tasks: &mut JoinSet<()>,
    settings: &Settings,
    client: Option<&Arc<Client>>,
    boards: &watch::Receiver<Arc<Board>>,
    inbox: &mpsc::Sender<Event>,
    drain: &DrainWatcher,
) -> (Option<Fleet>, watch::Sender<Arc<Reading>>) {
    let (reading_tx, reading_rx) = watch::channel(reading(settings));
    let Some((rules, client)) = settings.fleet.clone().zip(client) else { return (None, reading_tx) };
    let parts = fleet::Parts {
        client: Arc::clone(client),
        rules,
        owner: format!("{} {}", state::machine_id(), places::state_directory(settings).display()),
        clock: || Clock.now(),
        epoch_unix_ms: Clock.epoch_unix_ms(),
        boards: boards.clone(),
        reading: reading_rx,
        inbox: inbox.clone(),
        drain: drain.clone(),
    };
    (Some(fleet::spawn(tasks, parts)), reading_tx)
}

/// Which folders of the KV store are read. One of another datacenter is not this Consul's to promote.
pub(super) fn reading(settings: &Settings) -> Arc<Reading> {
    let folder = |spec: &crate::source::Spec| match &spec.kind {
        Kind::Consul(prefix) if prefix.datacenter.is_none() => Some(Folder {
            origin: Arc::clone(&spec.name),
            path: prefix.path.clone(),
            commit_key: prefix.commit.as_ref().map(|commit| commit.key().to_owned()),
            mapping: spec.mapping.clone(),
        }),
        _ => None,
    };
    let folders = settings.sources.iter().filter_map(folder).collect();
    Arc::new(Reading { folders, on_change: settings.policy.on_change.clone() })
}
