//! The board in words: the name of each state, in one place for every part that shows it, and what it asks of people. Pure.

use super::{BesidePicture, BesideRole, Board, CheckPicture, CheckState, ConfigState, Phase, StepName};
use crate::line::one_line;
use crate::machine::policy::Role;

/// The longest quotation within a sentence (why a check fails, how a run ended), in characters.
const LONGEST_QUOTATION: usize = 100;

/// What the service does: `up, healthy`.
pub fn service(board: &Board) -> &'static str {
    match board.phase {
        Phase::Absent => "not started",
        Phase::BackingOff => "down",
        Phase::Starting => "starting",
        Phase::Up if board.healthy => "up, healthy",
        Phase::Up => "up, not healthy",
        Phase::Leaving => "leaving traffic",
        Phase::Stopping => "stopping",
    }
}

/// Why the service is not healthy, as one line: `Database is Bad (connection refused)`, `down, the last run exited with 1`.
/// Its config is not in it.
pub fn unhealthy(board: &Board) -> String {
    match (board.phase, unmet(board)) {
        (Phase::Starting | Phase::Up, Some(check)) => failing(check),
        (Phase::Up, None) => "not healthy".to_owned(),
        (Phase::Absent | Phase::BackingOff | Phase::Starting, _) => after_exit(board),
        (Phase::Leaving | Phase::Stopping, _) => service(board).to_owned(),
    }
}

/// The other process, while one takes over from another: `pid 4711 warms up on 3f9a0c12be77`.
pub fn beside(board: &Board) -> Option<String> {
    let BesidePicture { process, role, environment, ready } = board.beside.as_ref()?;
    let pid = process.pid.map_or_else(|| "no pid yet".to_owned(), |pid| format!("pid {pid}"));
    Some(match (role, ready) {
        (BesideRole::New, false) => format!("{pid} warms up on {environment}"),
        (BesideRole::New, true) => format!("{pid} is ready on {environment}"),
        (BesideRole::Old, _) => format!("{pid} stays on {environment} until the new one has proved itself"),
        (BesideRole::Leaving, _) => format!("{pid} is being stopped"),
    })
}

/// What the service does, and how its last run ended.
pub fn after_exit(board: &Board) -> String {
    match &board.last_exit {
        Some(exit) => format!("{}, the last run {}", service(board), one_line(&exit.text, LONGEST_QUOTATION)),
        None => service(board).to_owned(),
    }
}

/// The check that keeps the service from being healthy: one that fails, else one that has not been probed yet.
pub fn unmet(board: &Board) -> Option<&CheckPicture> {
    let counts = |state| move |check: &&CheckPicture| check.role != Role::Info && check.state == state;
    let unknown = || board.checks.iter().find(counts(CheckState::Unknown));
    board.checks.iter().find(counts(CheckState::Failing)).or_else(unknown)
}

/// How a check stands: `Database is Bad (connection refused)`.
pub fn failing(check: &CheckPicture) -> String {
    match &check.why {
        Some(why) => format!("{} is {} ({})", check.name, check.word, one_line(why, LONGEST_QUOTATION)),
        None => format!("{} is {}", check.name, check.word),
    }
}

/// What is in the way of the service's health or of its newest config, for somebody who waits for either.
pub fn standing(board: &Board) -> String {
    let check = || board.checks.iter().find_map(|check| Some(format!("{}: {}", check.name, check.why.as_ref()?)));
    let exit = || board.last_exit.as_ref().filter(|_| board.process.is_none()).map(|exit| exit.text.clone());
    let message = board.config.message.clone();
    message.or_else(exit).or_else(check).unwrap_or_else(|| format!("{} is not healthy yet", board.service))
}

/// What is waited for before there is a config at all: `waiting for consul billing/: no leader`.
pub fn waiting(board: &Board) -> String {
    let silent = || board.sources.iter().filter(|source| source.keys.is_none());
    let failing = silent().find_map(|source| Some((source, source.freshness.error.as_ref()?)));
    match (failing, silent().next()) {
        (Some((source, error)), _) => format!("waiting for {}: {error}", source.name),
        (None, Some(source)) => format!("waiting for {}", source.name),
        (None, None) => "waiting for the sources".to_owned(),
    }
}

