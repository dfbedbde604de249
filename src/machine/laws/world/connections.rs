//! Two processes side by side: new connections go to one of them, and the laws of that are held at every step.

use std::collections::BTreeSet;

use super::World;
use crate::machine::event::{Event, ProbeResult};
use crate::machine::numbers::RunId;
use crate::machine::policy::{Handover, Policy, Role};

/// The state of connections, from the orders alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections {
    /// The run that new connections go to.
    to: Option<RunId>,
    /// Runs that have passed every startup and readiness check at some moment.
    ready: BTreeSet<RunId>,
    /// The checks that each run passes now.
    passing: BTreeSet<(RunId, usize)>,
    /// Runs that were ordered to stop.
    stopping: BTreeSet<RunId>,
}

impl Connections {
    /// A run is started. If it is alone, it gets all connections.
    pub(super) fn begin(&mut self, run: RunId, live: usize) {
        if live == 1 {
            self.to = Some(run);
        }
    }

    fn is_ready(&self, run: RunId, policy: &Policy) -> bool {
        let needed = |role| matches!(role, Role::Startup | Role::Readiness);
        let needed = policy.checks.iter().enumerate().filter(|(_, rule)| needed(rule.role));
        needed.into_iter().all(|(check, _)| self.passing.contains(&(run, check)))
    }
}

impl World {
    pub(super) fn watch_connections(&mut self, event: &Event) {
        match event {
            Event::Probed { run, check, outcome, .. } if self.live.contains_key(run) => {
                if *outcome == ProbeResult::Pass {
                    self.connections.passing.insert((*run, *check));
                } else {
                    self.connections.passing.remove(&(*run, *check));
                }
                if self.connections.is_ready(*run, &self.policy) {
                    self.connections.ready.insert(*run);
                }
            }
            Event::Started { run, .. } if self.connections.is_ready(*run, &self.policy) => {
                self.connections.ready.insert(*run);
            }
            // Nothing has been probed by the new rules yet, so every process that is alive may be ready by them.
            Event::Policy { .. } => {
                self.connections.passing.clear();
                self.connections.ready.extend(self.live.keys());
            }
            _ => {}
        }
    }

    /// Connections are steered to exactly one run, which is alive and has been ready.
    pub(super) fn steer(&mut self, run: RunId, share: u8) {
        assert!((1..=100).contains(&share), "{share}%");
        assert!(self.live.contains_key(&run), "new connections are sent to a run that is gone");
        assert!(
            self.connections.ready.contains(&run) || run == RunId(1),
            "new connections are sent to {run}, which has never been ready"
        );
        self.connections.to = Some(run);
        let delay = self.whim(9);
        if !self.obliging && self.whim(29) == 0 {
            self.plan(delay, Event::SteerFailed { run, error: "the kernel refuses".into() });
        } else {
            self.plan(delay, Event::Steered { run });
        }
    }

    /// The old one is alive until the verdict: a run that is connected to is not stopped while another one could have
    /// the connections, and one that is not is only stopped for a verdict.
    pub(super) fn hold_to_connections(&mut self, run: RunId) {
        let others = self.others_live(run);
        self.connections.stopping.insert(run);
        let steers = self.policy.handover != Handover::Restart && self.machine.process.steering_trouble().is_none();
        if others && steers && !self.shut_down {
            assert_ne!(
                self.connections.to,
                Some(run),
                "the run that is connected to is stopped, and the other one is not"
            );
            let is_older = self.live.keys().next() == Some(&run);
            let decided =
                self.machine.process.trial().is_none_or(|trial| trial.overdue.is_some() || trial.reloaded.is_some());
            assert!(decided || !is_older, "the old one is stopped before the verdict");
        }
    }

    /// Whether another run is alive that was not ordered to stop.
    pub(super) fn others_live(&self, run: RunId) -> bool {
        self.live.keys().any(|other| *other != run && !self.connections.stopping.contains(other))
    }

    /// Never more than two, and while two are alive, the board shows both, and connections go to the one that it calls
    /// the process.
    pub(super) fn hold_to_the_handover(&mut self) {
        assert!(self.live.len() <= 2, "three live runs");
        let board = self.machine.picture();
        if self.live.len() == 2 && !self.shut_down {
            let shown = [board.process.as_ref(), board.beside.as_ref().map(|beside| &beside.process)];
            let shown: BTreeSet<_> = shown.into_iter().flatten().map(|process| process.run).collect();
            assert_eq!(shown, self.live.keys().copied().collect(), "both are on the board");
            let process = board.process.map(|process| process.run);
            assert_eq!(process, self.connections.to, "connections go to what is shown as the process");
        }
    }
}
