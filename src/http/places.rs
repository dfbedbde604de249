//! The places for connections, and who loses one when all are taken: a client that was let in and has asked nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

/// What a client has for the head of its first request while others wait for a place. It is enough for any that means
/// it, and Consul's next check is answered in time however many do not.
const PATIENCE: Duration = Duration::from_secs(1);

/// All places of one server.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    /// Those that have one, in the order in which they came.
    taken: Vec<Taken>,
}

#[derive(Debug)]
struct Taken {
    since: Instant,
    heard: Heard,
    task: AbortHandle,
}

/// Whether a client has asked anything yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(Arc<AtomicBool>);

impl Heard {
    /// It has.
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_noted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Places {
    pub(super) fn new(count: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(count)), taken: Vec::new() }
    }

    /// A place for the one who waits; taking it is up to the caller. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
                return place;
            }
            self.taken.retain(|taken| !taken.task.is_finished());
            let silent = self.taken.iter().find(|taken| !taken.heard.is_noted());
            let left = silent.map_or(PATIENCE, |taken| PATIENCE.saturating_sub(taken.since.elapsed()));
            if let Some(taken) = silent.filter(|_| left.is_zero()) {
                // Its place is free when it has ended.
                taken.task.abort();
            }
            let limit = if left.is_zero() { PATIENCE } else { left };
            if let Ok(Ok(place)) = timeout(limit, Arc::clone(&self.free).acquire_owned()).await {
                return place;
            }
        }
    }

    /// This connection has taken its place.
    pub(super) fn taken(&mut self, heard: Heard, task: AbortHandle) {
        // Those that have ended are forgotten now and then, so that this costs nothing.
        if self.taken.len() == self.taken.capacity() {
            self.taken.retain(|taken| !taken.task.is_finished());
        }
        self.taken.push(Taken { since: Instant::now(), heard, task });
    }
}
