//! The plan: what the newest wish would change, and what is or would be done about it. It is derived from the board
//! alone.

use serde::{Deserialize, Serialize};

use super::super::policy::OnChange;
use super::{Board, ConfigState, words};
use crate::environment::{Change, Environment, Fingerprint, changes};

/// The answer to `lictor plan`. It shows only the values of public keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The service's name.
    pub service: String,
    /// What the newest wish is compared with.
    pub basis: Basis,
    /// That environment; `None`: nothing has been started yet, or nothing good is kept.
    pub running: Option<Fingerprint>,
    /// The newest wish; `None`: the sources do not compose to one.
    pub wish: Option<Fingerprint>,
    /// What is or would be done.
    pub action: Action,
    /// Why, as a sentence; empty if there is nothing to add.
    pub why: String,
    /// How it takes effect once nothing stops it; `None`: it is not on its way.
    pub effect: Option<OnChange>,
    /// Which rules of `key {}` it breaks, or why it does not compose: all of them, without any value.
    pub violations: Vec<String>,
    /// Names of the variables that count from the next start of the service on. They don't count as changes.
    pub pending_restart: Vec<String>,
    /// The variables that differ between the two, in the order of their names.
    pub changes: Vec<Change>,
}

/// What the newest wish is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// What the service runs on.
    Running,
    /// No lictor runs: the newest good environment in the state directory.
    Kept,
}

/// What is or would be done about the newest wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// There is no wish yet.
    Waiting,
    /// Nothing: it runs already, or only ignored keys differ, which is recorded.
    Nothing,
    /// It runs already, and has to prove itself.
    Trial,
    /// The service is restarted on it.
    Restart,
    /// The service is signalled to read it, and goes on.
    Reload,
    /// It waits for the guard or an operator.
    Held,
    /// It failed on another host of the fleet; nothing is touched.
    Halted,
    /// It broke a rule; nothing is touched.
    Rejected,
    /// It failed with this build and is not tried again.
    Quarantined,
    /// There was no verdict on it; it is tried again when the service is healthy.
    Retry,
}

impl Plan {
    /// The plan as the board has it.
    pub fn of(board: &Board) -> Self {
        let config = &board.config;
        let runs = config.wish.is_some() && config.wish == config.fingerprint;
        let effect = board.candidate.as_ref().map(|candidate| candidate.effect);
        let action = match config.state {
            ConfigState::Waiting => Action::Waiting,
            ConfigState::Rejected => Action::Rejected,
            ConfigState::Held => Action::Held,
            ConfigState::Halted => Action::Halted,
            ConfigState::Reverted => Action::Quarantined,
            ConfigState::Trial if runs => Action::Trial,
            ConfigState::Inconclusive | ConfigState::BuildFailed | ConfigState::Trial if !runs => Action::Retry,
            ConfigState::Pending => match effect {
                Some(OnChange::Ignore) => Action::Nothing,
                Some(OnChange::Reload) => Action::Reload,
                Some(OnChange::Restart) | None => Action::Restart,
            },
            ConfigState::Good
            | ConfigState::NoGood
            | ConfigState::Trial
            | ConfigState::Inconclusive
            | ConfigState::BuildFailed => Action::Nothing,
        };
        let nothing = Environment::default();
        let running = board.environment.as_deref().unwrap_or(&nothing);
        let changes = board.wish.as_deref().map(|wish| changes(running, wish)).unwrap_or_default();
        Self {
            service: board.service.clone(),
            basis: Basis::Running,
            running: config.fingerprint,
            wish: config.wish,
            action,
            why: why(board, action),
            effect,
            violations: config.violations.clone(),
            pending_restart: config.pending_restart.clone(),
            changes,
        }
    }

    /// Whether the newest wish will not be run unless somebody does something about it.
    pub fn is_refused(&self) -> bool {
        matches!(self.action, Action::Rejected | Action::Quarantined | Action::Halted)
    }

    /// Whether the newest wish changes something for the running service. A change that only waits for the next start
    /// does not count.
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty() && self.effect != Some(OnChange::Ignore)
    }
}

fn why(board: &Board, action: Action) -> String {
    let step = board.candidate.as_ref().map(|candidate| candidate.step);
    match (&board.config.message, action, step) {
        // The word before the colon repeats the action.
        (Some(message), _, _) => message.split_once(": ").map_or(message.as_str(), |(_, why)| why).to_owned(),
        (None, Action::Waiting, _) => "not every required source has answered yet".to_owned(),
        (None, Action::Nothing, Some(_)) if board.config.state == ConfigState::Pending => RECORDED.to_owned(),
        (None, Action::Restart | Action::Reload, Some(step)) => words::goes_on(step).to_owned(),
        (None, _, _) => String::new(),
    }
}

/// What is done about a change of ignored keys only.
const RECORDED: &str = "what differs is recorded, and counts from the next start on";
