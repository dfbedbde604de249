//! Composes the sources' snapshots into one wish, once every required source has answered. If a start has waited long
//! enough, the part of the last good environment that came from a silent source stands in for its answer.

mod memory;
mod once;

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use memory::Memory;
pub use once::{AskedOnce, Silent};

use crate::consul::Client;
use crate::environment::source_keys::Keys;
use crate::environment::{
    Entry, Environment, FingerprintKey, Layer, Rules, Snapshot, SourceKeys, compose, have_same_content,
};
use crate::machine::event::{Need, SourceReport};
use crate::machine::{Event, Moment};
use crate::source::{self, Host, Kind, Spec};

type Word = watch::Receiver<Arc<Snapshot>>;

/// A source that has changed, or whose task has ended, by its index.
type Next = Result<(usize, Word), usize>;

/// One source: its configuration, its last snapshot, and its task, which ends with it.
struct Source {
    spec: Spec,
    word: Word,
    task: JoinSet<()>,
}

impl Source {
    fn begin(spec: Spec, client: Option<&Arc<Client>>, host: Host) -> Self {
        let mut task = JoinSet::new();
        let word = source::spawn(&mut task, &spec.on(host), client);
        Self { spec, word, task }
    }
}

/// Watches all sources and composes their snapshots.
pub struct Composer {
    sources: Vec<Source>,
    client: Option<Arc<Client>>,
    rules: Rules,
    key: FingerprintKey,
    memory: Option<Memory>,
    /// Fresh until something has been composed.
    host: Host,
    waiting: FuturesUnordered<BoxFuture<'static, Next>>,
    /// The lists that were composed last, so that a change of freshness alone composes nothing.
    lists: Option<Vec<Option<Arc<[Entry]>>>>,
    reported: Vec<SourceReport>,
    warned: Vec<String>,
}

impl std::fmt::Debug for Composer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Composer").field("sources", &self.sources.len()).finish_non_exhaustive()
    }
}

impl Composer {
    /// Starts these sources, later ones winning, with the rules for all of them; `client` asks Consul. Fingerprints are made with `key`;
    /// `host` says whether this host could start without the sources' first answers.
    pub fn new(specs: Vec<Spec>, rules: Rules, client: Option<Arc<Client>>, key: FingerprintKey, host: Host) -> Self {
        let sources: Vec<_> = specs.into_iter().map(|spec| Source::begin(spec, client.as_ref(), host)).collect();
        let waiting = waiting(&sources);
        Self {
            sources,
            client,
            rules,
            key,
            memory: None,
            host,
            waiting,
            lists: None,
            reported: Vec::new(),
            warned: Vec::new(),
        }
    }

    /// Sets what a source contributes while it stays silent: what it gave last.
    #[must_use]
    pub fn remembering(self, memory: Option<Memory>) -> Self {
        Self { memory, ..self }
    }

    /// Replaces the sources and the rules. A source that has not changed goes on; the others are ended or started.
    pub fn change(&mut self, specs: Vec<Spec>, rules: Rules, client: Option<Arc<Client>>) {
        let same_client = match (&self.client, &client) {
            (Some(before), Some(now)) => Arc::ptr_eq(before, now),
            (None, None) => true,
            _ => false,
        };
        let mut before = std::mem::take(&mut self.sources);
        let kept = |old: &Source, new: &Spec| old.spec == *new && (same_client || !matches!(new.kind, Kind::Consul(_)));
        for spec in specs {
            let source = match before.iter().position(|old| kept(old, &spec)) {
                Some(place) => before.swap_remove(place),
                None => Source::begin(spec, client.as_ref(), self.host),
            };
            self.sources.push(source);
        }
        (self.client, self.rules, self.lists) = (client, rules, None);
        self.waiting = waiting(&self.sources);
    }

    /// Waits until any source has a new snapshot. Cancel-safe.
    pub async fn changed(&mut self) {
        loop {
            match self.waiting.next().await {
                Some(Ok((index, word))) => {
                    self.waiting.push(next(index, word));
                    return;
                }
                // A source whose task has ended keeps its last snapshot.
                Some(Err(index)) => self.report_dead_source(index).await,
                None => std::future::pending::<()>().await,
            }
        }
    }

    /// Reports that a source has failed for good.
    async fn report_dead_source(&mut self, index: usize) {
        let Some(source) = self.sources.get_mut(index) else { return };
        if let Some(Err(error)) = source.task.join_next().await {
            tracing::error!(%error, "{} is no longer watched: its task has met a bug of lictor", source.spec.name);
        }
    }

    /// The events about the sources that the machine has not received yet.
    pub fn events(&mut self, now: Moment) -> Vec<Event> {
        let snapshots: Vec<_> = self.sources.iter().map(|source| Arc::clone(&source.word.borrow())).collect();
        let mut events = Vec::new();
        events.extend(self.composed(&snapshots, now));
        events.extend(self.report(&snapshots, now));
        events
    }

    /// Waits for the next wish, or until the sources do not compose to one. Logs each source's trouble once.
    pub async fn wish(&mut self) -> Event {
        loop {
            // Without a memory the time does not matter.
            for event in self.events(Moment(0)) {
                match event {
                    Event::Sources { sources } => {
                        for source in sources.iter().filter(|source| source.keys.is_none()) {
                            if let Some(error) = &source.freshness.error {
                                tracing::warn!("{} has not answered yet: {error}", source.name);
                            }
                        }
                    }
                    wish => {
                        for remark in self.remarks() {
                            tracing::warn!("{remark}");
                        }
                        return wish;
                    }
                }
            }
            self.changed().await;
        }
    }

