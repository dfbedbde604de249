//! What is to be done. An order is handed over, never awaited; what comes of it comes back as an [`Event`](super::Event).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::build::Build;
use super::history::Entry;
use super::hold::{Guarded, Hold};
use super::ledger::{Good, Quarantined};
use super::numbers::{CheckId, DrainId, GenerationId, RequestId, RunId, TurnId};
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
    /// Probe this run from now on, at this pace (an order for the same run changes the pace and what it runs on).
    Probe {
        /// Which run.
        run: RunId,
        /// How often.
        pace: Pace,
        /// What it runs on.
        environment: Arc<Environment>,
    },
    /// Probe nothing until the next `Probe`.
    ProbeNothing,
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
    /// Ask the fleet for the right to restart; answered by `TurnGranted`, perhaps later by `TurnLost`.
    AskTurn {
        /// Which request.
        turn: TurnId,
    },
    /// Give it back, or withdraw the request.
    ReturnTurn {
        /// Which request.
        turn: TurnId,
    },
    /// Take the service out of traffic; answered by `Drained`.
    Drain {
        /// Which draining.
        drain: DrainId,
    },
    /// Put it back.
    Undrain {
        /// Which draining.
        drain: DrainId,
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
        /// What the guard holds and was told to let through.
        #[serde(default, skip_serializing_if = "Guarded::is_empty")]
        guarded: Guarded,
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

/// When something that an operator asked for has taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It has already.
    Done,
    /// When a run with a larger number is healthy.
    Run {
        /// The newest run of now.
        after: RunId,
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

/// One environment and one build that were tried together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The environment's fingerprint.
    pub environment: crate::environment::Fingerprint,
    /// The build.
    pub build: Build,
}
