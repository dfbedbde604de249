//! *turn*: one host at a time. Not configured, or nothing runs that a restart could take away: passed.

use super::super::life::Life;
use super::super::numbers::TurnId;
use super::super::policy::Step as Configured;
use super::Decision;

/// The right to restart, as far as we have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) enum Turn {
    /// Neither asked for nor held.
    #[default]
    None,
    /// Asked for.
    Asked(TurnId),
    /// Held: it has to be given back on every path.
    Held(TurnId),
}

pub(in super::super) fn decide(configured: Configured, turn: Turn, life: &Life) -> Decision {
    match (configured, turn, life) {
        (Configured::Passed, _, _) | (_, Turn::Held(_), _) | (_, _, Life::Absent { .. }) => Decision::Pass,
        (Configured::Configured, Turn::Asked(_), _) => Decision::Wait(None),
        (Configured::Configured, Turn::None, _) => Decision::Ask,
    }
}
