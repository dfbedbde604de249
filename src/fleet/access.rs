//! What the turns ask of Consul, and what they write there: one small future for each action.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_all;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::time::{Instant, sleep, timeout};

use super::chronicle::HistoryRecord;
use super::decision::Place;
use super::layout::{LOCK, Member, Places, Semaphore, json};
use super::mark::{Key, hexadecimal};
use super::rules::Rules;
use super::turns::{Event, Records, Turns};
use super::view::Look;
use super::writes::{Op, Written};
use crate::consul::kv::List;
use crate::consul::session::{NewSession, Renewed};
use crate::consul::transaction::{Commit, MOST, Operation};
use crate::consul::watch::{Blocking, Consistency, Query};
use crate::consul::{Client, Error};

/// Renewals that take longer come too late anyway.
const RENEWAL: Duration = Duration::from_secs(5);
/// Whoever is so far behind in the queue looks at the semaphore alone first: before its turn comes, the others have mostly
/// filled it again, and in a large fleet their looks at everything would take all of Consul's time.
const FAR: Duration = Duration::from_millis(100);
/// A folder that is empty is woken by every write to the store: it is not asked again before this.
const PAUSE: Duration = Duration::from_millis(250);

/// How the parts of a look are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// Over as many connections as there are parts, each of which is kept for a minute.
    AtOnce,
    /// Over one.
    OneByOne,
}

/// Consul, as one fleet needs it. Clones share their connections.
#[derive(Clone, Debug)]
pub(super) struct Access {
    client: Client,
    places: Places,
    service: String,
}

impl Access {
    pub(super) fn new(client: &Client, rules: &Rules) -> Self {
        Self { client: client.clone(), places: Places::below(&rules.prefix), service: rules.service.clone() }
    }

    /// With the token as it is now.
    fn renewed(mut self) -> Result<Self, Error> {
        self.client.renew_token()?;
        Ok(self)
    }

    pub(super) async fn open(self) -> Event {
        let name = format!("lictor {}", self.places.path(""));
        let opened = async { self.renewed()?.client.create_session(&NewSession { name, ttl: Turns::ttl() }).await };
        match opened.await {
            Ok(session) => Event::Opened(session),
            Err(error) => Event::NotOpened(error.sentence()),
        }
    }

    pub(super) async fn renew(self, session: String) -> Event {
        let renewed = async { self.renewed()?.client.renew_session(&session).await };
        match timeout(RENEWAL, renewed).await {
            Ok(Ok(Renewed::Alive)) => Event::Renewed,
            Ok(Ok(Renewed::Gone)) => Event::SessionGone,
            Ok(Err(error)) => Event::NotRenewed(error.sentence()),
            Err(_) => Event::NotRenewed(format!("no answer within {} s", RENEWAL.as_secs())),
        }
    }

    pub(super) async fn close(self, session: String) {
        let closed = async { self.renewed()?.client.destroy_session(&session).await };
        if let Err(error) = closed.await {
            tracing::warn!(error = error.sentence(), "the fleet's session is left to end by itself");
        }
    }

    pub(super) async fn write(self, op: Op, operations: Vec<Operation>) -> Event {
        let committed = async { self.renewed()?.client.commit(&operations).await };
        let written = match committed.await {
            Ok(Commit::Done) => Written::Done,
            Ok(Commit::Refused(why)) => {
                tracing::debug!(why, "the fleet's folder has changed: looking again");
                Written::Refused
            }
            Err(error) => Written::Unknown(error.sentence()),
        };
        Event::Written(op, written)
    }

    /// Waits until one of these places has changed, and looks.
    pub(super) async fn look(
        self,
        op: Op,
        member: Member,
        (on, wait, delay): (Vec<(Place, u64)>, Duration, Duration),
        records: Records,
    ) -> Event {
        let looked = async {
            let access = self.renewed()?;
            let woken_by = access.wait(on.clone(), wait, delay).await;
            // Where somebody waits for this look, each answer counts; else each connection does.
            let pace = if on.is_empty() { Pace::OneByOne } else { Pace::AtOnce };
            // On the heap, so that the wait before it, which is long, does not hold the space for all its requests.
            Box::pin(access.read(&member, records, (pace, woken_by))).await
        };
        match looked.await {
            Ok(look) => Event::Seen(op, Box::new(look)),
            Err(error) => Event::Blind(op, error.sentence()),
        }
    }

