//! Sessions, which locks depend on.
//!
//! A session here depends only on its TTL. By default Consul would bind it to the agent's health, and then the five seconds of an
//! agent's restart would end every lock on the host.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::client::{Client, Endpoint};
use super::error::Error;
use super::head::Found;

/// A server without a leader holds a request for up to 9 s before it refuses it.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer: more than Consul's for one session.
const LIMIT: usize = 64 << 10;

/// The settings of a new session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// The name that `consul` shows in its list of sessions.
    pub name: String,
    /// Consul ends the session when it has not been renewed for this long, at the latest after twice that. 10 s to 24 h.
    pub ttl: Duration,
}

/// A session that has been created.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Session {
    /// Its id, a UUID.
    #[serde(rename = "ID")]
    pub id: String,
    /// The node of the agent that it was created at.
    #[serde(default)]
    pub node: String,
}

/// The result of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// It lives on.
    Alive,
    /// It has ended, and with it every lock that it held.
    Gone,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Wanted<'a> {
    name: &'a str,
    #[serde(rename = "TTL")]
    ttl: String,
    behavior: &'static str,
    lock_delay: &'static str,
    node_checks: [&'static str; 0],
}

impl Client {
    /// Creates a session that lives by its TTL alone. The keys that it locks are deleted when it ends.
    ///
    /// # Errors
    /// No answer, or a refusal. A session may have been created all the same: it is not renewed then, and ends by itself.
    pub async fn create_session(&self, new: &NewSession) -> Result<Session, Error> {
        let endpoint = self.endpoint("/v1/session/create", "session/create");
        let wanted = Wanted {
            name: &new.name,
            ttl: format!("{}ms", new.ttl.as_millis()),
            behavior: "delete",
            // Each lock of ours is on a key that nobody else locks, or is guarded by a transaction.
            lock_delay: "0s",
            node_checks: [],
        };
        let body = serde_json::to_vec(&wanted).map_err(|_| endpoint.unreadable("a session that cannot be written"))?;
        let written = self.put(&endpoint, "", body, PATIENCE, &[]).await?;
        let session: Session = serde_json::from_slice(&written.body)
            .map_err(|_| endpoint.unreadable("its answer to a new session has no id"))?;
        let node = self.node_of(&session.id).await?;
        Ok(Session { node, ..session })
    }

    /// Keeps a session alive for another TTL.
    ///
    /// # Errors
    /// No answer, or a refusal: whether the session lives on is not known then.
    pub async fn renew_session(&self, id: &str) -> Result<Renewed, Error> {
        let written = self.put(&self.session("renew", id), "", Vec::new(), PATIENCE, &[404]).await?;
        Ok(if written.status == 404 { Renewed::Gone } else { Renewed::Alive })
    }

    /// Ends a session. It is not an error if it has ended already.
    ///
    /// # Errors
    /// No answer, or a refusal.
    pub async fn destroy_session(&self, id: &str) -> Result<(), Error> {
        self.put(&self.session("destroy", id), "", Vec::new(), PATIENCE, &[404]).await.map(drop)
    }

    /// The node that a session belongs to.
    async fn node_of(&self, id: &str) -> Result<String, Error> {
        let endpoint = self.session("info", id);
        let answer = self.get(&endpoint, "", PATIENCE, LIMIT).await?;
        let sessions: Vec<Session> = match answer.head.found {
            Found::Nothing => Vec::new(),
            Found::Something => serde_json::from_slice(&answer.body)
                .map_err(|_| endpoint.unreadable("its answer is not a list of sessions"))?,
        };
        sessions
            .into_iter()
            .map(|session| session.node)
            .find(|node| !node.is_empty())
            .ok_or_else(|| endpoint.unreadable("a session that was just created has no node"))
    }

    fn session(&self, verb: &str, id: &str) -> Endpoint {
        let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
        self.endpoint(&format!("/v1/session/{verb}/{id}"), &format!("session/{verb}"))
    }
}
