//! The state of the service as one line for `systemctl status`. Pure.

use crate::line::one_line;
use crate::machine::board::{Board, ConfigState, Phase, words};

/// The longest line, in characters; the rest is cut off.
const LONGEST: usize = 240;

/// The line: `billing 1.214 up, healthy; config 3f9a0c12be77 good`.
pub(super) fn line(board: &Board) -> String {
    let mut line = board.service.clone();
    if let Some(version) = &board.build.running.version {
        line = format!("{line} {version}");
    }
    line = format!("{line} {}", service(board));
    if let Some(config) = config(board).filter(|_| !board.stopping) {
        line = format!("{line}; {config}");
    }
    // Messages may quote foreign text, whose control characters must not begin a new line of the protocol.
    one_line(&line, LONGEST).into_owned()
}

fn service(board: &Board) -> String {
    match board.phase {
        _ if board.stopping && board.process.is_none() => "stopped".to_owned(),
        Phase::Absent | Phase::BackingOff => words::after_exit(board),
        Phase::Starting | Phase::Up if !board.healthy => match (words::unmet(board), board.phase) {
            (Some(check), _) => format!("{}: {}", words::service(board), words::failing(check)),
            (None, Phase::Starting) => words::after_exit(board),
            (None, _) => words::service(board).to_owned(),
        },
        Phase::Starting | Phase::Up | Phase::Leaving | Phase::Stopping => words::service(board).to_owned(),
    }
}

fn config(board: &Board) -> Option<String> {
    // The message is the same as in /status.
    if let Some(message) = &board.config.message {
        return Some(message.clone());
    }
    if board.config.state == ConfigState::Waiting {
        return Some(words::waiting(board));
    }
    let word = words::config_in_use(board.config.state);
    board.config.fingerprint.map(|fingerprint| format!("config {fingerprint} {word}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{LONGEST, line};
    use crate::machine::board::sample::{board, check};
    use crate::machine::board::{Board, CheckState, ConfigState, ExitPicture, Phase};
    use crate::machine::event::SourceReport;
    use crate::machine::numbers::RunId;
    use crate::machine::{Moment, Version};

    fn of(change: impl FnOnce(&mut Board)) -> String {
        let mut board = board();
        change(&mut board);
        line(&board)
    }

    fn silent(name: &str, error: Option<&str>) -> SourceReport {
        let mut report =
            SourceReport { name: Arc::from(name), keys: None, need: <_>::default(), freshness: <_>::default() };
        report.freshness.error = error.map(str::to_owned);
        report
    }

    fn down(board: &mut Board) {
        board.phase = Phase::BackingOff;
        board.healthy = false;
        board.process = None;
        board.build.running = Version::default();
        let text = "exited with 1".to_owned();
        board.last_exit = Some(ExitPicture { run: RunId(1), at: Moment(1), exit: None, text, crashes: 1 });
    }

    #[test]
    fn the_line_is_true_and_says_why() {
        assert_eq!(of(|_| ()), "billing 1.214 up, healthy; config 3f9a0c12be77 good");
        assert_eq!(
            of(|board| board.config.message = Some("Reverted: aaaaaaaaaaaa: exited with 1".to_owned())),
            "billing 1.214 up, healthy; Reverted: aaaaaaaaaaaa: exited with 1"
        );
        assert_eq!(
            of(|board| {
                down(board);
                board.config.state = ConfigState::Trial;
            }),
            "billing down, the last run exited with 1; config 3f9a0c12be77 on trial"
        );
        let mut sick = check("Database", CheckState::Failing);
        sick.why = Some("connection refused".to_owned());
        assert_eq!(
            of(|board| {
                board.healthy = false;
                board.checks = vec![check("Web", CheckState::Unknown), sick.clone()];
            }),
            "billing 1.214 up, not healthy: Database is Unhealthy (connection refused); config 3f9a0c12be77 good"
        );
        assert_eq!(
            of(|board| {
                board.healthy = false;
                board.phase = Phase::Starting;
                board.checks = vec![check("Web", CheckState::Unknown)];
            }),
            "billing 1.214 starting: Web is Unknown; config 3f9a0c12be77 good"
        );
    }

    #[test]
    fn it_names_the_source_that_is_waited_for() {
        let waiting = |sources| {
            of(|board| {
                board.phase = Phase::Absent;
                board.healthy = false;
                board.process = None;
                board.build.running = Version::default();
                board.config.state = ConfigState::Waiting;
                board.config.fingerprint = None;
                board.sources = sources;
            })
        };
        assert_eq!(waiting(vec![]), "billing not started; waiting for the sources");
        assert_eq!(waiting(vec![silent("consul billing/", None)]), "billing not started; waiting for consul billing/");
        assert_eq!(
            waiting(vec![silent("consul global/", None), silent("consul billing/", Some("connection refused"))]),
            "billing not started; waiting for consul billing/: connection refused"
        );
    }

    #[test]
    fn while_stopping_only_that_counts() {
        assert_eq!(of(|board| (board.stopping, board.phase) = (true, Phase::Stopping)), "billing 1.214 stopping");
        assert_eq!(
            of(|board| {
                down(board);
                board.stopping = true;
            }),
            "billing stopped"
        );
    }

    #[test]
    fn nothing_in_it_begins_another_line() {
        let text = of(|board| board.config.message = Some("Rejected: x\nREADY=1\r\nMAINPID=1".to_owned()));
        assert_eq!(text, "billing 1.214 up, healthy; Rejected: x READY=1  MAINPID=1");
        let text = of(|board| board.config.message = Some("ä".repeat(1000)));
        assert_eq!(text.chars().count(), LONGEST);
        assert!(text.ends_with("..."), "{text}");
    }
}
