//! `apply {}`: how a change is tried.

use std::time::Duration;

use super::exec::words;
use super::section::Section;
use super::{unsupported, value};
use crate::machine::policy::{Policy, Revert, StepSetting};

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

pub(crate) fn read(section: &mut Section<'_>, policy: &mut Policy) -> Apply {
    const MILLISECOND: Duration = Duration::from_millis(1);
    let place = section.place_of("min_healthy");
    policy.min_healthy = section.read("min_healthy", value::duration).unwrap_or(policy.min_healthy);
    policy.deadline = section.read("deadline", value::duration_from(MILLISECOND)).unwrap_or(policy.deadline);
    if policy.min_healthy > policy.deadline {
        let sentence = format!("{}: must not be longer than deadline", section.name("min_healthy"));
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
