//! What came of it.

use super::{Story, name_of, pair_name};
use crate::machine::board::ConfigState;
use crate::machine::history::Outcome;
use crate::machine::laws::replay::Logged;
use crate::machine::order::Pace;
use crate::machine::policy::Policy;
use crate::machine::{Board, Moment};

impl Story {
    /// What was ordered since the last question, in words.
    pub(in crate::machine) fn did(&mut self) -> Vec<String> {
        std::mem::take(&mut self.did)
    }

    /// The pairs that were started since the last question.
    pub(in crate::machine) fn starts(&mut self) -> Vec<String> {
        std::mem::take(&mut self.starts)
    }

    /// What became of wishes and runs since the last question.
    pub(in crate::machine) fn records(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.records)
    }

    pub(in crate::machine) fn forget(&mut self) {
        self.did.clear();
        self.starts.clear();
        self.records.clear();
    }

    pub(in crate::machine) fn board(&mut self) -> Board {
        self.machine.board(None)
    }

    pub(in crate::machine) fn state(&mut self) -> ConfigState {
        self.board().config.state
    }

    pub(in crate::machine) fn message(&mut self) -> String {
        self.board().config.message.unwrap_or_default()
    }

    pub(in crate::machine) fn quarantine(&mut self) -> Vec<String> {
        let quarantine = self.board().config.quarantine;
        quarantine.iter().map(|held| pair_name(&name_of(held.environment), &held.build)).collect()
    }

    /// The good environments that were to be kept last, newest first.
    pub(in crate::machine) fn good(&self) -> Vec<&str> {
        self.good.iter().map(String::as_str).collect()
    }

    /// The pair that runs, or `nothing`.
    pub(in crate::machine) fn running(&self) -> &str {
        self.process.as_ref().map_or("nothing", |process| &process.pair)
    }

    /// The pairs that are alive, the newest first.
    pub(in crate::machine) fn alive(&self) -> Vec<String> {
        self.processes().map(|process| process.pair.clone()).collect()
    }

    /// The pair that new connections go to, or `nothing`.
    pub(in crate::machine) fn connected(&self) -> &str {
        let process = self.processes().find(|process| Some(process.run) == self.connected);
        process.map_or("nothing", |process| &process.pair)
    }

    pub(in crate::machine) fn pace(&self) -> Option<Pace> {
        self.probing.last().map(|(_, pace)| *pace)
    }

    /// All events and orders.
    pub(in crate::machine) fn log(&self) -> &[Logged] {
        &self.log
    }

    /// The policy that it began with.
    pub(in crate::machine) fn first_policy(&self) -> Policy {
        self.first_policy.clone()
    }

    /// How many turns are asked for or had.
    pub(in crate::machine) fn held(&self) -> usize {
        usize::from(self.turn.is_some())
    }

    pub(in crate::machine) fn started_at(&self) -> Moment {
        self.started_at
    }

    pub(in crate::machine) fn now(&self) -> Moment {
        self.now
    }
}
