//! An error with its causes, as one sentence: said once, at the edge.

use std::error::Error;
use std::fmt::Write;

/// `what: why: why that`. Each error of the chain says only its own part, so none is repeated.
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
