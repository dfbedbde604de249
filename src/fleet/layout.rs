//! The keys and records in the fleet's folder.
//!
//! ```text
//! PREFIXturn/.lock      the semaphore, as `consul lock -n` keeps it: {"Limit": n, "Holders": {session: true}}
//! PREFIXturn/SESSION    a holder's own key, locked by its session
//! PREFIXout/INSTANCE    this instance is out for config; without a session, so that it outlives its lictor
//! PREFIXrollout/CHANGE  the first instance tries it; it was good there; or it is halted for all
//! PREFIXinstances/INSTANCE   the state of an instance, locked by its session and deleted with it
//! PREFIXhistory/INSTANCE its last day; without a session, and deleted after some days of silence
//! PREFIXhold            an operator's hold of the whole fleet
//! PREFIXkey             the key of the marks
//! PREFIXpromotion       the last `lictor promote`: names and indices
//! ```

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use super::change::Pairs;

/// The flags that mark the keys of a semaphore.
pub const SEMAPHORE: u64 = 0xe0f6_9a2b_aa41_4de0;
/// The semaphore's own key.
pub(super) const LOCK: &str = ".lock";
/// The largest value to read: anything larger was not written by lictor.
pub(super) const LARGEST: usize = 128 << 10;

/// An instance of the service: the node of its agent, and its ID there.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Member {
    /// The node's name in Consul.
    pub node: String,
    /// The service's ID at that node's agent.
    pub id: String,
}

impl Member {
    /// The last part of a key: characters that are not plain are written as `=` and two digits.
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
    /// The keys below this folder.
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

    /// The mark that an instance is out for config.
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

    /// The history of an instance.
    pub fn history(&self, member: &Member) -> String {
        format!("{}history/{}", self.prefix, member.key())
    }

    /// The hold of the whole fleet.
    pub fn hold(&self) -> String {
        self.path("hold")
    }

    /// The last promotions to here.
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
    /// The limit of holders.
    pub limit: u64,
    /// The sessions that hold it, dead ones included.
    #[serde(default)]
    pub holders: BTreeMap<String, bool>,
}

/// An instance that is out for config, or about to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutMark {
    /// Which one.
    #[serde(flatten)]
    pub member: Member,
    /// The session that has its turn.
    pub session: String,
    /// The number of its turn.
    pub turn: u64,
    /// Since when, in Unix milliseconds by the instance's clock.
    pub since: u64,
}

/// The record of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// Its state.
    pub state: RolloutState,
    /// The instance that wrote it.
    pub by: Member,
    /// The session of the first try, while the state is `canary`.
    #[serde(default)]
    pub session: String,
    /// Why it is halted.
    #[serde(default)]
    pub reason: String,
    /// When, in Unix milliseconds by the writer's clock.
    #[serde(default)]
    pub at: u64,
    /// The build that it was tried on; `None`: any build.
    #[serde(default)]
    pub build: Option<String>,
    /// The changed variables, by their marks.
    #[serde(default)]
    pub pairs: Pairs,
}

/// The state of a change in the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutState {
    /// One instance tries it first.
    Canary,
    /// It was good there: the others may try it.
    Go,
    /// It was taken back: no other instance tries it.
    Halt,
}

/// An operator's hold of the whole fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetHold {
    /// The reason; may be empty.
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

/// The JSON of a record, which cannot fail.
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
