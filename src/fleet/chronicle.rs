//! The history of an instance over the last day, for the fleet's folder: what became of each change and how long its steps took,
//! deployments, and outages. Pure: it gets each board, and returns what to write.
//!
//! The record has no session, so that it outlives a restart of its lictor.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::details::{is_zero, named};
use super::layout::{LARGEST, Member, json, short_line};
use crate::environment::Fingerprint;
use crate::machine::Board;
use crate::machine::board::deployment::Deployment;
use crate::machine::board::{CheckState, Phase};
use crate::machine::history::{Entry, Outcome};
use crate::machine::policy::Role;
use crate::machine::steps::Steps;

/// The form of this record.
const FORM: u32 = 1;
/// The limits of the record: its events, its bytes, and their age in milliseconds, which is a day plus what clocks may differ.
const KEPT: usize = 40;
const BYTES: usize = 12 << 10;
const DAY_MS: u64 = 25 * 60 * 60 * 1_000;
/// For how many variables the record keeps who wrote them.
const WRITERS: usize = 5;

/// The record under `history/INSTANCE`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryRecord {
    /// The form of this record.
    pub v: u32,
    /// The instance.
    #[serde(flatten)]
    pub member: Member,
    /// The version that ran when this was written; if it changes later, that is a deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The events, the newest last.
    pub events: Vec<Happening>,
}

/// Something that happened to an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Happening {
    /// When it ended, in Unix milliseconds by the instance's clock; for an outage, when it began.
    pub at: u64,
    /// What.
    pub what: What,
    /// The key of the change's record in the fleet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// Names of the variables that changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// How many more there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_keys: usize,
    /// Who wrote the first of them, as far as Consul knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<WrittenBy>,
    /// Why, as a short sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// How long each step of the road took, in milliseconds.
    #[serde(skip_serializing_if = "Steps::is_empty")]
    pub steps: Steps,
    /// The version that has run since then, or that a deployment asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The deployment that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// How long it lasted, in milliseconds; `None` while an outage goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
}

/// What Consul knows about the last write of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WrittenBy {
    /// The variable.
    pub key: String,
    /// Its source, as a person reads it.
    pub source: String,
    /// Consul's `ModifyIndex`.
    pub index: u64,
    /// The flags that its writer has set; 0: none.
    pub flags: u64,
    /// The session that holds it locked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// What can happen to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum What {
    /// What became of a change, a deployment or an operator's request, as the instance's own history tells.
    Became(Outcome),
    /// What is in no history of one instance.
    Instance(InstanceEvent),
}

/// What the history of an instance does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceEvent {
    /// Another version runs.
    Deployed,
    /// The instance was not ready, and nothing had been planned.
    Outage,
    /// A word of a newer lictor.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Default for What {
    fn default() -> Self {
        Self::Instance(InstanceEvent::default())
    }
}

impl What {
    /// The event of a line of history, if it belongs here. An exit is part of an outage.
    fn of(outcome: Outcome) -> Option<Self> {
        Some(outcome).filter(|outcome| !matches!(outcome, Outcome::Exited | Outcome::Unresponsive)).map(Self::Became)
    }
}

impl HistoryRecord {
    /// Reads a record; `None`: no lictor wrote it, or a newer one in a form that this one cannot read.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        Some(bytes).filter(|bytes| bytes.len() <= LARGEST).and_then(|bytes| serde_json::from_slice(bytes).ok())
    }

    /// When the last event was; 0: there is none.
    pub(super) fn newest(&self) -> u64 {
        self.events.iter().map(|event| event.at.saturating_add(event.took_ms.unwrap_or(0))).max().unwrap_or(0)
    }
}

/// The history of one instance, as it grows.
#[derive(Debug, Default)]
pub(super) struct Chronicle {
    events: VecDeque<Happening>,
    version: Option<String>,
    /// The newest line of the board's history that has been taken over.
    last: Option<Entry>,
    /// Whether the instance has been ready since this lictor began, and still is. Before that, not being ready is not an outage.
    ready: bool,
}

impl Chronicle {
    /// Continues the record of an earlier lictor of the same instance.
    pub(super) fn of(record: Option<HistoryRecord>) -> Self {
        let record = record.unwrap_or_default();
        let mut events: VecDeque<_> = record.events.into();
        // Whether it went on while nobody looked, is not known.
        events.retain(|event| event.what != What::Instance(InstanceEvent::Outage) || event.took_ms.is_some());
        Self { events, version: record.version, ..Self::default() }
    }

