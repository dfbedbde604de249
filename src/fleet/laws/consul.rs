//! A model of Consul: keys, sessions that end by themselves, transactions, and the catalog.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::consul::health::{Instance, Standing};
use crate::consul::kv::Pair;
use crate::consul::transaction::Operation;
use crate::fleet::decision::Place;
use crate::fleet::layout::Member;
use crate::fleet::view::Look;
use crate::machine::Moment;

pub(super) const PREFIX: &str = "lictor/billing/";

#[derive(Clone, Debug)]
struct Entry {
    value: Vec<u8>,
    flags: u64,
    index: u64,
    session: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Consul {
    index: u64,
    keys: BTreeMap<String, Entry>,
    folders: BTreeMap<&'static str, u64>,
    /// When each ends unless it is renewed.
    sessions: BTreeMap<String, Moment>,
    created: u64,
    catalog: BTreeMap<Member, Standing>,
    catalog_index: u64,
}

const FOLDERS: [&str; 3] = ["turn/", "out/", "rollout/"];

impl Consul {
    pub(super) fn open(&mut self, ends: Moment) -> String {
        self.created += 1;
        let id = format!("session-{}", self.created);
        self.sessions.insert(id.clone(), ends);
        id
    }

    /// Says whether it lived.
    pub(super) fn renew(&mut self, id: &str, ends: Moment) -> bool {
        self.sessions.get_mut(id).map(|end| *end = ends).is_some()
    }

    pub(super) fn close(&mut self, id: &str) {
        if self.sessions.remove(id).is_some() {
            let locked: Vec<_> = self.keys.iter().filter(|(_, entry)| entry.session.as_deref() == Some(id)).collect();
            let locked: Vec<_> = locked.into_iter().map(|(key, _)| key.clone()).collect();
            for key in locked {
                self.delete(&key);
            }
        }
    }

    /// The sessions whose time is over end; when the next one does.
    pub(super) fn expire(&mut self, now: Moment) -> Option<Moment> {
        let over: Vec<_> = self.sessions.iter().filter(|(_, end)| **end <= now).map(|(id, _)| id.clone()).collect();
        for id in over {
            self.close(&id);
        }
        self.sessions.values().min().copied()
    }

    /// A new leader counts every session's time anew.
    pub(super) fn new_leader(&mut self, ends: Moment) {
        self.sessions.values_mut().for_each(|end| *end = (*end).max(ends));
    }

    pub(super) fn stand(&mut self, member: &Member, standing: Standing) {
        if self.catalog.insert(member.clone(), standing) != Some(standing) {
            self.index += 1;
            self.catalog_index = self.index;
        }
    }

    pub(super) fn commit(&mut self, operations: &[Operation]) -> bool {
        let (keys, folders, index) = (self.keys.clone(), self.folders.clone(), self.index);
        self.index += 1;
        let done = operations.iter().all(|operation| self.apply(operation));
        if !done {
            (self.keys, self.folders, self.index) = (keys, folders, index);
        }
        done
    }

    fn apply(&mut self, operation: &Operation) -> bool {
        let before = self.keys.get(operation.key()).cloned();
        match operation {
            Operation::Set { key, value } => {
                let (flags, session) = before.map_or((0, None), |entry| (0, entry.session));
                self.put(key, value, flags, session);
                true
            }
            Operation::Cas { key, value, flags, index } => {
                if before.as_ref().map_or(0, |entry| entry.index) != *index {
                    return false;
                }
                self.put(key, value, *flags, before.and_then(|entry| entry.session));
                true
            }
            Operation::Lock { key, value, flags, session } => {
                let free = before.is_none_or(|entry| entry.session.is_none_or(|holder| holder == *session));
                if !free || !self.sessions.contains_key(session) {
                    return false;
                }
                self.put(key, value, *flags, Some(session.clone()));
                true
            }
            Operation::CheckSession { session, .. } => before.and_then(|entry| entry.session).as_ref() == Some(session),
            Operation::CheckIndex { index, .. } => before.is_some_and(|entry| entry.index == *index),
            Operation::CheckNotExists { .. } => before.is_none(),
            Operation::DeleteCas { key, index } => match before {
                Some(entry) if entry.index == *index => {
                    self.delete(key);
                    true
                }
                Some(_) => false,
                None => true,
            },
            Operation::Delete { key } => {
                self.delete(key);
                true
            }
        }
    }

