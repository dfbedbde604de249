//! Who is being served, and who has to go when there is no place left: who has said nothing whole for longest.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::{AbortHandle, Id};
use tokio::time::Instant;

use super::reply::Reply;

/// When every place is taken and somebody waits for one, a connection may still take this long over a head.
const PATIENCE: Duration = Duration::from_secs(1);
/// Of so many places one is made free at a look: all of the kernel's queue has its turn within a second or two.
const SHARE: usize = 16;

/// The places of one server.
#[derive(Debug)]
pub(super) struct Seats {
    limit: usize,
    taken: HashMap<Id, Seat>,
}

#[derive(Debug)]
struct Seat {
    task: AbortHandle,
    turns: Turns,
    /// At which turn it was idle, and since when it has been seen so.
    idle: Option<(u32, Instant)>,
}

impl Seats {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, taken: HashMap::new() }
    }

    pub(super) fn are_all_taken(&self) -> bool {
        self.taken.len() >= self.limit
    }

    pub(super) fn take(&mut self, task: AbortHandle, turns: Turns) {
        self.taken.insert(task.id(), Seat { task, turns, idle: None });
    }

    pub(super) fn leave(&mut self, task: Id) {
        self.taken.remove(&task);
    }

    /// Ends the connections that have been waiting for their client for longest, if any have for long enough: a few at a
    /// time, because a queue of silent ones may stand before one that asks. A place is free once its task has ended. Look
    /// again and again: how long is known from the first look on.
    pub(super) fn free_some(&mut self, now: Instant) {
        for seat in self.taken.values_mut() {
            seat.look(now);
        }
        let mut waiting: Vec<_> = self.taken.values().filter_map(|seat| Some((seat.idle?.1, &seat.task))).collect();
        waiting.sort_by_key(|(since, _)| *since);
        let slow = waiting.into_iter().filter(|(since, _)| now.duration_since(*since) >= PATIENCE);
        for (_, task) in slow.take((self.limit / SHARE).max(1)) {
            task.abort();
        }
    }
}

impl Seat {
    fn look(&mut self, now: Instant) {
        let turn = self.turns.0.load(Ordering::Relaxed);
        self.idle = match self.idle {
            _ if is_busy(turn) => None,
            Some((seen, since)) if seen == turn => Some((seen, since)),
            _ => Some((turn, now)),
        };
    }
}

/// Counts what a connection does: odd while a request is being answered, even while the client has its turn.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<AtomicU32>);

fn is_busy(turn: u32) -> bool {
    turn % 2 == 1
}

impl Turns {
    /// The reply; until it is there, the connection is not waiting for its client.
    pub(super) fn of(&self, reply: Reply) -> Answering {
        self.0.fetch_add(1, Ordering::Relaxed);
        Answering { reply, turns: self.clone() }
    }
}

/// A reply that is being made.
#[derive(Debug)]
pub(super) struct Answering {
    reply: Reply,
    turns: Turns,
}

impl Future for Answering {
    type Output = <Reply as Future>::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.reply).poll(context)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.turns.0.fetch_add(1, Ordering::Relaxed);
    }
}
