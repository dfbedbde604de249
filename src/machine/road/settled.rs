//! *settled*: many edits are one change. A change is acted on after `wait.min` of quiet, or `wait.max` after its first
//! edit, quiet or not. The first start does not wait.

use super::super::moment::Moment;
use super::super::policy::Policy;
use super::Decision;

/// When the newest wish changed: the first edit that has not been acted on, and the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Edits {
    pub(in super::super) first: Moment,
    pub(in super::super) last: Moment,
}

pub(in super::super) fn decide(now: Moment, edits: Edits, policy: &Policy) -> Decision {
    let due = (edits.last + policy.quiet_min).min(edits.first + policy.quiet_max.max(policy.quiet_min));
    if now >= due { Decision::Pass } else { Decision::Wait(Some(due)) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Decision, Edits, Moment, Policy, decide};

    #[test]
    fn quiet_time_counts_from_the_last_edit_and_its_limit_from_the_first() {
        let policy = Policy {
            quiet_min: Duration::from_millis(100),
            quiet_max: Duration::from_millis(250),
            ..Policy::new("test")
        };
        let at = |now, first, last| decide(Moment(now), Edits { first: Moment(first), last: Moment(last) }, &policy);
        assert_eq!(at(50, 0, 0), Decision::Wait(Some(Moment(100))));
        assert_eq!(at(100, 0, 0), Decision::Pass);
        assert_eq!(at(240, 0, 200), Decision::Wait(Some(Moment(250))));
        assert_eq!(at(250, 0, 200), Decision::Pass);
    }

    #[test]
    fn no_quiet_time_means_at_once() {
        let policy = Policy { quiet_min: Duration::ZERO, ..Policy::new("test") };
        assert_eq!(decide(Moment(7), Edits { first: Moment(7), last: Moment(7) }, &policy), Decision::Pass);
    }
}
