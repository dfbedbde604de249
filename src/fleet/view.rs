//! One look at the fleet's folder and at the catalog, and its meaning. What another program wrote there is reported and never
//! trusted: a mark that cannot be read still counts, and no turn is granted while the semaphore cannot be read.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use super::layout::{
    FleetHold, LARGEST, LOCK, Member, OutMark, Rollout, RolloutState, SEMAPHORE, Semaphore, short_line,
};
use crate::consul::health::{Instance, Standing};
use crate::consul::kv::Pair;

/// The raw answers. Keys are relative to their folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The folder `turn/`. It is read first, because later additions change its semaphore.
    pub turn: Vec<Pair>,
    /// The folder `out/`.
    pub out: Vec<Pair>,
    /// Its index, to wait for a change.
    pub out_index: u64,
    /// The folder `rollout/`.
    pub rollout: Vec<Pair>,
    /// Its index.
    pub rollout_index: u64,
    /// The key `hold`.
    pub hold: Option<Pair>,
    /// Our own record.
    pub ours: Option<Pair>,
    /// The records of all instances, if they were asked for.
    pub records: Option<Vec<Pair>>,
    /// The instances in the catalog.
    pub catalog: Vec<Instance>,
    /// Their index.
    pub catalog_index: u64,
}

/// The same, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    pub(super) lock: Lock,
    /// The sessions that live and have a key of their own in `turn/`.
    pub(super) alive: BTreeSet<String>,
    pub(super) marks: Vec<Marked>,
    pub(super) rollouts: Vec<Known>,
    pub(super) hold: Option<FleetHold>,
    pub(super) ours: Option<Ours>,
    /// The `limit` in each instance's record; `None`: the records were not read.
    pub(super) limits: Option<BTreeMap<Member, String>>,
    pub(super) catalog: BTreeMap<Member, Standing>,
    pub(super) indexes: Indexes,
    /// Remarks about it, as sentences.
    pub(super) remarks: Vec<String>,
}

/// The semaphore.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Lock {
    /// It does not exist yet.
    #[default]
    None,
    /// The semaphore.
    Read { index: u64, semaphore: Semaphore },
    /// The key has something else in it.
    Foreign { index: u64 },
}

/// An out-mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marked {
    /// The last part of its key.
    pub(super) key: String,
    pub(super) index: u64,
    /// `None`: it cannot be read. It counts anyway.
    pub(super) mark: Option<OutMark>,
}

/// The record of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) id: String,
    pub(super) index: u64,
    pub(super) rollout: Rollout,
}

/// The owner of the record under our name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ours {
    pub(super) session: Option<String>,
    pub(super) owner: Option<String>,
}

/// The indices to wait with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Indexes {
    pub(super) out: u64,
    pub(super) rollout: u64,
    pub(super) catalog: u64,
}

#[derive(serde::Deserialize)]
struct Owner {
    #[serde(default)]
    owner: String,
}

#[derive(serde::Deserialize)]
struct LimitOf {
    #[serde(flatten)]
    member: Member,
    #[serde(default)]
    limit: String,
}

impl View {
    pub(super) fn of(look: &Look) -> Self {
        let mut remarks = Vec::new();
        let mut semaphore = Lock::None;
        let mut alive = BTreeSet::new();
        for pair in &look.turn {
            match &pair.session {
                _ if pair.key == LOCK => semaphore = read_lock(pair, &mut remarks),
                Some(session) if **session == *pair.key => drop(alive.insert(pair.key.clone())),
                _ => {}
            }
        }
        let marks = look.out.iter().map(|pair| Marked {
            key: pair.key.clone(),
            index: pair.modify_index,
            mark: read(pair, "out/", &mut remarks),
        });
        let marks: Vec<_> = marks.collect();
        let known = |pair: &Pair| {
            let rollout = read(pair, "rollout/", &mut remarks)?;
            Some(Known { id: pair.key.clone(), index: pair.modify_index, rollout })
        };
        let rollouts = look.rollout.iter().filter_map(known).collect();
        let hold = look.hold.as_ref().map(|pair| {
            // Whatever is in it, somebody wants the fleet to stop.
            let hold: FleetHold = read(pair, "", &mut remarks).unwrap_or_default();
            FleetHold { reason: short_line(&hold.reason), by: short_line(&hold.by), at: hold.at, until: hold.until }
        });
        let ours = look.ours.as_ref().map(|pair| Ours {
            session: pair.session.as_deref().map(str::to_owned),
            owner: read::<Owner>(pair, "instances/", &mut remarks).map(|record| record.owner),
        });
        let limits = look.records.as_ref().map(|pairs| {
            let limit =
                |pair| read::<LimitOf>(pair, "instances/", &mut remarks).map(|of| (of.member, short_line(&of.limit)));
            pairs.iter().filter_map(limit).collect()
        });
        let catalog = look
            .catalog
            .iter()
            .map(|instance| (Member { node: instance.node.clone(), id: instance.id.clone() }, instance.standing));
        Self {
            lock: semaphore,
            alive,
            marks,
            rollouts,
            hold,
            ours,
            limits,
            catalog: catalog.collect(),
            indexes: Indexes { out: look.out_index, rollout: look.rollout_index, catalog: look.catalog_index },
            remarks,
        }
    }