    /// Waits until one of these places has changed, and for our place in the queue; gives the semaphore's index, if it is what
    /// has changed.
    async fn wait(&self, mut on: Vec<(Place, u64)>, wait: Duration, delay: Duration) -> Option<u64> {
        let end = Instant::now() + wait;
        loop {
            // Whatever comes of it: what counts is the look.
            let left = end.saturating_duration_since(Instant::now());
            let woken_by =
                if left.is_zero() { None } else { timeout(left, self.change(&on, left)).await.ok().flatten() };
            sleep(delay).await;
            if woken_by.is_none() || delay < FAR {
                return woken_by;
            }
            let (Some(index), Some(lock)) = (self.full().await, on.iter_mut().find(|on| on.0 == Place::Lock)) else {
                return woken_by;
            };
            lock.1 = index;
        }
    }

    /// The semaphore's index, if it is full.
    async fn full(&self) -> Option<u64> {
        let lock = self.client.read(&self.client.single(&self.places.lock()), &Query::PLAIN).await.ok()?.pair?;
        let semaphore: Semaphore = serde_json::from_slice(lock.value.expose()).ok()?;
        let held = semaphore.holders.values().filter(|held| **held).count();
        (u64::try_from(held).is_ok_and(|held| held >= semaphore.limit)).then_some(lock.modify_index)
    }

    /// Waits for a change; gives the semaphore's index, if it is what has changed.
    async fn change(&self, on: &[(Place, u64)], wait: Duration) -> Option<u64> {
        let waits: Vec<Pin<Box<dyn Future<Output = Option<u64>> + Send + '_>>> = on
            .iter()
            .filter(|(_, index)| *index > 0)
            .map(|(place, index)| {
                Box::pin(self.change_of(*place, *index, wait)) as Pin<Box<dyn Future<Output = Option<u64>> + Send>>
            })
            .collect();
        if waits.is_empty() {
            sleep(wait).await;
            return None;
        }
        select_all(waits).await.0
    }

    async fn change_of(&self, place: Place, mut index: u64, wait: Duration) -> Option<u64> {
        let query = |index| Query { blocking: Some(Blocking { index, wait }), consistency: Consistency::Default };
        let changed = match place {
            Place::Lock => {
                let read = self.client.read(&self.client.single(&self.places.lock()), &query(index)).await;
                read.map(|single| single.pair.map(|pair| pair.modify_index))
            }
            Place::Out => {
                let out = self.client.folder(&self.places.path("out/"), None);
                self.client.list(&out, &query(index)).await.map(|_| None)
            }
            Place::Catalog => self.client.instances(&self.service, &query(index)).await.map(|_| None),
            Place::Rollout => {
                let folder = self.client.folder(&self.places.path("rollout/"), None);
                loop {
                    match self.client.list(&folder, &query(index)).await {
                        Ok(list) if list.pairs.is_empty() => index = list.index,
                        Ok(_) => break Ok(None),
                        Err(error) => break Err(error),
                    }
                    sleep(PAUSE).await;
                }
            }
        };
        if changed.is_err() {
            // The next look reports what is wrong; it must not follow at once again and again.
            sleep(Duration::from_secs(1)).await;
        }
        changed.ok().flatten()
    }

    /// Everything; the semaphore first, so that whatever is added later changes it. A wake has read it already: if it is the
    /// same again, the rest need not wait for it.
    async fn read(
        &self,
        member: &Member,
        records: Records,
        (pace, woken_by): (Pace, Option<u64>),
    ) -> Result<Look, Error> {
        let Self { client, places, .. } = self;
        let folder = |name| client.folder(&places.path(name), None);
        let turn = folder("turn/");
        let turn = async || client.list(&turn, &Query::PLAIN).await;
        let (out, rollout) = (folder("out/"), folder("rollout/"));
        let (hold, ours) = (client.single(&places.hold()), client.single(&places.instance(member)));
        let rest = async || {
            let (out, rollout) = (client.list(&out, &Query::PLAIN), client.list(&rollout, &Query::PLAIN));
            let (hold, ours) = (client.read(&hold, &Query::PLAIN), client.read(&ours, &Query::PLAIN));
            let catalog = client.instances(&self.service, &Query::PLAIN);
            match pace {
                Pace::AtOnce => tokio::try_join!(out, rollout, hold, ours, catalog),
                Pace::OneByOne => Ok((out.await?, rollout.await?, hold.await?, ours.await?, catalog.await?)),
            }
        };
        let semaphore = |turn: &List| turn.pairs.iter().find(|pair| pair.key == LOCK).map(|pair| pair.modify_index);
        let (turn, read) = match woken_by {
            Some(_) => {
                let (turn, read) = tokio::try_join!(turn(), rest())?;
                let is_same = semaphore(&turn) == woken_by;
                (turn, is_same.then_some(read))
            }
            None => (turn().await?, None),
        };
        let (out, rollout, hold, ours, catalog) = match read {
            Some(read) => read,
            None => rest().await?,
        };
        let records = match records {
            Records::Read => Some(client.list(&folder("instances/"), &Query::PLAIN).await?.pairs),
            Records::Left => None,
        };
        Ok(Look {
            turn: turn.pairs,
            out: out.pairs,
            out_index: out.index,
            rollout: rollout.pairs,
            rollout_index: rollout.index,
            hold: hold.pair,
            ours: ours.pair,
            records,
            catalog: catalog.instances,
            catalog_index: catalog.index,
        })
    }

