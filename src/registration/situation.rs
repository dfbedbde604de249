//! The part of the board that matters for the registration.

use crate::machine::{Board, RunId};

/// The state of the process in front, as far as Consul is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Situation {
    pub(super) process: Process,
    /// The version that runs, if it is known.
    pub(super) version: Option<String>,
}

/// The state of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Process {
    /// There is no process.
    #[default]
    Gone,
    /// It runs and is not ready.
    Unready(u32),
    /// It runs and is ready.
    Ready(RunId, u32),
}

impl Situation {
    pub(super) fn of(board: &Board) -> Self {
        let running = board.process.as_ref().and_then(|process| Some((process.run, process.pid?)));
        let process = match running {
            None => Process::Gone,
            Some((run, pid)) if board.ready => Process::Ready(run, pid),
            Some((_, pid)) => Process::Unready(pid),
        };
        Self { process, version: board.build.running.version.clone() }
    }

    /// The PID of the main process, which is its group's ID too.
    pub(super) fn pid(&self) -> Option<u32> {
        match self.process {
            Process::Gone => None,
            Process::Unready(pid) | Process::Ready(_, pid) => Some(pid),
        }
    }
}
