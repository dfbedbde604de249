//! When and by whom a variable's key was last written, where its source says so: for the history.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What Consul says about one key besides its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteInfo {
    /// Consul's `ModifyIndex`: the index of the last write.
    #[serde(rename = "modify_index")]
    pub index: u64,
    /// A number whose meaning the writer of the key decides.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub flags: u64,
    /// The session that holds it locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Box<str>>,
}

/// Where a variable comes from, as history tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The variable.
    pub key: String,
    /// Its layer: `consul billing/`, `file /etc/x.env`, `custom`.
    pub source: Arc<str>,
    /// What the source says besides the value.
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub written: Option<WriteInfo>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
