//! A folder of Consul's KV store, watched: the watch decides, the client asks, this task publishes.

mod seal;

use std::sync::Arc;

use tokio::sync::watch::Receiver;
use tokio::task::{JoinSet, yield_now};

use self::seal::{Seal, Stamp, Standing};
use super::{Commit, FirstSet, Prefix, Publisher, Spec};
use crate::consul::head::Found;
use crate::consul::kv::{Folder, List};
use crate::consul::watch::{Content, Rules, Verdict};
use crate::consul::{Class, Client, Error, Pacer};
use crate::environment::{Entry, Snapshot, WriteInfo, have_same_content};

/// For a host without a sealed set: Consul keeps only the present values.
const UNSEALED: &str = "consul does not keep the set that was sealed last, so this host has none: write the key, or let \
                        new hosts start on such edits (commit_start = \"any\")";

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
    let folder = client.folder(&prefix.path, prefix.datacenter.as_deref());
    let (client, path, min_keys, commit) =
        (Client::clone(client), prefix.path.clone(), spec.min_keys, prefix.commit.clone());
    let begin = move |publisher| {
        let stream = Stream {
            folder: folder.clone(),
            pacer: Pacer::new(client.clone(), rules),
            path: path.clone(),
            min_keys,
            commit: commit.clone(),
            seal: Seal::default(),
            doubts: 0,
            seen: None,
            counted: None,
            publisher,
        };
        stream.run()
    };
    tasks.spawn(super::revived(Arc::new(publisher), begin));
    receiver
}

struct Stream {
    folder: Folder,
    pacer: Pacer,
    path: String,
    min_keys: usize,
    commit: Option<Commit>,
    seal: Seal,
    /// How many lists in a row lacked a key that was there.
    doubts: u32,
    /// The last accepted list, whether it counts or not.
    seen: Option<Arc<[Entry]>>,
    /// The list that counts: the same, or the set that was sealed last.
    counted: Option<Arc<[Entry]>>,
    publisher: Arc<Publisher>,
}

impl Stream {
    async fn run(mut self) {
        loop {
            // Lets others act on the new snapshot before the next query is prepared.
            yield_now().await;
            let query = match self.pacer.next().await {
                Ok(query) => query,
                Err(error) => {
                    self.fail(&error);
                    continue;
                }
            };
            match self.pacer.client().list(&self.folder, &query).await {
                Ok(list) => self.take(list).await,
                Err(error) => self.fail(&error),
            }
        }
    }

    async fn take(&mut self, list: List) {
        let stamp = self.commit.as_ref().map(|commit| Stamp::of(&list, commit.key()));
        let index = list.index;
        let mut entries = self.entries(list);
        if let Some(seen) = &self.seen {
            share(seen, &mut entries);
        }
        let content = compare(self.seen.as_deref(), &entries);
        if self.pacer.answered(index, content) == Verdict::Confirm {
            return;
        }
        if content == Content::Fewer && !self.are_gone(&entries).await {
            return;
        }
        self.doubts = 0;
        self.seen = Some(entries.into());
        let (standing, first) = match (&self.commit, stamp) {
            (Some(Commit::Seals { first, .. }), Some(stamp)) => (self.seal.judge(stamp), *first),
            (Some(Commit::LeftOut(_)) | None, _) | (_, None) => (Standing::Sealed, FirstSet::Sealed),
        };
        let counts = standing == Standing::Sealed || (first == FirstSet::Any && self.counted.is_none());
        if counts {
            self.counted.clone_from(&self.seen);
        }
        self.publish(index, standing);
    }

    /// The commit key is not among them.
    fn entries(&self, list: List) -> Vec<Entry> {
        let commit = self.commit.as_ref().map(Commit::key);
        let pairs = list.pairs.into_iter().filter(|pair| commit != Some(pair.key.as_str()));
        pairs
            .map(|pair| {
                let written = WriteInfo { index: pair.modify_index, flags: pair.flags, session: pair.session };
                Entry { write_info: Some(Arc::new(written)), ..Entry::new(pair.key, pair.value) }
            })
            .collect()
    }

    /// Many keys are missing, so one of them is asked for by name: a list leaves out keys that the token may not read, and old servers
    /// do not report that.
    async fn are_gone(&mut self, entries: &[Entry]) -> bool {
        let missing = |entry: &&Entry| entries.binary_search_by(|other| other.key.cmp(&entry.key)).is_err();
        let Some(entry) = self.seen.iter().flat_map(|seen| seen.iter()).find(missing) else { return true };
        match self.pacer.client().find(&self.folder, &entry.key).await {
            Ok(Found::Nothing) => return true,
            // The key may have come back just now: the next list will show it.
            Ok(Found::Something) if self.doubts == 0 => {
                self.doubts += 1;
                self.pacer.ask_anew();
            }
            Ok(Found::Something) => self.fail(&self.pacer.client().hidden(&self.folder)),
            Err(error) => self.fail(&error),
        }
        false
    }

    /// Publishes what counts, or why nothing does yet.
    fn publish(&self, index: u64, standing: Standing) {
        let key = |commit: &Commit| format!("the commit_key {}{}", self.path, commit.key());
        // On a new host the first set counts, if commit_start allows it.
        let taken = self.counted == self.seen;
        let open = match (standing, &self.commit) {
            (Standing::Open(why), Some(commit)) if taken => {
                Some(format!("this host has started on edits without {}: {why}", key(commit)))
            }
            (Standing::Open(why), Some(commit)) => Some(format!("edits wait for {}: {why}", key(commit))),
            _ => None,
        };
        let Some(counted) = &self.counted else {
            let sentence = match open {
                Some(open) => format!("{open}; {UNSEALED}"),
                None => "nothing has been read yet".to_owned(),
            };
            self.publisher.failed(Class::Invalid.as_str(), &sentence);
            return;
        };
        if counted.len() < self.min_keys {
            let (found, wanted) = (counted.len(), self.min_keys);
            let sentence =
                format!("{found} keys found where min_keys asks for {wanted}; write them, or lower min_keys");
            self.publisher.failed(Class::Invalid.as_str(), &sentence);
            return;
        }
        self.publisher.answered(Arc::clone(counted), Some(index), open.into_iter().collect());
    }

    fn fail(&mut self, error: &Error) {
        self.pacer.failed(error.class());
        self.publisher.failed(error.class().as_str(), &error.sentence());
    }
}

/// Reuses the bytes of values that have not changed, because several environments are kept and most of their values are equal. Both
/// lists are in byte order.
fn share(old: &[Entry], new: &mut [Entry]) {
    let mut old = old.iter().peekable();
    for entry in new {
        while old.next_if(|before| before.key < entry.key).is_some() {}
        if let Some(before) = old.next_if(|before| before.key == entry.key && before.value == entry.value) {
            entry.value = before.value.clone();
        }
    }
}

/// This many keys lost at once are a large loss, however many there were.
const MANY: usize = 3;

/// Compares the new list with the old one.
fn compare(old: Option<&[Entry]>, new: &[Entry]) -> Content {
    let Some(old) = old else { return Content::Changed };
    if have_same_content(old, new) {
        return Content::Same;
    }
    let there = |entry: &&Entry| new.binary_search_by(|other| other.key.cmp(&entry.key)).is_ok();
    let lost = old.len() - old.iter().filter(there).count();
    if lost > 0 && (lost >= MANY || lost * 2 >= old.len()) { Content::Fewer } else { Content::Changed }
}

#[cfg(test)]
mod tests;
