//! Decides when a check is probed next. Pure: times are durations since the check began.

use std::time::Duration;

use crate::machine::event::ProbeResult;
use crate::machine::order::Pace;

/// The first pause until a check has passed; further ones double.
const QUICK: Duration = Duration::from_millis(100);

/// No check is probed more often than this.
const SHORTEST: Duration = Duration::from_millis(10);

/// The clock of one check in one run.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    normal: Duration,
    trial: Duration,
    /// The check's place in its interval, as a fraction of 2^32. The golden ratio spreads any number of checks evenly.
    place: u32,
    stage: Stage,
    last: Option<Probed>,
}

/// The time between two probes of a run on trial.
pub fn on_trial(interval: Duration, min_healthy: Duration) -> Duration {
    interval.min(min_healthy / 3).max(SHORTEST)
}

/// Whether the check has passed in this run.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Not yet; the next short pause.
    Quick(Duration),
    /// It has passed.
    Steady,
}

#[derive(Clone, Copy, Debug)]
struct Probed {
    started: Duration,
    ended: Duration,
}

impl Schedule {
    /// The clock of the check with this number.
    pub(super) fn new(check: usize, interval: Duration, min_healthy: Duration) -> Self {
        let normal = interval.max(SHORTEST);
        let number = u32::try_from(check).unwrap_or(u32::MAX);
        Self {
            normal,
            trial: on_trial(normal, min_healthy),
            place: number.wrapping_mul(2_654_435_769),
            stage: Stage::Quick(QUICK),
            last: None,
        }
    }

    /// When the next probe starts: at least half an interval and at most a whole one after the start of the last probe, unless that
    /// one has not ended by then.
    pub(super) fn due(&self, pace: Pace) -> Duration {
        let Some(last) = self.last else { return Duration::ZERO };
        let interval = match pace {
            Pace::Normal => self.normal,
            Pace::Trial => self.trial,
        };
        let gap = match self.stage {
            Stage::Quick(gap) => gap.min(interval),
            Stage::Steady => self.gap_to_place(last.started, interval),
        };
        last.started.saturating_add(gap).max(last.ended)
    }

    /// Notes the end of a probe.
    pub(super) fn probed(&mut self, started: Duration, ended: Duration, outcome: &ProbeResult) {
        if outcome.passes() {
            self.stage = Stage::Steady;
        } else if let (Stage::Quick(gap), Some(_)) = (self.stage, self.last) {
            self.stage = Stage::Quick(gap.saturating_mul(2));
        }
        self.last = Some(Probed { started, ended });
    }

    /// The time from `started` to the check's next place in the interval; if that is too close, half of the way to the one after.
    fn gap_to_place(&self, started: Duration, interval: Duration) -> Duration {
        let place = (interval.as_nanos() * u128::from(self.place)) >> 32;
        let into = (started.as_nanos() + interval.as_nanos() - place) % interval.as_nanos();
        let gap = interval.saturating_sub(nanos(into));
        if gap < interval / 2 { (gap + interval) / 2 } else { gap }
    }
}

fn nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{SHORTEST, Schedule};
    use crate::machine::event::ProbeResult;
    use crate::machine::order::Pace;

    fn bad() -> ProbeResult {
        ProbeResult::Fail("down".to_owned())
    }

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn quick_until_it_passes_then_steady() {
        let mut schedule = Schedule::new(0, ms(1000), ms(10_000));
        let mut starts = Vec::new();
        for _ in 0..7 {
            let due = schedule.due(Pace::Normal);
            starts.push(due.as_millis());
            schedule.probed(due, due + ms(1), &bad());
        }
        assert_eq!(starts, [0, 100, 300, 700, 1500, 2500, 3500]);
        let due = schedule.due(Pace::Normal);
        schedule.probed(due, due + ms(1), &ProbeResult::Pass);
        assert_eq!(schedule.due(Pace::Normal), ms(5000));
        schedule.probed(ms(5000), ms(5001), &bad());
        assert_eq!(schedule.due(Pace::Normal), ms(6000), "a failure later on changes nothing");
    }

    #[test]
    fn the_first_steps_to_its_place_are_not_small_ones() {
        let mut schedule = Schedule::new(0, ms(1000), ms(10_000));
        schedule.probed(ms(700), ms(701), &ProbeResult::Pass);
        assert_eq!(schedule.due(Pace::Normal), ms(1350), "half of the way to 2000");
        schedule.probed(ms(1350), ms(1351), &ProbeResult::Pass);
        assert_eq!(schedule.due(Pace::Normal), ms(2000));
    }

    #[test]
    fn a_trial_is_probed_three_times_in_min_healthy() {
        let mut schedule = Schedule::new(0, ms(5000), ms(3000));
        schedule.probed(ms(0), ms(1), &ProbeResult::Pass);
        assert_eq!(schedule.due(Pace::Normal), ms(5000));
        assert_eq!(schedule.due(Pace::Trial), ms(1000));
        let tiny = Schedule::new(0, ms(5000), ms(3));
        assert_eq!(tiny.trial, SHORTEST);
    }

    #[test]
    fn a_slow_probe_is_followed_at_once() {
        let mut schedule = Schedule::new(0, ms(1000), ms(9000));
        schedule.probed(ms(0), ms(5000), &ProbeResult::Pass);
        assert_eq!(schedule.due(Pace::Normal), ms(5000));
    }

    #[test]
    fn many_checks_are_spread_over_the_interval() {
        let mut places: Vec<u128> = (0..200)
            .map(|check| {
                let mut schedule = Schedule::new(check, ms(1000), ms(9000));
                schedule.probed(ms(0), ms(0), &ProbeResult::Pass);
                let due = schedule.due(Pace::Normal);
                schedule.probed(due, due, &ProbeResult::Pass);
                schedule.due(Pace::Normal).as_millis() % 1000
            })
            .collect();
        places.sort_unstable();
        let widest = places.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(widest <= Some(15), "no burst and no gap: {widest:?}");
    }

    proptest! {
        #[test]
        fn the_gap_is_between_half_an_interval_and_one(
            check in 0usize..1000, interval in 1u64..100_000, started in 0u64..10_000_000,
        ) {
            let interval = ms(interval).max(SHORTEST);
            let mut schedule = Schedule::new(check, interval, ms(900_000));
            schedule.probed(ms(started), ms(started), &ProbeResult::Pass);
            let gap = schedule.due(Pace::Normal).saturating_sub(ms(started));
            prop_assert!(gap >= interval / 2 && gap <= interval, "{:?}", gap);
        }
    }
}
