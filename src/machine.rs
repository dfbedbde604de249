//! Decides everything, does nothing: the road of a wish and the life of the process.
//!
//! [`Machine::handle`] gets an event and its time, folds it into what is known (`fold`), and then takes the next legal
//! steps until there is none (`settle`): it compares what is wanted with what is so, and orders the difference. It has
//! no clock, no I/O and no randomness of its own, so the same log always gives the same orders.
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
//! Each part of the state has an owner with private fields that alone changes it: `Process`, `Road`, `Targets`,
//! `Trials`, `Holds`, `TrafficLevel`, and `Shown` for what decides nothing. Decisions that need several owners are
//! methods of [`Machine`], by subject: `settle` (which step comes first, and when the next one is due), `road::travel`
//! (a wish up to the switch), `road::in_place` (a change without a restart), `life` (starts, stops and ends),
//! `handover` (one process takes over from another), `verdict` (what follows from a trial) and `operator`. Each of
//! these files says which owners it changes:
//!
//! Changes: `road`, `targets`, `process`, `trials`, `holds`, `traffic`.

pub mod board;
pub mod build;
pub mod event;
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

use std::sync::Arc;
use std::time::Duration;

use crate::environment::Environment;
use board::shown::Shown;
use board::totals::TurnResult;
use deployment::Validation;
use history::{Entry, Outcome, Subject};
use hold::{GuardRecord, Hold, Holds};
use ledger::{Good, Quarantined};
use numbers::{CheckId, TurnId};
use process::slot::StopReason;
use process::traffic::TrafficLevel;
use process::{Life, Process};
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
    /// What the guard has kept.
    pub guarded: GuardRecord,
    /// The operator's hold.
    pub hold: Option<Hold>,
    /// The number of the next generation.
    pub next_generation: GenerationId,
    /// The answer that the last deployment got.
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