    /// The fleet's key, made if there is none yet.
    pub(super) async fn key(self) -> Result<Arc<Key>, String> {
        let access = self.renewed().map_err(|error| error.sentence())?;
        let (client, path) = (&access.client, access.places.key());
        let single = client.single(&path);
        for _ in 0..3 {
            let found = client.read(&single, &Query::PLAIN).await.map_err(|error| error.sentence())?;
            if let Some(pair) = found.pair {
                let key = Key::parse(pair.value.expose());
                return key
                    .map(Arc::new)
                    .ok_or_else(|| format!("{path} is not the key of a fleet: delete it, and lictor makes another"));
            }
            let mut bytes = [0; Key::LENGTH];
            SystemRandom::new().fill(&mut bytes).map_err(|_| "the kernel gives no random numbers".to_owned())?;
            let value = hexadecimal(&bytes).into_bytes();
            let create = Operation::Cas { key: path.clone(), value, flags: 0, index: 0 };
            // If somebody else was faster, theirs is read.
            client.commit(&[create]).await.map_err(|error| error.sentence())?;
        }
        Err(format!("{path} cannot be made"))
    }

    /// What was kept of this instance's history.
    pub(super) async fn history(self, member: &Member) -> Result<Option<HistoryRecord>, String> {
        let access = self.renewed().map_err(|error| error.sentence())?;
        let single = access.client.single(&access.places.history(member));
        let found = access.client.read(&single, &Query::PLAIN).await.map_err(|error| error.sentence())?;
        Ok(found.pair.and_then(|pair| HistoryRecord::parse(pair.value.expose())))
    }

    /// Keeps it, as long as this session holds our place; says whether it does.
    pub(super) async fn chronicle(
        self,
        member: &Member,
        session: &str,
        record: &HistoryRecord,
    ) -> Result<bool, String> {
        let access = self.renewed().map_err(|error| error.sentence())?;
        let key = access.places.instance(member);
        let operations = [
            Operation::CheckSession { key, session: session.to_owned() },
            Operation::Set { key: access.places.history(member), value: json(record) },
        ];
        let committed = access.client.commit(&operations).await.map_err(|error| error.sentence())?;
        Ok(committed == Commit::Done)
    }

    /// Takes away the histories of instances that are gone, once nothing has happened in them for days.
    pub(super) async fn sweep(self, now: u64) -> Result<(), String> {
        const DAYS_MS: u64 = 3 * 24 * 60 * 60 * 1_000;
        let access = self.renewed().map_err(|error| error.sentence())?;
        let folder = |name| access.client.folder(&access.places.path(name), None);
        let (histories, instances) = (folder("history/"), folder("instances/"));
        let listed = tokio::try_join!(
            access.client.list(&histories, &Query::PLAIN),
            access.client.list(&instances, &Query::PLAIN)
        );
        let (histories, instances) = listed.map_err(|error| error.sentence())?;
        let spent = histories.pairs.iter().filter(|pair| {
            instances.pairs.iter().all(|alive| alive.key != pair.key)
                && HistoryRecord::parse(pair.value.expose())
                    .is_some_and(|record| record.newest().saturating_add(DAYS_MS) < now)
        });
        let path = |key: &str| access.places.path(&format!("history/{key}"));
        let gone = spent.map(|pair| Operation::DeleteCas { key: path(&pair.key), index: pair.modify_index });
        for some in gone.collect::<Vec<_>>().chunks(MOST) {
            access.client.commit(some).await.map_err(|error| error.sentence())?;
        }
        Ok(())
    }
}
