//! A request for a verb on the admin socket: gives what is asked for within its limits, or a sentence.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use lictor::admin::request::{Request, What, read};
use lictor::machine::event::Verb;

fuzz_target!(|input: &[u8]| {
    let Some((verb, body)) = input.split_first() else { return };
    let verbs = ["restart", "reload", "signal", "hold", "unhold", "release", "retry", "revert", "reboot", "validated"];
    let verb = verbs[usize::from(*verb) % verbs.len()];
    match read(verb, body) {
        Some(Ok(Request { what, timeout })) => {
            assert!(!timeout.is_zero() && timeout <= Duration::from_mins(10), "{timeout:?}");
            if let What::Verb(Verb::Hold { reason, length }) = what {
                assert!(reason.chars().count() <= 201 && !reason.contains(char::is_control), "{reason:?}");
                assert!(length.is_none_or(|length| !length.is_zero()));
            }
        }
        Some(Err(sentence)) => assert!(!sentence.contains('\n') && sentence.len() < 1000, "{sentence}"),
        None => {}
    }
});
