//! *switched*: how a wish takes effect. A change that touches only keys marked `reload` or `ignore` does not restart
//! the process, so it needs no turn, and the process does not leave traffic.

use super::super::moment::Moment;
use super::super::policy::{KeyRule, OnChange, Policy};
use super::super::process::slot::Slot;
use crate::environment::schema::most_exact;

/// How a wish takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum ApplyBy {
    /// The process that runs, if any, is stopped; the next one is started on it.
    Restart,
    /// The process is signalled to read its file again.
    Reload,
    /// Not at all, until the next start for another reason.
    Ignore,
    /// Not known yet, because the process is still proving itself. Decide again at this moment, or when something
    /// happens.
    Wait(Option<Moment>),
}

/// How far the process that runs has proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Standing {
    /// No process, or one that is being stopped.
    Gone,
    /// It is on trial, or not known to be healthy yet; until this moment at the latest.
    Unproved(Option<Moment>),
    /// It has reloaded, and is proving itself on the new environment.
    Reloaded,
    /// Its deadline has passed, and it is not healthy.
    Overdue,
    /// It has proved itself.
    Proved,
}

/// What these variables ask for when they change together: the strongest effect that one of them asks for.
pub(in super::super) fn asked(rules: &[KeyRule], changed: &[String]) -> OnChange {
    let of =
        |name: &String| most_exact(rules, name, |rule| &rule.label).map_or(OnChange::Restart, |rule| rule.on_change);
    changed.iter().map(of).max().unwrap_or(OnChange::Restart)
}

/// A process that is not healthy is restarted for any change: nothing healthy is at stake. A process that is still
/// proving itself is not disturbed for a change that needs no restart: a signal may kill a process that does not handle
/// it yet.
pub(in super::super) fn decide(asked: OnChange, standing: Standing) -> ApplyBy {
    match (asked, standing) {
        (OnChange::Restart, _) | (_, Standing::Gone | Standing::Overdue) => ApplyBy::Restart,
        (OnChange::Reload, Standing::Reloaded | Standing::Proved) => ApplyBy::Reload,
        (OnChange::Ignore, Standing::Proved) => ApplyBy::Ignore,
        (OnChange::Ignore, Standing::Reloaded) => ApplyBy::Wait(None),
        (_, Standing::Unproved(until)) => ApplyBy::Wait(until),
    }
}

/// The standing of the process that is alive, if one is.
pub(in super::super) fn standing(now: Moment, alive: Option<&Slot>, policy: &Policy) -> Standing {
    let Some(run) = alive else { return Standing::Gone };
    let Some(trial) = &run.trial else { return Standing::Proved };
    if trial.overdue.is_some() {
        return Standing::Overdue;
    }
    if trial.reloaded.is_some() {
        return Standing::Reloaded;
    }
    if run.pid.is_none() {
        return Standing::Unproved(None);
    }
    let until = trial.deadline(&run.evidence(), policy);
    if now >= until { Standing::Overdue } else { Standing::Unproved(Some(until)) }
}

#[cfg(test)]
mod tests {
    use super::{ApplyBy, KeyRule, Moment, OnChange, Standing, asked, decide};
    use crate::environment::glob::Glob;

    const STANDINGS: [Standing; 5] =
        [Standing::Gone, Standing::Unproved(Some(Moment(9))), Standing::Reloaded, Standing::Overdue, Standing::Proved];

    fn asked_for(rules: &[(&str, OnChange)], changed: &[&str]) -> OnChange {
        let rule = |(label, on_change): &(&str, OnChange)| KeyRule {
            label: Glob::parse(label).unwrap(),
            on_change: *on_change,
        };
        let rules: Vec<_> = rules.iter().map(rule).collect();
        let changed: Vec<_> = changed.iter().map(|name| (*name).to_owned()).collect();
        asked(&rules, &changed)
    }

    #[test]
    fn the_most_exact_label_says_what_a_change_asks_for() {
        let rules = [("LOG_*", OnChange::Reload), ("*", OnChange::Ignore), ("LOG_FILE", OnChange::Restart)];
        for (changed, expected) in
            [(&["LOG_LEVEL"][..], OnChange::Reload), (&["NOTE"], OnChange::Ignore), (&["LOG_FILE"], OnChange::Restart)]
        {
            assert_eq!(asked_for(&rules, changed), expected, "{changed:?}");
        }
        assert_eq!(asked_for(&[("A", OnChange::Ignore)], &["B"]), OnChange::Restart, "what no label names restarts");
    }

    #[test]
    fn the_most_that_one_key_asks_for_is_done() {
        let rules = [("L", OnChange::Reload), ("N", OnChange::Ignore)];
        assert_eq!(asked_for(&rules, &["N", "L"]), OnChange::Reload);
        assert_eq!(asked_for(&rules, &["N", "L", "X"]), OnChange::Restart);
        assert_eq!(asked_for(&rules, &["N"]), OnChange::Ignore);
    }

    #[test]
    fn only_a_process_that_has_proved_itself_is_not_restarted() {
        for standing in STANDINGS {
            assert_eq!(decide(OnChange::Restart, standing), ApplyBy::Restart, "{standing:?}");
        }
        let ways = |asked| STANDINGS.map(|standing| decide(asked, standing));
        let wait = ApplyBy::Wait(Some(Moment(9)));
        assert_eq!(
            ways(OnChange::Reload),
            [ApplyBy::Restart, wait, ApplyBy::Reload, ApplyBy::Restart, ApplyBy::Reload]
        );
        assert_eq!(
            ways(OnChange::Ignore),
            [ApplyBy::Restart, wait, ApplyBy::Wait(None), ApplyBy::Restart, ApplyBy::Ignore]
        );
    }
}
