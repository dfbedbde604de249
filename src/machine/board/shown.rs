//! What is only shown: it decides nothing.

use std::collections::VecDeque;

use super::super::history::Entry;
use super::super::history::record::TAIL;
use super::super::moment::Moment;
use super::deployment::Validation;
use super::reload::{ConfigReload, Pending};
use super::sources::Sources;
use super::totals::Totals;

/// What stands on the board and decides nothing.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Shown {
    pub(in super::super) sources: Sources,
    /// Why what should be kept on disk is not.
    pub(in super::super) disk: Option<String>,
    /// Why the sockets that are held for the service do not do all that they should.
    pub(in super::super) sockets: Option<String>,
    /// What a person should look at in the fleet.
    pub(in super::super) fleet: Vec<String>,
    /// Why what runs may not be what the sources want, if they have been silent for long.
    pub(in super::super) stale: Option<String>,
    pub(in super::super) totals: Totals,
    pub(in super::super) validation: Option<Validation>,
    reload: Option<ConfigReload>,
    history: VecDeque<Entry>,
}

impl Shown {
    /// With what the last deployment was answered.
    pub(in super::super) fn new(validation: Option<Validation>) -> Self {
        Self { validation, ..Self::default() }
    }

    /// The newest lines of history, the newest last.
    pub(in super::super) fn history(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.history.iter()
    }

    /// One more line of history; the oldest goes.
    pub(in super::super) fn remember(&mut self, entry: Entry) {
        self.history.push_back(entry);
        if self.history.len() > TAIL {
            self.history.pop_front();
        }
    }

    /// What came of the last reading of our own configuration.
    pub(super) fn reload(&self) -> Option<&ConfigReload> {
        self.reload.as_ref()
    }

    /// Our own configuration was read again.
    pub(in super::super) fn reloaded(&mut self, outcome: Result<Pending, Vec<String>>, at: Moment) {
        self.reload = Some(ConfigReload::after(self.reload.take(), outcome, at));
    }

    /// A start of the service takes up what waited for it.
    pub(in super::super) fn start_takes_up(&mut self) {
        if let Some(reload) = &mut self.reload {
            reload.pending.service.clear();
        }
    }
}
