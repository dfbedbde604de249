//! The rule for how long leaving traffic takes, without clock or kernel. Times are durations since some fixed moment.

use std::time::Duration;

use super::Drain;

/// A run that leaves traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leave {
    rules: Drain,
    began: Duration,
    /// When the catalog first showed us out of traffic.
    out: Option<Duration>,
}

/// The phases of leaving traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The catalog still shows us in traffic, or cannot be asked.
    Announcing,
    /// The load balancer has time to notice.
    Waiting,
    /// The connections are watched.
    Quieting,
    /// The connections are quiet, or the time is over.
    Over,
}

impl Leave {
    pub(super) fn begin(rules: Drain, now: Duration) -> Self {
        Self { rules, began: now, out: None }
    }

    /// Notes whether the catalog shows us out of traffic.
    pub(super) fn shown(&mut self, now: Duration, is_out: bool) {
        self.out = match self.out {
            _ if !is_out => None,
            Some(before) => Some(before),
            None => Some(now),
        };
    }

    /// The present phase; `still` is how long the connections have been quiet, if that is known.
    pub(super) fn stage(&self, now: Duration, still: Option<Duration>) -> Stage {
        if now >= self.limit() {
            return Stage::Over;
        }
        let Some(floor) = self.floor() else { return Stage::Announcing };
        if now < floor {
            return Stage::Waiting;
        }
        // Quiet before the load balancer knew proves nothing.
        match still.map(|still| still.min(now.saturating_sub(floor))) {
            Some(still) if still >= self.rules.quiet => Stage::Over,
            _ if self.rules.quiet.is_zero() => Stage::Over,
            _ => Stage::Quieting,
        }
    }

    /// When the load balancer's time is over.
    pub(super) fn floor(&self) -> Option<Duration> {
        self.out.map(|out| out + self.rules.wait)
    }

    /// When leaving is over in any case.
    pub(super) fn limit(&self) -> Duration {
        self.began + self.rules.max
    }

    pub(super) fn took(&self, now: Duration) -> Duration {
        now.saturating_sub(self.began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn leave() -> Leave {
        Leave::begin(Drain::default(), S * 100)
    }

    #[test]
    fn the_floor_counts_from_the_catalog_and_quiet_from_the_floor() {
        let mut leave = leave();
        assert_eq!(leave.stage(S * 101, Some(S * 60)), Stage::Announcing);
        leave.shown(S * 101, true);
        leave.shown(S * 102, true);
        assert_eq!(leave.stage(S * 102, Some(S * 60)), Stage::Waiting);
        assert_eq!(leave.stage(S * 103, Some(S * 60)), Stage::Quieting, "the quiet of before says nothing");
        assert_eq!(leave.stage(S * 104, Some(S / 2)), Stage::Quieting);
        assert_eq!(leave.stage(S * 104, Some(S)), Stage::Over);
    }

    #[test]
    fn it_never_takes_longer_than_the_limit() {
        let mut unseen = leave();
        assert_eq!(unseen.stage(S * 129, None), Stage::Announcing);
        assert_eq!(unseen.stage(S * 130, None), Stage::Over);
        unseen.shown(S * 101, true);
        assert_eq!(unseen.stage(S * 129, None), Stage::Quieting, "what can't be watched isn't quiet");
        assert_eq!(unseen.stage(S * 130, Some(Duration::ZERO)), Stage::Over);
    }

    #[test]
    fn who_is_shown_in_traffic_again_begins_anew() {
        let mut leave = leave();
        leave.shown(S * 101, true);
        leave.shown(S * 102, false);
        assert_eq!(leave.stage(S * 110, Some(S * 60)), Stage::Announcing);
        leave.shown(S * 111, true);
        assert_eq!(leave.stage(S * 112, Some(S * 60)), Stage::Waiting);
    }

    #[test]
    fn without_a_quiet_time_the_floor_is_the_end() {
        let rules = Drain { quiet: Duration::ZERO, ..Drain::default() };
        let mut leave = Leave::begin(rules, Duration::ZERO);
        leave.shown(Duration::ZERO, true);
        assert_eq!(leave.stage(S * 2, None), Stage::Over);
    }
}
