//! A page of Go's expvar: names that are safe further on, never more of them than allowed; or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lictor::expvar::Settings;
use lictor::expvar::page::read;

fuzz_target!(|input: &[u8]| {
    let mut rules = Settings::at(String::new()).rules;
    rules.max_series = 3;
    let Ok(page) = read(input, &rules) else { return };
    assert!(page.numbers.len() <= rules.max_series, "too many");
    assert!(page.numbers.windows(2).all(|two| two[0].name < two[1].name), "unsorted, or twice");
    for number in &page.numbers {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'.';
        assert!(number.value.is_finite() && number.name.bytes().all(plain) && number.name.len() <= 140, "{number:?}");
    }
    assert!(
        page.runtime.is_none_or(|runtime| runtime.pauses_after(0).count() <= 256),
        "more pauses than are remembered"
    );
});
