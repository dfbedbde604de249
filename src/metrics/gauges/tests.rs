//! The gauges of boards, as text.

use super::{Board, Latest, Moment, Usage, Vitals, gauges};
use crate::machine::board::{BesidePicture, BesideRole, CheckState, Phase};
use crate::metrics::sample;

/// All of them, one a line, at second 12.
fn shown(board: &Board, latest: &Latest) -> Vec<String> {
    let list = gauges(board, latest, Moment(12_000));
    list.iter()
        .map(|series| {
            let labels: Vec<_> = series.labels.iter().map(|(name, value)| format!(" {name}={value}")).collect();
            format!("{}{} {}", series.metric.statsd, labels.concat(), series.value)
        })
        .collect()
}

fn latest() -> Latest {
    let usage = Usage {
        cpu_percent: 12.5,
        cpu_seconds: 3.5,
        rss_bytes: 1_000_000,
        open_fds: Some(11),
        fd_limit: Some(1024),
        threads: 8,
    };
    Latest { vitals: Vitals { service: Some(usage), own: Some(usage) }, dropped: 5, ..Latest::default() }
}

#[test]
fn a_busy_board() {
    assert_eq!(
        shown(&sample::busy(), &latest()),
        [
            "up 1",
            "service.state 2",
            "service.processes 1",
            "service.uptime_seconds 10",
            "service.restarts_total 21",
            "traffic 1",
            "build_info version=1.214 1",
            "config.age_seconds 10.5",
            "config.stale_seconds 8",
            "config.held_seconds 3",
            "config.generation 4",
            "check.up check=Database 1",
            "check.up check=Status for SQS queue 0",
            "process.cpu_percent 12.5",
            "process.cpu_seconds 3.5",
            "process.rss_bytes 1000000",
            "process.open_fds 11",
            "process.fd_limit 1024",
            "process.threads 8",
            "self.rss_bytes 1000000",
            "self.cpu_percent 12.5",
            "self.statsd_dropped 5",
        ]
    );
}

#[test]
fn a_service_that_is_down_has_no_process_and_no_version() {
    let mut board = sample::quiet();
    (board.process, board.phase, board.ready) = (None, Phase::BackingOff, false);
    board.build.running.version = None;
    let shown = shown(&board, &Latest::default());
    assert!(shown.starts_with(&[
        "up 0".to_owned(),
        "service.state 0".to_owned(),
        "service.processes 0".to_owned(),
        "service.uptime_seconds 0".to_owned()
    ]));
    assert!(!shown.iter().any(|line| line.starts_with("process.") || line.starts_with("build_info")), "{shown:?}");
}

#[test]
fn a_version_that_nobody_can_tell_is_unknown_but_not_before_it_was_asked() {
    let mut board = sample::quiet();
    board.build.running.version = None;
    assert!(shown(&board, &Latest::default()).contains(&"build_info version=unknown 1".to_owned()));
    board.phase = Phase::Starting;
    assert!(!shown(&board, &Latest::default()).iter().any(|line| line.starts_with("build_info")));
}

#[test]
fn while_one_takes_over_from_another_there_are_two() {
    let mut board = sample::quiet();
    let process = board.process.clone().unwrap();
    let environment = "6fe2f63dbeb6".parse().unwrap();
    board.beside = Some(BesidePicture { process, role: BesideRole::Old, environment, ready: true });
    assert!(shown(&board, &Latest::default()).contains(&"service.processes 2".to_owned()));
}

#[test]
fn every_phase_has_its_number() {
    let phases = [Phase::Absent, Phase::BackingOff, Phase::Starting, Phase::Up, Phase::Leaving, Phase::Stopping];
    assert_eq!(phases.map(super::state), [0, 0, 1, 2, 3, 3]);
}

#[test]
fn a_check_that_was_not_probed_yet_is_not_up() {
    let mut board = sample::quiet();
    sample::add_check(&mut board, "Web", CheckState::Unknown);
    assert!(shown(&board, &Latest::default()).contains(&"check.up check=Web 0".to_owned()));
}

#[test]
fn nothing_is_negative_or_no_number() {
    let mut board = sample::busy();
    // A clock that was set back, and moments that are yet to come.
    board.sources[0].freshness.failing_since_unix_ms = Some(u64::MAX);
    (board.config.since, board.config.held_since) = (Some(Moment(90_000)), Some(Moment(90_000)));
    let mut latest = latest();
    let usage = Usage { cpu_percent: f64::NAN, cpu_seconds: -3.0, ..latest.vitals.own.unwrap() };
    latest.vitals.service = Some(usage);
    for series in gauges(&board, &latest, Moment(0)) {
        assert!(series.value.is_finite() && series.value >= 0.0, "{series:?}");
    }
}
