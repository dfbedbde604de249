//! A Consul in this process, with the real rules of blocking queries, that does on demand what a real one cannot be
//! made to do: a 500 in the middle of a poll, a cut answer, a slow drip, an index that goes back.
//!
//! Self-contained: `#[path = ".."] mod fake_consul;` uses it from anywhere. It serves `GET`, `PUT` and `DELETE` of
//! `/v1/kv/..` and `GET /v1/status/leader`.

#[path = "fake_consul/answer.rs"]
mod answer;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// The fake. Dropping it closes its port and all connections.
#[derive(Debug)]
pub struct FakeConsul {
    address: SocketAddr,
    state: watch::Sender<State>,
    _tasks: JoinSet<()>,
}

/// What goes wrong with one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This status with this body, and headers that a client must not believe.
    Status(u16, &'static str),
    /// The connection is closed without a byte.
    Close,
    /// The connection is closed in the middle of the body.
    Cut,
    /// The body comes byte by byte, with this pause between two.
    Drip(Duration),
    /// The body comes without having its length announced.
    Chunked,
    /// No answer at all.
    Hang,
    /// The answer of now, at once, with the index that was asked with.
    Early,
    /// The answer of now, at once, with this text for an index; `None`: without one.
    Index(Option<&'static str>),
    /// The answer of now without its keys, as if there were none.
    Empty,
    /// 404 or less than there is, and the header that says so.
    Filtered,
    /// 200 with this body.
    Body(&'static str),
}

/// All that the fake knows and has seen.
#[derive(Clone, Debug, Default)]
pub struct State {
    keys: BTreeMap<String, Key>,
    deleted: BTreeMap<String, u64>,
    index: u64,
    faults: VecDeque<Fault>,
    interrupt: (u64, Option<Fault>),
    token: Option<String>,
    /// Every request, in the order of their coming.
    pub requests: Vec<Seen>,
    /// How many connections have been accepted.
    pub connections: usize,
    /// How many blocking queries are being held.
    pub held: usize,
}

#[derive(Clone, Debug)]
struct Key {
    value: Vec<u8>,
    modified: u64,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its path, as sent.
    pub path: String,
    /// Its query, as sent.
    pub query: String,
    /// `X-Consul-Token`.
    pub token: Option<String>,
    /// `Authorization`.
    pub authorization: Option<String>,
    /// When it came.
    pub at: Instant,
}

impl Seen {
    /// The value of a parameter; empty for one without a value.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.split('&').find_map(|pair| match pair.split_once('=') {
            Some((key, value)) if key == name => Some(value),
            None if pair == name => Some(""),
            Some(_) | None => None,
        })
    }

    /// The index that it blocks on.
    pub fn index(&self) -> Option<u64> {
        self.parameter("index").and_then(|index| index.parse().ok())
    }
}

impl FakeConsul {
    /// On a port that the kernel chooses.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, _) = watch::channel(State { index: 10, ..State::default() });
        let mut tasks = JoinSet::new();
        tasks.spawn(answer::serve(listener, state.clone()));
        Self { address, state, _tasks: tasks }
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Writes a key. As in Consul, the same value again is no change.
    pub fn put(&self, key: &str, value: impl AsRef<[u8]>) {
        self.state.send_modify(|state| state.put(key, value.as_ref()));
    }

    /// Deletes a key.
    pub fn delete(&self, key: &str) {
        self.state.send_modify(|state| state.delete(key));
    }

    /// A restart without data, or a restore: all is gone, and indexes begin at `index`.
    pub fn reset(&self, index: u64) {
        self.state.send_modify(|state| {
            state.keys.clear();
            state.deleted.clear();
            state.index = index;
        });
    }

    /// Only this token may read from now on, and nobody may by default.
    pub fn deny_all_but(&self, token: &str) {
        self.state.send_modify(|state| state.token = Some(token.to_owned()));
    }

    /// The next requests meet these, one each, as soon as they come.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.send_modify(|state| state.faults.extend(faults));
    }

    /// All queries that are being held end with this.
    pub fn interrupt(&self, fault: Fault) {
        self.state.send_modify(|state| state.interrupt = (state.interrupt.0 + 1, Some(fault)));
    }

    /// Waits until the state is like this, and returns it.
    pub async fn until(&self, like: impl FnMut(&State) -> bool) -> State {
        let mut receiver = self.state.subscribe();
        let found = timeout(Duration::from_secs(20), receiver.wait_for(like)).await.map(|state| state.unwrap().clone());
        found.unwrap_or_else(|_| panic!("not so within 20 s: {:#?}", self.state.borrow()))
    }

    /// Waits until a blocking query is being held.
    pub async fn until_held(&self) -> State {
        self.until(|state| state.held > 0).await
    }

    /// The state of now.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }
}

impl State {
    fn put(&mut self, key: &str, value: &[u8]) {
        if self.keys.get(key).is_none_or(|known| known.value != value) {
            self.index += 1;
            self.keys.insert(key.to_owned(), Key { value: value.to_vec(), modified: self.index });
        }
    }

    fn delete(&mut self, key: &str) {
        if self.keys.remove(key).is_some() {
            self.index += 1;
            self.deleted.insert(key.to_owned(), self.index);
        }
    }

    /// What is there, and its index: the newest write inside, or of the whole store if there is nothing.
    fn read(&self, key: &str, recurse: bool) -> (Vec<serde_json::Value>, u64) {
        let inside = |name: &String| if recurse { name.starts_with(key) } else { name == key };
        let list: Vec<_> = self.keys.iter().filter(|(name, _)| inside(name)).collect();
        let written = list.iter().map(|(_, key)| key.modified);
        let deleted = self.deleted.iter().filter(|(name, _)| inside(name)).map(|(_, index)| *index);
        let index = if list.is_empty() { self.index } else { written.chain(deleted).max().unwrap_or(1) };
        let pair = |(name, key): &(&String, &Key)| {
            let value = (!key.value.is_empty()).then(|| STANDARD.encode(&key.value));
            json!({ "LockIndex": 0, "Key": name, "Flags": 0, "Value": value, "CreateIndex": key.modified,
                "ModifyIndex": key.modified })
        };
        (list.iter().map(pair).collect(), index.max(1))
    }
}
