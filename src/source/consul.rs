//! A folder of Consul's KV store, watched: the watch decides, the client asks, this task publishes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::Receiver;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, sleep_until};

use super::{Prefix, Publisher, Spec};
use crate::consul::kv::{Folder, List};
use crate::consul::watch::{Content, Rules, Verdict};
use crate::consul::{Class, Client, Error, Renewal, Watch};
use crate::environment::{Entry, Snapshot};

/// While it waits after an error it looks this often whether the token file has been mended.
const LOOK: Duration = Duration::from_secs(1);

pub(super) fn spawn(
    tasks: &mut JoinSet<()>,
    spec: &Spec,
    prefix: &Prefix,
    client: Option<&Arc<Client>>,
) -> Receiver<Arc<Snapshot>> {
    let (publisher, receiver) = Publisher::new(&spec.name);
    let Some(client) = client else {
        publisher.failed(Class::Invalid.as_str(), "there is no connection to consul for this source");
        return receiver;
    };
    let rules = Rules { wait: prefix.wait, retry: client.retry(), reread: Rules::REREAD };
    let stream = Stream {
        folder: client.folder(&prefix.path, prefix.datacenter.as_deref()),
        client: Client::clone(client),
        watch: Watch::new(rules, fastrand::u64(..)),
        origin: Instant::now(),
        min_keys: spec.min_keys,
        seen: None,
        publisher,
    };
    tasks.spawn(stream.run());
    receiver
}

struct Stream {
    folder: Folder,
    client: Client,
    watch: Watch,
    origin: Instant,
    min_keys: usize,
    /// What was last accepted, published or too few.
    seen: Option<Arc<[Entry]>>,
    publisher: Publisher,
}

impl Stream {
    async fn run(mut self) {
        loop {
            // What was just published is acted on before the next query is put together.
            yield_now().await;
            self.pause().await;
            match self.client.renew_token() {
                Ok(Renewal::Unchanged) => {}
                Ok(Renewal::Changed) => self.watch.renewed(self.now()),
                Err(error) => {
                    self.fail(&error);
                    continue;
                }
            }
            let query = self.watch.ask(self.now());
            match self.client.list(&self.folder, &query).await {
                Ok(list) => self.take(list),
                Err(error) => self.fail(&error),
            }
        }
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Waits until the next query is due, or the token has changed. In the quiet case it does not wait at all.
    async fn pause(&mut self) {
        loop {
            let due = self.origin + self.watch.due();
            let now = Instant::now();
            if due <= now {
                return;
            }
            sleep_until(due.min(now + LOOK)).await;
            if let Ok(Renewal::Changed) = self.client.renew_token() {
                return self.watch.renewed(self.now());
            }
        }
    }

    fn take(&mut self, list: List) {
        let entries: Vec<_> = list.pairs.into_iter().map(|pair| Entry { key: pair.key, value: pair.value }).collect();
        let content = compare(self.seen.as_deref(), &entries);
        if self.watch.answered(self.now(), list.index, content) == Verdict::Confirm {
            return;
        }
        if content != Content::Same {
            self.seen = Some(entries.into());
        }
        let Some(seen) = &self.seen else { return };
        if seen.len() < self.min_keys {
            let (found, wanted) = (seen.len(), self.min_keys);
            let sentence =
                format!("{found} keys found where min_keys asks for {wanted}; write them, or lower min_keys");
            self.publisher.failed(Class::Invalid.as_str(), &sentence);
            return;
        }
        self.publisher.answered(Arc::clone(seen), Some(list.index), Vec::new());
    }

    fn fail(&mut self, error: &Error) {
        self.watch.failed(self.now(), error.class());
        self.publisher.failed(error.class().as_str(), &error.sentence());
    }
}

/// The new content beside the old.
fn compare(old: Option<&[Entry]>, new: &[Entry]) -> Content {
    match old {
        Some(old) if old == new => Content::Same,
        Some(old) if new.len() * 2 <= old.len() => Content::Fewer,
        Some(_) | None => Content::Changed,
    }
}

#[cfg(test)]
mod tests;
