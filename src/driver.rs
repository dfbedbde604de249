//! The loop: names what happened, lets the machine decide, hands the orders over. It never awaits what an order does.
//!
//! Only the driver owns the machine, and only the driver publishes the board.

mod check_command;
mod clock;
mod composer;
mod diary;
mod installed;
mod rooms;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

pub use check_command::CheckCommand;
pub use clock::Clock;
pub use composer::Composer;
pub use installed::Installed;
pub use rooms::Rooms;

use crate::machine::{Board, Event, Machine, RunId};

/// How many facts may wait for the loop before their senders do.
pub const INBOX: usize = 1024;

/// How often the executable on disk is looked at, and the pulse is given.
pub const LOOK: Duration = Duration::from_secs(1);

/// Everything the loop turns.
#[derive(Debug)]
pub struct Driver {
    /// Decides.
    pub machine: Machine,
    /// Tells the time.
    pub clock: Clock,
    /// Facts from the rooms; every one counts.
    pub inbox: mpsc::Receiver<Event>,
    /// What the sources want.
    pub composer: Composer,
    /// What lies on the disk.
    pub installed: Installed,
    /// Where orders go.
    pub rooms: Rooms,
    /// Where the public picture is published.
    pub board: watch::Sender<Arc<Board>>,
    /// Moves every [`LOOK`], when nothing else is left to do: the proof that the loop turns.
    pub pulse: watch::Sender<()>,
}

impl Driver {
    /// Turns until the machine is finished; gives the rooms back, to be closed.
    pub async fn run(mut self) -> Rooms {
        let found = self.installed.look_now();
        let adopted = self.rooms.adopt(RunId(1));
        let heard = self.composer.events();
        self.turn(found.into_iter().chain(adopted).chain(heard));
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !self.machine.is_finished() {
            // Every arm is cancel-safe and only names what happened; facts come before wishes.
            let events = tokio::select! {
                biased;
                Some(event) = self.inbox.recv() => vec![event],
                () = self.composer.changed() => self.composer.events(),
                () = self.clock.until(self.machine.next_wake()) => vec![Event::Tick],
                _ = looks.tick() => {
                    self.pulse.send_replace(());
                    self.installed.look().into_iter().collect()
                }
            };
            self.turn(events);
        }
        self.rooms
    }

    /// Tells the machine, carries its orders to the rooms, and what they answer at once back to the machine.
    fn turn(&mut self, events: impl IntoIterator<Item = Event>) {
        let mut events: VecDeque<_> = events.into_iter().collect();
        while let Some(event) = events.pop_front() {
            diary::note_event(&event);
            // What is started next is what lies on the disk now, not what lay there a second ago.
            let ended = matches!(event, Event::Exited { .. } | Event::StartFailed { .. });
            if let Some(found) = ended.then(|| self.installed.look_now()).flatten() {
                self.handle(found, &mut events);
            }
            self.handle(event, &mut events);
        }
        self.publish();
    }

    fn handle(&mut self, event: Event, answers: &mut VecDeque<Event>) {
        for order in self.machine.handle(self.clock.now(), event) {
            diary::note_order(&order);
            answers.extend(self.rooms.order(order));
        }
    }

    fn publish(&mut self) {
        let before = Arc::clone(&self.board.borrow());
        let board = self.machine.board(Some(&before));
        if board.index != before.index {
            self.board.send_replace(Arc::new(board));
        }
    }
}
