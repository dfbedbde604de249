//! What holds wishes back and survives lictor: the operator's stop for all of them, and the guard's for losses.

pub(super) mod guard;
mod losses;

use serde::{Deserialize, Serialize};

pub use guard::GuardRecord;
use guard::GuardState;

/// Stops every wish before *turn*, lets a running trial end, and survives lictor. Its times are wall-clock times, because
/// it also survives the host's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Why, for the board.
    pub reason: String,
    /// Since when, Unix milliseconds.
    pub since_unix_ms: u64,
    /// When it ends by itself, Unix milliseconds; `None`: only by `unhold`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_unix_ms: Option<u64>,
    /// The uid of who asked for it, if the kernel could tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<u32>,
}

impl Hold {
    /// Whether its time has passed at this Unix time.
    pub(super) fn is_over(&self, unix_ms: u64) -> bool {
        self.until_unix_ms.is_some_and(|until| until <= unix_ms)
    }
}

/// Both holds, and what of them has been written into history.
#[derive(Clone, Debug)]
pub(super) struct Holds {
    operator: Option<Hold>,
    /// Whether a wish that the operator's hold stops is a line of history already.
    recorded: Recorded,
    pub(super) guard: GuardState,
}

/// Whether something is a line of history already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    Yes,
    No,
}

impl Holds {
    /// With what an earlier lictor has kept.
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

    /// From now on a wish that the operator's hold stops is a line of history; says whether it was none before. One line
    /// a hold: a key that never rests would fill the history otherwise.
    pub(super) fn record_operator(&mut self) -> bool {
        std::mem::replace(&mut self.recorded, Recorded::Yes) == Recorded::No
    }
}
