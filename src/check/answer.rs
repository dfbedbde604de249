//! What an answer of a database means, and what may be told of it.

use super::finding::Finding;
use super::reason;
use super::target::Target;

/// A shorter password is in too many words to be masked, in bytes.
const CERTAIN: usize = 4;

/// Good if it was answered as expected. What a server says may repeat what it was told: a password is masked.
pub(super) fn finding(answer: Result<Option<String>, String>, expected: Option<&str>, target: &Target) -> Finding {
    match (answer, expected) {
        (Ok(_), None) => Finding::Good,
        (Ok(Some(value)), Some(expected)) if value == expected => Finding::Good,
        // The answer itself is not told: only whoever wrote the query knows what may be in it.
        (Ok(Some(_)), Some(_)) => Finding::Bad("the answer is another one than `expect`".to_owned()),
        (Ok(None), Some(_)) => Finding::Bad("there is no answer, and `expect` asks for one".to_owned()),
        (Err(why), _) => Finding::Bad(reason::brief(&masked(&why, target))),
    }
}

fn masked(text: &str, target: &Target) -> String {
    match target.password.as_ref().and_then(|password| password.expose_str()) {
        Some(password) if password.len() >= CERTAIN => text.replace(password, "[password]"),
        _ => text.to_owned(),
    }
}
