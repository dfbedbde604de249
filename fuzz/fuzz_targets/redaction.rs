//! The mask over what a check command wrote: no value of four bytes or more is left in what is shown.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use lictor::environment::redact::{Redactor, Start};
use lictor::environment::{Environment, FingerprintKey, Variable, Visibility};

fuzz_target!(|input: (Vec<&[u8]>, &[u8], bool)| {
    let (values, text, cut) = input;
    // A name that no text has, so that the masks can be told from what was written.
    let variable = |(number, value): (usize, &&[u8])| {
        let variable = Variable::new(value.to_vec().into(), "o".into(), Visibility::Secret);
        (format!("\u{1}{number}\u{1}"), variable)
    };
    if text.contains(&1) || values.iter().any(|value| value.contains(&1)) {
        return;
    }
    let key = FingerprintKey::new(&[7; FingerprintKey::LENGTH]);
    let variables = values.iter().enumerate().map(variable).collect::<BTreeMap<_, _>>();
    let environment = Environment::fingerprinted(&key, variables);
    let masked = Redactor::of(&environment).mask(text, if cut { Start::Cut } else { Start::Whole });
    let shown: Vec<&[u8]> = masked.split(|byte| *byte == 1).step_by(2).collect();
    for value in values.iter().filter(|value| value.len() >= 4 && !value.contains(&b'[') && !value.contains(&b']')) {
        assert!(shown.iter().all(|part| part.windows(value.len()).all(|window| window != *value)));
    }
    assert!(masked.len() <= text.len().saturating_mul(16) + 16);
});
