use super::{Number, SentAs, read};
use crate::environment::glob::Glob;
use crate::expvar::Rules;

fn rules(allow: &[&str], counters: &[&str], max_series: usize) -> Rules {
    let globs = |list: &[&str]| list.iter().map(|text| Glob::parse(text).unwrap()).collect();
    Rules { allow: globs(allow), counters: globs(counters), max_series }
}

fn all() -> Rules {
    rules(&["*"], &[], 100)
}

fn number(name: &str, sent_as: SentAs, value: f64) -> Number {
    Number { name: name.to_owned(), sent_as, value }
}

#[test]
fn a_page_as_go_writes_it() {
    let body = br#"{
"cmdline": ["/opt/billing/billing","-password=hunter2"],
"goroutines": 12,
"memstats": {"Alloc":1,"Sys":9000000,"HeapInuse":4194304,"PauseTotalNs":300,"PauseNs":[100,200,0],"NumGC":2,
  "BySize":[{"Size":8,"Mallocs":1,"Frees":0}],"EnableGC":true},
"Queue": {"depth": 7, "ready": true, "name": "orders", "none": null, "list": [1,2]},
"requests": {"total": 250, "by status": {"200": 240, "503": 10}},
"load": -0.25
}"#;
    let page = read(body, &rules(&["*"], &["requests.*"], 100)).unwrap();
    let runtime = page.runtime.unwrap();
    let memory = (runtime.heap_in_use, runtime.from_system, runtime.cycles, runtime.paused_ns);
    assert_eq!(memory, (4_194_304, 9_000_000, 2, 300));
    assert_eq!(page.goroutines, Some(12.0));
    assert_eq!(runtime.pauses_after(0).collect::<Vec<_>>(), [100, 200]);
    let expected = [
        number("load", SentAs::Gauge, -0.25),
        number("queue.depth", SentAs::Gauge, 7.0),
        number("queue.ready", SentAs::Gauge, 1.0),
        number("requests.by_status.200", SentAs::Counter, 240.0),
        number("requests.by_status.503", SentAs::Counter, 10.0),
        number("requests.total", SentAs::Counter, 250.0),
    ];
    assert_eq!((page.numbers, page.left_out), (expected.to_vec(), 0));
}

#[test]
fn only_what_is_allowed_and_only_so_much() {
    let body = br#"{"a":1,"b":2,"c":{"d":3,"D":4,"e":5}}"#;
    let page = read(body, &rules(&["c.*", "a"], &[], 2)).unwrap();
    assert_eq!(page.numbers, [number("a", SentAs::Gauge, 1.0), number("c.d", SentAs::Gauge, 3.0)]);
    assert_eq!(page.left_out, 2, "one of the same name, one too many");
    assert_eq!(read(body, &rules(&[], &[], 100)).unwrap().numbers, []);
}

#[test]
fn what_is_deep_is_left_out() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(100), "}".repeat(100));
    let page = read(deep.as_bytes(), &all()).unwrap();
    assert_eq!((page.numbers.len(), page.left_out), (0, 1));
    // Whether this is passed over or refused does not matter: the stack must bear it.
    let lists = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let _ = read(lists.as_bytes(), &all());
}

#[test]
fn anything_else_is_an_error() {
    for wrong in [
        &b""[..],
        b"[]",
        b"7",
        b"{",
        b"{\"a\":1} x",
        b"<html>hunter2",
        b"{\"a\":1 \"b\":2}",
        b"{\"a\":[1}",
        b"{\"a",
        b"\xff",
    ] {
        let error = read(wrong, &all()).unwrap_err().to_string();
        assert!(error.starts_with("it is not what Go's expvar writes") && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn one_bad_value_is_left_out_alone() {
    for (bad, not_json) in [
        ("\"load\": NaN", 1),
        ("\"load\": +Inf", 1),
        ("\"load\": -Inf", 1),
        // What a function is written as whose result has no JSON.
        ("\"load\": ", 1),
        ("\"load\": 1e999", 1),
        ("\"load\": {\"a\": NaN, \"b\": [NaN]}", 2),
        ("\"text\": \"a \u{1} b\"", 0),
        ("\"text\": \"\\x01\\a\"", 0),
        ("\"memstats\": 7", 0),
        ("\"memstats\": {\"NumGC\": -1}", 0),
        ("\"memstats\": {\"NumGC\": 4, \"PauseNs\": [1, NaN]}", 1),
        ("\"memstats\": ", 1),
    ] {
        let body = format!("{{\n\"first\": 1,\n{bad},\n\"last\": 2\n}}");
        let page = read(body.as_bytes(), &all()).unwrap_or_else(|error| panic!("{error}: {body}"));
        let expected = [number("first", SentAs::Gauge, 1.0), number("last", SentAs::Gauge, 2.0)];
        assert_eq!((page.numbers, page.runtime, page.not_json), (expected.to_vec(), None, not_json), "{body}");
    }
}

#[test]
fn a_control_character_in_a_name_costs_nothing() {
    let body = "{\"a\u{1}b\": 1, \"c\\x02d\": 2, \"\\aé\": {\"x\": 3}}";
    let page = read(body.as_bytes(), &all()).unwrap();
    let names: Vec<_> = page.numbers.iter().map(|number| (number.name.as_str(), number.value)).collect();
    assert_eq!(names, [("_a_.x", 3.0), ("a_b", 1.0), ("c_x02d", 2.0)]);
}
