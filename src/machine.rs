//! Decides everything, does nothing: the road of a wish and the life of the process.
//!
//! [`Machine::handle`] gets an event and its time, folds it into what is known (`facts`), and then takes the next
//! legal steps until there is none (`settle`): compare what is wanted with what is so, order the difference. It has no
//! clock, no I/O and no randomness of its own, so the same log always gives the same orders.
//!
//! ```text
//!                    ┌──────── the road of a wish (road/) ────────┐
//!   Wish ──────────► settled → guarded → checked → turn → switched
//!                                                             │ targets: this is tried
//!            ┌──────────── the life of the process (process/) ▼───────────────────────┐
//!            │ Absent ──start──► Alive ──stop──► Leaving ──out──► Stopping ──► Absent │
//!            │    ▲                │ exited: crash backoff, or back to good           │
//!            │    └────────────────┘                                                  │
//!            └──────────────────────────┬─────────────────────────────────────────────┘
//!                                       ▼ trial/ judges, verdict.rs draws the consequence
//!                good · reverted (quarantined) · inconclusive · build failed · superseded
//! ```
//!
//! Each part of the state has an owner that alone changes it: `Process`, `Road`, `Targets`, `Trials`, `Holds`,
//! `TrafficLevel`, and `Shown` for what decides nothing. What takes several of them stands in `settle` (the order of
//! precedence), `road::travel`, `life`, `handover`, `verdict` and `operator`.

pub mod board;
pub mod build;
pub mod event;
mod facts;
mod handover;
pub mod history;
pub mod hold;
mod life;
pub mod moment;
pub mod numbers;
mod operator;
pub mod order;
pub mod policy;
mod process;
mod random;
mod road;
mod settle;
mod target;
mod trial;
mod verdict;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod stories;

pub use board::{Board, deployment, plan, reload, totals};
pub use build::{Build, Version};
pub use event::Event;
pub use history::steps;
pub use moment::Moment;
pub use numbers::{GenerationId, RunId};
pub use order::Order;
pub use policy::Policy;
pub use trial::ledger;

use board::shown::Shown;
use deployment::Validation;
use history::Outcome;
use hold::{GuardRecord, Hold, Holds};
use ledger::{Good, Ledger, Quarantined};
use numbers::{CheckId, TurnId};
use process::Process;
use process::slot::StopReason;
use process::traffic::TrafficLevel;
use random::Random;
use road::{Road, Wish};
use target::{Target, Targets};
use trial::Trials;

/// What an earlier lictor left on disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Restored {
    /// The good environments, newest first.
    pub good: Vec<Good>,
    /// The quarantine, newest first.
    pub quarantine: Vec<Quarantined>,
    /// The guard's.
    pub guarded: GuardRecord,
    /// The operator's hold.
    pub hold: Option<Hold>,
    /// The number of the next generation.
    pub next_generation: GenerationId,
    /// What the last deployment was answered.
    pub validation: Option<Validation>,
}

/// The newest numbers given out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Numbers {
    run: RunId,
    generation: GenerationId,
    check: CheckId,
    turn: TurnId,
}

/// The road of a wish and the life of the process: the only place where anything is decided.
#[derive(Clone, Debug)]
pub struct Machine {
    policy: Policy,
    random: Random,
    epoch_unix_ms: u64,
    now: Moment,
    began: Moment,
    numbers: Numbers,
    /// What lies on the disk.
    installed: (Build, Version),
    /// What is wished for, and how far it has come.
    road: Road,
    /// What a start starts.
    targets: Targets,
    /// What runs.
    process: Process,
    traffic: TrafficLevel,
    /// What was proved, and what was not.
    trials: Trials,
    /// What holds wishes back.
    holds: Holds,
    /// lictor is on its way out.
    shutdown: bool,
    shown: Shown,
    orders: Vec<Order>,
    board_index: u64,
}

impl Machine {
    /// A machine that has heard nothing yet. `seed` feeds the jitter; `epoch_unix_ms` is Unix time at `Moment(0)`.
    pub fn new(policy: Policy, restored: Restored, seed: u64, now: Moment, epoch_unix_ms: u64) -> Self {
        let Restored { mut good, quarantine, hold, guarded, next_generation, validation } = restored;
        for good in &mut good {
            good.environment = good.environment.shown_by(&policy.visibility);
        }
        let generation = GenerationId(next_generation.0.saturating_sub(1));
        Self {
            policy,
            random: Random::new(seed),
            epoch_unix_ms,
            now,
            began: now,
            numbers: Numbers { generation, ..Numbers::default() },
            installed: (Build::default(), Version::default()),
            road: Road::new(),
            targets: Targets::default(),
            process: Process::new(now),
            traffic: TrafficLevel::default(),
            trials: Trials::new(Ledger::new(good, quarantine)),
            holds: Holds::kept(hold, guarded),
            shutdown: false,
            shown: Shown::new(validation),
            orders: Vec::new(),
            board_index: 0,
        }
    }

    /// Tells the machine what happened and when; says what is to be done about it.
    pub fn handle(&mut self, now: Moment, event: Event) -> Vec<Order> {
        self.now = self.now.max(now);
        self.fold(event);
        self.settle();
        std::mem::take(&mut self.orders)
    }

    /// Whether the service is stopped for good and lictor may end.
    pub fn is_finished(&self) -> bool {
        self.shutdown && self.process.is_gone()
    }

    /// The public picture as it is now. Its index grows by one at each call whose picture differs from `before`.
    pub fn board(&mut self, before: Option<&Board>) -> Board {
        let mut board = self.picture();
        board.index = self.board_index;
        if before.is_none_or(|before| *before != board) {
            self.board_index += 1;
            board.index = self.board_index;
        }
        board
    }

    fn unix_ms(&self) -> u64 {
        self.epoch_unix_ms.saturating_add(self.now.0)
    }
}
