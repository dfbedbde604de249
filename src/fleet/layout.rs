//! What stands in the fleet's folder, and under which keys.
//!
//! ```text
//! PREFIXturn/.lock      the semaphore, as `consul lock -n` keeps it: {"Limit": n, "Holders": {session: true}}
//! PREFIXturn/SESSION    a holder's own key, locked by its session
//! PREFIXout/INSTANCE    this instance is out for config: it has no session, so that it outlives whoever wrote it
//! PREFIXrollout/CHANGE  the first instance tries it; it went well; or everybody stops on it
//! PREFIXinstances/INSTANCE   what the fleet shows of an instance, locked by its session and gone with it
//! PREFIXhistory/INSTANCE what happened to it in the last day; it has no session, and goes after a few days of silence
//! PREFIXhold            the operator's stop for the whole fleet
//! PREFIXkey             the key of the marks
//! PREFIXpromotion       what `lictor promote` wrote last: names and indices
//! ```

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use super::change::Pairs;

/// What marks the keys of a semaphore.
pub const SEMAPHORE: u64 = 0xe0f6_9a2b_aa41_4de0;
/// The semaphore's own key.
pub(super) const LOCK: &str = ".lock";
/// What is larger is somebody else's: nothing that lictor writes here comes near it.
pub(super) const LARGEST: usize = 128 << 10;

/// One instance of the service: the node of its agent, and its id there.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Member {
    /// The node, as Consul calls it.
    pub node: String,
    /// The service's id at that node's agent.
    pub id: String,
}

impl Member {
    /// As the last part of a key: what is not plain in a key is written as `=` and two digits.
    pub fn key(&self) -> String {
        let mut key = String::new();
        for (part, end) in [(&self.node, ","), (&self.id, "")] {
            for byte in part.bytes() {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => key.push(char::from(byte)),
                    // Writing to a string does not fail.
                    _ => drop(write!(key, "={byte:02x}")),
                }
            }
            key.push_str(end);
        }
        key
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.id.escape_debug(), self.node.escape_debug())
    }
}

/// The keys of one fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    prefix: String,
}

impl Places {
    /// Below this folder.
    pub fn below(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// A folder or key of the fleet.
    pub fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The semaphore.
    pub fn lock(&self) -> String {
        self.path("turn/.lock")
    }

    /// A holder's own key.
    pub fn holder(&self, session: &str) -> String {
        format!("{}turn/{session}", self.prefix)
    }

    /// The mark of an instance that is out for config.
    pub fn out(&self, member: &Member) -> String {
        format!("{}out/{}", self.prefix, member.key())
    }

    /// The record of a change.
    pub fn rollout(&self, id: &str) -> String {
        format!("{}rollout/{id}", self.prefix)
    }

    /// The record of an instance.
    pub fn instance(&self, member: &Member) -> String {
        format!("{}instances/{}", self.prefix, member.key())
    }

    /// What happened to an instance.
    pub fn history(&self, member: &Member) -> String {
        format!("{}history/{}", self.prefix, member.key())
    }

    /// The stop for the whole fleet.
    pub fn hold(&self) -> String {
        self.path("hold")
    }

    /// What was promoted here last.
    pub fn promotion(&self) -> String {
        self.path("promotion")
    }

    /// The key of the marks.
    pub fn key(&self) -> String {
        self.path("key")
    }
}

/// The semaphore, in Consul's own form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Semaphore {
    /// How many may hold it.
    pub limit: u64,
    /// The sessions that hold it, the dead ones among them.
    #[serde(default)]
    pub holders: BTreeMap<String, bool>,
}

/// An instance that is out for config, or about to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutMark {
    /// Which one.
    #[serde(flatten)]
    pub member: Member,
    /// Under which session it has its turn.
    pub session: String,
    /// Which of its turns.
    pub turn: u64,
    /// Since when, in Unix milliseconds by its own clock.
    pub since: u64,
}

/// What is known of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// How far it is.
    pub state: RolloutState,
    /// Which instance wrote it.
    pub by: Member,
    /// Under which session, while the state is `canary`.
    #[serde(default)]
    pub session: String,
    /// Why everybody stops on it.
    #[serde(default)]
    pub reason: String,
    /// When, in Unix milliseconds by the writer's clock.
    #[serde(default)]
    pub at: u64,
    /// The build that it was tried on; `None`: any.
    #[serde(default)]
    pub build: Option<String>,
    /// Which variables, by their marks.
    #[serde(default)]
    pub pairs: Pairs,
}

/// How far a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutState {
    /// One instance tries it first.
    Canary,
    /// It was good there: the others may take it.
    Go,
    /// It was taken back: no other instance takes it.
    Halt,
}

/// An operator's stop for the whole fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetHold {
    /// Why; may be empty.
    #[serde(default)]
    pub reason: String,
    /// Who.
    #[serde(default)]
    pub by: String,
    /// When, in Unix milliseconds.
    #[serde(default)]
    pub at: u64,
    /// When it ends by itself, in Unix milliseconds; `None`: an operator ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

/// What `lictor promote` wrote last. Names and indices only: the values that it replaced are in the operator's backup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// The form of this record.
    #[serde(default)]
    pub v: u32,
    /// Where the set comes from: Consul's address and the folder there.
    #[serde(default)]
    pub from: String,
    /// The folder that it was written to.
    #[serde(default)]
    pub to: String,
    /// Who.
    #[serde(default)]
    pub by: String,
    /// When, in Unix milliseconds.
    #[serde(default)]
    pub at: u64,
    /// Why it was promoted although it was not good on every live instance there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unproved: Option<String>,
    /// The keys that were written or deleted, each with its `ModifyIndex` after that; 0: it was deleted.
    #[serde(default)]
    pub keys: BTreeMap<String, u64>,
}

/// The JSON of one of these. They hold nothing that cannot be written.
pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// Text that others wrote, as it may stand in a line or a record: without control characters, and cut.
pub(super) fn short_line(text: &str) -> String {
    const LONGEST: usize = 200;
    text.chars().filter(|character| !character.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::{Member, Semaphore, json};

    #[test]
    fn two_instances_never_share_a_key() {
        let member = |node: &str, id: &str| Member { node: node.into(), id: id.into() }.key();
        assert_eq!(member("host-a.example", "billing"), "host-a.example,billing");
        assert_eq!(member("a/b ü", "c,d"), "a=2fb=20=c3=bc,c=2cd");
        assert_ne!(member("a", "b=2c"), member("a", "b,"));
    }

    #[test]
    fn the_semaphore_reads_as_consuls_own() {
        let theirs = br#"{"Limit":2,"Holders":{"adf4":true}}"#;
        let semaphore: Semaphore = serde_json::from_slice(theirs).unwrap();
        assert_eq!((semaphore.limit, semaphore.holders.len()), (2, 1));
        assert_eq!(json(&semaphore), theirs);
    }
}
