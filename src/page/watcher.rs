//! The one blocking query to Consul, however many browsers have the page open.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::fleets::{Fleets, Standing};
use crate::consul::kv::{Folder, Row};
use crate::consul::watch::{Content, Rules, Verdict};
use crate::consul::{Client, Connection, Error, Pacer};

/// The pause after each answer, so that changes that come together are read together ...
const QUIET: Duration = Duration::from_millis(150);
/// ... which is also this many times as long as the reading took: of a large fleet it takes a hundredth of one CPU, and drawing
/// takes about as much again ...
const SHARE: u32 = 100;
/// ... but a change is seen within a second.
const LONGEST: Duration = Duration::from_millis(700);

/// Which fleets are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every one below `lictor/`.
    All,
    /// The one in this folder.
    One {
        /// Its name.
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

/// Watches the fleets' folder and publishes its contents.
pub(super) struct Watcher {
    pacer: Pacer,
    folder: Folder,
    scope: Scope,
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
            pacer: Pacer::new(client, rules),
            scope,
            stamp: (0, None),
            fleets,
        };
        Ok((watcher, latest))
    }

    /// Runs until there can be no more readers.
    pub(super) async fn run(&mut self) {
        while !self.fleets.is_closed() {
            match self.look().await {
                Ok(Some(effort)) => sleep((effort * SHARE).clamp(QUIET, LONGEST)).await,
                Ok(None) => {}
                Err(error) => self.failed(&error),
            }
        }
    }

    /// Asks once. Returns how long it took to read the answer, if there was anything new in it.
    async fn look(&mut self) -> Result<Option<Duration>, Error> {
        let query = self.pacer.next().await?;
        let listing = self.pacer.client().listing(&self.folder, &query).await?;
        let begun = Instant::now();
        let is_news = self.took(listing.index, &listing.rows()?);
        Ok(is_news.then(|| begun.elapsed()))
    }

    /// Publishes what has been listed, unless it is nothing new, or too much of it is gone to be believed at once. Returns whether
    /// it was published.
    fn took(&mut self, index: u64, rows: &[Row<'_>]) -> bool {
        let before = Arc::clone(&self.fleets.borrow());
        let stamp = (rows.len(), rows.iter().map(|row| row.modify_index).max());
        let fleets = Fleets::read(rows, self.scope.only(), &before, unix_ms());
        // A list that has lost half of its keys is believed only after a consistent read.
        let (now, was) = (fleets.instances(), before.instances());
        let content = match stamp == self.stamp && fleets.consul == before.consul {
            true => Content::Same,
            false if now * 2 <= was && was > 0 => Content::Fewer,
            false => Content::Changed,
        };
        if self.pacer.answered(index, content) == Verdict::Confirm || content == Content::Same {
            return false;
        }
        self.stamp = stamp;
        self.fleets.send_replace(Arc::new(fleets));
        true
    }

    /// What was known stays, with the time since when nothing new is.
    fn failed(&mut self, error: &Error) {
        self.pacer.failed(error.class());
        let why = error.sentence();
        self.fleets.send_if_modified(|fleets| {
            let since = if let Standing::Away { since, .. } = fleets.consul { since } else { unix_ms() };
            let away = Standing::Away { since, why };
            let is_news = fleets.consul != away;
            if is_news {
                tracing::warn!(why = error.sentence(), "Consul does not answer; the page shows the last known state");
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
