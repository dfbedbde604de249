//! `apply {}`: how a change is tried.

use crate::config::reference::{Block, TakenUp, Type, attribute};
use std::time::Duration;

use super::exec::words;
use crate::check::{self, Spec};
use crate::config::read::section::Section;
use crate::config::read::value;
use crate::listen;
use crate::machine::policy::{Handover, Policy, Revert, Role, StepSetting};

const LISTEN: &str = "listen \"http\" {\n  address = \"127.0.0.1:8080\"\n}\n";

pub(crate) static BLOCK: Block =
    Block::new("apply", "How a change is tried, and what happens if it fails.")
        .attributes(&[
            attribute(
                "min_healthy",
                Type::Duration,
                "30s",
                "A candidate is good once it has been healthy for this long without a break.",
            )
            .default("10s"),
            attribute(
                "deadline",
                Type::Duration,
                "5m",
                "It has to be good by this time after the start of its process; otherwise the change is taken back.",
            )
            .default("90s"),
            attribute(
                "revert",
                Type::Boolean,
                "false",
                "Whether a change that fails is taken back. With `false` the service stays on it.",
            )
            .default("true"),
            attribute(
                "watch",
                Type::Duration,
                "5m",
                "If the service becomes unhealthy within this time after a change was good, the change is still taken back, and halted for the fleet; `0s` turns this off.",
            )
            .default("1m"),
            attribute(
                "handover",
                Type::OneOf(&["restart", "overlap"]),
                "overlap",
                "`restart` stops the old process, then starts the new one. `overlap` starts the new one beside the old \
                 one and stops that after the verdict; it needs a `listen` block. A reload is enough to turn it off.",
            )
            .default("restart")
            .taken_up(TakenUp::ByStartOfLictor)
            .beside(LISTEN),
            attribute(
                "share",
                Type::Share,
                "5%",
                "With `overlap`: the share of new connections that a ready candidate gets at first. In the second half \
                 of `min_healthy` it gets all.",
            )
            .default("100%")
            .with("handover = \"overlap\"")
            .beside(LISTEN),
            attribute(
                "check_command",
                Type::Command,
                "[\"/opt/billing/billing\", \"-check-config\"]",
                "A command that is run with the candidate's environment before the service is touched. Any exit status but 0 rejects the \
                 change, with the last lines of its output as the reason.",
            ),
            attribute("check_timeout", Type::Duration, "1m", "After this long the check command has failed.")
                .default("30s"),
        ]);

/// The parts of `apply {}` that are not part of the machine's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apply {
    /// The command that is run with the candidate environment before the old service is touched; empty: there is none.
    pub check_command: Vec<String>,
    /// The time that it may take.
    pub check_timeout: Duration,
}

/// The words of `apply.handover`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Restart,
    Overlap,
}

const WORDS: &[(&str, Word)] = &[("restart", Word::Restart), ("overlap", Word::Overlap)];

impl Default for Apply {
    fn default() -> Self {
        Self { check_command: Vec::new(), check_timeout: Duration::from_secs(30) }
    }
}

/// Reads `apply {}`. The interval of the checks limits which `min_healthy` can be reached.
pub(crate) fn read(section: &mut Section<'_>, policy: &mut Policy, checks: &[Spec], held: &[listen::Spec]) -> Apply {
    const MILLISECOND: Duration = Duration::from_millis(1);
    let place = if section.has("min_healthy") { section.place_of("min_healthy") } else { section.place_of("deadline") };
    policy.min_healthy = section.read("min_healthy", value::duration).unwrap_or(policy.min_healthy);
    policy.deadline = section.read("deadline", value::duration_from(MILLISECOND)).unwrap_or(policy.deadline);
    let spare = slowest_on_trial(checks, policy.min_healthy);
    if policy.min_healthy + spare > policy.deadline {
        let sentence = format!(
            "{}: no change could be good in time: deadline must be longer by at least {}, the time between two probes",
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
    policy.handover = handover(section, held);
    let check_command = section.read("check_command", words).unwrap_or_default();
    if !check_command.is_empty() {
        policy.check_command = StepSetting::Enabled;
    }
    let check_timeout = section.read("check_timeout", value::duration_from(MILLISECOND));
    Apply { check_command, check_timeout: check_timeout.unwrap_or(default.check_timeout) }
}

/// Two processes need a socket that both can listen on, so lictor has to hold it.
fn handover(section: &mut Section<'_>, held: &[listen::Spec]) -> Handover {
    let (place, share_place) = (section.place_of("handover"), section.place_of("share"));
    let word = section.read("handover", value::one_of(WORDS)).unwrap_or(Word::Restart);
    let share = section.read("share", value::parsed(percent)).unwrap_or(100);
    match word {
        Word::Overlap if held.is_empty() => {
            let sentence = format!(
                "{}: \"overlap\" needs a listen {{}}: two processes can only share a socket that lictor holds for them",
                section.name("handover")
            );
            section.error(&place, sentence);
            Handover::Restart
        }
        Word::Overlap => Handover::Overlap { share },
        Word::Restart if share < 100 => {
            let sentence = format!("{}: a share needs handover = \"overlap\"", section.name("share"));
            section.error(&share_place, sentence);
            Handover::Restart
        }
        Word::Restart => Handover::Restart,
    }
}

fn percent(text: &str) -> Result<u8, &'static str> {
    text.strip_suffix('%')
        .filter(|digits| digits.chars().all(|c| c.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .filter(|percent| (1..=100).contains(percent))
        .ok_or("expected a share from \"1%\" to \"100%\"")
}

/// The longest time between two probes of a run on trial, among the checks that decide its trial; one millisecond if
/// there are none.
fn slowest_on_trial(checks: &[Spec], min_healthy: Duration) -> Duration {
    let deciding = checks.iter().filter(|check| check.rule.role != Role::Info);
    let slowest = deciding.map(|check| check::on_trial(check.interval, min_healthy)).max();
    slowest.unwrap_or(Duration::from_millis(1))
}