    /// Takes over the events of this board; returns whether anything is new. `change` gives the key of the change that led to an
    /// environment.
    pub(super) fn see(&mut self, board: &Board, now: u64, change: impl Fn(Fingerprint) -> Option<String>) -> bool {
        let mut news = Vec::new();
        let mut is_new = false;
        if let Some(version) = &board.build.running.version
            && self.version.as_deref() != Some(short_line(version).as_str())
        {
            let before = self.version.replace(short_line(version));
            is_new = true;
            news.extend(before.map(|before| Happening {
                at: board.process.as_ref().map_or(now, |process| board.epoch_unix_ms + process.started.0),
                what: What::Instance(InstanceEvent::Deployed),
                why: format!("{before} before"),
                version: Some(short_line(version)),
                ..Happening::default()
            }));
        }
        let known = self.last.as_ref().and_then(|last| board.history.iter().rposition(|entry| entry == last));
        let fresh = board.history.iter().skip(known.map_or(0, |known| known + 1));
        // Events that an earlier lictor has recorded are not recorded again.
        let told = self.events.iter().map(|event| event.at).max().filter(|_| self.last.is_none()).unwrap_or(0);
        news.extend(fresh.filter(|entry| entry.at_unix_ms > told).filter_map(|entry| happening(entry, &change)));
        self.last = board.history.last().cloned().or(self.last.take());
        is_new |= self.outage(board, now);
        is_new |= !news.is_empty();
        self.events.extend(news);
        while self.events.len() > KEPT || self.events.front().is_some_and(|event| event.at.saturating_add(DAY_MS) < now)
        {
            self.events.pop_front();
        }
        is_new
    }

    /// Whether an outage has begun or ended.
    fn outage(&mut self, board: &Board, now: u64) -> bool {
        let going_on = self
            .events
            .iter_mut()
            .rev()
            .find(|event| event.what == What::Instance(InstanceEvent::Outage) && event.took_ms.is_none());
        if board.ready {
            self.ready = true;
            let Some(outage) = going_on else { return false };
            outage.took_ms = Some(now.saturating_sub(outage.at));
            return true;
        }
        let planned = board.stopping
            || board.candidate.is_some()
            || matches!(board.phase, Phase::Leaving | Phase::Stopping)
            || (board.phase == Phase::Starting && board.last_exit.as_ref().is_none_or(|exit| exit.crashes == 0));
        if planned || !std::mem::take(&mut self.ready) || going_on.is_some() {
            return false;
        }
        self.events.push_back(Happening {
            at: now,
            what: What::Instance(InstanceEvent::Outage),
            why: why(board),
            ..Happening::default()
        });
        true
    }

    /// The record to write.
    pub(super) fn record(&self, member: &Member) -> HistoryRecord {
        let mut record = HistoryRecord {
            v: FORM,
            member: member.clone(),
            version: self.version.clone(),
            events: self.events.iter().cloned().collect(),
        };
        while json(&record).len() > BYTES && !record.events.is_empty() {
            let half = record.events.len().div_ceil(4);
            record.events.drain(..half);
        }
        record
    }
}

/// Why the instance is not ready, without what a check says.
fn why(board: &Board) -> String {
    let failing = |check: &&crate::machine::board::CheckPicture| {
        check.state == CheckState::Failing && matches!(check.role, Role::Readiness | Role::Startup)
    };
    let names: Vec<String> = board.checks.iter().filter(failing).map(|check| short_line(&check.name)).collect();
    match (&board.process, &board.last_exit) {
        (None, Some(exit)) => short_line(&exit.text),
        _ if !names.is_empty() => short_line(&format!("{}: not passing", crate::line::listed(&names, 3))),
        (_, Some(exit)) => short_line(&exit.text),
        (_, None) => "not ready".to_owned(),
    }
}

fn happening(entry: &Entry, change: impl Fn(Fingerprint) -> Option<String>) -> Option<Happening> {
    let what = What::of(entry.outcome)?;
    let (keys, more_keys) = named(&entry.keys);
    let written = entry.from.iter().take(WRITERS).filter_map(|origin| {
        let written = origin.written.as_ref()?;
        Some(WrittenBy {
            key: short_line(&origin.key),
            source: short_line(&origin.source),
            index: written.index,
            flags: written.flags,
            session: written.session.as_deref().map(short_line),
        })
    });
    let id = |deployment: &Deployment| short_line(&deployment.id);
    Some(Happening {
        at: entry.at_unix_ms,
        what,
        change: entry.environment.filter(|_| !keys.is_empty()).and_then(change),
        more_keys: more_keys + entry.more_keys,
        keys,
        written: written.collect(),
        why: short_line(&entry.why),
        steps: entry.steps.clone(),
        version: None,
        deployment: entry.deployment.as_ref().map(id),
        took_ms: entry.propagation_ms,
    })
}

#[cfg(test)]
mod tests;
