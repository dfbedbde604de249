//! The health of one run, from the results of its probes.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::event::ProbeResult;
use super::super::moment::Moment;
use super::super::policy::{CheckRule, Role};

/// The state of a check, from its probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Not probed yet in this run.
    Unknown,
    /// Good.
    Passing,
    /// Bad.
    Failing,
}

/// The health of one run. Every run begins with unknown health.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Health {
    /// One for each check, in the order of the policy.
    pub(in super::super) tallies: Vec<Tally>,
    /// Since when every gating check has been in its passing state (rise and fall apply).
    pub(in super::super) healthy_since: Option<Moment>,
    /// Since when no probe of a gating check has failed (no fall): what a trial counts.
    pub(in super::super) steady_since: Option<Moment>,
    /// When every readiness check had passed at least twice.
    pub(in super::super) confirmed_at: Option<Moment>,
    /// Whether startup (or else readiness) has succeeded in this run, so that liveness counts.
    armed: bool,
}

/// The probes of one check in one run.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Tally {
    pub(in super::super) state: CheckState,
    pub(in super::super) since: Moment,
    pub(in super::super) why: Option<String>,
    pub(in super::super) took: Option<Duration>,
    pub(in super::super) latencies: Latencies,
    pub(in super::super) probes: u64,
    pub(in super::super) failures: u64,
    passed_at: Option<Moment>,
    failed_at: Option<Moment>,
    passes_in_a_row: u32,
    failures_in_a_row: u32,
    /// How many passes a trial does not count, because they came before it.
    earlier_passes: u64,
}

impl Tally {
    fn new(now: Moment) -> Self {
        Self {
            state: CheckState::Unknown,
            since: now,
            why: None,
            took: None,
            latencies: Latencies::default(),
            probes: 0,
            failures: 0,
            passed_at: None,
            failed_at: None,
            passes_in_a_row: 0,
            failures_in_a_row: 0,
            earlier_passes: 0,
        }
    }

    /// Counts as passed `rise` times, because an earlier lictor has seen that.
    fn pass_unseen(&mut self, rule: &CheckRule) {
        self.state = CheckState::Passing;
        self.passes_in_a_row = rule.rise.max(1);
    }

    fn passes(&self) -> u64 {
        self.probes - self.failures
    }

    fn steady(&self, rule: &CheckRule) -> bool {
        self.passes_in_a_row >= rule.rise.max(1)
    }

    fn add(&mut self, now: Moment, rule: &CheckRule, outcome: ProbeResult, took: Duration) {
        self.probes += 1;
        self.took = Some(took);
        self.latencies.add(took);
        let state = match outcome {
            ProbeResult::Pass => {
                self.passed_at = Some(now);
                self.passes_in_a_row = self.passes_in_a_row.saturating_add(1);
                self.failures_in_a_row = 0;
                self.why = None;
                if self.steady(rule) { CheckState::Passing } else { self.state }
            }
            ProbeResult::Fail(why) => {
                self.failures += 1;
                self.failed_at = Some(now);
                self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
                self.passes_in_a_row = 0;
                self.why = Some(why);
                // A check that never passed in this run has no good state to fall from.
                let falls = self.state == CheckState::Unknown || self.failures_in_a_row >= rule.fall.max(1);
                if falls { CheckState::Failing } else { self.state }
            }
        };
        if state != self.state {
            self.state = state;
            self.since = now;
        }
    }
}

fn gates(role: Role) -> bool {
    match role {
        Role::Startup | Role::Readiness | Role::Liveness => true,
        Role::Info => false,
    }
}

impl Health {
    /// The health of a run that begins now.
    pub(in super::super) fn new(now: Moment, rules: &[CheckRule]) -> Self {
        let mut health = Self {
            tallies: rules.iter().map(|_| Tally::new(now)).collect(),
            healthy_since: None,
            steady_since: None,
            confirmed_at: None,
            armed: false,
        };
        health.weigh(now, rules);
        health
    }

    /// The health of a run that an earlier lictor had started: its start is over.
    pub(in super::super) fn of_adopted(now: Moment, rules: &[CheckRule]) -> Self {
        let mut health = Self::new(now, rules);
        health.start_is_over(now, rules);
        health
    }

