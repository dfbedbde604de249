//! Traffic: whether the process in front may get requests. It is a level that follows from the process's life; a process
//! that has been in traffic leaves it before it is stopped, for whatever reason it is stopped.

use std::time::Duration;

use super::Machine;
use super::event::TrafficState;
use super::life::Life;
use super::moment::Moment;
use super::numbers::RunId;
use super::order::{Order, Traffic};

/// Whoever steers traffic keeps `drain.max` itself; if nothing is heard for so long after that, the process is stopped.
const MARGIN: Duration = Duration::from_secs(10);

/// A run that is healthy but does not get back into traffic keeps no other host waiting for longer than this.
const RETURN: Duration = Duration::from_mins(2);

/// What was ordered about traffic, and what came of it.
#[derive(Clone, Debug, Default)]
pub(super) struct TrafficLevel {
    ordered: Option<(RunId, Traffic)>,
    reported: Option<(RunId, TrafficState)>,
    trouble: Option<String>,
}

impl TrafficLevel {
    /// Takes a report that is about what was ordered last.
    pub(super) fn report(&mut self, run: RunId, state: TrafficState) {
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

    pub(super) fn set_trouble(&mut self, problem: Option<String>) {
        self.trouble = problem;
    }

    pub(super) fn trouble(&self) -> Option<&String> {
        self.trouble.as_ref()
    }

    /// Where this run was seen last.
    pub(super) fn state_of(&self, run: RunId) -> Option<TrafficState> {
        self.reported.filter(|(reported, _)| *reported == run).map(|(_, state)| state)
    }

    /// Whether this run was let into traffic and hasn't been seen there yet.
    fn is_returning(&self, run: RunId) -> bool {
        self.ordered == Some((run, Traffic::In)) && self.state_of(run) != Some(TrafficState::In)
    }

    /// What has to be ordered for this level, if anything.
    fn order(&mut self, run: RunId, level: Traffic) -> Option<Order> {
        // Of one run that is out, the reason that was given first stands.
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

impl Machine {
    /// When a process that begins to leave traffic now is stopped at the latest; `None`: it needn't leave.
    pub(super) fn leaves_until(&self) -> Option<Moment> {
        let max = self.policy.drain_max?;
        let run = self.life.alive().filter(|run| run.may_be_in_traffic())?;
        let out = self.traffic.state_of(run.id) == Some(TrafficState::Out);
        (!out).then(|| self.now + max + MARGIN)
    }

    /// A process that is out of traffic, or has had its time to get out, is stopped; says whether one was.
    pub(super) fn stop_what_has_left(&mut self) -> bool {
        let Life::Leaving(run, reason, until) = &self.life else { return false };
        let out = self.traffic.state_of(run.id) == Some(TrafficState::Out);
        if !out && *until > self.now {
            return false;
        }
        let (id, run, reason) = (run.id, run.clone(), *reason);
        self.life = Life::Stopping(run, reason);
        self.life_since = self.now;
        self.order(Order::Stop { run: id });
        true
    }

    /// Orders the level if it has changed. Before the first process has been ready nothing is said about traffic.
    pub(super) fn set_traffic(&mut self) {
        if self.policy.drain_max.is_none() {
            return;
        }
        let level = match &self.life {
            Life::Alive(run) if run.been_ready => Some((run.id, Traffic::In)),
            // Not ready yet: where the one before it was, it stays.
            Life::Alive(_) => None,
            Life::Leaving(run, reason, _) | Life::Stopping(run, reason) => {
                Some((run.id, Traffic::Out { why: reason.sentence().to_owned() }))
            }
            Life::Absent { .. } => {
                let why = self.last_exit.as_ref().map_or_else(|| "no process".to_owned(), |exit| exit.text.clone());
                self.traffic.ordered.as_ref().map(|(run, _)| (*run, Traffic::Out { why }))
            }
        };
        if let Some(order) = level.and_then(|(run, level)| self.traffic.order(run, level)) {
            self.order(order);
        }
    }

    /// Until when the turn is kept for a run that is on its way back into traffic.
    pub(super) fn returns_until(&self) -> Option<Moment> {
        let run = self.life.alive().filter(|run| self.traffic.is_returning(run.id))?;
        let until = run.started + self.policy.deadline + RETURN;
        (self.policy.drain_max.is_some() && until > self.now).then_some(until)
    }
}
