//! From the sources' snapshots to one wish. Nothing is wished before every required source has answered.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;

use crate::environment::{Entry, Layer, Rules, Snapshot, compose};
use crate::machine::Event;
use crate::machine::event::SourceReport;
use crate::source::Spec;

type Word = watch::Receiver<Arc<Snapshot>>;

/// Watches all sources and composes what they say.
pub struct Composer {
    sources: Vec<(Spec, Word)>,
    rules: Rules,
    waiting: FuturesUnordered<BoxFuture<'static, Option<(usize, Word)>>>,
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
    /// Of these sources, later ones winning, with the rules for all of them.
    pub fn new(sources: Vec<(Spec, Word)>, rules: Rules) -> Self {
        let waiting = sources.iter().enumerate().map(|(index, (_, word))| next(index, word.clone())).collect();
        Self { sources, rules, waiting, lists: None, reported: Vec::new(), warned: Vec::new() }
    }

    /// Waits until any source has something new to say. Cancel-safe.
    pub(super) async fn changed(&mut self) {
        loop {
            match self.waiting.next().await {
                Some(Some((index, word))) => {
                    self.waiting.push(next(index, word));
                    return;
                }
                // A source whose task is gone says nothing any more; its last word stands.
                Some(None) => {}
                None => std::future::pending::<()>().await,
            }
        }
    }

    /// What the machine should hear of the sources now.
    pub(super) fn events(&mut self) -> Vec<Event> {
        let snapshots: Vec<_> = self.sources.iter().map(|(_, word)| Arc::clone(&word.borrow())).collect();
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
        let report = |((spec, _), snapshot): (&(Spec, Word), &Arc<Snapshot>)| SourceReport {
            name: Arc::clone(&spec.name),
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
        let silent =
            |((spec, _), snapshot): (&(Spec, Word), &Arc<Snapshot>)| spec.required && snapshot.entries.is_none();
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
        let layer = |((spec, _), entries): (&(Spec, Word), &Option<Arc<[Entry]>>)| {
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

fn next(index: usize, mut word: Word) -> BoxFuture<'static, Option<(usize, Word)>> {
    Box::pin(async move {
        word.changed().await.ok()?;
        Some((index, word))
    })
}

fn same(before: Option<&Arc<[Entry]>>, now: Option<&Arc<[Entry]>>) -> bool {
    match (before, now) {
        (None, None) => true,
        (Some(before), Some(now)) => Arc::ptr_eq(before, now),
        _ => false,
    }
}
