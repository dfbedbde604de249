//! Waits until what an operator asked for has taken effect, or surely will not.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::drain::DrainWatcher;
use crate::machine::Board;
use crate::machine::board::ConfigState;
use crate::machine::order::Effect;

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// As asked; what is so now, as a sentence.
    Done(String),
    /// It will not be so, and why.
    Failed(String),
    /// The time is over, and how things stand.
    Late(String),
}

/// Waits for the effect, on the board.
pub(super) async fn wait(
    effect: Effect,
    mut boards: watch::Receiver<Arc<Board>>,
    mut drain: DrainWatcher,
    until: Instant,
) -> Outcome {
    loop {
        let board = Arc::clone(&boards.borrow_and_update());
        if let Some(outcome) = judge(effect, &board) {
            return outcome;
        }
        tokio::select! {
            biased;
            () = drain.draining() => return Outcome::Failed("lictor is stopping".to_owned()),
            changed = boards.changed() => if changed.is_err() {
                return Outcome::Failed("lictor is stopping".to_owned());
            },
            () = tokio::time::sleep_until(until) => return Outcome::Late(standing(&board)),
        }
    }
}

/// What this board says of the effect; `None`: nothing yet.
fn judge(effect: Effect, board: &Board) -> Option<Outcome> {
    match effect {
        Effect::Done => Some(Outcome::Done(String::new())),
        Effect::Run { after } => {
            let process = board.process.as_ref().filter(|process| process.run > after && board.healthy)?;
            let pid = process.pid.map(|pid| format!(", pid {pid}")).unwrap_or_default();
            let on = board.config.fingerprint.map(|on| format!(" on {on}")).unwrap_or_default();
            Some(Outcome::Done(format!("{} is healthy{on}{pid}", board.service)))
        }
        Effect::Verdict { wish } if board.config.wish != Some(wish) => {
            Some(Outcome::Failed(format!("{wish} is not the newest wish any more")))
        }
        Effect::Verdict { wish } => match board.config.state {
            ConfigState::Good if board.config.settled => Some(Outcome::Done(format!("{wish} is good"))),
            ConfigState::Reverted
            | ConfigState::Rejected
            | ConfigState::Held
            | ConfigState::Halted
            | ConfigState::Inconclusive
            | ConfigState::BuildFailed => Some(Outcome::Failed(standing(board))),
            ConfigState::Good
            | ConfigState::Waiting
            | ConfigState::Pending
            | ConfigState::Trial
            | ConfigState::NoGood => None,
        },
    }
}

/// How things stand, for whoever did not get what was asked for.
fn standing(board: &Board) -> String {
    let failing = board.checks.iter().find_map(|check| Some(format!("{}: {}", check.name, check.why.as_ref()?)));
    let exit = || board.last_exit.as_ref().filter(|_| board.process.is_none()).map(|exit| exit.text.clone());
    let message = board.config.message.clone();
    message.or_else(exit).or(failing).unwrap_or_else(|| format!("{} is not healthy yet", board.service))
}

#[cfg(test)]
mod tests {
    use super::{Outcome, judge};
    use crate::http::sample;
    use crate::machine::board::{ConfigState, Phase};
    use crate::machine::numbers::RunId;
    use crate::machine::order::Effect;

    #[test]
    fn a_restart_is_done_when_a_later_run_is_healthy() {
        let mut board = sample::board();
        let effect = Effect::Run { after: RunId(1) };
        assert_eq!(judge(effect, &board), None, "that is the run of before");
        board.process.as_mut().unwrap().run = RunId(2);
        assert_eq!(
            judge(effect, &board),
            Some(Outcome::Done("billing is healthy on 3f9a0c12be77, pid 4711".to_owned()))
        );
        (board.healthy, board.phase) = (false, Phase::Starting);
        assert_eq!(judge(effect, &board), None);
    }

    #[test]
    fn a_retry_is_over_with_a_verdict_or_with_a_newer_wish() {
        let mut board = sample::board();
        let effect = Effect::Verdict { wish: board.config.wish.unwrap() };
        assert!(matches!(judge(effect, &board), Some(Outcome::Done(_))));
        board.config.state = ConfigState::Trial;
        assert_eq!(judge(effect, &board), None);
        (board.config.state, board.config.message) = (ConfigState::Reverted, Some("Reverted: x".to_owned()));
        assert_eq!(judge(effect, &board), Some(Outcome::Failed("Reverted: x".to_owned())));
        board.config.wish = None;
        assert!(matches!(judge(effect, &board), Some(Outcome::Failed(why)) if why.contains("not the newest")));
    }
}