    /// The sessions that hold the semaphore and live.
    pub(super) fn holders(&self) -> impl Iterator<Item = &String> {
        self.sessions().filter(|session| self.alive.contains(*session))
    }

    /// The sessions in the semaphore, dead ones included.
    pub(super) fn sessions(&self) -> impl Iterator<Item = &String> {
        let semaphore = if let Lock::Read { semaphore, .. } = &self.lock { Some(semaphore) } else { None };
        semaphore
            .into_iter()
            .flat_map(|semaphore| semaphore.holders.iter())
            .filter(|(_, held)| **held)
            .map(|(id, _)| id)
    }

    /// The out-mark under this name.
    pub(super) fn mark_of(&self, member: &Member) -> Option<&Marked> {
        let key = member.key();
        self.marks.iter().find(|marked| marked.key == key)
    }

    /// Whether this session holds the semaphore for this turn.
    pub(super) fn is_held_by(&self, member: &Member, session: &str, turn: u64) -> bool {
        self.holders().any(|holder| holder == session)
            && self
                .mark_of(member)
                .and_then(|marked| marked.mark.as_ref())
                .is_some_and(|mark| mark.session == session && mark.turn == turn)
    }

    /// The record of this change.
    pub(super) fn rollout(&self, id: &str) -> Option<&Known> {
        self.rollouts.iter().find(|known| known.id == id)
    }

    /// The records in this state.
    pub(super) fn in_state(&self, state: RolloutState) -> impl Iterator<Item = &Known> + Clone {
        self.rollouts.iter().filter(move |known| known.rollout.state == state)
    }
}

fn read_lock(pair: &Pair, remarks: &mut Vec<String>) -> Lock {
    let index = pair.modify_index;
    match read::<Semaphore>(pair, "turn/", remarks) {
        Some(semaphore) if pair.flags == SEMAPHORE => Lock::Read { index, semaphore },
        Some(_) => {
            remarks.push("turn/.lock is not marked as a semaphore: it was not written by `consul lock -n`".into());
            Lock::Foreign { index }
        }
        None => Lock::Foreign { index },
    }
}

fn parse<T: DeserializeOwned>(pair: &Pair) -> Option<T> {
    let bytes = Some(pair.value.expose()).filter(|bytes| bytes.len() <= LARGEST)?;
    serde_json::from_slice(bytes).ok()
}

/// The decoded value of a key, if it is of the right kind.
fn read<T: DeserializeOwned>(pair: &Pair, folder: &str, remarks: &mut Vec<String>) -> Option<T> {
    let value = parse(pair);
    if value.is_none() {
        let (key, bytes) = (short_line(&pair.key), pair.value.len());
        remarks.push(format!("{folder}{key} holds {bytes} bytes that no lictor wrote"));
    }
    value
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::fleet) fn pair(key: &str, value: impl Into<Vec<u8>>, flags: u64, session: Option<&str>) -> Pair {
        Pair { key: key.into(), value: value.into().into(), flags, modify_index: 7, session: session.map(Into::into) }
    }

    #[test]
    fn a_holder_counts_while_its_session_lives() {
        let look = Look {
            turn: vec![
                pair(".lock", r#"{"Limit":2,"Holders":{"a":true,"b":true,"c":false}}"#, SEMAPHORE, None),
                pair("a", "", SEMAPHORE, Some("a")),
                pair("b", "", SEMAPHORE, None),
                pair("x", "", SEMAPHORE, Some("y")),
            ],
            ..Look::default()
        };
        let view = View::of(&look);
        assert_eq!(view.holders().collect::<Vec<_>>(), ["a"]);
        assert_eq!(view.sessions().count(), 2);
        assert!(view.remarks.is_empty());
    }

    #[test]
    fn what_others_wrote_is_said_and_never_trusted() {
        let big = vec![b'{'; 512 << 10];
        for garbage in
            [b"".to_vec(), b"null".to_vec(), b"[]".to_vec(), b"\xff\0".to_vec(), big, b"{\"Limit\":-1}".to_vec()]
        {
            let at = |key| pair(key, garbage.clone(), SEMAPHORE, None);
            let look = Look {
                turn: vec![at(".lock")],
                out: vec![at("host,billing")],
                rollout: vec![at("abc")],
                hold: Some(at("hold")),
                ours: Some(at("us")),
                records: Some(vec![at("us"), at("others")]),
                ..Look::default()
            };
            let view = View::of(&look);
            assert_eq!(view.lock, Lock::Foreign { index: 7 });
            assert_eq!((view.marks.len(), view.rollouts.len(), view.hold.is_some()), (1, 0, true));
            assert!(view.limits.is_some_and(|limits| limits.is_empty()));
            assert!(view.remarks.len() >= 5, "{:?}", view.remarks);
            assert!(view.remarks.iter().all(|remark| remark.len() < 300));
        }
        let plain = Look { turn: vec![pair(".lock", r#"{"Limit":1,"Holders":{}}"#, 0, None)], ..Look::default() };
        assert_eq!(View::of(&plain).lock, Lock::Foreign { index: 7 }, "plain `consul lock`");
    }
}
