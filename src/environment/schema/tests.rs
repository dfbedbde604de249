use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::{Bound, Form, Key, Pattern, Required, Schema, Type};
use crate::environment::glob::Glob;
use crate::environment::{
    Entry, Environment, FingerprintKey, Layer, Mapping, Rules, Variable, Visibility, VisibilityRules, compose,
};
use crate::secret::Secret;

fn key(label: &str, form: Form) -> Key {
    Key { label: Glob::parse(label).unwrap(), required: Required::No, form, default: None }
}

fn of(kind: Type) -> Form {
    Form { kind: Some(kind), ..Form::default() }
}

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, Variable> {
    let variable = |(name, value): &(&str, &str)| {
        let value = Secret::from(*value);
        ((*name).to_owned(), Variable::new(value, "consul app/".into(), Visibility::Secret))
    };
    pairs.iter().map(variable).collect()
}

#[test]
fn each_type_takes_what_a_go_service_can_read_and_nothing_else() {
    for (kind, good, bad) in [
        (Type::String, &["", "anything\n"][..], &[][..]),
        (
            Type::Int,
            &["0", "-5", "+7", "18446744073709551615", "-9223372036854775808"],
            &[
                "",
                " 1",
                "1.0",
                "0x10",
                "1_000",
                "ten",
                "18446744073709551616",
                "99999999999999999999999999999999999999999",
            ],
        ),
        (Type::Float, &["0", "1.5", "-2e3", ".5"], &["", "1,5", "NaN", "inf", "1e999", "one"]),
        (Type::Bool, &["true", "False", "1", "t", "F"], &["", "yes", "on", "tRue", "2"]),
        (
            Type::Duration,
            &["0", "1m30s", "-1.5h", "+250ms", "100µs", "1h2m3.5s", ".5s", "2540400h10m10.000000000s"],
            &["", "5", "1d", "1 s", "s", ".", "-", "1m30", "1..5s", "99999999999h", "9999999999999999999999s", "1S"],
        ),
        (
            Type::Url,
            &[
                "https://example.com",
                "postgres://user:p%40ss@db.internal:5432/app?sslmode=disable",
                "redis://:secret@[::1]:6379/0",
                "postgres://a:1,b:2/app",
                "unix:///run/x.sock",
                "amqp+ssl://host",
            ],
            &[
                "",
                "example.com",
                "localhost:8080",
                "http://",
                "https:///path",
                "http://a b/",
                "1http://a",
                "http://host:99999/",
                "http://host:port/",
                "postgres://user:p#ss@host/db",
                "postgres://user:50%@host/db",
                "http://[::1/",
                "http://a\n",
            ],
        ),
        (Type::Port, &["1", "8080", "65535"], &["", "0", "65536", "-1", "+80", "http", "80 "]),
        (
            Type::HostPort,
            &["localhost:80", "10.0.0.1:5432", "[::1]:8080", "db-1.internal:1", ":8080"],
            &["", "localhost", "host:", "host:0", "host:http", "::1:8080", "[::1]", "http://host:80", "a b:1"],
        ),
        (
            Type::Json,
            &["{}", "[1, 2]", "\"x\"", "null", " {\"a\": {\"b\": 1}} "],
            &["", "{", "{a: 1}", "{} {}", "'x'", "01"],
        ),
        (
            Type::Base64,
            &["", "aGVsbG8=", "aGVsbG8", "-_-_", "+/+/", "aGVs\nbG8="],
            &["a", "aGVsbG8==", "a b=", "+_+_", "é"],
        ),
    ] {
        for value in good {
            assert_eq!(of(kind).faults(value.as_bytes()), Vec::<String>::new(), "{kind:?} {value:?}");
        }
        for value in bad {
            assert_eq!(of(kind).faults(value.as_bytes()), [format!("is not {}", kind.name())], "{kind:?} {value:?}");
        }
    }
}

