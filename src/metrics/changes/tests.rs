//! What two boards tell of what came between them.

use super::{Board, Change, Urgency, changes, urgency};
use crate::machine::totals::{Probes, Reason, Timing};
use crate::metrics::sample;

fn shown(before: &Board, now: &Board) -> Vec<String> {
    let line = |series: &super::Series<'_, Change>| {
        let labels: Vec<_> = series.labels.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        let value = match series.value {
            Change::Events(count) => format!("+{count}"),
            Change::Timed { count, millis } => format!("{count} x {millis} ms"),
        };
        let urgent = if urgency(series) == Urgency::Now { " now" } else { "" };
        format!("{}{} {value}{urgent}", series.metric.statsd, labels.concat())
    };
    changes(before, now).iter().map(line).collect()
}

#[test]
fn nothing_happened_between_equal_boards() {
    assert_eq!(shown(&sample::busy(), &sample::busy()), Vec::<String>::new());
    let mut later = sample::busy();
    (later.index, later.ready) = (99, false);
    assert_eq!(shown(&sample::busy(), &later), Vec::<String>::new());
}

#[test]
fn everything_that_happened_is_told_once() {
    assert_eq!(
        shown(&sample::quiet(), &sample::busy()),
        [
            "service.restarts reason=config +1 now",
            "service.restarts reason=exit +2 now",
            "service.restarts reason=signal +3 now",
            "service.restarts reason=liveness +4 now",
            "service.restarts reason=operator +5 now",
            "service.restarts reason=revert +6 now",
            "service.exits result=ok +10 now",
            "service.exits result=error +11 now",
            "service.exits result=signal +12 now",
            "config.changes result=applied +3 now",
            "config.changes result=reverted +1 now",
            "config.propagation_ms 3 x 1500 ms now",
            "drain_ms 2 x 2500 ms now",
            "source.errors source=consul billing/ class=timeout +2 now",
            "source.errors source=consul billing/ class=unreachable +5 now",
            "check.failures check=Database +1",
            "check.duration_ms check=Database 4 x 1.5 ms",
            "check.failures check=Status for SQS queue +1",
            "check.duration_ms check=Status for SQS queue 4 x 1.5 ms",
        ]
    );
}

#[test]
fn series_are_found_again_wherever_they_stand() {
    let (before, mut now) = (sample::busy(), sample::busy());
    now.sources[0].freshness.errors_by_class.insert("denied".to_owned(), 1);
    now.totals.checks.insert("A".to_owned(), Probes { took: Timing { count: 1, sum_us: 250 }, failures: 0 });
    now.totals.checks.get_mut("Database").unwrap().took = Timing { count: 5, sum_us: 6_750 };
    *now.totals.restarts.get_mut(&Reason::Exit).unwrap() += 1;
    assert_eq!(
        shown(&before, &now),
        [
            "service.restarts reason=exit +1 now",
            "source.errors source=consul billing/ class=denied +1 now",
            "check.duration_ms check=A 1 x 0.25 ms",
            "check.duration_ms check=Database 1 x 0.75 ms",
        ]
    );
}

#[test]
fn a_total_that_began_anew_is_new_from_its_beginning() {
    let (before, mut now) = (sample::busy(), sample::busy());
    let anew = Probes { took: Timing { count: 2, sum_us: 800 }, failures: 1 };
    now.totals.checks.insert("Database".to_owned(), anew);
    now.sources[0].freshness.errors_by_class = [("timeout".to_owned(), 1)].into();
    assert_eq!(
        shown(&before, &now),
        ["source.errors source=consul billing/ class=timeout +1 now", "check.duration_ms check=Database 2 x 0.4 ms"],
        "its failures are as many as before: that cannot be told from none"
    );
}
