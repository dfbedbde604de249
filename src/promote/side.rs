//! One end of a promotion: a folder of a Consul, and the fleet that reads it.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use super::plan::Plan;
use super::steps::{Seal, TooMany, transactions};
use crate::consul::kv::Pair;
use crate::consul::transaction::Commit;
use crate::consul::watch::{Consistency, Query};
use crate::consul::{Client, Connection, Error};
use crate::fleet::Key;
use crate::fleet::Promotion;
use crate::fleet::operator::{Operator, Picture};

/// One end.
#[derive(Debug)]
pub struct Side {
    client: Client,
    folder: String,
    fleet: Operator,
}

/// The contents of a side.
#[derive(Debug)]
pub struct Look {
    /// The contents of the folder.
    pub pairs: Vec<Pair>,
    /// The fleet.
    pub fleet: Picture,
    /// The key of its marks.
    pub key: Option<Key>,
}

/// The result of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// All of it was written.
    Done {
        /// The number of transactions.
        transactions: usize,
    },
    /// Somebody has edited the folder meanwhile, so nothing was written, or nothing that counts.
    Edited {
        /// The number of transactions that were written before; they count only once the set is sealed.
        unsealed: usize,
    },
}

impl Side {
    /// The folder at this Consul, and its fleet's folder.
    ///
    /// # Errors
    /// Settings that make no client; a token file that cannot be read.
    pub fn new(connection: &Connection, folder: &str, fleet: &str) -> Result<Self, Error> {
        let mut client = Client::new(connection)?;
        client.renew_token()?;
        Ok(Self { client, folder: folder.to_owned(), fleet: Operator::new(connection, fleet)? })
    }

    /// The name for people: `billing/ at http://127.0.0.1:8500`.
    pub fn name(&self) -> String {
        format!("{} at {}", self.folder, self.client.address())
    }

    /// The folder.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// The fleet that reads it.
    pub fn fleet(&self) -> &Operator {
        &self.fleet
    }

    /// Reads the present contents, with a consistent read of the folder.
    ///
    /// # Errors
    /// Consul does not answer, or refuses.
    pub async fn look(&self) -> Result<Look, Error> {
        Ok(Look { pairs: self.pairs().await?, fleet: self.fleet.look().await?, key: self.fleet.key().await? })
    }

    async fn pairs(&self) -> Result<Vec<Pair>, Error> {
        let query = Query { blocking: None, consistency: Consistency::Consistent };
        Ok(self.client.list(&self.client.folder(&self.folder, None), &query).await?.pairs)
    }

    /// Writes the plan: each key only if it is as it was when the plan was made. The sealing key, if there is one, is written last.
    ///
    /// # Errors
    /// The set is too large for one transaction and has no sealing key; Consul does not answer, or refuses.
    pub async fn write(&self, plan: &Plan, seal: Option<&str>, look: &Look) -> Result<Result<Written, TooMany>, Error> {
        let seal = seal.map(|key| Seal {
            key: key.to_owned(),
            index: look.pairs.iter().find(|pair| pair.key == key).map_or(0, |pair| pair.modify_index),
            value: format!("promoted {}", unix_ms()).into_bytes(),
        });
        let all = match transactions(plan, &self.folder, seal.as_ref()) {
            Ok(all) => all,
            Err(too_many) => return Ok(Err(too_many)),
        };
        for (written, operations) in all.iter().enumerate() {
            if let Commit::Refused(_) = self.client.commit(operations).await? {
                return Ok(Ok(Written::Edited { unsealed: written }));
            }
        }
        Ok(Ok(Written::Done { transactions: all.len() }))
    }

    /// Records in the fleet's folder what was written: names and indices.
    ///
    /// # Errors
    /// Consul does not answer, or refuses.
    pub async fn keep(&self, plan: &Plan, from: String, by: String, unproved: Option<String>) -> Result<(), Error> {
        let now: BTreeMap<String, u64> =
            self.pairs().await?.into_iter().map(|pair| (pair.key, pair.modify_index)).collect();
        let index = |key: &String| now.get(key).copied().unwrap_or(0);
        let keys = plan.changes.iter().map(|change| (change.key.clone(), index(&change.key))).collect();
        let to = self.folder.clone();
        self.fleet.keep_promotion(&Promotion { v: 1, from, to, by, at: unix_ms(), unproved, keys }).await
    }
}

/// The keys that somebody has edited since this promotion wrote them.
pub fn edited_since(promotion: &Promotion, pairs: &[Pair]) -> Vec<String> {
    let now: BTreeMap<&str, u64> = pairs.iter().map(|pair| (pair.key.as_str(), pair.modify_index)).collect();
    let edited = |(key, index): &(&String, &u64)| now.get(key.as_str()).copied().unwrap_or(0) != **index;
    promotion.keys.iter().filter(edited).map(|(key, _)| key.clone()).collect()
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
