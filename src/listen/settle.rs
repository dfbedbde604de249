//! Waits until no new connection can reach a run any more, after new connections have been steered to another one.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::half_open::{Ends, half_open};
use super::kernel;
use super::pair::is_empty;
use crate::offload::offload;

/// How often the queue is read, which costs a microsecond.
const LOOK: Duration = Duration::from_millis(5);
/// Half-open connections are counted less often, because the kernel goes through all connections of the host for that.
const LOOK_HALF_OPEN: Duration = Duration::from_millis(50);
/// How long a connection that was just accepted has to send its request: a Go service that is being stopped drops
/// requests that it reads later.
const SETTLE: Duration = Duration::from_millis(60);
/// If nothing is accepted from a queue for this long, the wait ends: the connections in it are not lost, because lictor
/// holds the socket as well.
const STUCK: Duration = Duration::from_millis(500);
/// The longest time that a stop is delayed.
const LIMIT: Duration = Duration::from_secs(3);
/// The same while the queue is carried to another run, which takes longer the more connections wait.
const LIMIT_OF_RESCUE: Duration = Duration::from_secs(10);

/// A count that takes longer is given up, because a busy host must not delay a stop.
const PATIENCE: Duration = Duration::from_millis(500);

/// The result of the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// No connection waits any more for the run that is about to be stopped.
    Quiet,
    /// Some still do, because the run does not accept them, or the network is slow.
    Given,
}

/// A run that gets no new connections, but may still have some in its queues.
#[derive(Debug)]
pub struct Leaving {
    sockets: Vec<OwnedFd>,
    ports: BTreeSet<u16>,
}

impl Leaving {
    /// From copies of the sockets of its side, and their TCP ports.
    pub(super) fn new(sockets: Vec<OwnedFd>, ports: BTreeSet<u16>) -> Self {
        Self { sockets, ports }
    }

    /// Waits until its queues are empty, the connections that were half open at first are complete or gone, and the
    /// last ones have had time to send their request; limited in time.
    pub async fn settled(self) -> Settled {
        self.settled_within(LIMIT).await
    }

    /// The same while the queue is being carried to another run.
    pub async fn rescued(self) -> Settled {
        self.settled_within(LIMIT_OF_RESCUE).await
    }

    async fn settled_within(self, limit: Duration) -> Settled {
        let began = Instant::now();
        let mut half = HalfOpen::look(self.ports.clone()).await;
        let (mut fullest, mut moved) = (u32::MAX, began);
        loop {
            let waiting = self.waiting();
            if waiting == 0 && half.are_done().await {
                break;
            }
            let now = Instant::now();
            if waiting < fullest {
                (fullest, moved) = (waiting, now);
            }
            let stuck = waiting > 0 && now - moved >= STUCK;
            if stuck || now - began >= limit {
                return Settled::Given;
            }
            sleep(LOOK).await;
        }
        sleep(SETTLE).await;
        Settled::Quiet
    }

    /// How many connections wait; if the kernel does not count them, whether any does.
    fn waiting(&self) -> u32 {
        let of = |socket: &OwnedFd| match kernel::queue(socket) {
            Ok(queue) => queue.waiting,
            Err(_) => u32::from(!is_empty(socket.as_fd())),
        };
        self.sockets.iter().map(of).fold(0, u32::saturating_add)
    }
}

/// The connections that were half open when the steering changed.
#[derive(Debug)]
struct HalfOpen {
    ports: BTreeSet<u16>,
    left: BTreeSet<Ends>,
    looked: Instant,
}

impl HalfOpen {
    async fn look(ports: BTreeSet<u16>) -> Self {
        let left = read(&ports).await;
        Self { ports, left, looked: Instant::now() }
    }

    async fn are_done(&mut self) -> bool {
        if !self.left.is_empty() && self.looked.elapsed() >= LOOK_HALF_OPEN {
            let now = read(&self.ports).await;
            self.left.retain(|ends| now.contains(ends));
            self.looked = Instant::now();
        }
        self.left.is_empty()
    }
}

/// Reads them on a thread of its own, without waiting longer than the limit.
async fn read(ports: &BTreeSet<u16>) -> BTreeSet<Ends> {
    if ports.is_empty() {
        return BTreeSet::new();
    }
    let ports = ports.clone();
    match timeout(PATIENCE, offload(move || half_open(&ports))).await {
        Ok(Ok(Ok(found))) => found,
        _ => BTreeSet::new(),
    }
}
