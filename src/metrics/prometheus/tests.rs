//! The page, and the rules that Prometheus's own lint (`promtool check metrics`) holds such pages to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Syntax, page};
use crate::expvar::{Number, Readings, Runtime, SentAs};
use crate::machine::Moment;
use crate::machine::board::CheckState;
use crate::metrics::vitals::{Usage, Vitals};
use crate::metrics::{Latest, sample};

fn busy() -> String {
    written(Syntax::Prometheus)
}

fn written(syntax: Syntax) -> String {
    let usage = Usage {
        cpu_percent: 12.5,
        cpu_seconds: 3.5,
        rss_bytes: 1_000_000,
        open_fds: Some(11),
        fd_limit: Some(1024),
        threads: 8,
    };
    let latest = Latest { vitals: Vitals { service: Some(usage), own: Some(usage) }, dropped: 5, ..Latest::default() };
    page(&sample::busy(), &Latest { published: published(), ..latest }, Moment(12_000), syntax)
}

/// What a service publishes: both kinds of numbers of its own, and the runtime's.
fn published() -> Arc<Readings> {
    let number = |name: &str, sent_as| Number { name: name.to_owned(), sent_as, value: 7.0 };
    Arc::new(Readings {
        readable: Some(true),
        runtime: Some(Runtime { cycles: 3, ..Runtime::default() }),
        goroutines: Some(12.0),
        numbers: vec![number("depth", SentAs::Gauge), number("requests", SentAs::Counter)],
    })
}

#[test]
fn the_numbers_are_those_of_the_board() {
    let page = busy();
    for line in [
        "lictor_up 1",
        "lictor_service_state 2",
        "lictor_service_processes 1",
        "lictor_service_uptime_seconds 10",
        "lictor_service_restarts_total{reason=\"revert\"} 6",
        "lictor_service_exits_total{result=\"signal\"} 12",
        "lictor_build_info{service=\"billing\",version=\"1.214\"} 1",
        "lictor_config_changes_total{result=\"applied\"} 3",
        "lictor_config_changes_total{result=\"held\"} 0",
        "lictor_config_propagation_seconds_sum 4.500000",
        "lictor_config_propagation_seconds_count 3",
        "lictor_source_errors_total{source=\"consul billing/\",class=\"unreachable\"} 5",
        "lictor_check_up{check=\"Status for SQS queue\"} 0",
        "lictor_check_failures_total{check=\"Database\"} 1",
        "lictor_check_duration_seconds_sum{check=\"Database\"} 0.006000",
        "lictor_check_duration_seconds_count{check=\"Database\"} 4",
        "lictor_process_cpu_ratio 0.125",
        "lictor_process_cpu_seconds_total 3.5",
        "lictor_process_max_fds 1024",
        "lictor_self_statsd_dropped_total 5",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is missing in\n{page}");
    }
}

#[test]
fn labels_hold_whatever_a_label_of_a_check_holds() {
    let mut board = sample::quiet();
    sample::add_check(&mut board, "a \"b\" \\ c\nd é", CheckState::Passing);
    let page = page(&board, &Latest::default(), Moment(0), Syntax::Prometheus);
    assert!(page.contains("lictor_check_up{check=\"a \\\"b\\\" \\\\ c\\nd é\"} 1\n"), "{page}");
}

#[test]
fn the_format_is_kept() {
    let page = busy();
    assert!(page.ends_with('\n'));
    let mut types = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut last = None;
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, text) = help.split_once(' ').unwrap();
            assert!(text.ends_with('.') && !text.contains('\\'), "{line}");
            let kind = lines.next().unwrap().strip_prefix(&format!("# TYPE {name} ")).expect("the type follows");
            assert!(["gauge", "counter", "summary"].contains(&kind), "{line}");
            assert!(types.insert(name, kind).is_none(), "{name} has two heads: its samples are not together");
            last = Some(name);
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let value: f64 = value.parse().unwrap();
        assert!(value.is_finite() && value >= 0.0, "{line}");
        assert!(seen.insert(series), "{series} occurs twice");
        let name = series.split('{').next().unwrap();
        let family = last.expect("a head comes first");
        let suffix = name.strip_prefix(family).unwrap_or_else(|| panic!("{line} stands under {family}"));
        let allowed: &[&str] = if types[family] == "summary" { &["_sum", "_count"] } else { &[""] };
        assert!(allowed.contains(&suffix), "{line}");
    }
    assert!(types.len() > 20, "{types:?}");
}

/// Beside this, the page was read by the parser of Prometheus's own client library, which is strict.
#[test]
fn open_metrics_differ_by_the_heads_of_counters_and_an_end() {
    let (open, plain) = (written(Syntax::OpenMetrics), busy());
    let samples =
        |page: &str| page.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(samples(&open), samples(&plain));
    assert!(open.ends_with("\n# EOF\n") && open.matches("# EOF").count() == 1);
    let mut families = BTreeMap::new();
    for head in open.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (family, metric_type) = head.split_once(' ').unwrap();
        assert!(families.insert(family.to_owned(), metric_type.to_owned()).is_none(), "{family} occurs twice");
        assert!(metric_type != "counter" || !family.ends_with("_total"), "{head}");
    }
    for sample in samples(&open) {
        let name = sample.split(['{', ' ']).next().unwrap();
        let family = ["_total", "_sum", "_count", ""]
            .iter()
            .find_map(|suffix| families.get_key_value(name.strip_suffix(suffix)?));
        let (family, metric_type) = family.unwrap_or_else(|| panic!("{sample} has no head"));
        assert!(metric_type != "counter" || name == format!("{family}_total"), "{sample}");
    }
    assert_eq!(families["lictor_expvar"], "gauge");
    assert_eq!(families["lictor_expvar_total"], "unknown");
}

#[test]
fn names_keep_the_rules_of_the_convention() {
    const NOT_BASE: [&str; 12] = [
        "ms",
        "millis",
        "milliseconds",
        "us",
        "nanoseconds",
        "minutes",
        "hours",
        "days",
        "kb",
        "kilobytes",
        "mb",
        "percent",
    ];
    let page = busy();
    for head in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = head.split_once(' ').unwrap();
        let words: Vec<&str> = name.split('_').collect();
        assert_eq!(words[0], "lictor");
        let fine = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
        assert!(words.iter().all(fine), "{name}: snake case without colons");
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name}: counters and only they end in _total");
        assert!(!["sum", "count", "bucket", "info"].contains(words.last().unwrap()) || name == "lictor_build_info");
        assert!(!words.iter().any(|word| ["gauge", "counter", "summary", "histogram"].contains(word)), "{name}");
        assert!(!words.iter().any(|word| NOT_BASE.contains(word)), "{name}: base units");
        let units = words.iter().filter(|word| ["seconds", "bytes", "ratio"].contains(word)).count();
        let place = words.len() - if kind == "counter" { 2 } else { 1 };
        assert!(
            units == 0 || (units == 1 && ["seconds", "bytes", "ratio"].contains(&words[place])),
            "{name}: unit last"
        );
    }
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let Some((_, labels)) = line.split_once('{') else { continue };
        for label in labels.split(',').filter_map(|label| label.split_once('=')).map(|(name, _)| name) {
            assert!(label.bytes().all(|byte| byte.is_ascii_lowercase()), "{line}: label {label}");
            assert!(!["le", "quantile", "job", "instance"].contains(&label), "{line}: {label} is reserved");
        }
    }
}
