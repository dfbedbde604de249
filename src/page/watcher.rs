//! The one query that waits for Consul, however many browsers look.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::fleets::{Fleets, Standing};
use crate::consul::kv::Folder;
use crate::consul::watch::{Content, Rules, Verdict, Watch};
use crate::consul::{Client, Connection, Error};

/// After each answer Consul is left alone for this long, so that changes that come together are read together ...
const QUIET: Duration = Duration::from_millis(150);
/// ... and for so many times as long as the reading took, so that a large fleet costs a part of one processor only ...
const SHARE: u32 = 30;
/// ... but a change is seen within a second.
const LONGEST: Duration = Duration::from_millis(700);
/// While it waits after an error it looks this often whether the token file has been mended.
const LOOK: Duration = Duration::from_secs(1);

/// Which fleets are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every one below `lictor/`.
    All,
    /// The one in this folder.
    One {
        /// How it is called.
        name: String,
        /// Its folder in the KV store, with `/` at its end.
        folder: String,
    },
}

impl Scope {
    fn folder(&self) -> &str {
        match self {
            Self::All => "lictor/",
            Self::One { folder, .. } => folder,
        }
    }

    fn only(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::One { name, .. } => Some(name),
        }
    }
}

/// Watches the fleets' folder and publishes what it holds.
pub(super) struct Watcher {
    client: Client,
    folder: Folder,
    scope: Scope,
    watch: Watch,
    origin: Instant,
    /// What tells one list from the next: how many keys, and the newest write.
    stamp: (usize, Option<u64>),
    fleets: watch::Sender<Arc<Fleets>>,
}

impl Watcher {
    pub(super) fn new(connection: &Connection, scope: Scope) -> Result<(Self, watch::Receiver<Arc<Fleets>>), Error> {
        let client = Client::new(connection)?;
        let rules = Rules { wait: Rules::WAIT, retry: client.retry(), reread: Rules::REREAD };
        let (fleets, latest) = watch::channel(Arc::default());
        let watcher = Self {
            folder: client.folder(scope.folder(), None),
            watch: Watch::new(rules, fastrand::u64(..)),
            client,
            scope,
            origin: Instant::now(),
            stamp: (0, None),
            fleets,
        };
        Ok((watcher, latest))
    }

    /// Goes on until nobody can look any more.
    pub(super) async fn run(&mut self) {
        while !self.fleets.is_closed() {
            self.pause().await;
            if let Err(error) = self.client.renew_token() {
                self.failed(&error);
                continue;
            }
            let query = self.watch.ask(self.origin.elapsed());
            match self.client.list(&self.folder, &query).await {
                Ok(list) => {
                    let begun = Instant::now();
                    let before = Arc::clone(&self.fleets.borrow());
                    let stamp = (list.pairs.len(), list.pairs.iter().map(|pair| pair.modify_index).max());
                    let fleets = Fleets::read(&list.pairs, self.scope.only(), &before, unix_ms());
                    // Whoever lost half of its keys says so consistently before it is believed.
                    let (now, was) = (fleets.instances(), before.instances());
                    let content = match stamp == self.stamp && fleets.consul == before.consul {
                        true => Content::Same,
                        false if now * 2 <= was && was > 0 => Content::Fewer,
                        false => Content::Changed,
                    };
                    if self.watch.answered(self.origin.elapsed(), list.index, content) == Verdict::Confirm {
                        continue;
                    }
                    if content == Content::Same {
                        continue;
                    }
                    self.stamp = stamp;
                    self.fleets.send_replace(Arc::new(fleets));
                    sleep((begun.elapsed() * SHARE).clamp(QUIET, LONGEST)).await;
                }
                Err(error) => self.failed(&error),
            }
        }
    }

    /// Waits until the next query is due, or the token has changed.
    async fn pause(&mut self) {
        loop {
            let due = self.origin + self.watch.due();
            let now = Instant::now();
            if due <= now {
                return;
            }
            sleep_until(due.min(now + LOOK)).await;
            if let Ok(crate::consul::Renewal::Changed) = self.client.renew_token() {
                return self.watch.renewed(self.origin.elapsed());
            }
        }
    }

    /// What was known stays, with the time since when nothing new is.
    fn failed(&mut self, error: &Error) {
        self.watch.failed(self.origin.elapsed(), error.class());
        let why = error.sentence();
        self.fleets.send_if_modified(|fleets| {
            let since = if let Standing::Away { since, .. } = fleets.consul { since } else { unix_ms() };
            let away = Standing::Away { since, why };
            let is_news = fleets.consul != away;
            if is_news {
                tracing::warn!(why = error.sentence(), "Consul does not answer; the page shows what was known");
                Arc::make_mut(fleets).consul = away;
            }
            is_news
        });
    }
}

impl Fleets {
    fn instances(&self) -> usize {
        self.services.values().map(|service| service.instances.len()).sum()
    }
}

/// By the wall clock, in Unix milliseconds.
pub(super) fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
