//! Decides everything, does nothing: the road of a wish and the life of the process.
//!
//! [`Machine::handle`] is told what happened and when, folds it into what is known, and then takes the next legal steps
//! until there is none: compare what is wanted with what is so, order the difference. It has no clock, no I/O and no
//! randomness of its own, so the same log always gives the same orders.
//!
//! ```text
//!                    ┌────────── the road of a wish (road.rs) ──────────┐
//!   Wish ──────────► settled → guarded → checked → turn → switched
//!                                                             │ base = the wish
//!            ┌──────────── the life of the process (life.rs) ───────────▼──────┐
//!            │ Absent ──start──► Alive ──stop──► Stopping ──exited──► Absent   │
//!            │    ▲                │ exited: crash backoff, or back to good    │
//!            │    └────────────────┘                                           │
//!            └──────────────────────────┬──────────────────────────────────────┘
//!                                       ▼ trial.rs judges, verdict.rs draws the consequence
//!                good · reverted (quarantined) · inconclusive · build failed · superseded
//! ```

pub mod board;
pub mod build;
pub mod deployment;
mod due;
pub mod event;
mod fold;
mod give_back;
mod give_way;
mod guard;
mod health;
pub mod history;
pub mod hold;
mod latency;
mod leave;
pub mod ledger;
mod life;
pub mod moment;
pub mod numbers;
mod operator;
pub mod order;
mod picture;
pub mod plan;
pub mod policy;
mod promotion;
mod random;
mod record;
pub mod reload;
mod road;
mod setback;
mod settle;
mod stale;
pub mod steps;
mod switch;
pub mod totals;
mod traffic;
mod trial;
mod verdict;

#[cfg(test)]
mod laws;

use std::collections::VecDeque;
use std::sync::Arc;

pub use board::Board;
pub use build::{Build, Version};
pub use event::Event;
pub use moment::Moment;
pub use numbers::{GenerationId, RunId};
pub use order::Order;
pub use policy::Policy;

use deployment::Validation;
use event::SourceReport;
use guard::GuardState;
use history::Entry;
use hold::{GuardRecord, Hold};
use ledger::{Good, Ledger, Quarantined};
use life::{Life, Streak};
use numbers::{CheckId, TurnId};
use order::{Pace, TurnVerdict};
use random::Random;
use record::Subject;
use reload::ConfigReload;
use road::Journey;
use road::checked::Refusal;
use road::settled::Edits;
use road::turn::Turn;
use setback::Setback;
use steps::Steps;
use totals::{Reason, Totals};
use traffic::TrafficLevel;
use trial::Trial;
use verdict::Suspect;

use crate::environment::{Environment, Fingerprint};

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

/// What the sources want, all of them heard.
#[derive(Clone, Debug, PartialEq)]
enum Wish {
    /// Nothing yet.
    Unheard,
    /// This.
    Environment(Arc<Environment>),
    /// Something that no process could be started with.
    Unfit(Vec<String>),
}

/// What a start starts: the environment that was switched to last.
#[derive(Clone, Debug, PartialEq)]
struct Base {
    environment: Arc<Environment>,
    /// The build it was last started on; a start on another one is a new generation.
    build: Option<Build>,
    generation: GenerationId,
    /// When it took the place of another one.
    since: Moment,
    /// When its change was first seen, until `applied` has been recorded for it.
    unreported: Option<Moment>,
    /// The names that differ from the environment before it.
    keys: Vec<String>,
    /// How long the road to the switch has taken, step by step, until that has been recorded.
    took: Steps,
}

impl Base {
    /// A good environment, to go back to.
    fn of(good: &Good, now: Moment) -> Self {
        Self {
            environment: Arc::clone(&good.environment),
            build: good.builds.first().cloned(),
            generation: good.generation,
            since: now,
            unreported: None,
            keys: Vec::new(),
            took: Steps::default(),
        }
    }
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

