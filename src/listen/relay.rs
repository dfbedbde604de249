//! Connections that are left in the queue of a side without a process: each is carried on to the active side, byte by
//! byte, so that no accepted connection is dropped.
//!
//! A carried connection costs two descriptors. One that nobody accepts on the other side would cost them for nothing: the
//! sides may change places again before the next process accepts anything, and then it is carried back. So a relay begins
//! with a single connection, and doubles the number each time that all of the last ones have been accepted.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};
use rustix::process::{Resource, getrlimit};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, copy, split};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::address::from_here;
use super::pair::{Place, is_empty};
use super::watch::readable;

/// All relays together carry at most this many connections at a time; further ones wait in their queue.
const AT_ONCE: u64 = 256;
/// One connection, which costs two descriptors, for this many that lictor may have: half of them remain for all else.
const SHARE_OF_DESCRIPTORS: u64 = 4;
/// The most connections that are carried before the relay looks whether they have been accepted.
const BATCH: u32 = 64;
/// The pause between two such looks: the kernel has no event for a queue that has become empty.
const LOOK: Duration = Duration::from_millis(5);
/// If connections are not accepted for this long, the relay goes on with a single one.
const STUCK: Duration = Duration::from_millis(100);
/// The pause before a second attempt when descriptors are lacking.
const LACK: Duration = Duration::from_millis(50);
/// How long a client may go on sending after the service has closed its side: a client that never closes would take the
/// place of others.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long a connection to the active side is attempted before the client's connection is dropped.
const PATIENCE: Duration = Duration::from_secs(10);

/// Room for connections that are carried, shared by all relays.
pub(super) fn room() -> Arc<Semaphore> {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let most = (limit / SHARE_OF_DESCRIPTORS).clamp(1, AT_ONCE);
    Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(1)))
}

/// One relay: from a side of a pair that has no process to the other one.
#[derive(Debug)]
pub(super) struct Relay {
    /// The socket whose queue is emptied.
    pub(super) from: OwnedFd,
    /// The socket of the active side: its queue says whether somebody accepts there.
    pub(super) active: OwnedFd,
    /// Where connections to the active side are made.
    pub(super) place: Place,
    /// Its other end is dropped when the side that is emptied is active again, or has a process.
    pub(super) seat: watch::Receiver<()>,
    /// Room for connections that are carried.
    pub(super) room: Arc<Semaphore>,
}

impl Relay {
    /// Carries connections until the other end of `seat` is dropped; what has been accepted by then is carried to its end.
    pub(super) async fn run(&self) {
        let mut carried = JoinSet::new();
        if let Err(error) = self.accept_all(&mut carried).await {
            tracing::warn!(%error, "connections that a stopped service has not accepted cannot be carried to the next one");
        }
        while carried.join_next().await.is_some() {}
    }

    async fn accept_all(&self, carried: &mut JoinSet<io::Result<()>>) -> io::Result<()> {
        let from = readable(self.from.try_clone()?)?;
        let mut seat = self.seat.clone();
        let mut pace = Pace::new();
        loop {
            let (client, room) = tokio::select! {
                biased;
                Err(_) = seat.changed() => return Ok(()),
                next = self.next(&from, &mut pace) => next?,
            };
            // One after another: each is in the other queue before it is seen whether that is emptied.
            self.carry_on(client, room, carried).await;
            while carried.try_join_next().is_some() {}
        }
    }

    /// The next client, as soon as there is room for it and the ones before it have been taken. Cancel-safe.
    async fn next(&self, from: &AsyncFd<OwnedFd>, pace: &mut Pace) -> io::Result<(OwnedFd, OwnedSemaphorePermit)> {
        loop {
            let mut ready = from.readable().await?;
            let room = self.room.clone().acquire_owned().await.map_err(io::Error::other)?;
            pace.keep(|| is_empty(self.active.as_fd())).await;
            match accept_with(from, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
                Ok(client) => {
                    pace.count();
                    return Ok((client, room));
                }
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::CONNABORTED | Errno::INTR) => {}
                Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => sleep(LACK).await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Connects this client to the active side, and carries what both say.
    async fn carry_on(&self, client: OwnedFd, room: OwnedSemaphorePermit, carried: &mut JoinSet<io::Result<()>>) {
        let connected = match &self.place {
            Place::Tcp(address) => {
                let to = from_here(*address);
                let both = (TcpStream::from_std(client.into()), persistently(|| TcpStream::connect(to)).await);
                both_of(both).map(|(client, service)| drop(carried.spawn(carry(client, service, room))))
            }
            Place::Unix(path) => {
                let to = path.as_path();
                let both =
                    (UnixStream::from_std(client.into()), persistently(|| UnixStream::connect::<&Path>(to)).await);
                both_of(both).map(|(client, service)| drop(carried.spawn(carry(client, service, room))))
            }
        };
        if let Err(error) = connected {
            tracing::warn!(%error, "a connection that a stopped service has not accepted is lost: no connection to the next one could be made");
        }
    }
}

fn both_of<S>((client, service): (io::Result<S>, io::Result<S>)) -> io::Result<(S, S)> {
    Ok((client?, service?))
}

/// Connects, and tries again for a while: a lack of descriptors, or a full queue of a Unix socket, may be over soon.
async fn persistently<S, F: Future<Output = io::Result<S>>>(mut connect: impl FnMut() -> F) -> io::Result<S> {
    let began = Instant::now();
    loop {
        match connect().await {
            Err(_) if began.elapsed() < PATIENCE => sleep(LACK).await,
            connected => return connected,
        }
    }
}

async fn carry<S: AsyncRead + AsyncWrite>(client: S, service: S, _room: OwnedSemaphorePermit) -> io::Result<()> {
    let ((from_client, to_client), (from_service, to_service)) = (split(client), split(service));
    let mut asked = pin!(pass(from_client, to_service));
    let mut answered = pin!(pass(from_service, to_client));
    tokio::select! {
        // A client may close its side after its request; the answer still goes to it.
        asked = &mut asked => {
            asked?;
            answered.await
        }
        answered = &mut answered => {
            answered?;
            timeout(LAST_WORDS, asked).await.unwrap_or(Ok(()))
        }
    }
}

/// Copies everything that one side sends to the other, and then closes that direction.
async fn pass<S: AsyncRead + AsyncWrite>(mut from: ReadHalf<S>, mut to: WriteHalf<S>) -> io::Result<()> {
    copy(&mut from, &mut to).await?;
    to.shutdown().await
}

/// How many connections are carried before the relay looks whether the active side accepts them.
#[derive(Debug)]
struct Pace {
    batch: u32,
    left: u32,
}

impl Pace {
    fn new() -> Self {
        Self { batch: 1, left: 1 }
    }

    /// Waits until another one may be carried: at once within a batch, after it until all have been taken.
    async fn keep(&mut self, all_taken: impl Fn() -> bool) {
        if self.left > 0 {
            return;
        }
        let began = Instant::now();
        let mut next = (self.batch * 2).min(BATCH);
        while !all_taken() {
            if began.elapsed() >= STUCK {
                next = 1;
            }
            sleep(LOOK).await;
        }
        (self.batch, self.left) = (next, next);
    }

    /// One has been accepted.
    fn count(&mut self) {
        self.left = self.left.saturating_sub(1);
    }
}
