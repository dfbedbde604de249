//! What has been counted since lictor started, from the board's totals.
//!
//! Series whose names are known in advance exist from the start, at zero, so that a first event is visible as a difference.

use super::Board;
use super::names::{self, label};
use super::series::{Count, Labels, Series};
use crate::machine::history::Outcome;
use crate::machine::totals::{Ending, Probes, Reason, TurnResult};

/// All totals, those of one metric beside each other.
pub(super) fn counts(board: &Board) -> Vec<Series<'_, Count>> {
    let mut list = counts_but_of_checks(board);
    let checks = &board.totals.checks;
    list.extend(checks.iter().map(|(name, probes)| of_check(name, *probes)[0]));
    list.extend(checks.iter().map(|(name, probes)| of_check(name, *probes)[1]));
    list
}

/// What was counted of one check's probes.
pub(super) fn of_check(name: &str, Probes { failures, took }: Probes) -> [Series<'_, Count>; 2] {
    let labels = Labels::one(label::CHECK, name);
    [
        Series { metric: &names::CHECK_FAILURES, labels, value: Count::Events(failures) },
        Series { metric: &names::CHECK_DURATION, labels, value: Count::Timed(took) },
    ]
}

/// The same without the checks' totals: there are many, and they change all the time.
pub(super) fn counts_but_of_checks(board: &Board) -> Vec<Series<'_, Count>> {
    let totals = &board.totals;
    let of = |metric, labels, value| Series { metric, labels, value };
    let events = |metric, labels, count: Option<&u64>| of(metric, labels, Count::Events(count.copied().unwrap_or(0)));

    let mut list = Vec::new();
    list.extend(REASONS.map(|(reason, word)| {
        events(&names::RESTARTS, Labels::one(label::REASON, word), totals.restarts.get(&reason))
    }));
    list.extend(
        ENDINGS
            .map(|(ending, word)| events(&names::EXITS, Labels::one(label::RESULT, word), totals.exits.get(&ending))),
    );
    list.extend(RESULTS.map(|(outcome, word)| {
        events(&names::CHANGES, Labels::one(label::RESULT, word), totals.outcomes.get(&outcome))
    }));
    list.push(of(&names::PROPAGATION, Labels::NONE, Count::Timed(totals.propagation)));
    // Only where there is a fleet: elsewhere they would always be zero.
    if totals.turn_wait.count > 0 {
        list.extend(
            TURNS.map(|(result, word)| {
                events(&names::TURNS, Labels::one(label::RESULT, word), totals.turns.get(&result))
            }),
        );
        list.push(of(&names::TURN_WAIT, Labels::NONE, Count::Timed(totals.turn_wait)));
    }
    if totals.drains.count > 0 {
        list.push(of(&names::DRAIN, Labels::NONE, Count::Timed(totals.drains)));
    }
    for source in &board.sources {
        list.extend(source.freshness.errors_by_class.iter().map(|(class, count)| {
            events(
                &names::SOURCE_ERRORS,
                Labels::two((label::SOURCE, &source.name), (label::CLASS, class)),
                Some(count),
            )
        }));
    }
    list
}

const REASONS: [(Reason, &str); 6] = [
    (Reason::Config, "config"),
    (Reason::Exit, "exit"),
    (Reason::Signal, "signal"),
    (Reason::Liveness, "liveness"),
    (Reason::Operator, "operator"),
    (Reason::Revert, "revert"),
];

const ENDINGS: [(Ending, &str); 3] = [(Ending::Ok, "ok"), (Ending::Error, "error"), (Ending::Signal, "signal")];

const TURNS: [(TurnResult, &str); 5] = [
    (TurnResult::Good, "good"),
    (TurnResult::Failed, "failed"),
    (TurnResult::Inconclusive, "inconclusive"),
    (TurnResult::Withdrawn, "withdrawn"),
    (TurnResult::Lost, "lost"),
];

/// The outcomes of wishes; not those of builds that failed on a good environment, of exits, or of an operator's actions.
const RESULTS: [(Outcome, &str); 9] = [
    (Outcome::Applied, "applied"),
    (Outcome::Reverted, "reverted"),
    (Outcome::Superseded, "superseded"),
    (Outcome::Inconclusive, "inconclusive"),
    (Outcome::Held, "held"),
    (Outcome::Halted, "halted"),
    (Outcome::Rejected, "rejected"),
    (Outcome::Reloaded, "reloaded"),
    (Outcome::Ignored, "ignored"),
];

#[cfg(test)]
mod tests {
    use super::{Count, Outcome, RESULTS, counts};
    use crate::metrics::sample;

    #[test]
    fn what_can_be_named_is_there_at_zero() {
        let board = sample::quiet();
        let zero = counts(&board);
        assert_eq!(zero.len(), 6 + 3 + RESULTS.len() + 1, "{zero:#?}");
        assert!(zero.iter().all(|series| matches!(series.value, Count::Events(0) | Count::Timed(_))));
    }

    /// Whoever adds an outcome decides here whether it is one of a wish.
    fn is_of_a_wish(outcome: Outcome) -> bool {
        match outcome {
            Outcome::Applied
            | Outcome::Reverted
            | Outcome::Superseded
            | Outcome::Inconclusive
            | Outcome::Held
            | Outcome::Halted
            | Outcome::Rejected
            | Outcome::Reloaded
            | Outcome::Ignored => true,
            Outcome::BuildFailed
            | Outcome::Exited
            | Outcome::Unresponsive
            | Outcome::Operator
            | Outcome::Validated
            | Outcome::NotValidated => false,
        }
    }

    #[test]
    fn changes_of_the_config_are_the_outcomes_of_wishes() {
        assert!(RESULTS.iter().all(|(outcome, _)| is_of_a_wish(*outcome)));
        let mut board = sample::quiet();
        let before = format!("{:?}", counts(&board));
        for outcome in
            [Outcome::Exited, Outcome::BuildFailed, Outcome::Unresponsive, Outcome::Operator, Outcome::NotValidated]
        {
            assert!(!is_of_a_wish(outcome));
            board.totals.outcomes.insert(outcome, 3);
        }
        assert_eq!(format!("{:?}", counts(&board)), before);
        board.totals.outcomes.insert(Outcome::Rejected, 3);
        assert_ne!(format!("{:?}", counts(&board)), before);
    }
}
