//! The operator's stop for all wishes, as it is decided by, kept on disk and shown on the board.

use serde::{Deserialize, Serialize};

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
