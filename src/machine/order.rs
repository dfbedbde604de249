//! What is to be done. An order is handed over, never awaited; what comes of it comes back as an [`Event`](super::Event).

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::build::Build;
use super::history::Entry;
use super::hold::{GuardRecord, Hold};
use super::ledger::{Good, Quarantined};
use super::numbers::{CheckId, GenerationId, RequestId, RunId, TurnId};
use crate::environment::{Environment, Fingerprint};

/// One thing to do, for one room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Start a process; answered by `Started` or `StartFailed`, later by `Exited`.
    Start {
        /// The run that begins.
        run: RunId,
        /// The generation it is a run of.
        generation: GenerationId,
        /// What it is started with.
        environment: Arc<Environment>,
        /// The build that lies on the disk.
        build: Build,
    },
    /// Stop a run: the kill signal to its group, after the timeout KILL, and no survivor; answered by `Exited`.
    Stop {
        /// Which run.
        run: RunId,
    },
    /// Do not wait for the timeout any longer.
    Kill {
        /// Which run.
        run: RunId,
    },
    /// Pass a signal on to the main process.
    Signal {
        /// Which run.
        run: RunId,
        /// The signal's number.
        signal: i32,
    },
    /// Tell the main process of a change without a restart: the file that is kept for it, then the reload signal; answered
    /// by `ReloadFailed` if that cannot be done.
    Reload {
        /// Which run.
        run: RunId,
        /// What it shall be on from now on.
        environment: Arc<Environment>,
    },
    /// Probe this run from now on, at this pace (an order for the same run changes the pace and what it runs on). Other
    /// runs are probed as before.
    Probe {
        /// Which run.
        run: RunId,
        /// How often.
        pace: Pace,
        /// What it runs on.
        environment: Arc<Environment>,
    },
    /// Do not probe this run any more.
    StopProbing {
        /// Which run.
        run: RunId,
    },
    /// Two runs are alive: this share of the new connections goes to this one from now on, and the rest to the other;
    /// answered by `Steered` or `SteerFailed`. A level: an order replaces the one before. Of runs that were started while
    /// another one was alive, none gets a connection before it.
    Steer {
        /// Which run.
        run: RunId,
        /// How many of a hundred.
        share: u8,
    },
    /// Write the file that is kept for the service: the run that stays is on this.
    WriteFile {
        /// What it is on.
        environment: Arc<Environment>,
    },
    /// Run the check command with this environment; answered by `Checked`.
    Check {
        /// Which one.
        check: CheckId,
        /// The candidate.
        environment: Arc<Environment>,
    },
    /// The check command's answer is not wanted any more.
    CancelCheck {
        /// Which one.
        check: CheckId,
    },
    /// Ask the fleet for the right to restart; answered by `TurnGranted` or, as often as the reason changes, by
    /// `TurnRefused`; perhaps later by `TurnLost`.
    AskTurn {
        /// Which request; it replaces an earlier one.
        turn: TurnId,
        /// What would be started.
        wish: Arc<Environment>,
        /// What runs now.
        running: Option<Arc<Environment>>,
        /// The build that lies on the disk.
        build: Build,
    },
    /// Give the turn back, or withdraw the request.
    ReturnTurn {
        /// Which request.
        turn: TurnId,
        /// What came of the restart.
        verdict: TurnVerdict,
    },
    /// The environment failed on this host and is being taken back: no other host of the fleet may try it.
    Halt {
        /// What failed.
        wish: Arc<Environment>,
        /// What this host goes back to.
        good: Arc<Environment>,
        /// Why it failed, as a sentence.
        reason: String,
    },
    /// It was not the environment's fault after all: the other hosts may try it.
    EndHalt {
        /// What had been halted.
        wish: Arc<Environment>,
    },
    /// Make it so that the process is in traffic or out of it; answered by `TrafficChanged`. An order replaces the one
    /// before.
    Traffic {
        /// Which run.
        run: RunId,
        /// In or out.
        level: Traffic,
    },
    /// Write the good environments to disk, newest first.
    KeepGood {
        /// All of them.
        good: Vec<Good>,
    },
    /// Write the quarantine to disk.
    KeepQuarantine {
        /// All of it.
        quarantine: Vec<Quarantined>,
    },
    /// Write to disk what holds wishes back.
    KeepHold {
        /// The operator's hold; `None`: there is none any more.
        hold: Option<Hold>,
        /// What the guard holds, and what an operator has released.
        #[serde(default, skip_serializing_if = "GuardRecord::is_empty")]
        guarded: GuardRecord,
    },
    /// Tell an operator what came of a request.
    Answer {
        /// Which request.
        request: RequestId,
        /// When it has taken effect, or why it was refused, as a sentence.
        answer: Result<Effect, String>,
    },
    /// Write one line of history.
    Record {
        /// The line.
        entry: Entry,
    },
}

/// What came of a restart that had the fleet's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnVerdict {
    /// The environment is good here.
    Good,
    /// The environment failed here, and the service is healthy on the one before again.
    Failed,
    /// The service is healthy on neither environment, or the build failed on both.
    Inconclusive,
    /// There was no verdict: a newer wish, a hold or the end of lictor came first.
    Withdrawn,
}

/// Whether the process in front may get requests. A level, not an event: it holds until the next order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Traffic {
    /// It may.
    In,
    /// It may not.
    Out {
        /// Why not: shown with the service in Consul.
        why: String,
    },
}

/// When something that an operator asked for has taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It has already.
    Done,
    /// When a run with a larger number has proved itself, as it would in a trial.
    Run {
        /// The newest run of now.
        after: RunId,
        /// How long it has to be healthy without a break ...
        #[serde(default)]
        min_healthy: Duration,
        /// ... completed this long after its start.
        #[serde(default)]
        deadline: Duration,
    },
    /// When there is a verdict on this wish.
    Verdict {
        /// The wish.
        wish: Fingerprint,
    },
}

/// How often checks are probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// As configured.
    Normal,
    /// On trial: as configured, but at least every third of `min_healthy`.
    Trial,
}
