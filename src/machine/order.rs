//! The orders of the machine. An order is passed on and never awaited; its result comes back as an [`Event`](super::Event).

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::build::Build;
use super::history::Entry;
use super::hold::{GuardRecord, Hold};
use super::ledger::{Good, Quarantined};
use super::numbers::{CheckId, GenerationId, RequestId, RunId, TurnId};
use crate::environment::{Environment, Fingerprint};

/// One order to one room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Start a process; answered by `Started` or `StartFailed`, later by `Exited`.
    Start {
        /// The new run.
        run: RunId,
        /// The generation of the run.
        generation: GenerationId,
        /// Its environment.
        environment: Arc<Environment>,
        /// The build that lies on the disk.
        build: Build,
    },
    /// Stop a run: the kill signal to its group, SIGKILL after the timeout, and no process is left; answered by `Exited`.
    Stop {
        /// Which run.
        run: RunId,
    },
    /// Kill a run now, without waiting for the timeout.
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
    /// Pass a change on to the main process without a restart: write the file that is kept for it, then send the reload signal;
    /// answered by `ReloadFailed` if that is not possible.
    Reload {
        /// Which run.
        run: RunId,
        /// Its environment from now on.
        environment: Arc<Environment>,
    },
    /// Probe this run from now on, at this pace. An order for the same run changes the pace and the environment. Other runs are
    /// probed as before.
    Probe {
        /// Which run.
        run: RunId,
        /// How often.
        pace: Pace,
        /// Its environment.
        environment: Arc<Environment>,
    },
    /// Stop probing this run.
    StopProbing {
        /// Which run.
        run: RunId,
    },
    /// Of two live runs, give this share of new connections to this one, and the rest to the other; answered by `Steered` or
    /// `SteerFailed`. It is a level: an order replaces the one before. A run that was started beside another one gets no
    /// connections before this order.
    Steer {
        /// Which run.
        run: RunId,
        /// How many of a hundred.
        share: u8,
    },
    /// Write the file that is kept for the service, for a run that goes on with this environment.
    WriteFile {
        /// The environment.
        environment: Arc<Environment>,
    },
    /// Run the check command with this environment; answered by `Checked`.
    Check {
        /// Which one.
        check: CheckId,
        /// The candidate.
        environment: Arc<Environment>,
    },
    /// Give up the check command, whose answer is not needed any more.
    CancelCheck {
        /// Which one.
        check: CheckId,
    },
    /// Ask the fleet for a turn; answered by `TurnGranted` or, each time that the reason changes, by `TurnRefused`; later perhaps
    /// by `TurnLost`.
    AskTurn {
        /// Which request; it replaces an earlier one.
        turn: TurnId,
        /// The environment that would be started.
        wish: Arc<Environment>,
        /// The environment that runs now.
        running: Option<Arc<Environment>>,
        /// The build that lies on the disk.
        build: Build,
    },
    /// Give the turn back, or withdraw the request.
    ReturnTurn {
        /// Which request.
        turn: TurnId,
        /// The result of the restart.
        verdict: TurnVerdict,
    },
    /// Halt an environment that has failed on this host and is being taken back: no other host of the fleet may try it.
    Halt {
        /// The environment that failed.
        wish: Arc<Environment>,
        /// The environment that this host goes back to.
        good: Arc<Environment>,
        /// Why it failed, as a sentence.
        reason: String,
    },
    /// End the halt of an environment that was not the cause after all: the other hosts may try it.
    EndHalt {
        /// The environment that was halted.
        wish: Arc<Environment>,
    },
    /// Bring the process into traffic or out of it; answered by `TrafficChanged`. An order replaces the one before.
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
    /// Write the holds to disk.
    KeepHold {
        /// The operator's hold; `None`: there is none any more.
        hold: Option<Hold>,
        /// The guard's hold, and the wish that an operator has released.
        #[serde(default, skip_serializing_if = "GuardRecord::is_empty")]
        guarded: GuardRecord,
    },
    /// Answer an operator's request.
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

/// The result of a restart with the fleet's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnVerdict {
    /// The environment is good here.
    Good,
    /// The environment failed here, and the service is healthy on the one before again.
    Failed,
    /// The service is healthy on neither environment, or the build has failed on both.
    Inconclusive,
    /// There was no verdict: a newer wish, a hold or the end of lictor came first.
    Withdrawn,
}

/// Whether the process in front may get requests: a level, which holds until the next order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Traffic {
    /// It may.
    In,
    /// It may not.
    Out {
        /// Why not: Consul shows it with the service.
        why: String,
    },
}

/// When an operator's request has taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It has taken effect already.
    Done,
    /// When a run with a larger number has been healthy as long as in a trial.
    Run {
        /// The newest run at the time of the request.
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