/// The state of the config, as it stands in a column.
pub fn config(state: ConfigState) -> &'static str {
    match state {
        ConfigState::Waiting => "waiting for the sources",
        ConfigState::Good => "good",
        ConfigState::Pending => "a change is on its way",
        ConfigState::Trial => "on trial",
        ConfigState::Reverted => "reverted",
        ConfigState::Rejected => "rejected",
        ConfigState::Held => "held",
        ConfigState::Halted => "halted",
        ConfigState::Inconclusive => "healthy on neither",
        ConfigState::BuildFailed => "build failed",
        ConfigState::NoGood => "nothing good yet",
    }
}

/// The same behind the fingerprint that runs: `3f9a0c12be77 in use, the newest was reverted`.
pub fn config_in_use(state: ConfigState) -> &'static str {
    match state {
        ConfigState::Waiting => "in use, the sources have not answered yet",
        ConfigState::Good => "good",
        ConfigState::Pending => "in use, a change is on its way",
        ConfigState::Trial => "on trial",
        ConfigState::Reverted => "in use, the newest was reverted",
        ConfigState::Rejected => "in use, the newest was rejected",
        ConfigState::Held => "in use, the newest is held",
        ConfigState::Halted => "in use, the newest is halted",
        ConfigState::Inconclusive => "in use, healthy on neither this nor the newest",
        ConfigState::BuildFailed => "in use, the new build failed",
        ConfigState::NoGood => "in use, none has been good yet",
    }
}

/// The same as a sentence about the newest config. The reason on the board comes first.
pub fn newest_config(board: &Board) -> &str {
    if let Some(message) = &board.config.message {
        return message;
    }
    match board.config.state {
        ConfigState::Waiting => "not every source has answered yet",
        ConfigState::Pending => "a config change is on its way",
        ConfigState::Trial => "the newest config is on trial",
        ConfigState::Reverted => "the newest config was reverted",
        ConfigState::Rejected => "the newest config was rejected",
        ConfigState::Inconclusive => "healthy on neither the newest nor the last good config",
        ConfigState::BuildFailed => "the new build failed",
        ConfigState::NoGood => "no config has been good yet",
        ConfigState::Good | ConfigState::Held | ConfigState::Halted => "the config is not settled yet",
    }
}

/// What a candidate does at this step: `waits for its turn`.
pub fn step(step: StepName) -> &'static str {
    match step {
        StepName::Settling => "waits for quiet",
        StepName::Guarded => "waits for the guard or an operator",
        StepName::Checked => "waits for the check command",
        StepName::Turn => "waits for its turn",
        StepName::Switched => "waits for the old process to end",
        StepName::Trial => "proves itself",
        StepName::Reverting => "failed; going back",
    }
}

/// When a candidate goes on from this step.
pub fn goes_on(step: StepName) -> &'static str {
    match step {
        StepName::Settling => "when it has been quiet for a moment",
        StepName::Guarded => "when nothing holds it any more",
        StepName::Checked => "when the check command has passed it",
        StepName::Turn => "when it is this host's turn",
        StepName::Switched => "when what runs has proved itself, or has ended",
        StepName::Trial => "under way",
        StepName::Reverting => "when the service is back on what was good",
    }
}

/// The step in a word, once it is over.
pub fn step_done(step: StepName) -> &'static str {
    match step {
        StepName::Settling => "settled",
        StepName::Guarded => "guarded",
        StepName::Checked => "checked",
        StepName::Turn => "turn",
        StepName::Switched => "switched",
        StepName::Trial => "trial",
        StepName::Reverting => "reverting",
    }
}

/// What a check's role is called.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Startup => "startup",
        Role::Readiness => "readiness",
        Role::Liveness => "liveness",
        Role::Info => "info",
    }
}

/// What a state means, and what it asks of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The words with which its line in `/status` begins.
    pub begins: &'static [&'static str],
    /// What has happened, and on what the service runs.
    pub means: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// Every state of the config, in the order of a wish's road.
