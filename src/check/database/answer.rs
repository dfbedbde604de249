//! What a database's answer means, and how much of it may be shown.

use super::Target;
use crate::check::reason;
use crate::check::round::Finding;

/// A shorter password occurs in too many words to be masked, in bytes.
const CERTAIN: usize = 4;

/// Good if the answer is as expected. A server's message may repeat what the server was sent: the password is masked.
pub(in crate::check) fn finding(
    answer: Result<Option<String>, String>,
    expected: Option<&str>,
    target: &Target,
) -> Finding {
    match (answer, expected) {
        (Ok(_), None) => Finding::Good,
        (Ok(Some(value)), Some(expected)) if value == expected => Finding::Good,
        // The answer itself is not shown: only the author of the query knows what may be in it.
        (Ok(Some(_)), Some(_)) => Finding::Bad("the answer differs from `expect`".to_owned()),
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