impl Numbers {
    fn next_generation(&mut self) -> GenerationId {
        self.generation = self.generation.next();
        self.generation
    }
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
    /// The build and the version on the disk.
    installed: (Build, Version),
    /// The newest wish, and how far it has come on the road.
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
    /// Whether lictor is stopping.
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
            trials: Trials::new(good, quarantine),
            holds: Holds::kept(hold, guarded),
            shutdown: false,
            shown: Shown::new(validation),
            orders: Vec::new(),
            board_index: 0,
        }
    }

    /// Takes what has happened, and when; returns what is to be done about it.
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

    /// Folds an event into what is known. It orders almost nothing: what follows from it is the business of `settle`. A
    /// fact about a run, check or turn that is over changes nothing.
    fn fold(&mut self, event: Event) {
        match event {
            Event::Wish { environment, violations } => self.wished(&environment, violations),
            Event::Unfit { reasons } => self.unfit(reasons),
            Event::Sources { sources } => self.shown.sources.hear(sources, self.unix_ms()),
            Event::Disk { problem } => self.shown.disk = problem,
            Event::Sockets { problem } => self.shown.sockets = problem,
            Event::FleetProblems { problems } => self.shown.fleet = problems,
            Event::Steering { problem } => self.process.set_steering_trouble(problem),
            Event::OwnPorts { run, ports } => self.process.has_own_ports(run, ports),
            Event::Steered { run } => self.process.connected(run, self.now),
            Event::SteerFailed { run, error } => self.steer_failed(run, error),
            Event::Installed { build, version } => self.installed(build, version),
            Event::Started { run, pid } => self.process.started(run, pid, self.now, &self.policy.checks),
            Event::Adopted { run, pid, environment, build } => self.adopted(run, pid, environment, build),
            Event::StartFailed { run, error } => self.ended(run, None, error),
            Event::Exited { run, exit } => self.ended(run, Some(exit), exit.to_string()),
            Event::Identified { run, build, version } => self.process.identified(run, build, version),
            Event::Probed { run, check, outcome, took } => {
                if self.process.answering(run).is_some() {
                    self.shown.totals.probed(self.policy.checks.get(check), &outcome, took);
                    self.process.probed(run, &self.policy.checks, check, outcome, took, self.now);
                }
            }
            Event::ReloadFailed { run, error } => self.reload_failed(run, error),
            Event::Checked { check, verdict } => self.checked(check, verdict),
            Event::TurnGranted { turn } => {
                if let Some(asked) = self.road.turn_granted(turn) {
                    self.shown.totals.turn_granted(self.now - asked);
                }
            }
            Event::TurnLost { turn } => {
                if self.road.turn_lost(turn, self.now) {
                    self.shown.totals.turn_ended(TurnResult::Lost);
                }
            }
            Event::TurnRefused { turn, why } => self.road.turn_refused(turn, why),
            Event::TrafficChanged { run, state } => self.traffic.report(run, state),
            Event::TrafficTrouble { problem } => self.traffic.set_trouble(problem),
            Event::Policy { policy } => self.change_policy(*policy),
            Event::Reloaded { who, outcome } => self.reloaded(who, outcome),
            Event::Operator { verb, by } => self.operator(verb, by),
            Event::Signal { signal } => {
                let run = self.process.active().filter(|slot| slot.pid.is_some()).map(|slot| slot.id);
                self.orders.extend(run.map(|run| Order::Signal { run, signal }));
            }
            Event::Paused { length } => self.paused(length),
            Event::Shutdown => self.shut_down(),
            Event::Tick => {}
        }
    }

    fn change_policy(&mut self, policy: Policy) {
        let before = std::mem::replace(&mut self.policy, policy);
        self.holds.guard.forget_comparison();
        // A value that is secret now is hidden at once, whatever the environment that it is in waits for.
        let shown = |environment: &mut Arc<Environment>| *environment = environment.shown_by(&self.policy.visibility);
        self.road.environments().for_each(shown);
        self.targets.environments().for_each(shown);
        self.process.environments().for_each(shown);
        self.trials.environments().for_each(shown);
        // Another check command, or another file for the service, may accept what the old one refused.
        self.road.forgive_command();
        self.shown.totals.keep(&self.policy.checks);
        self.process.carry_rules(&before.checks, &self.policy.checks, self.now);
    }

    /// Nothing moved for this long, not even the service's probes: trials do not count that time.
    fn paused(&mut self, length: Duration) {
        self.process.paused(length);
        self.trials.paused(length);
    }

    fn shut_down(&mut self) {
        let again = std::mem::replace(&mut self.shutdown, true);
        if !again {
            return;
        }
        if let Some(run) = self.process.has_left(self.now) {
            self.orders.push(Order::Stop { run });
        }
        if let Life::Stopping(slot, _) = self.process.life() {
            self.orders.push(Order::Kill { run: slot.id });
        }
        if let Some(slot) = self.process.leaving_beside() {
            self.orders.push(Order::Kill { run: slot.id });
        }
    }

    /// The public picture, without its index.
    fn picture(&self) -> Board {
        board::picture(self)
    }

    fn unix_ms(&self) -> u64 {
        self.epoch_unix_ms.saturating_add(self.now.0)
    }

    // Lines of history.

    fn record(&mut self, outcome: Outcome, subject: Subject, why: impl Into<String>) {
        self.shown.totals.recorded(outcome, subject.propagation);
        let entry = Entry::new(self.now, self.unix_ms(), outcome, subject, why.into());
        self.shown.remember(entry.clone());
        self.orders.push(Order::Record { entry });
    }

    /// One line about what an operator did.
    fn note(&mut self, who: Option<u32>, what: impl Into<String>) {
        let subject = Subject { who, keys: Vec::new(), ..self.subject() };
        self.record(Outcome::Operator, subject, what);
    }

    /// What a start starts now, and the process, if there is one.
    fn subject(&self) -> Subject {
        Subject::present(&self.targets, &self.process, &self.installed.0, self.now)
    }
}