    wish: Wish,
    edits: Option<Edits>,
    journey: Option<Journey>,
    turn: Turn,
    /// What came of the restart that has the turn.
    turn_verdict: TurnVerdict,
    traffic: TrafficLevel,
    /// The wish that the fleet is known to have halted.
    told_halted: Option<Fingerprint>,
    probing: Option<(RunId, Pace, Fingerprint)>,
    hold: Option<Hold>,
    guard: GuardState,
    /// The wish that the hold is known to have stopped.
    told_held: Option<Fingerprint>,
    /// Which rules of `key {}` the newest wish breaks.
    violations: Vec<String>,
    refused: Option<Refusal>,

    life: Life,
    life_since: Moment,
    base: Option<Base>,
    trial: Option<Trial>,
    /// So many trials in a row were ended by a newer wish.
    superseded: u32,
    suspect: Option<Suspect>,
    setback: Option<Setback>,
    streak: Streak,
    ledger: Ledger,
    /// When the newest good environment was promoted in this life of lictor.
    promoted: Option<Moment>,
    shutdown: bool,

    installed: (Build, Version),
    /// What the process turned out to be. It is shown; decisions go by the build that was installed at its start, since a
    /// wrapper's program is not the file that is looked at on disk.
    running: Option<(Build, Version)>,
    sources: Vec<SourceReport>,
    /// Why what should be kept on disk is not.
    disk: Option<String>,
    /// When the sources were heard, Unix milliseconds.
    heard_unix_ms: u64,
    /// Why what runs may not be what the sources want, if they have been silent for long.
    stale: Option<String>,
    totals: Totals,
    /// Why the next start is one, if it is not the first.
    reason: Reason,
    last_exit: Option<board::ExitPicture>,
    reload: Option<ConfigReload>,
    validation: Option<Validation>,
    tail: VecDeque<Entry>,
    orders: Vec<Order>,
    board_index: u64,
}

impl Machine {
    /// A machine that has heard nothing yet. `seed` feeds the jitter; `epoch_unix_ms` is Unix time at `Moment(0)`.
    pub fn new(policy: Policy, restored: Restored, seed: u64, now: Moment, epoch_unix_ms: u64) -> Self {
        let Restored { good, quarantine, hold, guarded, next_generation, validation } = restored;
        let generation = GenerationId(next_generation.0.saturating_sub(1));
        Self {
            policy,
            random: Random::new(seed),
            epoch_unix_ms,
            now,
            began: now,
            numbers: Numbers { generation, ..Numbers::default() },
            wish: Wish::Unheard,
            edits: None,
            journey: None,
            turn: Turn::None,
            turn_verdict: TurnVerdict::Withdrawn,
            traffic: TrafficLevel::default(),
            told_halted: None,
            probing: None,
            hold,
            told_held: None,
            guard: GuardState::kept(guarded),
            violations: Vec::new(),
            refused: None,
            life: Life::Absent { not_before: None },
            life_since: now,
            base: None,
            trial: None,
            superseded: 0,
            suspect: None,
            setback: None,
            streak: Streak::default(),
            ledger: Ledger::new(good, quarantine),
            promoted: None,
            shutdown: false,
            installed: (Build::default(), Version::default()),
            running: None,
            sources: Vec::new(),
            disk: None,
            heard_unix_ms: 0,
            stale: None,
            totals: Totals::default(),
            reason: Reason::Exit,
            last_exit: None,
            reload: None,
            validation,
            tail: VecDeque::new(),
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

    /// When something is due although nothing happens; a `Tick` before then changes nothing.
    pub fn next_wake(&self) -> Option<Moment> {
        self.due()
    }

    /// Whether the service is stopped for good and lictor may end.
    pub fn is_finished(&self) -> bool {
        self.shutdown && matches!(self.life, Life::Absent { .. })
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

    fn order(&mut self, order: Order) {
        self.orders.push(order);
    }

    fn unix_ms(&self) -> u64 {
        self.epoch_unix_ms.saturating_add(self.now.0)
    }
}
