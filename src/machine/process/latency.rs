//! How long the last probes of a check took.

use std::collections::VecDeque;
use std::time::Duration;

/// So many probes count.
const KEPT: usize = 100;

/// The last hundred, in the order in which they came and by size: what is asked for often costs nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in super::super) struct Latencies {
    newest: VecDeque<Duration>,
    sorted: Vec<Duration>,
}

impl Latencies {
    /// One more; the oldest one of a hundred goes.
    pub(in super::super) fn add(&mut self, took: Duration) {
        if self.newest.len() == KEPT
            && let Some(oldest) = self.newest.pop_front()
            && let Ok(place) = self.sorted.binary_search(&oldest)
        {
            self.sorted.remove(place);
        }
        self.newest.push_back(took);
        let place = self.sorted.partition_point(|known| *known <= took);
        self.sorted.insert(place, took);
    }

    /// What so many of a hundred did not exceed (nearest rank); `None` before the first probe.
    pub(in super::super) fn percentile(&self, percent: usize) -> Option<Duration> {
        let rank = (self.sorted.len() * percent).div_ceil(100);
        self.sorted.get(rank.checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{KEPT, Latencies};

    fn of(millis: &[u64]) -> Latencies {
        let mut latencies = Latencies::default();
        for &millis in millis {
            latencies.add(Duration::from_millis(millis));
        }
        latencies
    }

    #[test]
    fn nearest_ranks() {
        assert_eq!(of(&[]).percentile(50), None);
        assert_eq!(of(&[7]).percentile(50), Some(Duration::from_millis(7)));
        assert_eq!(of(&[7]).percentile(99), Some(Duration::from_millis(7)));
        let hundred: Vec<_> = (1..=100).rev().collect();
        assert_eq!(of(&hundred).percentile(50), Some(Duration::from_millis(50)));
        assert_eq!(of(&hundred).percentile(99), Some(Duration::from_millis(99)));
    }

    proptest! {
        #[test]
        fn the_last_hundred_count(millis in prop::collection::vec(0..50_u64, 1..300), percent in 1..=100_usize) {
            let mut last = millis[millis.len().saturating_sub(KEPT)..].to_vec();
            last.sort_unstable();
            let expected = last[(last.len() * percent).div_ceil(100) - 1];
            prop_assert_eq!(of(&millis).percentile(percent), Some(Duration::from_millis(expected)));
        }
    }
}
