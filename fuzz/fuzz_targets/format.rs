//! A `format` template and a name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lictor::environment::Mapping;
use lictor::environment::format::Format;

fuzz_target!(|input: (&str, &str, bool, bool)| {
    let (template, key, sanitize, upcase) = input;
    let format = match Format::parse(template) {
        Ok(format) => format,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let applied = format.apply(key);
    assert!(applied.len() <= template.len().saturating_mul(key.len().max(1)) + template.len(), "it explodes");
    let mapping = Mapping { prefix: None, format: Some(format), sanitize, upcase };
    let Some(name) = mapping.name(key) else { return };
    assert!(!sanitize || name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_'), "{name:?}");
});
