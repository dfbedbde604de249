//! What one source has answered, and when.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::WriteInfo;
use crate::secret::Secret;

/// One key of a source, before any mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key relative to its source: for a prefix `billing/`, the key `billing/db/port` is `db/port`.
    pub key: String,
    /// Raw bytes, untrimmed.
    pub value: Secret,
    /// Who wrote it last and when, where the source says so.
    pub write_info: Option<Arc<WriteInfo>>,
}

impl Entry {
    /// A key of a source that does not say who wrote it.
    pub fn new(key: String, value: Secret) -> Self {
        Self { key, value, write_info: None }
    }
}

/// The latest state of one source. `watch` carries it behind an `Arc`: the newest wins, none is queued.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// The keys in byte order, as last read; `None` until the source has answered for the first time.
    ///
    /// An empty answer is `Some` of an empty list: an empty source and a silent one are two things.
    pub entries: Option<Arc<[Entry]>>,
    /// Where the data stands and whether the source is in contact.
    pub freshness: Freshness,
}

/// How fresh a source's data is, for the board and the gauges.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Freshness {
    /// Milliseconds of Unix time of the last answer, changed or not.
    pub contact_unix_ms: Option<u64>,
    /// Since when (Unix milliseconds) the source has been failing, if it is.
    pub failing_since_unix_ms: Option<u64>,
    /// Why the last attempt failed: a sentence with no secret in it; `None` while in contact.
    pub error: Option<String>,
    /// The class of that failure as a metric tag: `unreachable`, `timeout`, `no_leader`, `throttled`, `denied`,
    /// `invalid`, `unknown`, `io`.
    pub class: Option<String>,
    /// How many attempts have failed in all.
    pub errors: u64,
    /// The same by class, for readers that see only some of the snapshots.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors_by_class: BTreeMap<String, u64>,
    /// Consul's index of the data, if the source has such a thing.
    pub index: Option<u64>,
    /// Warnings about the data that do not stop it: a refused key, say. No value in them.
    pub warnings: Vec<String>,
}

/// Whether two lists have the same keys and values in the same order, whoever wrote them.
pub fn have_same_content(one: &[Entry], other: &[Entry]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.key == b.key && a.value == b.value)
}
