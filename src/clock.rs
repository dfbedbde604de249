//! The one clock: milliseconds of `CLOCK_BOOTTIME`.

use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::machine::Moment;

/// The Unix time at `Moment(0)` for this run of lictor.
static EPOCH: LazyLock<u64> = LazyLock::new(|| Clock.booted_unix_ms());

/// Tells moments, and waits for them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock;

impl Clock {
    /// Now, rounded down to a millisecond: a wait for a moment never ends before it.
    pub fn now(self) -> Moment {
        let time = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let millis = u64::try_from(time.tv_nsec / 1_000_000).unwrap_or(0);
        Moment(seconds.saturating_mul(1000).saturating_add(millis))
    }

    /// Unix time, in milliseconds, at `Moment(0)`, as the wall clock said when it was first asked: in one life of
    /// lictor all times are computed from it, so that a step of the wall clock makes nothing older or younger.
    pub fn epoch_unix_ms(self) -> u64 {
        *EPOCH
    }

    /// The current Unix time in milliseconds, computed from that.
    pub fn unix_ms(self) -> u64 {
        self.epoch_unix_ms().saturating_add(self.now().0)
    }

    /// Unix time, in milliseconds, at `Moment(0)`, as the wall clock says now.
    pub fn booted_unix_ms(self) -> u64 {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(unix.as_millis()).unwrap_or(u64::MAX).saturating_sub(self.now().0)
    }

    /// Waits until a moment; forever if there is none.
    pub async fn until(self, moment: Option<Moment>) {
        match moment {
            Some(moment) => tokio::time::sleep(moment - self.now()).await,
            None => std::future::pending::<()>().await,
        }
    }

    /// A seed that no two lictors share, for the jitter.
    pub fn seed(self) -> u64 {
        fastrand::u64(..)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Clock;

    #[tokio::test]
    async fn a_wait_never_ends_before_its_moment() {
        for _ in 0..5 {
            let moment = Clock.now() + Duration::from_millis(20);
            Clock.until(Some(moment)).await;
            assert!(Clock.now() >= moment);
        }
    }
}
