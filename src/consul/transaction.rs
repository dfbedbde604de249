//! Transactions on the KV store: all operations happen, or none.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::client::Client;
use super::error::{Class, Error, ServerText};

/// A server without a leader holds a write for up to 9 s before it refuses it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most operations that every version of Consul accepts in one transaction.
pub const MOST: usize = 64;

/// One operation. Keys are whole paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Writes a key, whatever it holds.
    Set {
        /// The key.
        key: String,
        /// What it is to hold.
        value: Vec<u8>,
    },
    /// Writes a key if it was last written at this index; at index 0, if it does not exist.
    Cas {
        /// The key.
        key: String,
        /// What it is to hold.
        value: Vec<u8>,
        /// A number for its readers.
        flags: u64,
        /// The index of the write that was seen.
        index: u64,
    },
    /// Writes a key and locks it for this session; fails if another one holds it.
    Lock {
        /// The key.
        key: String,
        /// What it is to hold.
        value: Vec<u8>,
        /// A number for its readers.
        flags: u64,
        /// The session.
        session: String,
    },
    /// Fails unless this session holds the key.
    CheckSession {
        /// The key.
        key: String,
        /// The session.
        session: String,
    },
    /// Fails unless the key was last written at this index.
    CheckIndex {
        /// The key.
        key: String,
        /// The index of the write that was seen.
        index: u64,
    },
    /// Fails if the key exists.
    CheckNotExists {
        /// The key.
        key: String,
    },
    /// Deletes a key if it was last written at this index.
    DeleteCas {
        /// The key.
        key: String,
        /// The index of the write that was seen.
        index: u64,
    },
    /// Deletes a key, whatever it holds; it is not a failure if the key does not exist.
    Delete {
        /// The key.
        key: String,
    },
}

/// The result of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// All operations have happened.
    Done,
    /// None has happened, because a condition did not hold; with Consul's text about the first one.
    Refused(String),
}

#[derive(Serialize)]
struct Item<'a> {
    #[serde(rename = "KV")]
    kv: Kv<'a>,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Kv<'a> {
    verb: &'static str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Errors", default)]
    errors: Option<Vec<Fault>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Fault {
    #[serde(default)]
    what: String,
}

impl Operation {
    fn item(&self) -> Item<'_> {
        let text = |value: &[u8]| Some(STANDARD.encode(value));
        let kv = match self {
            Self::Set { key, value } => Kv { verb: "set", key, value: text(value), ..Kv::default() },
            Self::Cas { key, value, flags, index } => {
                Kv { verb: "cas", key, value: text(value), flags: Some(*flags), index: Some(*index), ..Kv::default() }
            }
            Self::Lock { key, value, flags, session } => Kv {
                verb: "lock",
                key,
                value: text(value),
                flags: Some(*flags),
                session: Some(session),
                ..Kv::default()
            },
            Self::CheckSession { key, session } => {
                Kv { verb: "check-session", key, session: Some(session), ..Kv::default() }
            }
            Self::CheckIndex { key, index } => Kv { verb: "check-index", key, index: Some(*index), ..Kv::default() },
            Self::CheckNotExists { key } => Kv { verb: "check-not-exists", key, ..Kv::default() },
            Self::DeleteCas { key, index } => Kv { verb: "delete-cas", key, index: Some(*index), ..Kv::default() },
            Self::Delete { key } => Kv { verb: "delete", key, ..Kv::default() },
        };
        Item { kv }
    }

    /// The key that it is about.
    pub fn key(&self) -> &str {
        match self {
            Self::Set { key, .. }
            | Self::Cas { key, .. }
            | Self::Lock { key, .. }
            | Self::CheckSession { key, .. }
            | Self::CheckIndex { key, .. }
            | Self::CheckNotExists { key }
            | Self::DeleteCas { key, .. }
            | Self::Delete { key } => key,
        }
    }
}

impl Client {
    /// Commits these operations, at most [`MOST`], in their order.
    ///
    /// # Errors
    /// No answer, or a lack of permission. Without an answer it is unknown whether it has happened: read again.
    pub async fn commit(&self, operations: &[Operation]) -> Result<Commit, Error> {
        let endpoint = self.endpoint("/v1/txn", "txn");
        let items: Vec<_> = operations.iter().map(Operation::item).collect();
        let body =
            serde_json::to_vec(&items).map_err(|_| endpoint.unreadable("a transaction that cannot be written"))?;
        let written = self.put(&endpoint, "", body, PATIENCE, &[409]).await?;
        if written.status == 200 {
            return Ok(Commit::Done);
        }
        let answer: Answer = serde_json::from_slice(&written.body)
            .map_err(|_| endpoint.unreadable("a refusal of a transaction without a reason"))?;
        let what = answer.errors.unwrap_or_default().into_iter().next().map(|fault| fault.what).unwrap_or_default();
        if what.contains("Permission denied") {
            let said = ServerText::of(what.as_bytes(), None);
            return Err(Error::Status { site: endpoint.site().clone(), status: 403, class: Class::Denied, said });
        }
        Ok(Commit::Refused(ServerText::of(what.as_bytes(), None).as_str().to_owned()))
    }
}
