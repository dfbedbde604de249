//! What the fleet's page shows of an instance beyond its line in a table. Names, words and numbers; no value and no digest
//! of one.

use serde::{Deserialize, Serialize};

use super::layout::short_line;
use crate::machine::Board;
use crate::machine::board::{CheckState, StepName};
use crate::machine::event::TrafficState;
use crate::machine::moment::Moment;
use crate::machine::policy::{OnChange, Role};

/// So many checks stand in a record; more are counted.
const CHECKS: usize = 16;
/// So many names of variables.
const NAMED: usize = 20;

/// What the page shows of one instance. What an older lictor does not write has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// When its process was started, in Unix milliseconds by its own clock, as all times here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<u64>,
    /// Since when its config has been in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_use_since: Option<u64>,
    /// How many variables it has.
    pub variables: usize,
    /// How often the service was started again.
    pub restarts: u64,
    /// Whether another build is installed than the one that was started.
    pub outdated: bool,
    /// Whether it gets requests; `None`: nothing steers that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic: Option<TrafficState>,
    /// Its checks, in the order of its configuration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckShown>,
    /// How many more there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_checks: usize,
    /// How its last process ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<ExitShown>,
    /// The change that is on its way here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate: Option<CandidateShown>,
}

/// A check, without what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckShown {
    /// Its label.
    pub name: String,
    /// What its result means.
    pub role: Role,
    /// Whether it passes.
    pub state: CheckState,
    /// Since when.
    #[serde(default)]
    pub since: u64,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitShown {
    /// When.
    pub at: u64,
    /// How, as a sentence.
    pub text: String,
}

/// A change on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateShown {
    /// What the fleet calls it, once a turn was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// The step of the road that it stands at.
    pub step: StepName,
    /// Since when it has been on the road.
    pub since: u64,
    /// When its trial must have passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<u64>,
    /// Names of the variables that differ.
    #[serde(default)]
    pub keys: Vec<String>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_keys: usize,
    /// How it takes effect.
    #[serde(default)]
    pub effect: OnChange,
}

impl Details {
    /// What the board says; `change` is what the fleet calls the change that is on its way.
    pub(super) fn of(board: &Board, change: Option<String>) -> Self {
        let unix = |at: Moment| board.epoch_unix_ms.saturating_add(at.0);
        let check = |check: &crate::machine::board::CheckPicture| CheckShown {
            name: short_line(&check.name),
            role: check.role,
            state: check.state,
            since: unix(check.since),
        };
        let candidate = board.candidate.as_ref().map(|candidate| {
            let (keys, more_keys) = named(&candidate.keys);
            CandidateShown {
                change,
                step: candidate.step,
                since: unix(candidate.since),
                deadline: candidate.deadline.map(unix),
                keys,
                more_keys,
                effect: candidate.effect,
            }
        });
        Self {
            started: board.process.as_ref().map(|process| unix(process.started)),
            in_use_since: board.config.since.map(unix),
            variables: board.config.variables,
            restarts: board.restarts,
            outdated: board.build.outdated,
            traffic: board.traffic,
            checks: board.checks.iter().take(CHECKS).map(check).collect(),
            more_checks: board.checks.len().saturating_sub(CHECKS),
            last_exit: board
                .last_exit
                .as_ref()
                .map(|exit| ExitShown { at: unix(exit.at), text: short_line(&exit.text) }),
            candidate,
        }
    }
}

/// The first of these names, each fit for a record, and how many more there are.
pub(super) fn named(keys: &[String]) -> (Vec<String>, usize) {
    (keys.iter().take(NAMED).map(|key| short_line(key)).collect(), keys.len().saturating_sub(NAMED))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
pub(super) fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::{CHECKS, Details, NAMED};
    use crate::machine::board::sample::{board, check};
    use crate::machine::board::{CandidatePicture, CheckState, StepName};
    use crate::machine::moment::Moment;
    use crate::machine::policy::OnChange;

    #[test]
    fn a_record_stays_small_whatever_the_board_holds() {
        let mut board = board();
        board.checks = (0..100).map(|_| check(&"long".repeat(1_000), CheckState::Failing)).collect();
        board.candidate = Some(CandidatePicture {
            fingerprint: "3f9a0c12be77".parse().unwrap(),
            generation: None,
            step: StepName::Turn,
            since: Moment(5_000),
            deadline: None,
            keys: (0..1_000).map(|number| format!("KEY_{number}_{}", "X".repeat(1_000))).collect(),
            effect: OnChange::Restart,
        });
        let details = Details::of(&board, Some("c0ffee".to_owned()));
        assert_eq!((details.checks.len(), details.more_checks), (CHECKS, 100 - CHECKS));
        let candidate = details.candidate.clone().unwrap();
        assert_eq!((candidate.keys.len(), candidate.more_keys), (NAMED, 1_000 - NAMED));
        assert_eq!(candidate.since, board.epoch_unix_ms + 5_000);
        let text = serde_json::to_string(&details).unwrap();
        assert!(text.len() < 16 << 10, "{}", text.len());
        assert!(!text.contains("3f9a0c12be77"), "the host's own fingerprint of what is wanted: {text}");
        assert_eq!(serde_json::from_str::<Details>(&text).unwrap(), details);
    }

    #[test]
    fn what_an_older_lictor_has_not_written_has_its_default() {
        assert_eq!(serde_json::from_str::<Details>("{}").unwrap(), Details::default());
    }
}
