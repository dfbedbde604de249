//! An error with its causes as one sentence, printed once, at the edge.

use std::error::Error;
use std::fmt::Write;

/// `what: why: why that`. Each error of the chain prints only its own part, so nothing is repeated.
pub fn sentence(error: &dyn Error) -> String {
    let mut sentence = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a String cannot fail.
        let _ = write!(sentence, ": {error}");
        cause = error.source();
    }
    sentence
}