    /// What the sources have left out of what they read, and why.
    fn remarks(&self) -> Vec<String> {
        self.sources.iter().flat_map(|source| source.word.borrow().freshness.warnings.clone()).collect()
    }

    fn report(&mut self, snapshots: &[Arc<Snapshot>], now: Moment) -> Option<Event> {
        let report = |(source, snapshot): (&Source, &Arc<Snapshot>)| SourceReport {
            name: Arc::clone(&source.spec.name),
            keys: snapshot.entries.as_ref().map(|entries| entries.len()),
            need: self.need(source, snapshot, snapshots, now),
            freshness: snapshot.freshness.clone(),
        };
        let sources: Vec<_> = self.sources.iter().zip(snapshots).map(report).collect();
        if sources == self.reported {
            return None;
        }
        self.reported.clone_from(&sources);
        Some(Event::Sources { sources })
    }

    fn composed(&mut self, snapshots: &[Arc<Snapshot>], now: Moment) -> Option<Event> {
        if !self.is_complete(snapshots, now) {
            return None;
        }
        if snapshots.iter().all(|snapshot| snapshot.entries.is_some()) {
            // Every source has answered: the memory is not needed any more.
            self.memory = None;
        }
        let lists: Vec<_> = snapshots.iter().map(|snapshot| snapshot.entries.clone()).collect();
        if self
            .lists
            .as_ref()
            .is_some_and(|before| before.iter().zip(&lists).all(|(a, b)| same(a.as_ref(), b.as_ref())))
        {
            self.lists = Some(lists);
            return None;
        }
        let (mut layers, mut remembered) = (Vec::new(), Vec::new());
        for (Source { spec, .. }, snapshot) in self.sources.iter().zip(snapshots) {
            if let Some(entries) = snapshot.entries.clone() {
                layers.push(Layer { origin: Arc::clone(&spec.name), mapping: spec.mapping.clone(), entries });
            } else if let Some(last) = self.memory.as_ref().and_then(|memory| memory.of(spec)) {
                layers.push(last.layer);
                remembered.push((Arc::clone(&spec.name), last.keys));
            }
        }
        let event = match compose(&layers, &self.rules, &self.key) {
            Ok(composition) => {
                self.warn(composition.warnings);
                let environment = Arc::new(recorded(composition.environment, &remembered));
                Event::Wish { environment, violations: composition.violations }
            }
            Err(unfit) => Event::Unfit { reasons: unfit.reasons },
        };
        self.lists = Some(lists);
        self.host = Host::Known;
        Some(event)
    }

    /// Whether the sources can be composed: none is awaited.
    fn is_complete(&self, snapshots: &[Arc<Snapshot>], now: Moment) -> bool {
        let mut all = self.sources.iter().zip(snapshots);
        all.all(|(source, snapshot)| self.need(source, snapshot, snapshots, now) == Need::None)
    }

    /// Whether a source is awaited. A required one is, until it has answered, or until the start has waited long enough, another
    /// source has answered, and it is known what this one gave last.
    fn need(&self, source: &Source, snapshot: &Snapshot, all: &[Arc<Snapshot>], now: Moment) -> Need {
        let due = |memory: &&Memory| memory.is_due(now) && all.iter().any(|snapshot| snapshot.entries.is_some());
        let is_known = || self.memory.as_ref().filter(due).is_some_and(|memory| memory.of(&source.spec).is_some());
        if !source.spec.required || snapshot.entries.is_some() || is_known() { Need::None } else { Need::Awaited }
    }

    fn warn(&mut self, warnings: Vec<String>) {
        for warning in warnings.iter().filter(|warning| !self.warned.contains(warning)) {
            tracing::warn!("{warning}");
        }
        self.warned = warnings;
    }
}

/// A remembered source is recorded with the keys that it had then, not with the names of its variables.
fn recorded(environment: Environment, remembered: &[(Arc<str>, Option<Keys>)]) -> Environment {
    if remembered.is_empty() {
        return environment;
    }
    let mut source_keys = SourceKeys::default();
    let silent = |source: &Arc<str>| remembered.iter().any(|(name, _)| name == source);
    for (source, keys) in environment.source_keys().sources().filter(|(source, _)| !silent(source)) {
        source_keys.add(source, keys.iter().cloned());
    }
    for (source, keys) in remembered {
        if let Some(keys) = keys {
            source_keys.add(source, keys.iter().cloned());
        }
    }
    environment.with_source_keys(source_keys)
}

fn waiting(sources: &[Source]) -> FuturesUnordered<BoxFuture<'static, Next>> {
    sources.iter().enumerate().map(|(index, source)| next(index, source.word.clone())).collect()
}

fn next(index: usize, mut word: Word) -> BoxFuture<'static, Next> {
    Box::pin(async move {
        word.changed().await.map_err(|_| index)?;
        Ok((index, word))
    })
}

/// Whether the keys and values are the same: a key that was written again with its old value composes to nothing new.
fn same(before: Option<&Arc<[Entry]>>, now: Option<&Arc<[Entry]>>) -> bool {
    match (before, now) {
        (None, None) => true,
        (Some(before), Some(now)) => Arc::ptr_eq(before, now) || have_same_content(before, now),
        _ => false,
    }
}
