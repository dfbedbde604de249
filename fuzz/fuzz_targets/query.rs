//! The query of a request: parameters that can be asked for, or a sentence.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lictor::http::Query;

fuzz_target!(|raw: &str| {
    match Query::parse(Some(raw)) {
        Ok(query) => {
            for name in ["version", "wait", "service", "index", "warn", "settled", ""] {
                assert!(query.get(name).is_none_or(|value| value.len() <= raw.len()));
            }
        }
        Err(error) => assert!(error.to_string().len() < 400, "a sentence, not the query: {error}"),
    }
});
