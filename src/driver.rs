//! The loop: takes what has happened, lets the machine decide, and passes its orders on. It never awaits the effect of an order.
//!
//! Only the driver owns the machine, and only the driver publishes the board.

mod config_change;
mod drawing;
mod effects;
mod event_log;
mod identify;
mod own_ports;
mod pending_answers;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

pub use config_change::{ConfigChange, NewConfig, NextStart};
pub use effects::{Effects, Parts};

use crate::admin::OperatorRequest;
use crate::clock::Clock;
use crate::composer::Composer;
use crate::machine::reload::Pending;
use crate::machine::{Board, Event, Machine};
use drawing::{Drawing, News};

/// How many facts may wait for the loop; further senders have to wait.
pub const INBOX: usize = 1024;

/// If the loop turns this much later than it should, lictor did not run meanwhile, nor did its timers.
const STANDSTILL: Duration = Duration::from_secs(2);

/// How often the loop gives its pulse.
pub const PULSE: Duration = Duration::from_secs(1);

/// Everything that the loop needs.
#[derive(Debug)]
pub struct Driver {
    /// Makes the decisions.
    pub machine: Machine,
    /// The clock.
    pub clock: Clock,
    /// Facts from the rooms; none may be lost.
    pub inbox: mpsc::Receiver<Event>,
    /// Requests of operators.
    pub requests: mpsc::Receiver<OperatorRequest>,
    /// Our own configuration, each time it was read again.
    pub changes: mpsc::Receiver<ConfigChange>,
    /// The sources, composed to wishes.
    pub composer: Composer,
    /// What is known before the first decision: which process runs already, and which build is on the disk.
    pub known: Vec<Event>,
    /// Carries out orders.
    pub effects: Effects,
    /// Publishes the board.
    pub board: watch::Sender<Arc<Board>>,
    /// Changes when lictor is to replace itself (reexec): the loop ends, and leaves the service running.
    pub leave: watch::Receiver<()>,
    /// Changes every [`PULSE`], when nothing else is left to do: the proof that the loop turns.
    pub pulse: watch::Sender<()>,
}

/// Why the loop has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopEnd {
    /// The machine is finished: the service has been stopped.
    Finished,
    /// lictor replaces itself (reexec).
    Left,
}

impl Driver {
    /// Turns until the machine is finished or lictor replaces itself; returns the effects, to be closed.
    pub async fn run(mut self) -> (Effects, LoopEnd) {
        let known = std::mem::take(&mut self.known);
        let heard = self.composer.events(self.clock.now());
        let kept = [self.effects.disk()].into_iter().chain(self.effects.sockets_news());
        let begun: Vec<Event> = known.into_iter().chain(heard).chain(kept).collect();
        self.turn(begun);
        self.publish();
        let mut drawing = Drawing::begun();
        let mut turned_at = self.clock.now();
        let mut pulses = tokio::time::interval(PULSE);
        pulses.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut end = LoopEnd::Finished;
        while !self.machine.is_finished() {
            let stays = self.board.borrow().stopping;
            // Every arm is cancel-safe and only notes what happened; facts come before wishes.
            let events = tokio::select! {
                biased;
                Some(event) = self.inbox.recv() => vec![event],
                Some(request) = self.requests.recv() => vec![self.effects.answers.admit(request)],
                Some(change) = self.changes.recv() => self.change(change),
                () = self.composer.changed() => self.composer.events(self.clock.now()),
                event = self.effects.changed() => event.into_iter().collect(),
                () = self.clock.until(self.machine.next_wake()) => self.tick(),
                () = drawing.overdue() => Vec::new(),
                // A stop that has begun must not get lost.
                Ok(()) = self.leave.changed(), if !stays => {
                    end = LoopEnd::Left;
                    break;
                }
                _ = pulses.tick() => {
                    self.pulse.send_replace(());
                    self.effects.sockets_news()
                }
            };
            // The loop turns at least every PULSE. If it comes this late, the host or lictor did not run meanwhile.
            let now = self.clock.now();
            let late = (now - std::mem::replace(&mut turned_at, now)).saturating_sub(PULSE);
            let paused = (late > STANDSTILL).then_some(Event::Paused { length: late });
            if drawing.is_due_after(self.turn(paused.into_iter().chain(events))) {
                self.publish();
            }
        }
        self.publish();
        (self.effects, end)
    }

    /// Time has passed, also for sources that stay silent: what they gave last is wished for before the machine resorts to
    /// the last good environment as it was.
    fn tick(&mut self) -> Vec<Event> {
        let mut events = self.composer.events(self.clock.now());
        events.push(Event::Tick);
        events
    }

    /// Tells the machine, carries its orders to the rooms, and what they answer at once back to the machine. Returns what
    /// there is to be drawn.
    fn turn(&mut self, events: impl IntoIterator<Item = Event>) -> News {
        let mut events: VecDeque<_> = events.into_iter().collect();
        let mut news = News::Findings;
        while let Some(event) = events.pop_front() {
            event_log::note_event(&event);
            self.effects.note(&event);
            if matches!(event, Event::Exited { .. } | Event::StartFailed { .. }) && self.effects.nothing_runs() {
                // Nothing runs: what waits for a start is taken up. The environment for it was ordered to disk just before.
                self.effects.take_up();
            }
            let found = matches!(event, Event::Probed { .. });
            if self.handle(event, &mut events) > 0 || !found {
                news = News::Other;
            }
        }
        news
    }

    /// Takes over what was read again; what comes of that are events like any other.
    fn change(&mut self, change: ConfigChange) -> Vec<Event> {
        let ConfigChange { who, new, answer } = change;
        let mut events = Vec::new();
        let outcome = new.map(|new| {
            let service = self.effects.prepare(new.next_start);
            self.effects.check(new.checks, &new.policy);
            self.effects.check_by(new.check_command);
            self.effects.rebind(new.identity);
            self.composer.change(new.sources, new.rules, new.client);
            events.push(Event::Policy { policy: Box::new(new.policy) });
            Pending { service, lictor: new.for_lictor }
        });
        // Nobody may be waiting for it.
        let _ = answer.send(outcome.clone());
        events.push(Event::Reloaded { who, outcome });
        if self.board.borrow().process.is_none() {
            events.extend(self.effects.take_up());
        }
        events.extend(self.composer.events(self.clock.now()));
        events
    }

    /// Says how many orders came of it.
    fn handle(&mut self, event: Event, answers: &mut VecDeque<Event>) -> usize {
        let orders = self.machine.handle(self.clock.now(), event);
        let count = orders.len();
        for order in orders {
            event_log::note_order(&order);
            answers.extend(self.effects.order(order));
        }
        count
    }

    fn publish(&mut self) {
        let before = Arc::clone(&self.board.borrow());
        let board = self.machine.board(Some(&before));
        if board.index != before.index {
            event_log::note_step(&before, &board);
            self.board.send_replace(Arc::new(board));
        }
    }
}
