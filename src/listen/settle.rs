//! Waiting until nothing new comes to a run that new connections have been turned away from.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::half_open::{Ends, half_open};
use super::kernel;
use super::pair::is_empty;
use crate::offload::offload;

/// How often it is looked at. A look at the queue costs a microsecond.
const LOOK: Duration = Duration::from_millis(5);
/// Half-open connections are looked for less often: the kernel goes through all connections of the host for it.
const LOOK_HALF_OPEN: Duration = Duration::from_millis(50);
/// How long a connection that was just accepted has to send its request: a Go service that is stopped drops what it
/// reads afterwards.
const SETTLE: Duration = Duration::from_millis(60);
/// A queue that nothing is taken from for so long is not waited for: what is in it is not lost, since lictor holds the
/// socket as well.
const STUCK: Duration = Duration::from_millis(500);
/// The longest that a stop is put off.
const LIMIT: Duration = Duration::from_secs(3);

/// A look at them that takes longer is given up: a host that is that busy must not put off a stop.
const PATIENCE: Duration = Duration::from_millis(500);

/// What came of the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Nobody waits any more for the run that is about to stop.
    Quiet,
    /// Some still do: the run does not take them, or the network is slow.
    Given,
}

/// A run that gets no new connection any more, and may still have some in its queues.
#[derive(Debug)]
pub struct Leaving {
    sockets: Vec<OwnedFd>,
    ports: BTreeSet<u16>,
}

impl Leaving {
    /// With copies of the sockets of its side, and the TCP ports among them.
    pub(super) fn new(sockets: Vec<OwnedFd>, ports: BTreeSet<u16>) -> Self {
        Self { sockets, ports }
    }

    /// Waits until its queues are empty, what was half open at first is complete or gone, and the last ones have had time
    /// to send their request; not for ever.
    pub async fn settled(self) -> Settled {
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
            if stuck || now - began >= LIMIT {
                return Settled::Given;
            }
            sleep(LOOK).await;
        }
        sleep(SETTLE).await;
        Settled::Quiet
    }

    /// How many wait; where the kernel does not count them, whether any do.
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

/// On a thread of its own; what cannot be read in time is not waited for.
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
