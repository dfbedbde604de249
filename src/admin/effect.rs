//! Waits until what an operator asked for has taken effect, or surely will not.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::drain::DrainWatcher;
use crate::environment::Fingerprint;
use crate::machine::board::{ConfigState, words};
use crate::machine::numbers::RunId;
use crate::machine::order::Effect;
use crate::machine::{Board, Moment};

/// The result of an operator's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Conclusion {
    /// It took effect; the new state as a sentence.
    Done(String),
    /// It will not take effect; the reason.
    Failed(String),
    /// The time is over; the present state as a sentence.
    Late(String),
}

/// Waits until the board shows the effect.
pub(super) async fn wait(
    effect: Effect,
    mut boards: watch::Receiver<Arc<Board>>,
    mut drain: DrainWatcher,
    until: Instant,
) -> Conclusion {
    let stopping = || Conclusion::Failed("lictor is stopping".to_owned());
    let mut expectation = Expectation::of(effect);
    loop {
        let board = Arc::clone(&boards.borrow_and_update());
        let again = match expectation.judge(&board, Instant::now()) {
            Judgement::Over(conclusion) => return conclusion,
            Judgement::Open { again } => again,
        };
        tokio::select! {
            biased;
            () = drain.draining() => return stopping(),
            changed = boards.changed() => if changed.is_err() {
                return stopping();
            },
            () = tokio::time::sleep_until(again.map_or(until, |again| again.min(until))) => {
                if Instant::now() >= until {
                    return Conclusion::Late(words::standing(&board));
                }
            }
        }
    }
}

/// What a board shows about the effect.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Judgement {
    Over(Conclusion),
    /// Nothing yet. Without a new board, look again at this moment.
    Open {
        again: Option<Instant>,
    },
}

/// The effect that the board has to show.
#[derive(Debug)]
enum Expectation {
    Nothing,
    Run(RunTrial),
    Verdict { wish: Fingerprint },
}

impl Expectation {
    fn of(effect: Effect) -> Self {
        match effect {
            Effect::Done => Self::Nothing,
            Effect::Run { after, min_healthy, deadline } => {
                Self::Run(RunTrial { after, min_healthy, deadline, started: None, healthy: None })
            }
            Effect::Verdict { wish } => Self::Verdict { wish },
        }
    }

    fn judge(&mut self, board: &Board, now: Instant) -> Judgement {
        match self {
            Self::Nothing => Judgement::Over(Conclusion::Done(String::new())),
            Self::Run(trial) => trial.judge(board, now),
            Self::Verdict { wish } => verdict(*wish, board).map_or(Judgement::Open { again: None }, Judgement::Over),
        }
    }
}

/// A run that an operator asked for has to stay healthy as long as one on trial, even if its environment is known to be good:
/// that its process has started proves nothing.
#[derive(Debug)]
struct RunTrial {
    after: RunId,
    min_healthy: Duration,
    deadline: Duration,
    /// The run that is judged, and when it was first seen.
    started: Option<(RunId, Instant)>,
    /// Since which moment of the board the run has been healthy, and when that was first seen.
    healthy: Option<(Moment, Instant)>,
}

impl RunTrial {
    fn judge(&mut self, board: &Board, now: Instant) -> Judgement {
        let failed = |why: String| Judgement::Over(Conclusion::Failed(why));
        if let Some(exit) = board.last_exit.as_ref().filter(|exit| exit.run > self.after && exit.crashes > 0) {
            return failed(exit.text.clone());
        }
        let Some(process) = board.process.as_ref().filter(|process| process.run > self.after) else {
            // It ended before it took over from the process that serves on.
            let given_up = board.last_exit.as_ref().filter(|exit| exit.run > self.after);
            let given_up = given_up.filter(|_| board.process.is_some() && board.beside.is_none());
            return match given_up {
                Some(_) => failed(format!("it did not take over: {}", words::standing(board))),
                None => Judgement::Open { again: None },
            };
        };
        let started = match self.started {
            Some((run, started)) if run == process.run => started,
            _ => now,
        };
        self.started = Some((process.run, started));
        let since = process.healthy_since.filter(|_| board.healthy);
        self.healthy = since.map(|since| match self.healthy {
            Some(seen) if seen.0 == since => seen,
            _ => (since, now),
        });
        let (overdue, proven) = (started + self.deadline, self.healthy.map(|(_, seen)| seen + self.min_healthy));
        match proven {
            Some(proven) if proven <= now => {
                let pid = process.pid.map(|pid| format!(", pid {pid}")).unwrap_or_default();
                let on = board.config.fingerprint.map(|on| format!(" on {on}")).unwrap_or_default();
                Judgement::Over(Conclusion::Done(format!("{} is healthy{on}{pid}", board.service)))
            }
            // It can no longer be healthy for long enough in time, so waiting cannot help.
            _ if overdue <= now => failed(format!("not healthy in time: {}", words::standing(board))),
            Some(proven) => Judgement::Open { again: Some(proven.min(overdue)) },
            None => Judgement::Open { again: Some(overdue) },
        }
    }
}