    /// The service has started: startup checks that have not been probed no longer matter for this run.
    pub(in super::super) fn start_is_over(&mut self, now: Moment, rules: &[CheckRule]) {
        let unknown =
            |(rule, tally): &(&CheckRule, &mut Tally)| rule.role == Role::Startup && tally.state == CheckState::Unknown;
        for (rule, tally) in rules.iter().zip(&mut self.tallies).filter(unknown) {
            tally.pass_unseen(rule);
        }
        self.weigh(now, rules);
    }

    /// Nothing moved for this long: that time does not count as healthy.
    pub(in super::super) fn paused(&mut self, length: Duration) {
        self.steady_since = self.steady_since.map(|since| since + length);
    }

    /// Adds one probe. A probe of an unknown check changes nothing.
    pub(in super::super) fn add(
        &mut self,
        now: Moment,
        rules: &[CheckRule],
        check: usize,
        outcome: ProbeResult,
        took: Duration,
    ) {
        let (Some(tally), Some(rule)) = (self.tallies.get_mut(check), rules.get(check)) else { return };
        tally.add(now, rule, outcome, took);
        self.weigh(now, rules);
    }

    /// A new trial of the same run begins: earlier passes do not count for it.
    pub(in super::super) fn count_anew(&mut self, now: Moment, rules: &[CheckRule]) {
        for tally in &mut self.tallies {
            tally.earlier_passes = tally.passes();
        }
        self.weigh(now, rules);
    }

    /// Keeps the tallies of the checks that exist in both lists of rules, by name.
    pub(in super::super) fn carry(&mut self, now: Moment, before: &[CheckRule], after: &[CheckRule]) {
        let tallies = after.iter().map(|rule| {
            let same = before.iter().position(|old| old.name == rule.name && old.role == rule.role);
            same.and_then(|index| self.tallies.get(index).cloned()).unwrap_or_else(|| Tally::new(now))
        });
        self.tallies = tallies.collect();
        self.weigh(now, after);
    }

    fn weigh(&mut self, now: Moment, rules: &[CheckRule]) {
        let of = |role: Role| rules.iter().zip(&self.tallies).filter(move |(rule, _)| rule.role == role);
        let gating = || rules.iter().zip(&self.tallies).filter(|(rule, _)| gates(rule.role));
        let passing = |(_, tally): (&CheckRule, &Tally)| tally.state == CheckState::Passing;

        let healthy = gating().all(passing);
        let steady = gating().all(|(rule, tally)| tally.steady(rule));
        let confirmed = of(Role::Readiness).all(|(_, tally)| tally.passes() >= tally.earlier_passes + 2);
        let first =
            [Role::Startup, Role::Readiness, Role::Liveness].into_iter().find(|role| of(*role).next().is_some());
        let armed = first.is_some_and(|role| of(role).all(passing));

        since(&mut self.healthy_since, now, healthy);
        since(&mut self.steady_since, now, steady);
        since(&mut self.confirmed_at, now, confirmed);
        if armed && !self.armed {
            self.arm(rules);
        }
    }

    /// From now on liveness counts: its earlier failures belonged to a slow start.
    fn arm(&mut self, rules: &[CheckRule]) {
        self.armed = true;
        for (_, tally) in rules.iter().zip(&mut self.tallies).filter(|(rule, _)| rule.role == Role::Liveness) {
            tally.failures_in_a_row = 0;
        }
    }

    /// The time to start is over. Where no startup or readiness check shows the end of a start, liveness counts from
    /// now on: otherwise a process that hangs from its start would hang for ever.
    pub(in super::super) fn overdue(&mut self, rules: &[CheckRule]) {
        let told = rules.iter().any(|rule| matches!(rule.role, Role::Startup | Role::Readiness));
        if !told && !self.armed {
            self.arm(rules);
        }
    }

