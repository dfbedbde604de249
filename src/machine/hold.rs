//! The holds, which outlive lictor: the operator's, which stops every wish, and the guard's, which stops wishes that
//! lose keys.

pub(super) mod guard;
mod losses;

use serde::{Deserialize, Serialize};

pub use guard::GuardRecord;
use guard::GuardState;

/// Stops every wish before *turn*, and lets a trial that is going on end. It outlives lictor and a restart of the host,
/// so its times are wall-clock times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Why, for the board.
    pub reason: String,
    /// Since when, Unix milliseconds.
    pub since_unix_ms: u64,
    /// When it ends by itself, Unix milliseconds; `None`: it ends only by `unhold`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_unix_ms: Option<u64>,
    /// The uid of the operator, if the kernel provided it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<u32>,
}

impl Hold {
    /// Whether its time has passed at this Unix time.
    pub(super) fn is_over(&self, unix_ms: u64) -> bool {
        self.until_unix_ms.is_some_and(|until| until <= unix_ms)
    }
}

/// Both holds, and whether the history has them already.
#[derive(Clone, Debug)]
pub(super) struct Holds {
    operator: Option<Hold>,
    /// Whether the history already has a wish that the operator's hold has stopped.
    recorded: Recorded,
    pub(super) guard: GuardState,
}

/// Whether something is in the history already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    Yes,
    No,
}

impl Holds {
    /// The state that an earlier lictor has kept.
    pub(super) fn kept(operator: Option<Hold>, guard: GuardRecord) -> Self {
        Self { operator, recorded: Recorded::No, guard: GuardState::kept(guard) }
    }

    /// The operator's, if there is one.
    pub(super) fn operator(&self) -> Option<&Hold> {
        self.operator.as_ref()
    }

    pub(super) fn set_operator(&mut self, hold: Option<Hold>) {
        (self.operator, self.recorded) = (hold, Recorded::No);
    }

    /// Notes that the history gets its line about the operator's hold; returns whether it did not have it yet. Each
    /// hold gets one line, because a key that changes all the time would fill the history.
    pub(super) fn record_operator(&mut self) -> bool {
        std::mem::replace(&mut self.recorded, Recorded::Yes) == Recorded::No
    }
}
