//! Pseudo-random numbers from a seed, so that a log can be replayed.

use std::time::Duration;

/// `SplitMix64`: one word of state, every seed is as good as another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// A wait between zero and `bound`, uniformly distributed ("full jitter").
    pub(super) fn up_to(&mut self, bound: Duration) -> Duration {
        let millis = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.next() % millis.saturating_add(1))
    }
}

/// The bound of the n-th wait, counted from 1: it doubles from `first` up to `limit`.
pub(super) fn doubled(first: Duration, limit: Duration, attempt: u32) -> Duration {
    first.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX)).min(limit)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Random, doubled};

    #[test]
    fn bounds_double_up_to_the_limit() {
        let bound = |attempt| doubled(Duration::from_secs(1), Duration::from_mins(1), attempt).as_secs();
        assert_eq!([1, 2, 3, 7, 200].map(bound), [1, 2, 4, 60, 60]);
    }

    #[test]
    fn jitter_fills_its_range_and_never_leaves_it() {
        let mut random = Random::new(7);
        let waits: Vec<_> = (0..1000).map(|_| random.up_to(Duration::from_millis(9)).as_millis()).collect();
        assert!((0..=9).all(|millis| waits.contains(&millis)));
        assert!(waits.iter().all(|&millis| millis <= 9));
        assert_eq!(random.up_to(Duration::ZERO), Duration::ZERO);
    }
}
