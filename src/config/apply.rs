//! `apply {}`: how a change is tried.

use std::time::Duration;

use super::exec::words;
use super::section::Section;
use super::{unsupported, value};
use crate::check::{self, Spec};
use crate::machine::policy::{Policy, Revert, Role, StepSetting};

/// The parts of `apply {}` that are no policy of the machine's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apply {
    /// How the new process takes over.
    pub handover: Handover,
    /// Run with the candidate environment before the old service is touched; empty: none.
    pub check_command: Vec<String>,
    /// After this long it has failed.
    pub check_timeout: Duration,
}

/// `apply.handover`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// Stop, then start.
    Restart,
    /// Start beside, then stop.
    Overlap,
}

impl Handover {
    const WORDS: &[(&str, Self)] = &[("restart", Self::Restart), ("overlap", Self::Overlap)];
}

impl Default for Apply {
    fn default() -> Self {
        Self { handover: Handover::Restart, check_command: Vec::new(), check_timeout: Duration::from_secs(30) }
    }
}

/// Reads `apply {}`; how often the checks are probed says which `min_healthy` can ever be reached.
pub(crate) fn read(section: &mut Section<'_>, policy: &mut Policy, checks: &[Spec]) -> Apply {
    const MILLISECOND: Duration = Duration::from_millis(1);
    let place = if section.has("min_healthy") { section.place_of("min_healthy") } else { section.place_of("deadline") };
    policy.min_healthy = section.read("min_healthy", value::duration).unwrap_or(policy.min_healthy);
    policy.deadline = section.read("deadline", value::duration_from(MILLISECOND)).unwrap_or(policy.deadline);
    let spare = slowest_on_trial(checks, policy.min_healthy);
    if policy.min_healthy + spare > policy.deadline {
        let sentence = format!(
            "{}: nothing is ever good in time: deadline must be longer by at least {}, the time between two probes",
            section.name("min_healthy"),
            humantime::format_duration(spare)
        );
        section.error(&place, sentence);
    }
    match section.read("revert", value::boolean) {
        Some(true) => policy.revert = Revert::ToLastGood,
        Some(false) => policy.revert = Revert::Never,
        None => {}
    }
    policy.watch = section.read("watch", value::duration).unwrap_or(policy.watch);
    let default = Apply::default();
    let place = section.place_of("handover");
    let handover = section.read("handover", value::one_of(Handover::WORDS)).unwrap_or(default.handover);
    let refused = unsupported::refused_value("apply.handover", "overlap");
    if let Some(sentence) = refused.filter(|_| handover == Handover::Overlap) {
        section.error(&place, sentence);
    }
    let check_command = section.read("check_command", words).unwrap_or_default();
    if !check_command.is_empty() {
        policy.check_command = StepSetting::Enabled;
    }
    let check_timeout = section.read("check_timeout", value::duration_from(MILLISECOND));
    Apply { handover, check_command, check_timeout: check_timeout.unwrap_or(default.check_timeout) }
}

/// The longest time between two probes of a run on trial, among the checks that decide about it; a millisecond without any.
fn slowest_on_trial(checks: &[Spec], min_healthy: Duration) -> Duration {
    let deciding = checks.iter().filter(|check| check.rule.role != Role::Info);
    let slowest = deciding.map(|check| check::on_trial(check.interval, min_healthy)).max();
    slowest.unwrap_or(Duration::from_millis(1))
}
