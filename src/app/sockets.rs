//! The sockets that lictor holds, at its start: taken back from systemd or from the service, or bound.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use super::AppError;
use crate::config::Settings;
use crate::listen::{Found, Keeper, Marks, Sockets};
use crate::machine::policy::Handover;
use crate::notify::Manager;
use crate::service::process::Process;
use crate::state::{KeptProcess, State};

/// So many descriptors of the service are looked at: those that it opened first, and a busy one has many.
const LOOKED_AT: usize = 4096;

/// Opens them, and asks systemd to keep them. `kept` is what was passed to this process.
pub(super) fn open(
    settings: &Settings,
    state: &State,
    manager: Option<&Manager>,
    kept: Vec<(String, OwnedFd)>,
) -> Result<Sockets, AppError> {
    let found = survivor(settings, state, Found::nothing().kept(kept));
    let marks = match settings.policy.handover {
        Handover::Restart => Marks::Ignored,
        Handover::Overlap { .. } => Marks::Heeded,
    };
    let sockets = Sockets::open(&settings.listen, marks, found)?;
    Ok(match manager.cloned() {
        Some(manager) => sockets
            .kept_by(Keeper::new(move |forgotten, kept| manager.forget(forgotten).and_then(|()| manager.keep(kept)))),
        None => sockets,
    })
}

/// With what the service of an earlier lictor has, if it still runs.
fn survivor(settings: &Settings, state: &State, found: Found) -> Found {
    if settings.listen.is_empty() {
        return found;
    }
    let Some(mut kept) = state.process() else { return found };
    let beside = kept.beside.take().map(|beside| *beside);
    if let Some(beside) = beside {
        let active = live(&kept).or_else(|| live(&beside)).map(|(_, side)| side);
        let runs: Vec<_> =
            [&kept, &beside].into_iter().filter_map(live).map(|(process, side)| (side, copies(process))).collect();
        return match active {
            Some(side) => found.with(&settings.listen, [], side).with_both(&settings.listen, runs),
            None => found.with(&settings.listen, [], kept.side),
        };
    }
    // A start that was begun when lictor was killed may have come to something, and have the sockets.
    if kept.known().is_none() {
        return found.with(&settings.listen, [], kept.side);
    }
    match live(&kept) {
        Some((process, side)) => found.with(&settings.listen, copies(process), side),
        None => found,
    }
}

/// The process, if it still runs, and its side.
fn live(kept: &KeptProcess) -> Option<(Process, Option<u8>)> {
    let (pid, start_time) = kept.known()?;
    Some((Process::adopt(pid, start_time).ok()?, kept.side))
}

/// Copies of its sockets, each made when it is looked at: whoever looks at no more than needed holds nobody's connection.
fn copies(process: Process) -> impl Iterator<Item = OwnedFd> {
    let numbers = sockets_of(process.pid());
    let copy = move |number| {
        let copied = process.copy(number);
        copied.inspect_err(|error| tracing::debug!(number, %error, "a socket cannot be had from the service")).ok()
    };
    numbers.into_iter().filter_map(copy)
}

/// The numbers of a process's sockets, in their order. A library may have moved what was passed to it, and another socket
/// may have its old number by now.
fn sockets_of(pid: u32) -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let is_socket = |path: &Path| {
        std::fs::read_link(path).is_ok_and(|target| target.as_os_str().as_encoded_bytes().starts_with(b"socket:"))
    };
    let mut numbers: Vec<(i32, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((path.file_name()?.to_str()?.parse().ok()?, path))
        })
        .collect();
    numbers.sort_unstable();
    numbers.into_iter().take(LOOKED_AT).filter(|(_, path)| is_socket(path)).map(|(number, _)| number).collect()
}
