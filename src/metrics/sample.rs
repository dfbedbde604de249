//! Boards for tests: what the one sample lacks to be interesting to a meter.

use crate::machine::Moment;
use crate::machine::board::{Board, CheckPicture, CheckState, sample};
use crate::machine::event::{SourceReport, TrafficState};
use crate::machine::history;
use crate::machine::numbers::GenerationId;
use crate::machine::totals::{Ending, Probes, Reason, Timing};

/// Milliseconds of Unix time at `Moment(0)`.
const EPOCH_MS: u64 = 1_790_000_000_000;

/// The service "billing", up since second 2 on 1.214, to which nothing has happened; no checks, no sources.
pub(super) fn quiet() -> Board {
    let mut board = sample::board();
    board.config.generation = GenerationId(4);
    board.config.since = Some(Moment(1_500));
    board
}

/// The same after a hard life: restarts of every reason, changes of every result, failing sources and checks.
#[expect(clippy::default_trait_access, reason = "this room knows a source by its report only")]
pub(super) fn busy() -> Board {
    let mut board = quiet();
    let reasons =
        [Reason::Config, Reason::Exit, Reason::Signal, Reason::Liveness, Reason::Operator, Reason::Revert].into_iter();
    board.totals.restarts = reasons.zip(1..).collect();
    board.restarts = board.totals.all_restarts();
    board.totals.exits = [(Ending::Ok, 10), (Ending::Error, 11), (Ending::Signal, 12)].into();
    board.totals.outcomes = [(history::Outcome::Applied, 3), (history::Outcome::Reverted, 1)].into();
    board.totals.propagation = Timing { count: 3, sum_us: 4_500_000 };
    board.totals.drains = Timing { count: 2, sum_us: 5_000_000 };
    board.traffic = Some(TrafficState::In);
    board.config.held_since = Some(Moment(9_000));
    add_check(&mut board, "Database", CheckState::Passing);
    add_check(&mut board, "Status for SQS queue", CheckState::Failing);
    let mut source = SourceReport {
        name: "consul billing/".into(),
        keys: Some(3),
        need: Default::default(),
        freshness: Default::default(),
    };
    source.freshness.failing_since_unix_ms = Some(EPOCH_MS + 4_000);
    source.freshness.errors_by_class = [("timeout".to_owned(), 2), ("unreachable".to_owned(), 5)].into();
    board.sources.push(source);
    board
}

/// A readiness check with a few probes.
pub(super) fn add_check(board: &mut Board, name: &str, state: CheckState) {
    board.checks.push(CheckPicture {
        word: "Good".to_owned(),
        latency_ms: Some(1.5),
        latency_p50_ms: Some(1.5),
        latency_p99_ms: Some(1.5),
        failures: 1,
        probes: 4,
        ..sample::check(name, state)
    });
    let probes = Probes { took: Timing { count: 4, sum_us: 6_000 }, failures: 1 };
    board.totals.checks.insert(name.to_owned(), probes);
}
