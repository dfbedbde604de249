//! What lictor tells is understood: by a real Telegraf, in both styles, whether it is there all the time or not.

use std::collections::BTreeSet;
use std::fs;

use lictor::machine::history::Outcome;
use lictor::machine::totals::{Ending, Reason};
use rustix::process::Signal;

use crate::harness::lictor::{is_good, pid};
use crate::harness::telegraf::Window;
use crate::harness::{Lictor, Setup, Telegraf, eventually, processes};

/// All that there is to tell, and its type.
const NAMES: [(&str, &str); 27] = [
    ("lictor.up", "gauge"),
    ("lictor.service.state", "gauge"),
    ("lictor.service.processes", "gauge"),
    ("lictor.service.uptime_seconds", "gauge"),
    ("lictor.service.restarts_total", "gauge"),
    ("lictor.service.restarts", "counter"),
    ("lictor.service.exits", "counter"),
    ("lictor.build_info", "gauge"),
    ("lictor.config.changes", "counter"),
    ("lictor.config.age_seconds", "gauge"),
    ("lictor.config.stale_seconds", "gauge"),
    ("lictor.config.held_seconds", "gauge"),
    ("lictor.config.generation", "gauge"),
    ("lictor.config.propagation_ms", "timing"),
    ("lictor.source.errors", "counter"),
    ("lictor.check.up", "gauge"),
    ("lictor.check.failures", "counter"),
    ("lictor.check.duration_ms", "timing"),
    ("lictor.process.cpu_percent", "gauge"),
    ("lictor.process.cpu_seconds", "gauge"),
    ("lictor.process.rss_bytes", "gauge"),
    ("lictor.process.open_fds", "gauge"),
    ("lictor.process.fd_limit", "gauge"),
    ("lictor.process.threads", "gauge"),
    ("lictor.self.rss_bytes", "gauge"),
    ("lictor.self.cpu_percent", "gauge"),
    ("lictor.self.statsd_dropped", "gauge"),
];

fn with(statsd: &str) -> Setup {
    let setup = Setup::on_directory()
        .checked()
        .config("check \"State of the disk\" {\n  command {\n    command = [\"/bin/false\"]\n  }\n  interval = \"200ms\"\n  role = \"info\"\n}\n")
        .config(&format!("statsd {{\n  interval = \"200ms\"\n  tags = {{ env = \"test\" }}\n{statsd}}}\n"));
    setup.write("GREETING", "hello");
    setup
}

/// A service that is killed, gets a value that it does not bear, a good one, and whose source is away for a while.
fn live_through_much(lictor: &Lictor) {
    let first = lictor.until_good();
    processes::signal(pid(&first), Signal::KILL);
    let good = lictor.until("up again", |board| is_good(board) && board.process != first.process);
    lictor.setup().write("EXIT_CODE", "3");
    lictor.until_reverted_to(good.config.fingerprint);
    fs::remove_file(lictor.setup().path("conf.d/EXIT_CODE")).unwrap();
    lictor.until_applied(|| lictor.setup().write("GREETING", "good day"));
    let (here, away) = (lictor.setup().path("conf.d"), lictor.setup().path("away"));
    fs::rename(&here, &away).unwrap();
    lictor.until("the source is missed", |board| board.sources[0].freshness.error.is_some());
    fs::rename(&away, &here).unwrap();
    lictor.until("the source is back", |board| board.sources[0].freshness.error.is_none());
}

fn last<'a>(windows: &'a [Window], name: &str) -> &'a Window {
    windows.iter().rfind(|window| window.name == name).unwrap_or_else(|| panic!("no {name}"))
}

