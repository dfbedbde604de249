//! Whether a run that is about to start beside another one may clash with it: with the ports that the other listens on by
//! itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::listen::own_ports;
use crate::machine::{Event, RunId};
use crate::offload::offload;

/// A start does not wait for longer than this.
const PATIENCE: Duration = Duration::from_millis(500);

/// The runs that there are, each with the PID of its process once that is there.
#[derive(Debug, Default)]
pub(super) struct Processes(BTreeMap<RunId, Option<u32>>);

impl Processes {
    pub(super) fn begun(&mut self, run: RunId) {
        self.0.insert(run, None);
    }

    pub(super) fn started(&mut self, run: RunId, pid: u32) {
        self.0.insert(run, Some(pid));
    }

    pub(super) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn ended(&mut self, run: RunId) {
        self.0.remove(&run);
    }

    /// The look at the process beside which another one is started; `None`: there is none.
    pub(super) fn look(&self, held: BTreeSet<u16>, inbox: &mpsc::Sender<Event>) -> Option<Look> {
        let (run, pid) = self.0.iter().find_map(|(run, pid)| Some((*run, (*pid)?)))?;
        Some(Look { run, pid, held, inbox: inbox.clone() })
    }
}

/// A look at what a process listens on.
#[derive(Clone, Debug)]
pub(super) struct Look {
    run: RunId,
    pid: u32,
    held: BTreeSet<u16>,
    inbox: mpsc::Sender<Event>,
}

impl Look {
    /// Tells of the ports that are not held for it, if there are any. It is over before the new process is started, so
    /// that it is known why that one fails.
    pub(super) async fn tell(self) {
        let Self { run, pid, held, inbox } = self;
        // The process leads its group.
        if let Ok(Ok(ports)) = timeout(PATIENCE, offload(move || own_ports(pid, &held))).await
            && !ports.is_empty()
        {
            // Nobody listens any more when lictor ends.
            let _ = inbox.send(Event::OwnPorts { run, ports }).await;
        }
    }
}
