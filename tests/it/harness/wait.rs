//! Waiting for something to become true.

use std::time::Duration;

use tokio::time::Instant;

/// Nothing in these tests takes this long on a machine that is merely busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer; panics with `what` when patience is over.
pub fn eventually<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, ask)
}

/// The same with a limit of its own.
pub fn within<T>(limit: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        pause();
    }
}

/// Between two looks at something that cannot tell by itself that it has changed.
#[expect(
    clippy::disallowed_methods,
    reason = "the pause between two looks at a predicate; nothing relies on its length"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}
