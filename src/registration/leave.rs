//! How long leaving traffic takes: the rule, without clock or kernel. Times are durations since any fixed moment.

use std::time::Duration;

use super::Drain;

/// One leaving of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leave {
    rules: Drain,
    began: Duration,
    /// Since when the catalog has shown us out of traffic.
    out: Option<Duration>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The catalog still shows us in traffic, or can't be asked.
    Announcing,
    /// The load balancer has its time.
    Waiting,
    /// What still comes is watched.
    Quieting,
    /// Nothing comes any more, or the time is over.
    Over,
}

impl Leave {
    pub(super) fn begin(rules: Drain, now: Duration) -> Self {
        Self { rules, began: now, out: None }
    }

    /// The catalog shows us out of traffic, or doesn't.
    pub(super) fn shown(&mut self, now: Duration, is_out: bool) {
        self.out = match self.out {
            _ if !is_out => None,
            Some(before) => Some(before),
            None => Some(now),
        };
    }

    /// How far it is; `still` is for how long nothing has come or moved, if that is known.
    pub(super) fn stage(&self, now: Duration, still: Option<Duration>) -> Stage {
        if now >= self.limit() {
            return Stage::Over;
        }
        let Some(floor) = self.floor() else { return Stage::Announcing };
        if now < floor {
            return Stage::Waiting;
        }
        // What was quiet before the load balancer knew says nothing.
        match still.map(|still| still.min(now.saturating_sub(floor))) {
            Some(still) if still >= self.rules.quiet => Stage::Over,
            _ if self.rules.quiet.is_zero() => Stage::Over,
            _ => Stage::Quieting,
        }
    }

    /// When the load balancer has had its time.
    pub(super) fn floor(&self) -> Option<Duration> {
        self.out.map(|out| out + self.rules.wait)
    }

    /// When it is over whatever happens.
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
