//! `examples/telegraf/telegraf.conf` as it is brings the numbers to CloudWatch: each timer as one metric, few dimensions,
//! and the version apart.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use tokio::time::Instant;

use crate::cbor;
use crate::cloudwatch_stub::{CloudWatch, Put};
use crate::harness::lictor::{finish, said};
use crate::harness::wait::PATIENCE;
use crate::harness::{Telegraf, telegraf};
use crate::words::setup;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/telegraf/telegraf.conf");

/// All that may tell series apart, but for the version.
const DIMENSIONS: [&str; 8] = ["env", "host", "service", "check", "reason", "result", "source", "class"];

/// One number as CloudWatch gets it.
#[derive(Clone, Debug)]
struct Datum {
    name: String,
    dimensions: BTreeMap<String, String>,
    statistics: Option<Statistics>,
    value: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Statistics {
    least: f64,
    most: f64,
    sum: f64,
    count: f64,
}

/// What was put, understood.
fn data(Put { compressed, body }: Put) -> Vec<Datum> {
    let body = cbor::decode(&if compressed { inflate(&body) } else { body });
    assert_eq!(body["Namespace"], "Lictor");
    body["MetricData"].as_array().unwrap().iter().map(datum).collect()
}

fn datum(datum: &Value) -> Datum {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let statistics = &datum["StatisticValues"];
    let of = |name: &str| statistics[name].as_f64().unwrap();
    Datum {
        name: text(&datum["MetricName"]),
        dimensions: datum["Dimensions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|dimension| (text(&dimension["Name"]), text(&dimension["Value"])))
            .collect(),
        statistics: statistics.is_object().then(|| Statistics {
            least: of("Minimum"),
            most: of("Maximum"),
            sum: of("Sum"),
            count: of("SampleCount"),
        }),
        value: datum["Value"].as_f64(),
    }
}

/// A large body comes compressed.
fn inflate(body: &[u8]) -> Vec<u8> {
    let mut command = Command::new("gzip");
    let mut child = command.arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(body).unwrap());
        child.wait_with_output().unwrap().stdout
    })
}

/// The example on this host and with windows of a second, where it says a minute.
fn example(host: std::net::Ipv4Addr) -> String {
    let text = fs::read_to_string(EXAMPLE).unwrap();
    let changed = text
        .replace("127.0.0.1:8125", &format!("{host}:8125"))
        .replace("\"60s\"", "\"1s\"")
        .replace("\"10s\"", "\"1s\"")
        .replace("\"5s\"", "\"0s\"");
    assert_eq!(changed.matches("\"1s\"").count(), 3, "the intervals of the example");
    changed
}

#[test]
fn the_example_is_a_configuration_of_telegraf() {
    let mut check = Command::new(telegraf::program());
    check.args(["config", "check", "--config", EXAMPLE]);
    let checked = finish(check);
    assert!(checked.status.success() && !said(&checked).contains("E!"), "{}", said(&checked));
}

#[test]
fn each_timer_is_one_metric_dimensions_are_few_and_the_version_is_apart() {
    let setup = setup();
    let url = format!("http://{}:8080/debug/vars", setup.host());
    let setup = setup.checked().config(&format!(
        "statsd {{\n  interval = \"200ms\"\n}}\nexpvar {{\n  url = \"{url}\"\n  interval = \"200ms\"\n}}\n\
         check \"Disk\" {{\n  command {{\n    command = [\"/bin/sh\", \"-c\", \"exit 2\"]\n  }}\n  interval = \"200ms\"\n  role = \"info\"\n}}\n"
    ));
    let cloud = CloudWatch::start();
    let mut telegraf = Telegraf::with(&example(setup.host()));
    telegraf.launch_with(&[
        ("AWS_ENDPOINT_URL_CLOUDWATCH", cloud.url().as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]);
    let lictor = setup.start();
    lictor.until_good();
    lictor.until_applied(|| lictor.setup().write("GREETING", "good day"));

    let mut wanted: BTreeSet<&str> = [
        "lictor.up_value",
        "lictor.check.duration_ms_value",
        "lictor.config.propagation_ms_value",
        "lictor.check.failures_value",
        "lictor.build_info_value",
        "lictor.go.heap_inuse_bytes_value",
        "lictor.expvar.balance_value",
    ]
    .into();
    let mut all: Vec<Datum> = Vec::new();
    let end = Instant::now() + PATIENCE;
    while !wanted.is_empty() {
        assert!(Instant::now() < end, "these are never put: {wanted:?}");
        let data = data(cloud.put());
        wanted.retain(|name| !data.iter().any(|datum| datum.name == *name));
        all.extend(data);
    }

    for datum in &all {
        let Datum { name, dimensions, .. } = datum;
        let version = name == "lictor.build_info_value";
        assert_eq!(dimensions.get("version").map(String::as_str), version.then_some("1.214"), "{datum:?}");
        let known = |dimension: &String| version && dimension == "version" || DIMENSIONS.contains(&dimension.as_str());
        assert!(dimensions.keys().all(known), "{datum:?}");
        assert!(!name.starts_with("lictor.") || dimensions["service"] == "svc", "{datum:?}");
        assert!(dimensions.len() <= 5, "{datum:?}");
    }
    // A timer is a set of statistics and its tail, and nothing else; what is no timer has one value.
    for timer in ["lictor.check.duration_ms", "lictor.config.propagation_ms"] {
        let of_timer = |datum: &&Datum| datum.name.starts_with(timer);
        let names: BTreeSet<&str> = all.iter().filter(of_timer).map(|datum| datum.name.as_str()).collect();
        let whole = format!("{timer}_value");
        assert_eq!(names, [whole.as_str(), &format!("{timer}_99_percentile")].into());
        for datum in all.iter().filter(|datum| datum.name == whole) {
            let Statistics { least, most, sum, count } = datum.statistics.unwrap_or_else(|| panic!("{datum:?}"));
            let fits = 0.0 <= least && least <= most && most <= sum + 0.001 && count >= 1.0 && datum.value.is_none();
            assert!(fits, "{datum:?}");
        }
    }
    let probes = all.iter().filter(|datum| datum.name == "lictor.check.duration_ms_value");
    assert!(probes.filter_map(|datum| datum.statistics).any(|statistics| statistics.count > 1.0), "several in one");
    let balance = all.iter().find(|datum| datum.name == "lictor.expvar.balance_value").unwrap();
    assert_eq!((balance.value, balance.statistics.is_none()), (Some(-2.5), true));
    telegraf.has_understood_everything();
}
