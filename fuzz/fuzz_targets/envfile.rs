//! An `EnvironmentFile`: what is read and written again reads the same.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use lictor::environment::{Environment, FingerprintKey, Variable, Visibility};
use lictor::{envfile, secret::Secret};

fuzz_target!(|input: &[u8]| {
    let Ok((entries, warnings)) = envfile::parse(input) else { return };
    let lines = input.split(|byte| *byte == b'\n').count();
    assert!(warnings.iter().all(|warning| (1..=lines).contains(&warning.line)), "{warnings:?}");
    let values: BTreeMap<String, Secret> = entries.into_iter().collect();
    let variable = |(name, value): (&String, &Secret)| {
        (name.clone(), Variable::new(value.clone(), "file".into(), Visibility::Secret))
    };
    let key = FingerprintKey::new(&[7; FingerprintKey::LENGTH]);
    let variables = values.iter().map(variable).collect();
    let written = match envfile::write(&Environment::fingerprinted(&key, variables)) {
        Ok(written) => written,
        // Escapes may make it longer than it was.
        Err(envfile::Error::TooLong(_)) => return,
        Err(error) => panic!("what was read cannot be written: {error}"),
    };
    let (again, warnings) = envfile::parse(&written).expect("what was written can be read");
    assert!(warnings.is_empty(), "{warnings:?}");
    assert!(values == again.into_iter().collect(), "not the same: {}", String::from_utf8_lossy(&written));
});
