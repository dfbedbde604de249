//! What holds wishes back and survives lictor: the operator's stop for all of them, and the guard's for losses.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::environment::Fingerprint;

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

/// What the guard has to know again after a restart of lictor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuardRecord {
    /// The sources on which a hold has begun, by name: each needs every key again.
    pub begun: Vec<Arc<str>>,
    /// Since when, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_unix_ms: Option<u64>,
    /// The wish that an operator has let through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released: Option<Fingerprint>,
}

impl GuardRecord {
    /// Whether it holds nothing and was told nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
