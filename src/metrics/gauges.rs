//! The state at this moment, from the board and from `/proc`.

use super::names::{self, Metric, label};
use super::series::{Labels, Series};
use super::vitals::{Usage, Vitals};
use super::{Board, Latest, Moment, published};
use crate::machine::board::{CheckState, Phase};
use crate::machine::event::TrafficState;

/// All gauges, those of one metric beside each other.
pub(super) fn gauges<'a>(board: &'a Board, latest: &Latest, now: Moment) -> Vec<Series<'a, f64>> {
    let mut list = List(Vec::with_capacity(24 + board.checks.len()));
    list.service(board, now);
    list.config(board, now);
    for check in &board.checks {
        let up = u8::from(check.state == CheckState::Passing);
        list.labelled(&names::CHECK_UP, Labels::one(label::CHECK, &check.name), f64::from(up));
    }
    let Vitals { service, own } = &latest.vitals;
    list.process(service.as_ref());
    if let Some(own) = own {
        list.add(&names::SELF_RSS, float(own.rss_bytes));
        list.add(&names::SELF_CPU, own.cpu_percent);
    }
    list.add(&names::DROPPED, float(latest.dropped));
    for Series { metric, labels, value } in published::gauges(&latest.published) {
        list.labelled(metric, labels, value);
    }
    list.0
}

struct List<'a>(Vec<Series<'a, f64>>);

impl<'a> List<'a> {
    fn add(&mut self, metric: &'static Metric, value: f64) {
        self.labelled(metric, Labels::NONE, value);
    }

    /// Every gauge is finite and not negative: in `StatsD` a sign would mean a difference.
    fn labelled(&mut self, metric: &'static Metric, labels: Labels<'a>, value: f64) {
        let value = if value.is_finite() { value.max(0.0) } else { 0.0 };
        self.0.push(Series { metric, labels, value });
    }

    fn service(&mut self, board: &'a Board, now: Moment) {
        let process = board.process.as_ref().filter(|process| process.pid.is_some());
        self.add(&names::UP, f64::from(u8::from(board.ready)));
        self.add(&names::STATE, f64::from(state(board.phase)));
        let beside = board.beside.as_ref().filter(|beside| beside.process.pid.is_some());
        self.add(&names::PROCESSES, float(u64::from(process.is_some()) + u64::from(beside.is_some())));
        self.add(&names::UPTIME, process.map_or(0.0, |process| (now - process.started).as_secs_f64()));
        self.add(&names::RESTARTS_TOTAL, float(board.restarts));
        let is_steered = board.traffic.is_some() || board.traffic_trouble.is_some() || board.totals.drains.count > 0;
        if is_steered {
            self.add(&names::TRAFFIC, f64::from(u8::from(board.traffic == Some(TrafficState::In))));
        }
        // A process that has just begun has not been asked yet: "unknown" would be a series of its own for a moment.
        let unknown = process.filter(|_| board.phase != Phase::Starting).map(|_| "unknown");
        if let Some(version) = board.build.running.version.as_deref().or(unknown) {
            self.labelled(&names::BUILD_INFO, Labels::one(label::VERSION, version), 1.0);
        }
    }

    fn config(&mut self, board: &Board, now: Moment) {
        let since = |moment: Option<Moment>| moment.map_or(0.0, |moment| (now - moment).as_secs_f64());
        let unix_ms = board.epoch_unix_ms.saturating_add(now.0);
        let failing = board.sources.iter().filter_map(|source| source.freshness.failing_since_unix_ms).min();
        let stale = failing.map_or(0, |begun| unix_ms.saturating_sub(begun));
        self.add(&names::CONFIG_AGE, since(board.config.since));
        self.add(&names::CONFIG_STALE, float(stale) / 1000.0);
        self.add(&names::CONFIG_HELD, since(board.config.held_since));
        self.add(&names::GENERATION, float(board.config.generation.0));
    }

    /// Nothing is sent about a process that is not there or cannot be read.
    fn process(&mut self, usage: Option<&Usage>) {
        let Some(usage) = usage else { return };
        self.add(&names::CPU_PERCENT, usage.cpu_percent);
        self.add(&names::CPU_SECONDS, usage.cpu_seconds);
        self.add(&names::RSS, float(usage.rss_bytes));
        if let Some(open) = usage.open_fds {
            self.add(&names::OPEN_FDS, float(open));
        }
        if let Some(limit) = usage.fd_limit {
            self.add(&names::FD_LIMIT, float(limit));
        }
        self.add(&names::THREADS, float(usage.threads));
    }
}

fn state(phase: Phase) -> u8 {
    match phase {
        Phase::Absent | Phase::BackingOff => 0,
        Phase::Starting => 1,
        Phase::Up => 2,
        Phase::Leaving | Phase::Stopping => 3,
    }
}

#[expect(clippy::cast_precision_loss, reason = "whole numbers are exact up to 2^53, more than anything counted here")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests;
