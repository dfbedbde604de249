//! What `lictor status`, `history`, `plan` and `fleet` have in common: how they show things, and that they go on when lictor is
//! started again, which is just when somebody watches.

use std::io::Write;
use std::time::Duration;

use super::client::{Client, ClientError};
use super::locate::Target;
use super::paint::{Form, Paint};

/// How much longer than its wait an answer may take.
pub(super) const GRACE: Duration = Duration::from_secs(10);
/// The pause between two attempts to reach a lictor that has stopped.
const PAUSE: Duration = Duration::from_millis(500);

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// Which lictor is asked.
    pub(super) target: Target,
    /// `--json` or not.
    pub(super) form: Form,
    /// `--watch` or `--follow`, or not.
    pub(super) follow: Follow,
}

/// Whether it is shown once or continuously.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    /// What there is now, once.
    Once,
    /// Every change too, until the output is closed.
    On,
}

/// Moves the cursor home and clears everything below it.
const CLEAR: &str = "\u{1b}[H\u{1b}[J";

/// One state of what is shown: a terminal is drawn anew, and in a pipe a blank line ends each.
pub(super) fn page(text: String, follow: Follow, paint: Paint) -> String {
    match follow {
        Follow::Once => text,
        Follow::On if paint.is_ansi() => format!("{CLEAR}{text}"),
        Follow::On => text + "\n",
    }
}

/// Waits until a lictor that did not answer does so again, and says on `err` that it waits. Returns the first answer.
///
/// # Errors
/// lictor answers, but with an error that does not pass by waiting.
pub(super) async fn again(
    client: &Client,
    path: &str,
    lost: &ClientError,
    err: &mut dyn Write,
) -> Result<Vec<u8>, ClientError> {
    let _ = writeln!(err, "lictor: {lost}; waiting for it");
    loop {
        tokio::time::sleep(PAUSE).await;
        match client.read(path, GRACE).await {
            Err(error) if error.may_pass() => {}
            answered => return answered,
        }
    }
}