/// The result that this board shows for the wish; `None`: none yet.
fn verdict(wish: Fingerprint, board: &Board) -> Option<Conclusion> {
    if board.config.wish != Some(wish) {
        return Some(Conclusion::Failed(format!("{wish} is no longer the newest change")));
    }
    match board.config.state {
        ConfigState::Good if board.config.settled => Some(Conclusion::Done(format!("{wish} is good"))),
        ConfigState::Reverted
        | ConfigState::Rejected
        | ConfigState::Held
        | ConfigState::Halted
        | ConfigState::Inconclusive
        | ConfigState::BuildFailed => Some(Conclusion::Failed(words::standing(board))),
        ConfigState::Good | ConfigState::Waiting | ConfigState::Pending | ConfigState::Trial | ConfigState::NoGood => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::watch;
    use tokio::time::Instant;

    use super::{Conclusion, verdict, wait};
    use crate::drain;
    use crate::machine::board::sample;
    use crate::machine::board::{Board, ConfigState, ExitPicture, Phase};
    use crate::machine::numbers::RunId;
    use crate::machine::order::Effect;
    use crate::machine::{Moment, event::Exit};

    const RESTART: Effect =
        Effect::Run { after: RunId(1), min_healthy: Duration::from_secs(10), deadline: Duration::from_secs(90) };

    type Change = fn(&mut Board);

    /// What is answered to a restart while the board changes like this, and how long that takes.
    async fn answered(changes: Vec<(u64, Change)>) -> (Conclusion, Duration) {
        let (sender, boards) = watch::channel(Arc::new(sample::board()));
        let (_trigger, watcher) = drain::channel();
        let begun = Instant::now();
        let change = async {
            for (after, change) in changes {
                tokio::time::sleep_until(begun + Duration::from_secs(after)).await;
                sender.send_modify(|board| change(Arc::make_mut(board)));
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            conclusion = wait(RESTART, boards, watcher, begun + Duration::from_mins(10)) => (conclusion, begun.elapsed()),
            () = change => unreachable!(),
        }
    }

    fn next_run(board: &mut Board) {
        let process = board.process.as_mut().unwrap();
        (process.run, process.healthy_since) = (RunId(2), Some(Moment(5_000)));
    }

    fn exits(board: &mut Board) {
        let text = "exited with 1".to_owned();
        board.last_exit =
            Some(ExitPicture { run: RunId(2), at: Moment(6_000), exit: Some(Exit::Code(1)), text, crashes: 1 });
        (board.process, board.healthy, board.phase) = (None, false, Phase::BackingOff);
    }

    #[tokio::test(start_paused = true)]
    async fn a_restart_is_done_when_a_later_run_has_been_healthy_for_long_enough() {
        let (done, took) = answered(vec![(3, next_run)]).await;
        assert_eq!(done, Conclusion::Done("billing is healthy on 3f9a0c12be77, pid 4711".to_owned()));
        assert_eq!(took.as_secs(), 13);
        let falls_sick = |board: &mut Board| board.healthy = false;
        let recovers = |board: &mut Board| {
            board.healthy = true;
            board.process.as_mut().unwrap().healthy_since = Some(Moment(30_000));
        };
        let (done, took) = answered(vec![(3, next_run), (8, falls_sick), (20, recovers)]).await;
        assert!(matches!(done, Conclusion::Done(_)), "{done:?}");
        assert_eq!(took.as_secs(), 30, "a break begins it anew");
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_dies_at_once_was_not_restarted() {
        let (failed, took) = answered(vec![(1, next_run), (2, exits)]).await;
        assert_eq!((failed, took.as_secs()), (Conclusion::Failed("exited with 1".to_owned()), 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_did_not_take_over_from_the_one_that_serves_is_a_no() {
        let given_up = |board: &mut Board| {
            let text = "exited with 1".to_owned();
            board.last_exit =
                Some(ExitPicture { run: RunId(2), at: Moment(6_000), exit: Some(Exit::Code(1)), text, crashes: 0 });
            (board.config.state, board.config.message) = (ConfigState::BuildFailed, Some("Build failed: x".to_owned()));
        };
        let (failed, took) = answered(vec![(2, given_up)]).await;
        assert_eq!(failed, Conclusion::Failed("it did not take over: Build failed: x".to_owned()));
        assert_eq!(took.as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_is_not_healthy_by_the_deadline_is_a_no() {
        let sick = |board: &mut Board| {
            next_run(board);
            board.healthy = false;
        };
        let (failed, took) = answered(vec![(1, sick)]).await;
        assert!(matches!(&failed, Conclusion::Failed(why) if why.starts_with("not healthy in time: ")), "{failed:?}");
        assert_eq!(took.as_secs(), 91);
    }

    #[test]
    fn a_retry_is_over_with_a_verdict_or_with_a_newer_wish() {
        let mut board = sample::board();
        let wish = board.config.wish.unwrap();
        assert!(matches!(verdict(wish, &board), Some(Conclusion::Done(_))));
        board.config.state = ConfigState::Trial;
        assert_eq!(verdict(wish, &board), None);
        (board.config.state, board.config.message) = (ConfigState::Reverted, Some("Reverted: x".to_owned()));
        assert_eq!(verdict(wish, &board), Some(Conclusion::Failed("Reverted: x".to_owned())));
        board.config.wish = None;
        assert!(matches!(verdict(wish, &board), Some(Conclusion::Failed(why)) if why.contains("no longer the newest")));
    }
}
