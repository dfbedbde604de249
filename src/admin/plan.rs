//! `/plan`: what the newest wish would change, and what lictor does or would do about it.

use hyper::{Method, StatusCode};

use crate::http::{self, Answer};
use crate::machine::Board;
use crate::machine::plan::Plan;

pub(super) fn read(method: &Method, board: &Board) -> Answer {
    if let Some(refused) = http::not_read(method) {
        return refused;
    }
    match serde_json::to_vec(&Plan::of(board)) {
        Ok(body) => http::json(StatusCode::OK, body),
        Err(error) => http::error(StatusCode::INTERNAL_SERVER_ERROR, &format!("the plan cannot be written: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::environment::{Environment, Variable, Visibility};
    use crate::machine::board::ConfigState;
    use crate::machine::board::sample;
    use crate::machine::plan::{Action, Plan};

    fn environment(value: &str) -> Arc<Environment> {
        let variable = Variable::new(value.into(), "test".into(), Visibility::Secret);
        Arc::new(Environment::new([("A".to_owned(), variable)].into()))
    }

    #[test]
    fn each_state_has_its_action() {
        for (state, message, runs, action, why) in [
            (ConfigState::Waiting, None, false, Action::Waiting, "not every required source has answered yet"),
            (ConfigState::Good, None, true, Action::Nothing, ""),
            (ConfigState::Trial, None, true, Action::Trial, ""),
            (ConfigState::Held, Some("Held: night: no changes"), false, Action::Held, "night: no changes"),
            (ConfigState::Rejected, Some("Rejected: A is no url"), false, Action::Rejected, "A is no url"),
            (ConfigState::Reverted, Some("Reverted: x: exited"), false, Action::Quarantined, "x: exited"),
            (ConfigState::Inconclusive, Some("Inconclusive: both"), false, Action::Retry, "both"),
            (ConfigState::BuildFailed, Some("Build failed: x"), true, Action::Nothing, "x"),
            (ConfigState::BuildFailed, Some("Build failed: x"), false, Action::Retry, "x"),
            (ConfigState::Pending, None, false, Action::Restart, ""),
        ] {
            let mut board = sample::board();
            let (running, wish) = (environment("1"), environment(if runs { "1" } else { "2" }));
            board.config.state = state;
            board.config.message = message.map(str::to_owned);
            (board.config.fingerprint, board.config.wish) = (Some(running.fingerprint()), Some(wish.fingerprint()));
            (board.environment, board.wish) = (Some(running), Some(wish));
            let plan = Plan::of(&board);
            assert_eq!(
                (plan.action, plan.why.as_str(), plan.changes.len()),
                (action, why, usize::from(!runs)),
                "{state:?}"
            );
        }
    }

    #[test]
    fn before_the_first_start_everything_is_added() {
        let mut board = sample::board();
        (board.environment, board.wish, board.config.fingerprint) = (None, Some(environment("1")), None);
        let plan = Plan::of(&board);
        assert!(plan.changes.iter().all(|change| change.before.is_none()) && plan.changes.len() == 1);
    }
}
