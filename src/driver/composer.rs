//! From the sources' snapshots to one wish. Nothing is wished before every required source has answered.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::consul::Client;
use crate::environment::{Entry, Layer, Rules, Snapshot, compose};
use crate::machine::Event;
use crate::machine::event::SourceReport;
use crate::source::{self, Kind, Spec};

type Word = watch::Receiver<Arc<Snapshot>>;

/// A source with news, or one whose task is gone, by its place.
type Next = Result<(usize, Word), usize>;

/// One source: what it is, what it said last, and the task behind it, which ends with it.
struct Source {
    spec: Spec,
    word: Word,
    task: JoinSet<()>,
}

impl Source {
    fn begin(spec: Spec, client: Option<&Arc<Client>>) -> Self {
        let mut task = JoinSet::new();
        let word = source::spawn(&mut task, &spec, client);
        Self { spec, word, task }
    }
}

/// Watches all sources and composes what they say.
pub struct Composer {
    sources: Vec<Source>,
    client: Option<Arc<Client>>,
    rules: Rules,
    waiting: FuturesUnordered<BoxFuture<'static, Next>>,
    /// What was composed last: the very lists, so that news of mere freshness compose nothing.
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
    /// Starts these sources, later ones winning, with the rules for all of them; `client` asks Consul.
    pub fn new(specs: Vec<Spec>, rules: Rules, client: Option<Arc<Client>>) -> Self {
        let sources: Vec<_> = specs.into_iter().map(|spec| Source::begin(spec, client.as_ref())).collect();
        let waiting = waiting(&sources);
        Self { sources, client, rules, waiting, lists: None, reported: Vec::new(), warned: Vec::new() }
    }

    /// From now on these are the sources and the rules. What is as it was goes on; the rest ends or begins.
    pub(super) fn change(&mut self, specs: Vec<Spec>, rules: Rules, client: Option<Arc<Client>>) {
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
                None => Source::begin(spec, client.as_ref()),
            };
            self.sources.push(source);
        }
        (self.client, self.rules, self.lists) = (client, rules, None);
        self.waiting = waiting(&self.sources);
    }

    /// Waits until any source has something new to say. Cancel-safe.
    pub(super) async fn changed(&mut self) {
        loop {
            match self.waiting.next().await {
                Some(Ok((index, word))) => {
                    self.waiting.push(next(index, word));
                    return;
                }
                // A source whose task is gone says nothing any more; its last word stands.
                Some(Err(index)) => self.bury(index).await,
                None => std::future::pending::<()>().await,
            }
        }
    }

    /// Says that a source has failed for good.
    async fn bury(&mut self, index: usize) {
        let Some(source) = self.sources.get_mut(index) else { return };
        if let Some(Err(error)) = source.task.join_next().await {
            tracing::error!(%error, "{} has met a bug of lictor's and is not watched any more", source.spec.name);
        }
    }

    /// What the machine should hear of the sources now.
    pub(super) fn events(&mut self) -> Vec<Event> {
        let snapshots: Vec<_> = self.sources.iter().map(|source| Arc::clone(&source.word.borrow())).collect();
        let mut events = Vec::new();
        events.extend(self.composed(&snapshots));
        events.extend(self.report(&snapshots));
        events
    }

    /// Waits for the next wish, or for the news that the sources do not compose to one. Says every source's trouble once.
    pub async fn wish(&mut self) -> Event {
        loop {
            for event in self.events() {
                match event {
                    Event::Sources { sources } => {
                        for source in sources.iter().filter(|source| source.keys.is_none()) {
                            if let Some(error) = &source.freshness.error {
                                tracing::warn!("{} has not answered yet: {error}", source.name);
                            }
                        }
                    }
                    wish => return wish,
                }
            }
            self.changed().await;
        }
    }

    fn report(&mut self, snapshots: &[Arc<Snapshot>]) -> Option<Event> {
        let report = |(source, snapshot): (&Source, &Arc<Snapshot>)| SourceReport {
            name: Arc::clone(&source.spec.name),
            keys: snapshot.entries.as_ref().map(|entries| entries.len()),
            freshness: snapshot.freshness.clone(),
        };
        let sources: Vec<_> = self.sources.iter().zip(snapshots).map(report).collect();
        if sources == self.reported {
            return None;
        }
        self.reported.clone_from(&sources);
        Some(Event::Sources { sources })
    }

    fn composed(&mut self, snapshots: &[Arc<Snapshot>]) -> Option<Event> {
        let silent = |(source, snapshot): (&Source, &Arc<Snapshot>)| source.spec.required && snapshot.entries.is_none();
        if self.sources.iter().zip(snapshots).any(silent) {
            return None;
        }
        let lists: Vec<_> = snapshots.iter().map(|snapshot| snapshot.entries.clone()).collect();
        if self
            .lists
            .as_ref()
            .is_some_and(|before| before.iter().zip(&lists).all(|(a, b)| same(a.as_ref(), b.as_ref())))
        {
            return None;
        }
        let layer = |(Source { spec, .. }, entries): (&Source, &Option<Arc<[Entry]>>)| {
            let entries = entries.clone()?;
            Some(Layer { origin: Arc::clone(&spec.name), mapping: spec.mapping.clone(), entries })
        };
        let layers: Vec<_> = self.sources.iter().zip(&lists).filter_map(layer).collect();
        let event = match compose(&layers, &self.rules) {
            Ok(composition) => {
                self.warn(composition.warnings);
                Event::Wish { environment: Arc::new(composition.environment), violations: composition.violations }
            }
            Err(unfit) => Event::Unfit { reasons: unfit.reasons },
        };
        self.lists = Some(lists);
        Some(event)
    }

    fn warn(&mut self, warnings: Vec<String>) {
        for warning in warnings.iter().filter(|warning| !self.warned.contains(warning)) {
            tracing::warn!("{warning}");
        }
        self.warned = warnings;
    }
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

fn same(before: Option<&Arc<[Entry]>>, now: Option<&Arc<[Entry]>>) -> bool {
    match (before, now) {
        (None, None) => true,
        (Some(before), Some(now)) => Arc::ptr_eq(before, now),
        _ => false,
    }
}
