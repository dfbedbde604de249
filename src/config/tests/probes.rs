//! What is asked and looked at: the kinds of check in full, and `expvar`.

use std::time::Duration;

use super::{errors_of, with};
use crate::environment::glob::Glob;
use crate::expvar::{Rules, Settings};

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