    /// Whether every startup and readiness check passes.
    pub(in super::super) fn ready(&self, rules: &[CheckRule]) -> bool {
        let waits = |(rule, tally): (&CheckRule, &Tally)| {
            matches!(rule.role, Role::Startup | Role::Readiness) && tally.state != CheckState::Passing
        };
        !rules.iter().zip(&self.tallies).any(waits)
    }

    /// The liveness check that has failed, with its name and the reason. With `Patience::None` one failed probe is
    /// enough.
    pub(in super::super) fn dead(&self, rules: &[CheckRule], patience: Patience) -> Option<String> {
        let failed = |(rule, tally): &(&CheckRule, &Tally)| {
            let enough = match patience {
                Patience::Fall => tally.failures_in_a_row >= rule.fall.max(1),
                Patience::None => tally.failures_in_a_row > 0,
            };
            rule.role == Role::Liveness && enough
        };
        let found = rules.iter().zip(&self.tallies).find(failed).filter(|_| self.armed);
        found.map(|(rule, tally)| described(rule, tally))
    }

    /// Whether each readiness and liveness check has passed since this moment. Startup checks are no longer probed
    /// then.
    pub(in super::super) fn has_passed_since(&self, rules: &[CheckRule], then: Moment) -> bool {
        let of =
            rules.iter().zip(&self.tallies).filter(|(rule, _)| matches!(rule.role, Role::Readiness | Role::Liveness));
        of.into_iter().all(|(_, tally)| tally.passed_at.is_some_and(|at| at >= then))
    }

    /// The gating check that has failed since this moment and has not passed again, with the reason.
    pub(in super::super) fn failed_since(&self, rules: &[CheckRule], then: Moment) -> Option<String> {
        let fails = |(rule, tally): &(&CheckRule, &Tally)| {
            gates(rule.role) && tally.failures_in_a_row > 0 && tally.failed_at.is_some_and(|at| at >= then)
        };
        rules.iter().zip(&self.tallies).find(fails).map(|(rule, tally)| described(rule, tally))
    }

    /// The gating checks that are not steady, with the reasons, as a part of a verdict's sentence.
    pub(in super::super) fn complaint(&self, rules: &[CheckRule]) -> Option<String> {
        let unsteady = |(rule, tally): &(&CheckRule, &Tally)| gates(rule.role) && !tally.steady(rule);
        let words: Vec<_> =
            rules.iter().zip(&self.tallies).filter(unsteady).map(|(rule, tally)| described(rule, tally)).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }
}

/// How many probes count for the latencies.
const KEPT: usize = 100;

/// How long the last hundred probes of a check took, in the order in which they came and by size: a percentile is asked
/// for with every board.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in super::super) struct Latencies {
    newest: VecDeque<Duration>,
    sorted: Vec<Duration>,
}

impl Latencies {
    /// Adds one, and removes the oldest one of a hundred.
    pub(in super::super) fn add(&mut self, took: Duration) {
        if self.newest.len() == KEPT
            && let Some(oldest) = self.newest.pop_front()
            && let Ok(place) = self.sorted.binary_search(&oldest)
        {
            self.sorted.remove(place);
        }
        self.newest.push_back(took);
        let place = self.sorted.partition_point(|known| *known <= took);
        self.sorted.insert(place, took);
    }

    /// The percentile by the nearest rank; `None` before the first probe.
    pub(in super::super) fn percentile(&self, percent: usize) -> Option<Duration> {
        let rank = (self.sorted.len() * percent).div_ceil(100);
        self.sorted.get(rank.checked_sub(1)?).copied()
    }
}

/// How many failures of a liveness check mean that the process is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Patience {
    /// As many as the check's `fall`.
    Fall,
    /// One: the run is on trial.
    None,
}

fn since(mark: &mut Option<Moment>, now: Moment, holds: bool) {
    *mark = if holds { mark.or(Some(now)) } else { None };
}

fn described(rule: &CheckRule, tally: &Tally) -> String {
    match &tally.why {
        Some(why) => format!("{}: {why}", rule.name),
        None if tally.probes == 0 => format!("{}: not probed yet", rule.name),
        None => format!("{}: has not passed {} times in a row", rule.name, rule.rise),
    }
}

#[cfg(test)]
mod tests;