    fn put(&mut self, key: &str, value: &[u8], flags: u64, session: Option<String>) {
        let entry = Entry { value: value.to_vec(), flags, index: self.index, session };
        self.keys.insert(key.to_owned(), entry);
        self.touch(key);
    }

    /// As an operator, or a fault, would.
    pub(super) fn delete(&mut self, key: &str) {
        if self.keys.remove(key).is_some() {
            self.index += 1;
            self.touch(key);
        }
    }

    pub(super) fn scribble(&mut self, key: &str, value: &[u8]) {
        self.index += 1;
        self.put(&format!("{PREFIX}{key}"), value, 0, None);
    }

    fn touch(&mut self, key: &str) {
        let within = |folder: &&&str| key.strip_prefix(PREFIX).is_some_and(|key| key.starts_with(**folder));
        if let Some(folder) = FOLDERS.iter().find(within) {
            self.folders.insert(folder, self.index);
        }
    }

    fn index_of(&self, place: Place) -> u64 {
        match place {
            Place::Lock => self.keys.get(&format!("{PREFIX}turn/.lock")).map_or(0, |entry| entry.index),
            Place::Out => self.folders.get("out/").copied().unwrap_or(0),
            Place::Rollout => self.folders.get("rollout/").copied().unwrap_or(0),
            Place::Catalog => self.catalog_index,
        }
    }

    pub(super) fn has_changed(&self, on: &[(Place, u64)]) -> bool {
        on.iter().any(|(place, index)| self.index_of(*place) > *index)
    }

    pub(super) fn look(&self, member: &Member) -> Look {
        let pair = |key: &str, entry: &Entry| Pair {
            key: key.to_owned(),
            value: entry.value.clone().into(),
            flags: entry.flags,
            modify_index: entry.index,
            session: entry.session.as_deref().map(Into::into),
        };
        let one = |name: &str| self.keys.get(&format!("{PREFIX}{name}")).map(|entry| pair(name, entry));
        let standing = |(member, standing): (&Member, &Standing)| Instance {
            node: member.node.clone(),
            id: member.id.clone(),
            standing: *standing,
        };
        let folder = |name: &str| self.folder(name).map(|(key, entry)| pair(key, entry)).collect::<Vec<_>>();
        Look {
            turn: folder("turn/"),
            out: folder("out/"),
            out_index: self.index_of(Place::Out),
            rollout: folder("rollout/"),
            rollout_index: self.index_of(Place::Rollout),
            hold: one("hold"),
            ours: one(&format!("instances/{}", member.key())),
            records: Some(folder("instances/")),
            catalog: self.catalog.iter().map(standing).collect(),
            catalog_index: self.catalog_index,
        }
    }

    fn folder<'a>(&'a self, name: &str) -> impl Iterator<Item = (&'a str, &'a Entry)> {
        let folder = format!("{PREFIX}{name}");
        self.keys.iter().filter_map(move |(key, entry)| Some((key.strip_prefix(&folder)?, entry)))
    }

    /// The keys of a folder.
    pub(super) fn keys(&self, name: &str) -> Vec<String> {
        self.folder(name).map(|(key, _)| key.to_owned()).collect()
    }

    pub(super) fn sessions(&self) -> usize {
        self.sessions.len()
    }
}

/// Once or twice the TTL: nobody knows when Consul notices.
pub(super) fn end(now: Moment, ttl: Duration, rng: &mut fastrand::Rng) -> Moment {
    let ttl = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
    now + Duration::from_millis(rng.u64(ttl..=2 * ttl))
}
