//! How often things have happened since this lictor started: totals that only grow.
//!
//! A reader may miss boards, and the history on them is short. With the totals, the difference of two boards shows
//! everything that happened between them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::event::{Exit, ProbeResult};
use super::super::history::Outcome;
use super::super::order::TurnVerdict;
use super::super::policy::CheckRule;
use super::super::process::slot::StopReason;

/// Everything that is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// Starts of the service after its first one, by reason.
    pub restarts: BTreeMap<Reason, u64>,
    /// Ends of runs, asked for or not, by result. A start that failed is one, too.
    pub exits: BTreeMap<Ending, u64>,
    /// Lines of history, by outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// From a change being seen to the service being good on it.
    pub propagation: Timing,
    /// Turns of the fleet that were granted and are over, by result.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub turns: BTreeMap<TurnResult, u64>,
    /// From a turn being asked for to its being granted.
    #[serde(skip_serializing_if = "Timing::is_empty")]
    pub turn_wait: Timing,
    /// From the order to leave traffic to the order to stop.
    #[serde(skip_serializing_if = "Timing::is_empty")]
    pub drains: Timing,
    /// Probes, by the check's name, over all runs. A check that is removed from the configuration loses its counts.
    pub checks: BTreeMap<String, Probes>,
}

/// Why the service was started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Another environment took the place of the one before.
    Config,
    /// It had ended by itself, or could not be started.
    Exit,
    /// It had been killed, and not by lictor.
    Signal,
    /// A liveness check had failed.
    Liveness,
    /// An operator asked for it.
    Operator,
    /// A candidate was taken back.
    Revert,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// With code 0.
    Ok,
    /// With another code, with an unknown status, or before it was started.
    Error,
    /// By a signal.
    Signal,
}

/// How a turn of the fleet ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnResult {
    /// The change is good here.
    Good,
    /// It was taken back.
    Failed,
    /// It was inconclusive.
    Inconclusive,
    /// It was not needed any more.
    Withdrawn,
    /// Its session ended before.
    Lost,
}

impl From<TurnVerdict> for TurnResult {
    fn from(verdict: TurnVerdict) -> Self {
        match verdict {
            TurnVerdict::Good => Self::Good,
            TurnVerdict::Failed => Self::Failed,
            TurnVerdict::Inconclusive => Self::Inconclusive,
            TurnVerdict::Withdrawn => Self::Withdrawn,
        }
    }
}

/// How many there were, and how long they took together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// How many.
    pub count: u64,
    /// Their durations added up, in microseconds.
    pub sum_us: u64,
}

/// The probes of one check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probes {
    /// All of them.
    #[serde(flatten)]
    pub took: Timing,
    /// Those that failed.
    pub failures: u64,
}

impl Totals {
    /// How often the service was started again, for any reason.
    pub fn all_restarts(&self) -> u64 {
        self.restarts.values().sum()
    }

    pub(in super::super) fn restarted(&mut self, reason: Reason) {
        *self.restarts.entry(reason).or_default() += 1;
    }

    pub(in super::super) fn ended(&mut self, exit: Option<Exit>) {
        let ending = match exit {
            Some(Exit::Code(0)) => Ending::Ok,
            Some(Exit::Code(_) | Exit::Unknown) | None => Ending::Error,
            Some(Exit::Signal(_)) => Ending::Signal,
        };
        *self.exits.entry(ending).or_default() += 1;
    }

    pub(in super::super) fn recorded(&mut self, outcome: Outcome, propagation: Option<Duration>) {
        *self.outcomes.entry(outcome).or_default() += 1;
        if let Some(took) = propagation {
            self.propagation.add(took);
        }
    }

    pub(in super::super) fn turn_granted(&mut self, waited: Duration) {
        self.turn_wait.add(waited);
    }

    pub(in super::super) fn turn_ended(&mut self, result: TurnResult) {
        *self.turns.entry(result).or_default() += 1;
    }

    pub(in super::super) fn drained(&mut self, took: Duration) {
        self.drains.add(took);
    }

    /// A probe that is about no check of the policy does not count.
    pub(in super::super) fn probed(&mut self, rule: Option<&CheckRule>, outcome: &ProbeResult, took: Duration) {
        let Some(rule) = rule else { return };
        let probes = match self.checks.get_mut(&rule.name) {
            Some(probes) => probes,
            None => self.checks.entry(rule.name.clone()).or_default(),
        };
        probes.took.add(took);
        probes.failures += u64::from(matches!(outcome, ProbeResult::Fail(_)));
    }

    /// Forgets the checks that are not in the policy any more.
    pub(in super::super) fn keep(&mut self, rules: &[CheckRule]) {
        self.checks.retain(|name, _| rules.iter().any(|rule| rule.name == *name));
    }
}

impl Timing {
    fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn add(&mut self, took: Duration) {
        self.count += 1;
        self.sum_us = self.sum_us.saturating_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
}

impl Reason {
    /// The reason for the start after the end of a run: the reason for its stop, or else how it ended.
    pub(in super::super) fn after(stopped_for: Option<StopReason>, exit: Option<Exit>) -> Self {
        match (stopped_for, exit) {
            (Some(StopReason::Switch), _) => Self::Config,
            (Some(StopReason::Revert), _) => Self::Revert,
            (Some(StopReason::Unresponsive), _) => Self::Liveness,
            (Some(StopReason::Operator), _) => Self::Operator,
            (None, Some(Exit::Signal(_))) => Self::Signal,
            (None | Some(StopReason::Shutdown), _) => Self::Exit,
        }
    }
}

#[cfg(test)]
mod tests;
