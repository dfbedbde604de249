//! Probes end at the ordered pace, and their results depend on the nature of the process.

use std::time::Duration;

use super::nature::{behaviour, well};
use super::{Dependency, World};
use crate::machine::event::{Event, ProbeResult};
use crate::machine::numbers::RunId;
use crate::machine::order::Pace;
use crate::machine::policy::Role;

impl World {
    pub(super) fn probe(&self, run: RunId, check: usize) -> ProbeResult {
        let Some(process) = self.live.get(&run) else { return ProbeResult::Fail("connection refused".into()) };
        let Some(rule) = self.policy.checks.get(check) else { return ProbeResult::Fail("no such check".into()) };
        let behaviour = behaviour(process.environment, process.build);
        let well = well(behaviour, rule.role, self.now - process.started);
        let up = self.dependency == Dependency::Up || rule.role != Role::Readiness;
        if well && up { ProbeResult::Pass } else { ProbeResult::Fail("503".into()) }
    }

    pub(super) fn plan_probes(&mut self, run: RunId) {
        (0..self.policy.checks.len()).for_each(|check| self.plan_probe(run, check));
    }

    pub(super) fn plan_probe(&mut self, run: RunId, check: usize) {
        let interval = match self.probing.get(&run) {
            Some(Pace::Trial) => 600,
            _ => 1_700,
        };
        let placeholder = Event::Probed { run, check, outcome: ProbeResult::Pass, took: Duration::ZERO };
        self.plan(interval, placeholder);
    }
}
