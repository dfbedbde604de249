//! The record of an instance in the fleet's folder. It has no value and no plain digest of one: only words, numbers and keyed marks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::details::Details;
use super::layout::{Member, short_line};
use super::mark::Mark;
use super::reading::ReadingShown;
use super::rules::Rules;
use super::unreadable::{Unreadable, parse_form};
use super::writes::{Op, Written};
use crate::machine::Moment;
use crate::machine::deployment::Verdict;

/// The state of an instance, for the other hosts and for operators.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "a picture in JSON: each is a member of its own")]
pub struct Shown {
    /// Whether its startup and readiness checks pass.
    #[serde(default)]
    pub ready: bool,
    /// Whether all of its checks pass.
    #[serde(default)]
    pub healthy: bool,
    /// Whether its environment is still on trial.
    #[serde(default)]
    pub on_trial: bool,
    /// The phase of the process: `up`, `starting`, ...
    #[serde(default)]
    pub phase: String,
    /// The version of the build that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The version of the build on the disk, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed: Option<String>,
    /// Whether the newest configuration is settled: it runs, or a hold or a verdict keeps it from running.
    #[serde(default)]
    pub settled: bool,
    /// The deployment that was validated last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentShown>,
    /// The state of its config: `good`, `trial`, `halted`, ...
    #[serde(default)]
    pub state: String,
    /// The keyed mark of its environment: instances on the same config have the same mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Mark>,
    /// The config message, as a short sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Which folders of the KV store it reads, and what of them runs; missing from an older lictor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<Box<ReadingShown>>,
    /// Further details for the page; missing from an older lictor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<Details>>,
}

/// A deployment, and the answer that it got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentShown {
    /// Its ID.
    pub id: String,
    /// Whether the answer was yes.
    pub verdict: Verdict,
}

impl Shown {
    /// Whether it serves requests, and nothing is being taken back.
    pub(super) fn is_back(&self) -> bool {
        self.ready && !self.on_trial
    }
}

/// The record of an instance in the form that is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceRecord {
    /// The form of this record.
    #[serde(default)]
    pub v: u32,
    /// The instance.
    #[serde(flatten)]
    pub member: Member,
    /// The service's name in Consul's catalog.
    #[serde(default)]
    pub service: String,
    /// The identity of its lictor, which stays the same over restarts.
    #[serde(default)]
    pub owner: String,
    /// The `limit` of its `fleet {}`.
    #[serde(default)]
    pub limit: String,
    /// Since when it has been in this state, in Unix milliseconds by the instance's clock.
    #[serde(default)]
    pub at: u64,
    /// Its state.
    #[serde(flatten)]
    pub shown: Shown,
}

/// The form of the records that this lictor writes.
const FORM: u32 = 1;
/// The least time between two writes of a record.
const PAUSE: Duration = Duration::from_secs(1);

impl InstanceRecord {
    /// Reads a record, whoever wrote it.
    ///
    /// # Errors
    /// It is too large, of a form that is too new, or something else.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        parse_form(bytes, FORM)
    }

    pub(super) fn new(member: &Member, owner: &str, rules: &Rules, shown: &Shown, at: u64) -> Self {
        let short = |text: &Option<String>| text.as_deref().map(short_line);
        Self {
            v: FORM,
            member: member.clone(),
            service: short_line(&rules.service),
            owner: owner.to_owned(),
            limit: rules.limit.to_string(),
            at,
            shown: Shown {
                version: short(&shown.version),
                installed: short(&shown.installed),
                note: short(&shown.note),
                deployment: shown
                    .deployment
                    .clone()
                    .map(|deployment| DeploymentShown { id: short_line(&deployment.id), ..deployment }),
                ..shown.clone()
            },
        }
    }
}

/// When the record is written.
#[derive(Debug, Default)]
pub(super) struct Record {
    due: Option<Moment>,
    last: Option<Moment>,
    op: Option<Op>,
}

impl Record {
    /// There is something new to write.
    pub(super) fn changed(&mut self, now: Moment) {
        let earliest = self.last.map_or(now, |last| last + PAUSE).max(now);
        self.due = Some(self.due.map_or(earliest, |due| due.min(earliest)));
    }

    pub(super) fn due(&self) -> Option<Moment> {
        self.due.filter(|_| self.op.is_none())
    }

    pub(super) fn begin(&mut self, now: Moment, op: Op) {
        (self.due, self.last, self.op) = (None, Some(now), Some(op));
    }

    pub(super) fn written(&mut self, now: Moment, op: Op, written: &Written) {
        if self.op != Some(op) {
            return;
        }
        self.op = None;
        if *written != Written::Done {
            self.postpone(now);
        }
    }

    /// It cannot be written now.
    pub(super) fn postpone(&mut self, now: Moment) {
        self.due = Some(now + 3 * PAUSE);
    }
}
