//! *settled*: several edits become one change. It goes on after `wait.min` without an edit, or `wait.max` after its
//! first edit. The first start does not wait.
//!
//! A key that changes all the time would end every trial before its verdict. So after some trials in a row that were
//! superseded, a change that would supersede another one waits longer, until a trial has come to its verdict.

use std::time::Duration;

use super::super::moment::Moment;
use super::super::policy::Policy;
use super::super::random::doubled;
use super::Decision;

/// When the newest wish changed: the first edit that has not been applied yet, and the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Edits {
    pub(in super::super) first: Moment,
    pub(in super::super) last: Moment,
}

/// This many trials in a row are superseded without a wait, so that a mistake can be corrected at once.
const AT_ONCE: u32 = 2;

/// How long a change waits at least, from its first edit on, while a trial is going on and this many before it were
/// superseded in a row: first the shortest time of a trial, then twice that and so on, up to the longest time of a
/// trial.
pub(in super::super) fn rest(superseded: u32, policy: &Policy) -> Duration {
    match superseded.checked_sub(AT_ONCE) {
        None => Duration::ZERO,
        Some(further) => doubled(policy.min_healthy, policy.deadline, further.saturating_add(1)),
    }
}

pub(in super::super) fn decide(now: Moment, edits: Edits, rest: Duration, policy: &Policy) -> Decision {
    let quiet = (edits.last + policy.quiet_min).min(edits.first + policy.quiet_max.max(policy.quiet_min));
    let due = quiet.max(edits.first + rest);
    if now >= due { Decision::Pass } else { Decision::Wait(Some(due)) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Decision, Edits, Moment, Policy, decide, rest};

    #[test]
    fn quiet_time_counts_from_the_last_edit_and_its_limit_from_the_first() {
        let policy = Policy {
            quiet_min: Duration::from_millis(100),
            quiet_max: Duration::from_millis(250),
            ..Policy::new("test")
        };
        let at = |now, first, last| {
            decide(Moment(now), Edits { first: Moment(first), last: Moment(last) }, Duration::ZERO, &policy)
        };
        assert_eq!(at(50, 0, 0), Decision::Wait(Some(Moment(100))));
        assert_eq!(at(100, 0, 0), Decision::Pass);
        assert_eq!(at(240, 0, 200), Decision::Wait(Some(Moment(250))));
        assert_eq!(at(250, 0, 200), Decision::Pass);
    }

    #[test]
    fn without_a_quiet_time_a_change_goes_on_at_once() {
        let policy = Policy { quiet_min: Duration::ZERO, ..Policy::new("test") };
        let edits = Edits { first: Moment(7), last: Moment(7) };
        assert_eq!(decide(Moment(7), edits, Duration::ZERO, &policy), Decision::Pass);
        let resting = decide(Moment(7), edits, Duration::from_millis(5), &policy);
        assert_eq!(resting, Decision::Wait(Some(Moment(12))), "unless a trial is to come to its verdict first");
    }

    #[test]
    fn the_rest_grows_from_the_shortest_trial_to_the_longest() {
        let policy =
            Policy { min_healthy: Duration::from_secs(10), deadline: Duration::from_secs(90), ..Policy::new("test") };
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 6, 99].map(|trials| rest(trials, &policy).as_secs()),
            [0, 0, 10, 20, 40, 80, 90, 90]
        );
    }
}