/// What Go itself says of each value is in `answers.json`, and `tests/checks/drivers.rs` holds it to Go.
#[test]
fn values_are_read_as_go_reads_them() {
    let answers: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/peers/drivers/answers.json")).unwrap();
    let mut wrong = Vec::new();
    for (kind, name) in [
        (Type::Int, "int"),
        (Type::Float, "float"),
        (Type::Bool, "bool"),
        (Type::Duration, "duration"),
        (Type::Url, "url"),
        (Type::Port, "port"),
        (Type::HostPort, "host_port"),
        (Type::Json, "json"),
        (Type::Base64, "base64"),
    ] {
        let values = answers["values"][name].as_array().unwrap();
        assert!(values.len() >= 16, "{name}");
        for value in values {
            let (text, good) = (value["text"].as_str().unwrap(), value["good"].as_bool().unwrap());
            if kind.is(text) != good {
                wrong.push(format!("{name} {text:?}: Go says {good}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_nests_too_deep_is_not_json_and_no_crash() {
    assert_eq!(of(Type::Json).faults("[".repeat(120_000).as_bytes()), ["is not JSON"]);
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(of(Type::Json).faults(nested(10_001).as_bytes()), ["is not JSON"], "as Go has it");
    assert!(Type::Json.is(&nested(10_000)));
}

#[test]
fn bounds_belong_to_the_range() {
    let form = |kind, min, max| Form { min: Some(min), max: Some(max), ..of(kind) };
    let number = form(Type::Int, Bound::Number(-2.0), Bound::Number(10.0));
    let second = Duration::from_secs(1);
    let duration = form(Type::Duration, Bound::Duration(second), Bound::Duration(second * 90));
    for (form, value, faults) in [
        (&number, "-2", &[][..]),
        (&number, "10", &[]),
        (&number, "-3", &["is less than -2"]),
        (&number, "11", &["is greater than 10"]),
        (&number, "x", &["is not a whole number"]),
        (&duration, "1000ms", &[]),
        (&duration, "1m30s", &[]),
        (&duration, "999.999999ms", &["is less than 1s"]),
        (&duration, "-5m", &["is less than 1s"]),
        (&duration, "1m30.000000001s", &["is greater than 1m 30s"]),
    ] {
        assert_eq!(form.faults(value.as_bytes()), faults, "{value}");
    }
}

#[test]
fn a_pattern_is_for_the_whole_value() {
    let form = |text: &str| Form { pattern: Some(Pattern::parse(text).unwrap()), ..Form::default() };
    for (pattern, value, matches) in [
        ("a|ab", "ab", true),
        ("a|ab", "abc", false),
        ("[a-z]+", "abc", true),
        ("[a-z]+", "abc\n", false),
        ("[a-z]+", "x abc", false),
        ("(?i)abc", "ABC", true),
        ("", "", true),
        ("", "x", false),
    ] {
        assert_eq!(form(pattern).faults(value.as_bytes()).is_empty(), matches, "{pattern:?} {value:?}");
    }
    assert_eq!(form("[a-z]").faults(b"1"), ["does not match \"[a-z]\""]);
    for broken in ["(", "a)|(b", "[z-a]", "\\", "(?=a)", "(a{1000}){1000}"] {
        assert!(Pattern::parse(broken).is_err(), "{broken:?}");
    }
}

#[test]
fn a_pattern_that_would_explode_elsewhere_takes_linear_time() {
    let form = Form { pattern: Some(Pattern::parse("(a*)*b").unwrap()), ..Form::default() };
    assert!(!form.faults("a".repeat(20_000).as_bytes()).is_empty());
}

#[test]
fn all_faults_of_a_value_are_told_at_once() {
    let form = Form {
        one_of: vec!["1".into(), "2".into()],
        pattern: Some(Pattern::parse("\\d").unwrap()),
        max: Some(Bound::Number(5.0)),
        ..of(Type::Int)
    };
    let faults = ["is greater than 5", "is none of \"1\", \"2\"", "does not match \"\\\\d\""];
    assert_eq!(form.faults(b"77"), faults);
    assert_eq!(form.faults(b"\xff"), ["is not UTF-8"]);
    assert_eq!(of(Type::String).faults(b"\xff"), Vec::<String>::new(), "text may be any bytes");
    let many = Form { one_of: (0..20).map(|n| n.to_string()).collect(), ..Form::default() };
    assert!(many.faults(b"x")[0].ends_with("\"9\", ..."), "{:?}", many.faults(b"x"));
}

#[test]
fn the_most_exact_label_speaks_alone() {
    let schema = Schema::new(vec![
        key("*", of(Type::Int)),
        key("DB_*", of(Type::Url)),
        key("DB_NAME", of(Type::String)),
        key("T?", of(Type::Bool)),
        key("T?", of(Type::Port)),
    ]);
    let found =
        schema.violations(&variables(&[("DB_NAME", "x"), ("DB_URL", "x"), ("N", "x"), ("T1", "true"), ("OK", "1")]));
    assert_eq!(
        found,
        [
            "DB_URL (from consul app/) is not a URL with a scheme",
            "N (from consul app/) is not a whole number",
            "T1 (from consul app/) is not a port from 1 to 65535",
        ]
    );
}

#[test]
fn what_is_required_must_be_there() {
    let required = |label: &str| Key { required: Required::Yes, ..key(label, Form::default()) };
    let schema = Schema::new(vec![required("A"), required("DB_*")]);
    assert_eq!(
        schema.violations(&variables(&[("B", "")])),
        ["A is required, and no source gives it", "a variable that matches DB_* is required, and no source gives one"]
    );
    assert_eq!(schema.violations(&variables(&[("A", ""), ("DB_X", "")])), Vec::<String>::new());
}

#[test]
fn more_violations_than_a_person_reads_are_counted() {
    let schema = Schema::new(vec![key("*", of(Type::Int))]);
    let names: Vec<String> = (100..150).map(|number| format!("N{number}")).collect();
    let pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    let found = schema.violations(&variables(&pairs));
    assert_eq!((found.len(), found[20].as_str()), (21, "and 30 more break their rules"));
}

fn composed(schema: Schema, rules: Rules, pairs: &[(&str, &str)]) -> (Environment, Vec<String>) {
    let entry = |(key, value): &(&str, &str)| Entry::new((*key).to_owned(), Secret::from(*value));
    let entries: Vec<Entry> = pairs.iter().map(entry).collect();
    let layer = Layer { origin: "consul app/".into(), mapping: Mapping::default(), entries: entries.into() };
    let composition = compose(&[layer], &Rules { schema, ..rules }, &FingerprintKey::new(&[0; 32])).unwrap();
    (composition.environment, composition.violations)
}

#[test]
fn a_default_fills_what_no_source_gives() {
    let defaulted = |label: &str, default: &str| Key { default: Some(default.into()), ..key(label, Form::default()) };
    let schema = Schema::new(vec![
        Key { required: Required::Yes, ..defaulted("LEVEL", "info") },
        defaulted("GIVEN", "unused"),
        defaulted("DENIED", "unused"),
    ]);
    let denylist = vec![Glob::parse("DENIED").unwrap()];
    let visibility = VisibilityRules { public: vec![Glob::parse("LEVEL").unwrap()], private: Vec::new() };
    let rules = Rules { denylist, visibility, ..Rules::default() };
    let (environment, violations) = composed(schema, rules, &[("GIVEN", "here")]);
    assert_eq!(violations, Vec::<String>::new(), "a default is there");
    let shown: Vec<_> =
        environment.shown().into_iter().map(|one| (one.name, one.origin.to_string(), one.value)).collect();
    assert_eq!(
        shown,
        [
            ("GIVEN".to_owned(), "consul app/".to_owned(), None),
            ("LEVEL".to_owned(), "default".to_owned(), Some("info".to_owned())),
        ]
    );
}

fn any_type() -> impl Strategy<Value = Type> {
    prop::sample::select(vec![
        Type::String,
        Type::Int,
        Type::Float,
        Type::Bool,
        Type::Duration,
        Type::Url,
        Type::Port,
        Type::HostPort,
        Type::Json,
        Type::Base64,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Hostile values get a verdict, never a panic, and no message has a part of the value in it.
    #[test]
    fn no_violation_shows_a_value(kind in any_type(), before in "[a-z0-9:/@%.]{0,8}", after in "\\PC{0,12}") {
        let value = format!("{before}s3cr3t{after}");
        let form = Form {
            one_of: vec!["x".into()],
            pattern: Some(Pattern::parse("[0-9]+").unwrap()),
            ..of(kind)
        };
        let schema = Schema::new(vec![key("KEY", form)]);
        let found = schema.violations(&variables(&[("KEY", &value)]));
        prop_assert!(!found.is_empty());
        prop_assert!(!found.join("").contains("s3cr3t"), "{:?}", found);
    }

    /// What Go prints is read back, whatever the number.
    #[test]
    fn numbers_are_read_as_they_are_written(int: i64, float in -1e300..1e300_f64, port in 1..=u16::MAX) {
        prop_assert!(of(Type::Int).faults(int.to_string().as_bytes()).is_empty());
        prop_assert!(of(Type::Float).faults(float.to_string().as_bytes()).is_empty());
        prop_assert!(of(Type::Port).faults(port.to_string().as_bytes()).is_empty());
        let host_port = format!("h:{port}");
        prop_assert!(of(Type::HostPort).faults(host_port.as_bytes()).is_empty());
    }

    /// A variable of no label is nobody's business.
    #[test]
    fn an_empty_schema_is_never_broken(name in "[A-Z]{1,8}", value in ".{0,20}") {
        prop_assert!(Schema::default().violations(&variables(&[(&name, &value)])).is_empty());
    }
}
