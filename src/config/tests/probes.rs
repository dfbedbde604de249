//! What is asked and looked at: the kinds of check in full, and `expvar`.

use std::time::Duration;

use reqwest::Method;

use super::{errors_of, with};
#[cfg(feature = "grpc")]
use crate::check::Grpc;
#[cfg(feature = "sqs")]
use crate::check::Sqs;
use crate::check::{Expression, Field, Http, Kind, Scalar, Statuses, Text, Tls};
use crate::environment::glob::Glob;
use crate::expvar::{Rules, Settings};

fn check(block: &str) -> String {
    format!("check \"C\" {{\n  {block}\n}}\n")
}

/// What is wrong, without its place.
fn wrong(block: &str) -> String {
    let errors = errors_of(&check(block));
    errors
        .lines()
        .map(|line| line.splitn(4, ':').nth(3).unwrap_or(line).trim().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn http_in_full() {
    let text = "http {\n    url = \"https://h/x\"\n    method = \"PUT\"\n    host = \"b.test:8443\"\n    \
                headers = {\n      Authorization = env_of_service(\"AUTH\")\n      X = \"Bearer t\"\n    }\n    status = [204, \"3xx\"]\n    contains = \"a\"\n    \
                pattern = \"b+\"\n    json {\n      field = \"c.d\"\n      equals = 7\n    }\n    ca = \"/ca\"\n    \
                cert = \"/cert\"\n    key = \"/key\"\n    server_name = \"n.test\"\n  }";
    let settings = with(&check(text));
    let expected = Http {
        method: Method::PUT,
        host: Some("b.test:8443".to_owned()),
        headers: vec![
            ("Authorization".to_owned(), Text::OfService("AUTH".to_owned())),
            ("X".to_owned(), Text::Written("Bearer t".into())),
        ],
        statuses: Statuses::parse(["204", "3xx"]).unwrap(),
        contains: Some("a".to_owned()),
        pattern: Some(Expression::parse("b+").unwrap()),
        json: Some(Field { path: "c.d".to_owned(), equals: Some(Scalar::Integer(7)) }),
        tls: Tls {
            ca: Some("/ca".into()),
            cert: Some("/cert".into()),
            key: Some("/key".into()),
            server_name: Some("n.test".to_owned()),
        },
        ..Http::get("https://h/x")
    };
    assert_eq!(settings.checks[0].kind, Kind::Http(Box::new(expected)));
}

#[test]
fn http_that_cannot_be_meant() {
    let http = |words: &str| wrong(&format!("http {{\n    url = \"http://h/\"\n    {words}\n  }}"));
    for (words, error) in [
        (
            "method = \"get\"",
            "check \"C\".http.method: expected \"GET\" or \"HEAD\" or \"POST\" or \"PUT\" or \"OPTIONS\"",
        ),
        (
            "status = 99",
            "check \"C\".http.status: expected codes from 100 to 599, as in [\"200\", \"300-399\", \"5xx\"]",
        ),
        (
            "status = []",
            "check \"C\".http.status: expected codes from 100 to 599, as in [\"200\", \"300-399\", \"5xx\"]",
        ),
        ("host = \"a b\"", "check \"C\".http.host: expected a host name, as in \"billing.example\""),
        ("headers = {\n      \"a b\" = \"x\"\n    }", "check \"C\".http.headers: this is not the name of a header"),
        ("headers = {\n      Host = \"x\"\n    }", "check \"C\".http.headers: write `host` beside `url` instead"),
        (
            "headers = {\n      X = \"a\\nb\"\n    }",
            "check \"C\".http.headers.X: expected one line without control characters",
        ),
        ("json {\n    }", "check \"C\".http.json: `field` is missing"),
        (
            "key = \"/k\"\n    cert = \"/c\"",
            "check \"C\".http: `ca`, `cert`, `key` and `server_name` are for a `url` that begins with https://",
        ),
        (
            "method = \"HEAD\"\n    contains = \"x\"",
            "check \"C\".http: an answer to HEAD has no body to look into: leave out `method`",
        ),
    ] {
        assert_eq!(http(words), error);
    }
    let https = "http {\n    url = \"https://h/\"\n    key = \"/k\"\n  }";
    assert_eq!(wrong(https), "check \"C\".http: a `key` without `cert`: write both, or a `cert` that holds both");
    assert!(http("pattern = \"(\"").starts_with("check \"C\".http.pattern: is not a regular expression: "));
}

#[test]
#[cfg(feature = "sqs")]
fn sqs_in_full() {
    let queue = "https://sqs.eu-west-1.amazonaws.com/1/q".to_owned();
    let block = |words: &str| format!("sqs {{\n    queue_url = \"{queue}\"\n    {words}\n  }}");
    let words = "region = \"eu-west-2\"\n    endpoint = \"http://h:1\"\n    max_messages = 5\n    ca = \"/ca\"";
    let expected = Sqs {
        queue_url: Text::Written(queue.as_str().into()),
        region: Some("eu-west-2".to_owned()),
        endpoint: Some("http://h:1".to_owned()),
        max_messages: Some(5),
        ca: Some("/ca".into()),
    };
    assert_eq!(with(&check(&block(words))).checks[0].kind, Kind::Sqs(expected));
    assert_eq!(wrong(&block("region = \"EU\"")), "check \"C\".sqs.region: expected a region, as in \"eu-west-1\"");
    assert_eq!(wrong("sqs {\n  }"), "check \"C\".sqs: `queue_url` is missing");
}

#[test]
#[cfg(feature = "grpc")]
fn grpc_in_full() {
    let block = |words: &str| format!("grpc {{\n    address = \"h:9090\"\n    {words}\n  }}");
    let of = |words: &str| with(&check(&block(words))).checks[0].kind.clone();
    let plain = Grpc { address: "h:9090".to_owned(), service: String::new(), tls: None };
    assert_eq!(of(""), Kind::Grpc(plain.clone()));
    assert_eq!(of("tls = \"disable\""), Kind::Grpc(plain.clone()));
    let secure = Grpc { service: "a.v1.B".to_owned(), tls: Some(Tls::default()), ..plain.clone() };
    assert_eq!(of("service = \"a.v1.B\"\n    tls = \"verify-full\""), Kind::Grpc(secure));
    let own = Tls { ca: Some("/ca".into()), ..Tls::default() };
    assert_eq!(of("ca = \"/ca\""), Kind::Grpc(Grpc { tls: Some(own), ..plain }));
    let useless = "check \"C\".grpc: `ca`, `cert`, `key` and `server_name` are of no use with tls = \"disable\"";
    assert_eq!(wrong(&block("tls = \"disable\"\n    ca = \"/ca\"")), useless);
    assert!(wrong(&block("service = \"a b\"")).contains("expected the full name of a service"));
}

#[test]
fn expvar_in_full_and_by_default() {
    let url = "http://127.0.0.1:6060/debug/vars".to_owned();
    let block = |words: &str| format!("expvar {{\n  url = \"{url}\"\n  {words}\n}}\n");
    assert_eq!(with("").expvar, None);
    assert_eq!(with(&block("")).expvar, Some(Settings::at(url.clone())));
    let words = "interval = \"1s\"\n  timeout = \"500ms\"\n  allow = [\"a.*\", \"b\"]\n  counters = \"a.total\"\n  max_series = 5";
    let globs = |list: &[&str]| list.iter().map(|text| Glob::parse(text).unwrap()).collect();
    let expected = Settings {
        url: url.clone(),
        interval: Duration::from_secs(1),
        timeout: Duration::from_millis(500),
        rules: Rules { allow: globs(&["a.*", "b"]), counters: globs(&["a.total"]), max_series: 5 },
    };
    assert_eq!(with(&block(words)).expvar, Some(expected));
    assert_eq!(errors_of("expvar {\n}"), "a.hcl:1:1: expvar: `url` is missing");
    let many = errors_of(&block("max_series = 1001"));
    assert!(many.contains("`max_series` is at most 1000"), "{many}");
    assert!(errors_of(&block("interval = \"1ms\"")).contains("must be at least 100ms"));
    assert!(errors_of(&block("allow = [\"[\"]")).contains("expvar.allow"), "no glob");
}