fn every_line_arrives(mut telegraf: Telegraf, setup: Setup) {
    telegraf.launch();
    let lictor = setup.start();
    live_through_much(&lictor);

    let board = lictor.board();
    let totals = &board.totals;
    let arrives = |name: &str, tag: (&str, &str), count: u64| {
        eventually(&format!("{name} {tag:?} {count}"), || (telegraf.total(name, tag) == count).then_some(()));
    };
    for (reason, word) in [(Reason::Config, "config"), (Reason::Signal, "signal"), (Reason::Revert, "revert")] {
        assert!(totals.restarts[&reason] > 0, "{totals:?}");
        arrives("lictor.service.restarts", ("reason", word), totals.restarts[&reason]);
    }
    for (ending, word) in [(Ending::Signal, "signal"), (Ending::Error, "error")] {
        arrives("lictor.service.exits", ("result", word), totals.exits[&ending]);
    }
    for (outcome, word) in [(Outcome::Applied, "applied"), (Outcome::Reverted, "reverted")] {
        arrives("lictor.config.changes", ("result", word), totals.outcomes[&outcome]);
    }
    arrives("lictor.source.errors", ("class", "io"), board.sources[0].freshness.errors);
    let page = lictor.get("/metrics");
    assert_eq!(page.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let line = format!("lictor_service_restarts_total{{reason=\"config\"}} {}\n", totals.restarts[&Reason::Config]);
    assert!(page.text().contains(&line), "{line} in {}", page.text());

    lictor.signal(Signal::TERM);
    lictor.ended();
    let probes = &totals.checks["State of the disk"];
    eventually("the last probes have arrived", || {
        let failed = telegraf.total("lictor.check.failures", ("check", "State_of_the_disk"));
        (failed >= probes.failures).then_some(())
    });
    telegraf.has_understood_everything();
    told_as_agreed(&telegraf.windows());
}

/// Names, types, tags and values.
fn told_as_agreed(windows: &[Window]) {
    let told: BTreeSet<_> =
        windows.iter().map(|window| (window.name.as_str(), window.tag("metric_type").unwrap())).collect();
    assert_eq!(told, NAMES.into());
    for window in windows {
        assert_eq!((window.tag("service"), window.tag("env")), (Some("svc"), Some("test")), "{window:?}");
        let own = match window.name.strip_prefix("lictor.").unwrap() {
            "service.restarts" => vec!["reason"],
            "service.exits" | "config.changes" => vec!["result"],
            "build_info" => vec!["version"],
            "source.errors" => vec!["class", "source"],
            name if name.starts_with("check.") => vec!["check"],
            _ => vec![],
        };
        let all = ["env", "host", "metric_type", "service"].into_iter().chain(own);
        let tags: BTreeSet<_> = window.line["tags"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(tags, all.collect(), "{window:?}");
    }
    assert_eq!(last(windows, "lictor.build_info").tag("version"), Some("1.214"));
    let rss = last(windows, "lictor.process.rss_bytes").field("value").unwrap();
    assert!((1e6..1e9).contains(&rss), "{rss}");
    let propagation: f64 = windows
        .iter()
        .filter(|window| window.name == "lictor.config.propagation_ms")
        .filter_map(|w| w.field("sum"))
        .sum();
    assert!((1.0..60_000.0).contains(&propagation), "{propagation}");
}

#[test]
fn telegraf_as_it_comes_understands_every_line() {
    let setup = with("");
    every_line_arrives(Telegraf::plain(setup.host()), setup);
}

#[test]
fn telegraf_with_datadogs_extensions_understands_every_line_of_that_style() {
    let setup = with("  style = \"datadog\"\n");
    every_line_arrives(Telegraf::datadog(setup.host()), setup);
}

/// Lines that lictor knows to be lost.
fn dropped(lictor: &Lictor) -> u64 {
    let page = lictor.get("/metrics").text();
    let line = page.lines().find_map(|line| line.strip_prefix("lictor_self_statsd_dropped_total "));
    line.unwrap_or_else(|| panic!("not there: {page}")).parse().unwrap()
}

#[test]
fn a_telegraf_that_comes_and_goes_is_nothing_to_the_service() {
    let setup = with("");
    let mut telegraf = Telegraf::plain(setup.host());
    let lictor = setup.start();
    let before = lictor.until_good();
    eventually("losses are counted", || (dropped(&lictor) > 100).then_some(()));

    for _ in 0..2 {
        let known = telegraf.windows().len();
        telegraf.launch();
        let told = eventually("gauges arrive", || {
            let windows = telegraf.windows().split_off(known);
            let told = windows.iter().rfind(|window| window.name == "lictor.self.statsd_dropped")?.field("value")?;
            let up = windows.iter().rfind(|window| window.name == "lictor.up")?;
            (up.field("value") == Some(1.0)).then_some(told)
        });
        assert!(told > 100.0, "{told}");
        telegraf.kill();
        let lost = dropped(&lictor);
        eventually("more losses are counted", || (dropped(&lictor) > lost + 50).then_some(()));
    }
    telegraf.has_understood_everything();
    let after = lictor.board();
    assert_eq!((pid(&after), after.restarts), (pid(&before), before.restarts));
    assert_eq!(lictor.status().0, 200);
}
