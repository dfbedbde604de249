//! `lictor validate`: yes or no for the `ValidateService` hook, with the reason in the last line.
//!
//! `CodeDeploy` keeps the last 2 KB of whole lines and loses all of them to one line of 2,048 characters, so every line is
//! short and the last one says what matters.

use std::io::Write;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::client::{Answer, BUG, Client, ClientError, NO, USAGE};
use super::locate::Target;
use crate::http::one_line;

/// The longest line, in characters.
const LONGEST_LINE: usize = 190;
/// Between two attempts to reach a lictor that is not there yet.
const PAUSE: Duration = Duration::from_millis(500);
/// A longer timeout is cut to this: no deployment takes a day.
const LONGEST_WAIT: Duration = Duration::from_hours(24);
/// What an answer may take beyond the wait that was asked for.
const GRACE: Duration = Duration::from_secs(10);

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Of whom.
    pub target: Target,
    /// `--version`: what must be running; `None`: any version will do.
    pub version: Option<String>,
    /// `--timeout`: how long a yes is waited for, and before that a lictor to ask.
    pub timeout: Duration,
}

/// Waits for a yes or a sure no, and says which. Returns the exit code: 0 yes, 1 no, 69 there was nobody to ask.
pub async fn run(options: &Options, out: &mut dyn Write) -> u8 {
    let deadline = Instant::now() + options.timeout.min(LONGEST_WAIT);
    let mut announced = false;
    loop {
        let begun = Instant::now();
        let asked = ask(options, deadline).await;
        let over = Instant::now() >= deadline;
        match asked {
            Ok(answer) if !over && answer.verdict.as_deref() == Some("not-yet") => {}
            Ok(answer) => return conclude(options, &answer, out),
            Err(error) if !over && error.may_pass() => {
                if !announced {
                    say(out, &format!("waiting for a lictor to answer: {error}"));
                    announced = true;
                }
            }
            Err(error) => {
                say(out, &format!("no: {error}"));
                return error.exit_code();
            }
        }
        tokio::time::sleep_until(deadline.min(begun + PAUSE)).await;
    }
}

async fn ask(options: &Options, deadline: Instant) -> Result<Answer, ClientError> {
    let client = Client::find(&options.target).await?;
    let wait = deadline.saturating_duration_since(Instant::now());
    let mut path = format!("/status?wait={}ms", wait.as_millis());
    match &options.version {
        Some(version) => path.extend(["&version=", &encode(version)]),
        None => path.push_str("&settled"),
    }
    if let Some(name) = &options.target.name {
        path.extend(["&service=", &encode(name)]);
    }
    client.get(&path, wait + GRACE).await
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The object as lines, then yes or no.
fn conclude(options: &Options, answer: &Answer, out: &mut dyn Write) -> u8 {
    let object: Map<String, Value> = serde_json::from_slice(&answer.body).unwrap_or_default();
    for (name, value) in object.iter().filter(|(name, _)| !matches!(name.as_str(), "reason" | "error")) {
        match value {
            Value::String(word) => say(out, &format!("{name}: {word}")),
            other => say(out, &format!("{name}: {other}")),
        }
    }
    let error = object.get("error").and_then(Value::as_str);
    let (line, code) = match (answer.status, &answer.reason, &options.version) {
        (200, _, Some(version)) => (format!("yes: running {version}, healthy, config settled"), 0),
        (200, _, None) => ("yes: healthy, config settled".to_owned(), 0),
        (_, Some(reason), _) => (format!("no: {reason}"), NO),
        (400, None, _) => (format!("no: {}", error.unwrap_or("lictor did not understand the question")), USAGE),
        (status, None, _) => (format!("no: lictor answered {status}: {}", error.unwrap_or("and did not say why")), BUG),
    };
    say(out, &line);
    code
}

/// One short line. Who reads it may be gone; the exit code says it too.
fn say(out: &mut dyn Write, line: &str) {
    let _ = writeln!(out, "{}", one_line(line, LONGEST_LINE));
    let _ = out.flush();
}

#[cfg(test)]
mod tests;
