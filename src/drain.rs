//! A graceful end: the trigger asks every watcher to end, and waits until all watchers have been dropped.
//!
//! A task that still has work holds a watcher; by dropping it, the task reports that it is done.

use std::time::Duration;

use tokio::sync::watch;

/// Whether the end has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    Draining,
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every watcher was dropped in time.
    Clean,
    /// The deadline came first; what is left has to be dropped by force.
    Overdue,
}

/// Begins the end. Dropping it begins the end too, without waiting.
#[derive(Debug)]
pub struct DrainTrigger(watch::Sender<Stage>);

/// Held by a task that has to end gracefully. Each clone counts.
#[derive(Clone, Debug)]
pub struct DrainWatcher(watch::Receiver<Stage>);

/// A trigger with its first watcher.
pub fn channel() -> (DrainTrigger, DrainWatcher) {
    let (sender, receiver) = watch::channel(Stage::Open);
    (DrainTrigger(sender), DrainWatcher(receiver))
}

impl DrainTrigger {
    /// Tells every watcher and waits until all are dropped, for at most `deadline`.
    pub async fn drain(self, deadline: Duration) -> Drained {
        self.0.send_replace(Stage::Draining);
        match tokio::time::timeout(deadline, self.0.closed()).await {
            Ok(()) => Drained::Clean,
            Err(_) => Drained::Overdue,
        }
    }
}

impl DrainWatcher {
    /// Whether the end has begun.
    pub fn is_draining(&self) -> bool {
        *self.0.borrow() == Stage::Draining || self.0.has_changed().is_err()
    }

    /// Returns once the end has begun; at once if it has.
    pub async fn draining(&mut self) {
        // An error means that the trigger has been dropped, which begins the end too.
        let _ = self.0.wait_for(|stage| *stage == Stage::Draining).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Drained, channel};

    #[tokio::test(start_paused = true)]
    async fn the_trigger_waits_for_every_watcher() {
        let (trigger, watcher) = channel();
        let (mut one, two) = (watcher.clone(), watcher);
        assert!(!one.is_draining());
        let workers = async {
            one.draining().await;
            assert!(two.is_draining());
            tokio::time::sleep(Duration::from_secs(5)).await;
            drop((one, two));
        };
        let begun = tokio::time::Instant::now();
        let (drained, ()) = tokio::join!(trigger.drain(Duration::from_mins(1)), workers);
        assert_eq!(drained, Drained::Clean);
        assert_eq!(begun.elapsed(), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_watcher_that_stays_makes_it_overdue() {
        let (trigger, watcher) = channel();
        assert_eq!(trigger.drain(Duration::from_secs(3)).await, Drained::Overdue);
        assert!(watcher.is_draining());
    }

    #[tokio::test]
    async fn without_watchers_there_is_nothing_to_wait_for() {
        let (trigger, watcher) = channel();
        drop(watcher);
        assert_eq!(trigger.drain(Duration::ZERO).await, Drained::Clean);
    }

    #[tokio::test]
    async fn a_trigger_that_is_gone_is_the_end() {
        let (trigger, mut watcher) = channel();
        drop(trigger);
        watcher.draining().await;
        assert!(watcher.is_draining());
    }
}
