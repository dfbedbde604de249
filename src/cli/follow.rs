//! What `lictor status`, `history`, `plan` and `fleet` have in common: how they show things, and that they go on when lictor is
//! started again, which is just when somebody watches.

use std::io::Write;
use std::time::Duration;

use super::client::{Client, ClientError};
use super::locate::Target;
use super::paint::{Form, Paint};

/// How long one answer may take beyond its wait.
pub(super) const GRACE: Duration = Duration::from_secs(10);
/// Between two attempts to reach a lictor that has gone away.
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

/// For how long it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    /// What is there now.
    Once,
    /// Every change too, until the reader goes away.
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
/// Lictor answers, but something is wrong that no waiting mends.
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
