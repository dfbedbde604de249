//! Traffic: whether the service may get requests, as it was ordered and as it was reported. It is a level: it follows
//! from the state of the process, and stays until it changes.

use std::time::Duration;

use super::super::event::TrafficState;
use super::super::moment::Moment;
use super::super::numbers::RunId;
use super::super::order::{Order, Traffic};
use super::super::policy::Policy;
use super::{Life, Process};

/// The room that steers traffic observes `drain.max` itself. If it has reported nothing for this long after that, the
/// process is stopped.
const MARGIN: Duration = Duration::from_secs(10);

/// A run that is healthy but does not get back into traffic keeps the fleet's turn for this long at the most.
const RETURN: Duration = Duration::from_mins(2);

/// The last order about traffic, and the last report.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct TrafficLevel {
    ordered: Option<(RunId, Traffic)>,
    reported: Option<(RunId, TrafficState)>,
    trouble: Option<String>,
}

impl TrafficLevel {
    /// Takes a report that is about what was ordered last.
    pub(in super::super) fn report(&mut self, run: RunId, state: TrafficState) {
        let answers = |(ordered, level): &(RunId, Traffic)| {
            let wanted = match level {
                Traffic::In => TrafficState::In,
                Traffic::Out { .. } => TrafficState::Out,
            };
            *ordered == run && wanted == state
        };
        if self.ordered.as_ref().is_some_and(answers) {
            self.reported = Some((run, state));
        }
    }

    pub(in super::super) fn set_trouble(&mut self, problem: Option<String>) {
        self.trouble = problem;
    }

    pub(in super::super) fn trouble(&self) -> Option<&String> {
        self.trouble.as_ref()
    }

    /// Whether this run was in traffic at the last report.
    pub(in super::super) fn state_of(&self, run: RunId) -> Option<TrafficState> {
        self.reported.filter(|(reported, _)| *reported == run).map(|(_, state)| state)
    }

    /// Whether nothing arrives at this run any more.
    pub(in super::super) fn is_out(&self, run: RunId) -> bool {
        self.state_of(run) == Some(TrafficState::Out)
    }

    /// When a process that begins to leave traffic now is stopped at the latest; `None`: it need not leave.
    pub(in super::super) fn leaves_until(&self, process: &Process, policy: &Policy, now: Moment) -> Option<Moment> {
        let max = policy.drain_max.filter(|_| process.old().is_none())?;
        let slot = process.alive().filter(|slot| slot.may_be_in_traffic())?;
        (!self.is_out(slot.id)).then(|| now + max + MARGIN)
    }

    /// Until when the turn is kept for a run that is on its way back into traffic.
    pub(in super::super) fn returns_until(&self, process: &Process, policy: &Policy, now: Moment) -> Option<Moment> {
        policy.drain_max?;
        let slot = process.alive().filter(|slot| self.is_returning(slot.id))?;
        let until = slot.started + policy.deadline + RETURN;
        (until > now).then_some(until)
    }

    /// The order that the present state of the process asks for, if it has not been given yet. Nothing is ordered
    /// before a process has been ready once.
    pub(in super::super) fn follow(&mut self, process: &Process, policy: &Policy) -> Option<Order> {
        policy.drain_max?;
        let (run, level) = match process.life() {
            // Two processes: the service is in traffic, whichever of them takes the connections.
            _ if process.old().is_some() => process.active().map(|slot| (slot.id, Traffic::In)),
            Life::Alive(slot) if slot.been_ready => Some((slot.id, Traffic::In)),
            // The process that it was to take over from has ended before this one was ready.
            Life::Alive(slot) if !process.is_connected(slot.id) => self.nobody(process),
            // Not ready yet: the level stays as the process before it left it.
            Life::Alive(_) => None,
            Life::Leaving(slot, reason, _) | Life::Stopping(slot, reason) => {
                Some((slot.id, Traffic::Out { why: reason.sentence().to_owned() }))
            }
            Life::Absent { .. } => self.nobody(process),
        }?;
        self.order(run, level)
    }

    fn nobody(&self, process: &Process) -> Option<(RunId, Traffic)> {
        let (run, _) = self.ordered.as_ref()?;
        let ended = process.last_exit().map_or_else(|| "no process".to_owned(), |exit| exit.text.clone());
        Some((*run, Traffic::Out { why: ended }))
    }

    /// Whether this run has been let into traffic, but has not been seen there yet.
    fn is_returning(&self, run: RunId) -> bool {
        self.ordered == Some((run, Traffic::In)) && self.state_of(run) != Some(TrafficState::In)
    }

    /// The order for this level; `None`: it has been given already.
    fn order(&mut self, run: RunId, level: Traffic) -> Option<Order> {
        // While the service stays out, the first reason stands.
        let same = self.ordered.as_ref().is_some_and(|(ordered, before)| match (before, &level) {
            (Traffic::In, Traffic::In) => *ordered == run,
            (Traffic::Out { .. }, Traffic::Out { .. }) => true,
            (Traffic::In, Traffic::Out { .. }) | (Traffic::Out { .. }, Traffic::In) => false,
        });
        if same {
            return None;
        }
        self.ordered = Some((run, level.clone()));
        self.reported = None;
        Some(Order::Traffic { run, level })
    }
}
