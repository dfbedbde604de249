//! What an operator can see and do for a whole fleet, through Consul alone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::chronicle::HistoryRecord;
use super::layout::{FleetHold, Member, OutMark, Places, Rollout, RolloutState, json, short_line};
use super::mark::Key;
use super::promotions::{Promotion, Promotions};
use super::record::InstanceRecord;
use super::unreadable::{Unreadable, parse};
use crate::consul::kv::Pair;
use crate::consul::transaction::{Commit, MOST, Operation};
use crate::consul::watch::{Blocking, Consistency, Query};
use crate::consul::{Client, Connection, Error};

/// The folder of all fleets, unless their configuration says otherwise.
const FLEETS: &str = "lictor/";
/// How often a promotion is recorded anew because somebody else has recorded one meanwhile.
const TRIES: usize = 8;

/// An operator's access to one fleet.
#[derive(Debug)]
pub struct Operator {
    client: Client,
    places: Places,
}

/// The present state of a fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Picture {
    /// Consul's index of the instances, to wait for the next change.
    #[serde(skip)]
    pub index: u64,
    /// The instances whose lictor runs, in the order of their nodes.
    pub instances: Vec<InstanceRecord>,
    /// The instances that are out for config, or were according to their last record.
    pub out: Vec<OutMark>,
    /// The halted changes.
    pub halts: Vec<Halt>,
    /// The operator's hold of the whole fleet.
    pub hold: Option<FleetHold>,
    /// Keys that lictor did not write.
    pub foreign: Vec<String>,
}

impl Picture {
    /// Whether nothing of a fleet is here.
    pub fn is_empty(&self) -> bool {
        let Self { index: _, instances, out, halts, hold, foreign } = self;
        instances.is_empty() && out.is_empty() && halts.is_empty() && hold.is_none() && foreign.is_empty()
    }
}

/// A halted change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Halt {
    /// Its key.
    pub change: String,
    /// The instance that took it back.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, in Unix milliseconds.
    pub at: u64,
}

impl Operator {
    /// Opens the fleet in this folder.
    ///
    /// # Errors
    /// Settings that cannot be used for a client; a token file that cannot be read.
    pub fn new(connection: &Connection, prefix: &str) -> Result<Self, Error> {
        let mut client = Client::new(connection)?;
        client.renew_token()?;
        Ok(Self { client, places: Places::below(prefix) })
    }

    /// The fleets that have a folder below `lictor/`, by their names.
    ///
    /// # Errors
    /// Settings that make no client, Consul does not answer, or refuses.
    pub async fn fleets(connection: &Connection) -> Result<Vec<String>, Error> {
        let mut client = Client::new(connection)?;
        client.renew_token()?;
        client.subfolders(&client.folder(FLEETS, None)).await
    }

    /// The fleet's folder.
    pub fn folder(&self) -> String {
        self.places.path("")
    }

    /// The present state of the fleet.
    ///
    /// # Errors
    /// Consul does not answer, or refuses.
    pub async fn look(&self) -> Result<Picture, Error> {
        self.see(&Query::PLAIN).await
    }

    /// The state of the fleet once an instance has changed since this one, or after this long.
    ///
    /// # Errors
    /// Consul does not answer, or refuses.
    pub async fn changed(&self, since: &Picture, wait: Duration) -> Result<Picture, Error> {
        let blocking = Some(Blocking { index: since.index.max(1), wait });
        self.see(&Query { blocking, ..Query::PLAIN }).await
    }

    /// The instances of a service in the catalog, passing or not.
    ///
    /// # Errors
    /// Consul does not answer, or refuses.
    pub async fn catalog(&self, service: &str) -> Result<Vec<Member>, Error> {
        let listed = self.client.instances(service, &Query::PLAIN).await?.instances;
        Ok(listed.into_iter().map(|instance| Member { node: instance.node, id: instance.id }).collect())
    }

    async fn see(&self, query: &Query) -> Result<Picture, Error> {
        let mut foreign = Vec::new();
        let folder = self.client.folder(&self.places.path("instances/"), None);
        let listed = self.client.list(&folder, query).await?;
        let instances = read(&listed.pairs, "instances/", InstanceRecord::parse, &mut foreign);
        let out = read(&self.list("out/").await?, "out/", parse, &mut foreign);
        let halts = self.halts(&mut foreign).await?.into_iter().map(|(halt, _)| halt).collect();
        let hold = self.client.read(&self.client.single(&self.places.hold()), &Query::PLAIN).await?;
        // Whatever is in the key, the fleet is held.
        let hold = hold.pair.map(|pair| parse(pair.value.expose()).unwrap_or_default());
        Ok(Picture { index: listed.index, instances, out, halts, hold, foreign })
    }

    /// The history of each instance over the last day, and the keys of those that cannot be read.
    ///
    /// # Errors
    /// Consul does not answer, or refuses.
    pub async fn histories(&self) -> Result<(Vec<HistoryRecord>, Vec<String>), Error> {
        let (mut records, mut foreign) = (Vec::new(), Vec::new());
        for pair in self.list("history/").await? {
            match HistoryRecord::parse(pair.value.expose()) {
                Some(record) => records.push(record),
                None => foreign.push(short_line(&format!("history/{}", pair.key))),
            }
        }
        Ok((records, foreign))
    }

