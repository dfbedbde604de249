//! Single keys of the KV store.

use std::fmt::Write as _;

use super::client::{Client, Endpoint};
use super::error::Error;
use super::head::Found;
use super::key;
use super::kv::{Pair, decode};
use super::watch::{Consistency, Query};

/// Consul's own limit for one value is half a MiB; encoded it is a third longer.
const LIMIT: usize = 1 << 20;

/// A key to be read, prepared once.
#[derive(Clone, Debug)]
pub struct SingleKey {
    endpoint: Endpoint,
}

/// What a single key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Single {
    /// For the next blocking query.
    pub index: u64,
    /// The key, under its whole path; `None`: it does not exist.
    pub pair: Option<Pair>,
}

impl Client {
    /// Prepares a key, by its whole path.
    pub fn single(&self, path: &str) -> SingleKey {
        SingleKey { endpoint: self.endpoint(&format!("/v1/kv/{}", key::encoded(path)), &format!("kv {path}")) }
    }

    /// Reads a key, or waits for it to change. If the key does not exist, the wait ends only when it is written.
    ///
    /// # Errors
    /// No answer, a refusal, or an answer that is not Consul's.
    pub async fn read(&self, key: &SingleKey, query: &Query) -> Result<Single, Error> {
        let mut text = String::new();
        if let Some(blocking) = query.blocking {
            // Writing to a string does not fail.
            let _ = write!(text, "index={}&wait={}ms", blocking.index, blocking.wait.as_millis().max(1));
        }
        if query.consistency == Consistency::Consistent {
            text.push_str("&consistent");
        }
        let answer = self.get(&key.endpoint, &text, query.timeout(), LIMIT).await?;
        let pair = match answer.head.found {
            Found::Nothing => None,
            Found::Something => {
                decode("", &answer.body).map_err(|reason| key.endpoint.unreadable(reason))?.into_iter().next()
            }
        };
        Ok(Single { index: answer.head.index, pair })
    }
}
