//! The state that is only shown: no decision depends on it.

use std::collections::VecDeque;

use super::super::history::Entry;
use super::super::history::record::TAIL;
use super::super::moment::Moment;
use super::deployment::Validation;
use super::reload::{ConfigReload, Pending};
use super::sources::Sources;
use super::totals::Totals;

/// What stands on the board, and no decision depends on.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Shown {
    pub(in super::super) sources: Sources,
    /// Why the state cannot be kept on the disk.
    pub(in super::super) disk: Option<String>,
    /// Why the sockets that are held for the service do not work completely.
    pub(in super::super) sockets: Option<String>,
    /// What a person should look at in the fleet.
    pub(in super::super) fleet: Vec<String>,
    /// Why the running environment may be out of date, if sources have not answered for long.
    pub(in super::super) stale: Option<String>,
    pub(in super::super) totals: Totals,
    pub(in super::super) validation: Option<Validation>,
    reload: Option<ConfigReload>,
    history: VecDeque<Entry>,
}

impl Shown {
    /// With the answer that the last deployment got.
    pub(in super::super) fn new(validation: Option<Validation>) -> Self {
        Self { validation, ..Self::default() }
    }

    /// The newest lines of history, the newest last.
    pub(in super::super) fn history(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.history.iter()
    }

    /// Adds a line of history, and removes the oldest one.
    pub(in super::super) fn remember(&mut self, entry: Entry) {
        self.history.push_back(entry);
        if self.history.len() > TAIL {
            self.history.pop_front();
        }
    }

    /// The result of the last reload of our own configuration.
    pub(super) fn reload(&self) -> Option<&ConfigReload> {
        self.reload.as_ref()
    }

    /// Our own configuration was read again.
    pub(in super::super) fn reloaded(&mut self, outcome: Result<Pending, Vec<String>>, at: Moment) {
        self.reload = Some(ConfigReload::after(self.reload.take(), outcome, at));
    }

    /// The service is started, so nothing waits for its start any more.
    pub(in super::super) fn start_takes_up(&mut self) {
        if let Some(reload) = &mut self.reload {
            reload.pending.service.clear();
        }
    }
}
