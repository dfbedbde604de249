//! What `fleet {}` says, as the turns need it.

use std::fmt;
use std::time::Duration;

/// How the instances of one service take turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The fleet's folder in Consul's KV store, with `/` at its end.
    pub prefix: String,
    /// The service's name in Consul's catalog.
    pub service: String,
    /// The service's id at the local agent.
    pub id: String,
    /// How many instances may be out for config at a time.
    pub limit: Limit,
    /// So many others must pass in the catalog before one restarts, or all of them if there are fewer.
    pub min_passing: u32,
    /// The first instance of a change is watched this long after it is good, before the second one goes.
    pub bake: Duration,
}

/// How many instances may be out for config at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// This many.
    Count(u32),
    /// This many percent of the instances in the catalog, rounded down, but at least one.
    Share(u8),
}

impl Limit {
    /// The number for a fleet of this size.
    pub fn of(self, instances: usize) -> usize {
        match self {
            Self::Count(count) => usize::try_from(count).unwrap_or(usize::MAX),
            Self::Share(percent) => instances.saturating_mul(usize::from(percent)) / 100,
        }
        .max(1)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Share(percent) => write!(f, "{percent}%"),
        }
    }
}

/// Consul ends a session that has not been renewed for this long, at the latest after twice that.
pub(super) const TTL: Duration = Duration::from_secs(15);
/// How often a session is renewed.
pub(super) const RENEW: Duration = Duration::from_secs(5);
/// Without a renewal for this long nothing is begun under a session: Consul may end it soon.
pub(super) const CUTOFF: Duration = Duration::from_secs(10);
/// What blocks a turn and does not move for so long is waited for no longer, if enough others pass.
pub(super) const PATIENCE: Duration = Duration::from_mins(5);
/// Enough, in percent.
pub(super) const ENOUGH: usize = 75;

#[cfg(test)]
mod tests {
    use super::Limit;

    #[test]
    fn a_share_is_rounded_down_but_never_to_nothing() {
        for (percent, instances, limit) in [(25, 8, 2), (25, 7, 1), (25, 1, 1), (25, 0, 1), (100, 8, 8), (1, 1000, 10)]
        {
            assert_eq!(Limit::Share(percent).of(instances), limit, "{percent}% of {instances}");
        }
        assert_eq!(Limit::Count(3).of(1), 3);
    }
}
