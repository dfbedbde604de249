//! The server: accepts connections within limits, serves HTTP/1.1, and ends gracefully.

use std::io;
use std::pin::pin;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use super::listener::{Listener, Peer};
use super::reply::Reply;
use super::slots::{Attended, ConnectionSlots, Turns};
use crate::drain::DrainWatcher;
use crate::revive::revived;

/// The largest head of a request, in bytes.
const LARGEST_HEAD: usize = 16 * 1024;
/// How long a request's head may take, from the start of the connection or the end of the last answer on.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long accepting pauses when the process is out of file descriptors or memory.
const REST: Duration = Duration::from_millis(100);
/// How often idle clients are looked for while a new client waits for a slot.
const LOOK: Duration = Duration::from_millis(100);
/// How long a client that was accepted just before draining began has for its first request. The request is probably on its way,
/// and the client cannot know that lictor is about to stop listening.
const FIRST_REQUEST: Duration = Duration::from_millis(100);
/// The least time between two log lines about a failure to accept.
const QUIET: Duration = Duration::from_secs(30);

/// What one server may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at one time. The next one waits for a slot; if none becomes free within a second, it gets the slot of a
    /// client that is slow to send its request.
    pub connections: usize,
    /// How long a request's head may take. Shorter only in tests.
    pub head_time: Duration,
    /// How long connections have to end once draining has begun.
    pub drain_time: Duration,
}

impl Limits {
    /// For the status port.
    pub const STATUS: Self = Self { connections: 256, head_time: HEAD_TIME, drain_time: Duration::from_secs(2) };
    /// For the admin socket: it has slots of its own, so that a flood of the status port never locks the operator out.
    pub const ADMIN: Self = Self { connections: 64, ..Self::STATUS };
}

/// Answers requests. Each connection gets a clone of its own.
pub trait Handler: Clone + Send + 'static {
    /// The answer to one request.
    fn handle(&self, peer: &Peer, request: Request<Incoming>) -> Reply;
}

/// Serves until draining begins and the last connection has ended, or its time to end is over.
pub async fn serve<L: Listener, H: Handler>(listener: L, limits: Limits, handler: H, drain: DrainWatcher) {
    revived("an HTTP server", (Some(listener), handler, drain), move |(listener, handler, drain)| {
        Box::pin(attend(listener, limits, handler, drain))
    })
    .await;
}

/// Serves once; the listener is taken out and closed when draining begins.
async fn attend<L: Listener, H: Handler>(
    open: &mut Option<L>,
    limits: Limits,
    handler: &mut H,
    drain: &mut DrainWatcher,
) {
    let Some(listener) = open else { return };
    let mut slots = ConnectionSlots::new(limits.connections);
    let mut connections = JoinSet::new();
    let mut complaint = Complaint::default();
    let mut looks = tokio::time::interval(LOOK);
    // A client that has been accepted and has no slot yet. Further ones wait in the kernel's queue.
    let mut newcomer = None;
    loop {
        if let Some(newcomer) = newcomer.take_if(|_| !slots.are_all_taken()) {
            let turns = Turns::default();
            let conversation = converse::<L, H>(newcomer, limits, handler.clone(), turns.clone(), drain.clone());
            slots.take(connections.spawn(conversation), turns);
        }
        tokio::select! {
            biased;
            () = drain.draining() => break,
            Some(ended) = connections.join_next_with_id() => slots.leave(report(ended)),
            accepted = accept(listener, &mut complaint), if newcomer.is_none() => newcomer = accepted,
            now = looks.tick(), if newcomer.is_some() => slots.evict_idle(now),
        }
    }
    *open = None;
    if let Some(newcomer) = newcomer {
        connections.spawn(converse::<L, H>(newcomer, limits, handler.clone(), Turns::default(), drain.clone()));
    }
    // Dropping the set ends what is left.
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.drain_time, ended).await.is_err() {
        tracing::debug!(left = connections.len(), "connections were cut off at the end of the drain");
    }
}

/// Serves one connection. Once draining has begun, an idle connection is closed at once, a busy one after its answer, and one that
/// has not had a request yet after [`FIRST_REQUEST`].
async fn converse<L: Listener, H: Handler>(
    (stream, peer): (L::Stream, Peer),
    limits: Limits,
    handler: H,
    turns: Turns,
    mut drain: DrainWatcher,
) {
    let own = turns.clone();
    let service = service_fn(move |request| own.answering(handler.handle(&peer, request)));
    let stream = TokioIo::new(Attended::<L>::new(stream, turns.clone()));
    let mut connection = pin!(protocol(limits).serve_connection(stream, service));
    let end = async {
        drain.draining().await;
        if turns.none_has_begun() {
            tokio::time::sleep(FIRST_REQUEST).await;
        }
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = end => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // A client's mistake ends only its own connection, so a debug line is enough.
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// The next connection. `None`: accepting failed, and may be tried again.
async fn accept<L: Listener>(listener: &mut L, complaint: &mut Complaint) -> Option<(L::Stream, Peer)> {
    match listener.accept().await {
        Ok(accepted) => Some(accepted),
        Err(error) if is_the_clients_own(&error) => None,
        Err(error) => {
            complaint.make(&error);
            tokio::time::sleep(REST).await;
            None
        }
    }
}

/// Logs that accepting fails, but not ten times a second.
#[derive(Debug, Default)]
struct Complaint(Option<Instant>);

impl Complaint {
    fn make(&mut self, error: &io::Error) {
        if self.0.is_none_or(|made| made.elapsed() >= QUIET) {
            self.0 = Some(Instant::now());
            tracing::warn!(%error, "cannot accept connections at the moment");
        }
    }
}

/// Whether the error concerns a connection that was gone before it was accepted, and not the listener.
fn is_the_clients_own(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

fn protocol(limits: Limits) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        // Answers are small: copying the body behind its head costs less than a vectored write.
        .writev(false)
        .header_read_timeout(limits.head_time)
        .max_buf_size(LARGEST_HEAD)
        .max_header_size(LARGEST_HEAD);
    protocol
}

/// The task that has ended; logs a panic.
fn report(ended: Result<(Id, ()), JoinError>) -> Id {
    match ended {
        Ok((task, ())) => task,
        Err(error) => {
            if error.is_panic() {
                tracing::error!(%error, "a request met a bug of lictor's; its connection was closed");
            }
            error.id()
        }
    }
}