    /// The key of the fleet's marks, once an instance has made one.
    ///
    /// # Errors
    /// Consul does not answer, or refuses.
    pub async fn key(&self) -> Result<Option<Key>, Error> {
        let key = self.client.read(&self.client.single(&self.places.key()), &Query::PLAIN).await?;
        Ok(key.pair.and_then(|pair| Key::parse(pair.value.expose())))
    }

    /// The last promotions to this fleet.
    ///
    /// # Errors
    /// Consul does not answer, or refuses.
    pub async fn promotions(&self) -> Result<Promotions, Error> {
        Ok(self.kept_promotions().await?.0)
    }

    /// Records a promotion to this fleet, beside those before it.
    ///
    /// # Errors
    /// Consul does not answer, or refuses.
    pub async fn keep_promotion(&self, promotion: &Promotion) -> Result<(), Error> {
        let key = self.places.promotion();
        for _ in 0..TRIES {
            let (before, index) = self.kept_promotions().await?;
            let value = before.record_with(promotion);
            let write = Operation::Cas { key: key.clone(), value, flags: 0, index };
            if self.client.commit(&[write]).await? == Commit::Done {
                return Ok(());
            }
        }
        // Somebody writes all the time. The newest promotion is what an undo needs.
        let value = Promotions::default().record_with(promotion);
        self.client.commit(&[Operation::Set { key, value }]).await.map(drop)
    }

    /// With the index of their last write; 0: there is no record.
    async fn kept_promotions(&self) -> Result<(Promotions, u64), Error> {
        let query = Query { blocking: None, consistency: Consistency::Consistent };
        let pair = self.client.read(&self.client.single(&self.places.promotion()), &query).await?.pair;
        Ok(pair.map(|pair| (Promotions::parse(pair.value.expose()), pair.modify_index)).unwrap_or_default())
    }

    /// Holds the whole fleet: no instance restarts for config until [`Operator::unhold`], or until this time is over.
    ///
    /// # Errors
    /// Consul does not answer, or refuses.
    pub async fn hold(&self, by: &str, reason: &str, length: Option<Duration>) -> Result<(), Error> {
        let at = unix_ms();
        let until = length.map(|length| at.saturating_add(u64::try_from(length.as_millis()).unwrap_or(u64::MAX)));
        let hold = FleetHold { reason: short_line(reason), by: short_line(by), at, until };
        self.client.commit(&[Operation::Set { key: self.places.hold(), value: json(&hold) }]).await.map(drop)
    }

    /// Ends the hold.
    ///
    /// # Errors
    /// Consul does not answer, or refuses.
    pub async fn unhold(&self) -> Result<(), Error> {
        self.client.commit(&[Operation::Delete { key: self.places.hold() }]).await.map(drop)
    }

    /// Lets the fleet try halted changes again: this one, or all. Returns those that were released.
    ///
    /// # Errors
    /// Consul does not answer, or refuses.
    pub async fn release(&self, change: Option<&str>) -> Result<Vec<Halt>, Error> {
        let mut released = Vec::new();
        let halts = self.halts(&mut Vec::new()).await?;
        let wanted: Vec<_> =
            halts.into_iter().filter(|(halt, _)| change.is_none_or(|change| halt.change.starts_with(change))).collect();
        for some in wanted.chunks(MOST) {
            let gone = |(halt, index): &(Halt, u64)| Operation::DeleteCas {
                key: self.places.rollout(&halt.change),
                index: *index,
            };
            if self.client.commit(&some.iter().map(gone).collect::<Vec<_>>()).await? == Commit::Done {
                released.extend(some.iter().map(|(halt, _)| halt.clone()));
            }
        }
        Ok(released)
    }

    async fn halts(&self, foreign: &mut Vec<String>) -> Result<Vec<(Halt, u64)>, Error> {
        let mut halts = Vec::new();
        for pair in self.list("rollout/").await? {
            let Ok(rollout) = parse::<Rollout>(pair.value.expose()) else {
                foreign.push(short_line(&format!("rollout/{}", pair.key)));
                continue;
            };
            if rollout.state == RolloutState::Halt {
                let by = short_line(&rollout.by.node);
                let halt = Halt { change: pair.key.clone(), by, reason: short_line(&rollout.reason), at: rollout.at };
                halts.push((halt, pair.modify_index));
            }
        }
        Ok(halts)
    }

    async fn list(&self, folder: &str) -> Result<Vec<Pair>, Error> {
        let folder = self.client.folder(&self.places.path(folder), None);
        Ok(self.client.list(&folder, &Query::PLAIN).await?.pairs)
    }
}

fn read<T>(
    pairs: &[Pair],
    folder: &str,
    parse: impl Fn(&[u8]) -> Result<T, Unreadable>,
    foreign: &mut Vec<String>,
) -> Vec<T> {
    let mut all = Vec::new();
    for pair in pairs {
        match parse(pair.value.expose()) {
            Ok(one) => all.push(one),
            Err(_) => foreign.push(short_line(&format!("{folder}{}", pair.key))),
        }
    }
    all
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
