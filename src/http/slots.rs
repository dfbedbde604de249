//! Connection slots: evicts the longest-idle client when all are taken.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::{AbortHandle, Id};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::listener::Listener;
use super::reply::Reply;

/// How long a client may be idle when every slot is taken and another client waits for one.
const PATIENCE: Duration = Duration::from_secs(1);
/// At each look, one slot in this many is freed. So every client in the kernel's queue gets its turn within a second or two.
const SHARE: usize = 16;
/// How often lictor checks that a client that waits for an answer is still connected.
const PRESENCE: Duration = Duration::from_secs(1);

/// The connections of one server.
#[derive(Debug)]
pub(super) struct ConnectionSlots {
    limit: usize,
    taken: HashMap<Id, Slot>,
}

#[derive(Debug)]
struct Slot {
    task: AbortHandle,
    turns: Turns,
    /// The turn in which the client was first seen idle, and when that was.
    idle: Option<(u32, Instant)>,
}

impl ConnectionSlots {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, taken: HashMap::new() }
    }

    pub(super) fn are_all_taken(&self) -> bool {
        self.taken.len() >= self.limit
    }

    pub(super) fn take(&mut self, task: AbortHandle, turns: Turns) {
        self.taken.insert(task.id(), Slot { task, turns, idle: None });
    }

    pub(super) fn leave(&mut self, task: Id) {
        self.taken.remove(&task);
    }

    /// Ends the connections whose clients have been idle for longest, if they have been for long enough. It ends several at a
    /// time, because many silent clients may be in the queue before one that has a request. A slot is free once its task has
    /// ended. Call it again and again: a client's idle time counts from the first call that saw it idle.
    pub(super) fn evict_idle(&mut self, now: Instant) {
        for slot in self.taken.values_mut() {
            slot.look(now);
        }
        let mut idle: Vec<_> = self.taken.values().filter_map(|slot| Some((slot.idle?.1, &slot.task))).collect();
        idle.sort_by_key(|(since, _)| *since);
        let slow = idle.into_iter().filter(|(since, _)| now.duration_since(*since) >= PATIENCE);
        for (_, task) in slow.take((self.limit / SHARE).max(1)) {
            task.abort();
        }
    }
}

impl Slot {
    fn look(&mut self, now: Instant) {
        let turn = self.turns.0.load(Ordering::Relaxed);
        self.idle = match self.idle {
            _ if is_busy(turn) => None,
            Some((seen, since)) if seen == turn => Some((seen, since)),
            _ => Some((turn, now)),
        };
    }
}

/// Counts the turns of a connection: odd while a request is being answered, even while the server waits for the client.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<AtomicU32>);

fn is_busy(turn: u32) -> bool {
    turn % 2 == 1
}

impl Turns {
    /// Passes the reply on; until it is ready, the client does not count as idle.
    pub(super) fn answering(&self, reply: Reply) -> Answering {
        self.0.fetch_add(1, Ordering::Relaxed);
        let looks = matches!(reply, Reply::Later(_)).then(|| {
            let mut looks = tokio::time::interval_at(Instant::now() + PRESENCE, PRESENCE);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            looks
        });
        Answering { reply, turns: self.clone(), looks }
    }

    /// Whether the client has not sent a request yet.
    pub(super) fn none_has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    fn are_ours(&self) -> bool {
        is_busy(self.0.load(Ordering::Relaxed))
    }
}

/// A reply that is not ready yet. Meanwhile it wakes the connection now and then, so that [`Attended`] notices when the client has
/// gone.
#[derive(Debug)]
pub(super) struct Answering {
    reply: Reply,
    turns: Turns,
    looks: Option<Interval>,
}

impl Future for Answering {
    type Output = <Reply as Future>::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = Pin::new(&mut self.reply).poll(context);
        if let (Poll::Pending, Some(looks)) = (&answer, &mut self.looks) {
            while looks.poll_tick(context).is_ready() {}
        }
        answer
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.turns.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A stream that fails once its client has gone while it waits for an answer. The protocol alone would not notice that if the
/// client had sent further requests, because it does not read meanwhile.
pub(super) struct Attended<L: Listener> {
    stream: L::Stream,
    turns: Turns,
}

impl<L: Listener> Attended<L> {
    pub(super) fn new(stream: L::Stream, turns: Turns) -> Self {
        Self { stream, turns }
    }
}

impl<L: Listener> AsyncRead for Attended<L> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<L: Listener> AsyncWrite for Attended<L> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    /// The protocol calls this whenever the connection is woken.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.turns.are_ours() && L::client_has_gone(&self.stream) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
