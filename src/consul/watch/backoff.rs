//! How long to wait after an error.

use std::time::Duration;

use super::super::Retry;
use super::super::error::Class;

/// Doubling bounds with full jitter, so that a fleet does not come back in step.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    retry: Retry,
    failures: u32,
    jitter: fastrand::Rng,
}

impl Backoff {
    pub(super) fn new(retry: Retry, seed: u64) -> Self {
        Self { retry, failures: 0, jitter: fastrand::Rng::with_seed(seed) }
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The next wait. What only a person can mend starts slower and is never tried at once.
    pub(super) fn next(&mut self, class: Class) -> Duration {
        let bound = self.bound(match class {
            Class::Denied | Class::Invalid => self.failures.saturating_add(4),
            Class::Unreachable | Class::Timeout | Class::NoLeader | Class::Throttled | Class::Unknown => self.failures,
        });
        self.failures = self.failures.saturating_add(1);
        match class {
            Class::Denied | Class::Invalid => bound / 2 + bound.mul_f64(self.jitter.f64() / 2.0),
            Class::Unreachable | Class::Timeout | Class::NoLeader | Class::Throttled | Class::Unknown => {
                bound.mul_f64(self.jitter.f64())
            }
        }
    }

    fn bound(&self, doublings: u32) -> Duration {
        let Retry { backoff, max_backoff } = self.retry;
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        backoff.saturating_mul(factor).min(max_backoff.max(backoff))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry { backoff: Duration::from_millis(250), max_backoff: Duration::from_secs(30) };

    #[test]
    fn bounds_double_up_to_the_largest() {
        let backoff = Backoff::new(RETRY, 1);
        for (doublings, bound) in [(0, 250), (1, 500), (6, 16_000), (7, 30_000), (31, 30_000), (u32::MAX, 30_000)] {
            assert_eq!(backoff.bound(doublings), Duration::from_millis(bound), "{doublings}");
        }
    }

    #[test]
    fn waits_are_spread_over_all_of_the_bound() {
        let waits: Vec<_> = (0..1000).map(|seed| Backoff::new(RETRY, seed).next(Class::Unreachable)).collect();
        assert!(waits.iter().all(|wait| *wait <= RETRY.backoff));
        assert!(waits.iter().any(|wait| *wait < RETRY.backoff / 10));
        assert!(waits.iter().any(|wait| *wait > RETRY.backoff * 9 / 10));
    }

    #[test]
    fn what_a_person_must_mend_is_tried_slowly() {
        for seed in 0..100 {
            let wait = Backoff::new(RETRY, seed).next(Class::Denied);
            assert!((Duration::from_secs(2)..=Duration::from_secs(4)).contains(&wait), "{wait:?}");
        }
    }
}