pub const CONFIG_STATES: [ConfigState; 11] = [
    ConfigState::Waiting,
    ConfigState::Pending,
    ConfigState::Trial,
    ConfigState::Good,
    ConfigState::Reverted,
    ConfigState::Rejected,
    ConfigState::Held,
    ConfigState::Halted,
    ConfigState::Inconclusive,
    ConfigState::BuildFailed,
    ConfigState::NoGood,
];

/// What a state of the config asks of people.
pub fn explained(state: ConfigState) -> Explanation {
    let (begins, means, remedy): (&'static [_], _, _) = match state {
        ConfigState::Waiting => (
            &[],
            "A required source has not answered yet, so nothing new can be started. A service that runs goes on.",
            "See the source's line in `lictor status`: reach Consul or write the file, or set required = false.",
        ),
        ConfigState::Pending => (
            &["Waits"],
            "A change was seen and is on its way: it waits for quiet, for a check command, or for its turn.",
            "Nothing. `lictor plan` shows what it changes and what it waits for.",
        ),
        ConfigState::Trial => (
            &["Reverting", "Failed"],
            "The service was started on the newest config and has to be healthy for apply.min_healthy by apply.deadline.",
            "Nothing: it becomes good, or is taken back. \"Failed\" means that there is nothing to go back to.",
        ),
        ConfigState::Good => (
            &["Stale since"],
            "The service is healthy on the newest config.",
            "Nothing. \"Stale since\" means that a source does not answer: what it gave last is in use meanwhile.",
        ),
        ConfigState::Reverted => (
            &["Reverted"],
            "The service did not get healthy on the newest config and runs on the last good one again.",
            "Mend the value that is named, or write the old one again. `lictor retry` tries the same once more.",
        ),
        ConfigState::Rejected => (
            &["Rejected"],
            "The newest config breaks a rule of key {}, or the check command said no. Nothing was touched.",
            "Mend the value that is named; `lictor plan` lists all of them.",
        ),
        ConfigState::Held => (
            &["Held"],
            "An operator holds all changes, or the guard holds one that would lose too many keys. Nothing was touched.",
            "End an operator's hold with `lictor unhold`. Write lost keys again, or let the loss through with \
             `lictor release FINGERPRINT`.",
        ),
        ConfigState::Halted => (
            &["Halted"],
            "The newest config was taken back on another host of the fleet, so it is not tried here.",
            "Mend the value, or let it through on all hosts with `lictor fleet release`.",
        ),
        ConfigState::Inconclusive => (
            &["Inconclusive"],
            "The service was healthy neither on the newest config nor on the last good one: something else is wrong.",
            "Look at the failing check. The newest config is tried again once the service has been healthy.",
        ),
        ConfigState::BuildFailed => (
            &["Build failed"],
            "The new executable is not healthy on a config that was good before it.",
            "Roll the release back, or mend it; the config is not the cause.",
        ),
        ConfigState::NoGood => (
            &["No good configuration yet"],
            "The service has never been healthy, so there is nothing to go back to. It is started again and again.",
            "Look at the failing check and at the service's own log, and mend the value or the service.",
        ),
    };
    Explanation { begins, means, remedy }
}

#[cfg(test)]
mod tests {
    use super::{CONFIG_STATES, config, explained, standing, unhealthy};
    use crate::machine::board::{CheckState, Phase, sample};

    #[test]
    fn every_state_has_its_own_word_and_asks_for_something() {
        let mut words: Vec<_> = CONFIG_STATES.map(config).to_vec();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), CONFIG_STATES.len());
        for state in CONFIG_STATES {
            let explained = explained(state);
            assert!(explained.means.ends_with('.') && explained.remedy.ends_with('.'), "{state:?}");
        }
    }

    #[test]
    fn what_fails_is_named_before_what_is_unknown() {
        let mut board = sample::board();
        board.healthy = false;
        board.checks = vec![sample::check("Web", CheckState::Unknown), sample::check("Database", CheckState::Failing)];
        board.checks[1].why = Some("connection\nrefused".to_owned());
        assert_eq!(unhealthy(&board), "Database is Unhealthy (connection refused)");
        assert_eq!(standing(&board), "Database: connection\nrefused");
        board.phase = Phase::BackingOff;
        assert_eq!(unhealthy(&board), "down");
    }
}
