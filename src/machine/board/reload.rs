//! Our own configuration, read again: what came of it stands on the board until the next time.

use serde::{Deserialize, Serialize};

use super::super::moment::Moment;

/// The result of the last reload of our own configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigReload {
    /// When.
    pub at: Moment,
    /// Why it was refused: every error with its place; empty if it took effect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// What of it has not taken effect yet; a refused one leaves this as it was.
    #[serde(flatten)]
    pub pending: Pending,
}

/// What of our configuration has been read and has not taken effect yet, as words of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Waits for the next start of the service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service: Vec<String>,
    /// Waits for the next start of lictor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lictor: Vec<String>,
}

impl ConfigReload {
    /// The next one, after the one before: what was refused has left everything as it was.
    pub(super) fn after(before: Option<Self>, outcome: Result<Pending, Vec<String>>, at: Moment) -> Self {
        let (errors, pending) = match outcome {
            Ok(pending) => (Vec::new(), pending),
            Err(errors) => (errors, before.map(|reload| reload.pending).unwrap_or_default()),
        };
        Self { at, errors, pending }
    }
}
