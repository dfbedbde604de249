//! Traffic: whether the process in front may get requests, as it was ordered and as it was reported. It is a level: it
//! follows from the process's life, and holds until it changes.

use std::time::Duration;

use super::super::event::TrafficState;
use super::super::numbers::RunId;
use super::super::order::{Order, Traffic};

/// Whoever steers traffic keeps `drain.max` itself; if nothing is heard for so long after that, the process is stopped.
pub(in super::super) const MARGIN: Duration = Duration::from_secs(10);

/// A run that is healthy but does not get back into traffic keeps no other host waiting for longer than this.
pub(in super::super) const RETURN: Duration = Duration::from_mins(2);

/// What was ordered about traffic, and what came of it.
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

    /// Where this run was seen last.
    pub(in super::super) fn state_of(&self, run: RunId) -> Option<TrafficState> {
        self.reported.filter(|(reported, _)| *reported == run).map(|(_, state)| state)
    }

    /// Whether nothing arrives at this run any more.
    pub(in super::super) fn is_out(&self, run: RunId) -> bool {
        self.state_of(run) == Some(TrafficState::Out)
    }

    /// The run that something was ordered for last.
    pub(in super::super) fn last_run(&self) -> Option<RunId> {
        self.ordered.as_ref().map(|(run, _)| *run)
    }

    /// Whether this run was let into traffic and hasn't been seen there yet.
    pub(in super::super) fn is_returning(&self, run: RunId) -> bool {
        self.ordered == Some((run, Traffic::In)) && self.state_of(run) != Some(TrafficState::In)
    }

    /// What has to be ordered for this level, if anything.
    pub(in super::super) fn order(&mut self, run: RunId, level: Traffic) -> Option<Order> {
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
