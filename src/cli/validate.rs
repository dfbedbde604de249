//! `lictor validate`: yes or no for the `ValidateService` hook, with the reason in the last line.
//!
//! `CodeDeploy` keeps the last 2 KB of whole lines and loses all of them to one line of 2,048 characters, so every line
//! is short, all of the answer fits, and the last line says what matters.

mod deployment;

use std::io::Write;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::client::{Answer, BUSY, Client, ClientError};
use super::locate::Target;
use crate::exit::{self, BUG, NO, USAGE};
use crate::http::not_restarted;
use crate::line::{fitting, one_line};
use crate::machine::Board;
use crate::machine::deployment::{Deployment, Verdict};
pub(super) use deployment::of_environment;

/// The longest line, in characters.
const LONGEST_LINE: usize = 190;
/// The longest answer, in bytes.
const LONGEST_ANSWER: usize = 1_900;
/// How long the board may take, which is read when the answer is yes.
const SOON: Duration = Duration::from_secs(5);
/// After this long without an answer, a line says what the wait is for ...
const FIRST_ROUND: Duration = Duration::from_secs(1);
/// ... and then another one after each of these, which are longer than it takes to be sure of another build.
const ROUND: Duration = Duration::from_secs(10);
/// Between two attempts to reach a lictor that is not there yet.
const PAUSE: Duration = Duration::from_millis(500);
/// A longer timeout is cut to this: no deployment takes a day.
const LONGEST_WAIT: Duration = Duration::from_hours(24);
/// How much longer than the requested wait an answer may take.
const GRACE: Duration = Duration::from_secs(10);

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// The lictor to ask.
    pub(super) target: Target,
    /// `--version`: what must be running; `None`: any version will do.
    pub(super) version: Option<String>,
    /// `--timeout`: how long to wait for a yes, and before that for a lictor to ask.
    pub(super) timeout: Duration,
    /// The deployment that asks: lictor keeps its answer.
    pub(super) deployment: Option<Deployment>,
}

/// Waits for a yes or a sure no and prints it. Returns the exit code: 0 yes, 1 no, 69 no lictor answered.
pub(super) async fn run(options: &Options, out: &mut dyn Write) -> u8 {
    let deadline = Instant::now() + options.timeout.min(LONGEST_WAIT);
    let mut announced = false;
    let mut round = FIRST_ROUND;
    let mut waiting = None;
    loop {
        let begun = Instant::now();
        let asked = ask(options, deadline.min(begun + round)).await;
        let over = Instant::now() >= deadline;
        match asked {
            Ok(answer) if !over && answer.verdict.as_deref() == Some("not-yet") => {
                // If the hook is killed, this line is all that people will see.
                if waiting != answer.reason {
                    say(out, &format!("not yet: {}", answer.reason.as_deref().unwrap_or("lictor did not say why")));
                    waiting = answer.reason;
                }
                round = ROUND;
            }
            Ok(answer) => return conclude(options, &answer, out).await,
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

async fn ask(options: &Options, until: Instant) -> Result<Answer, ClientError> {
    let client = Client::find(&options.target).await?;
    let wait = until.saturating_duration_since(Instant::now());
    let answer = client.get(&question(options, wait), wait + GRACE).await?;
    if answer.status != BUSY {
        return Ok(answer);
    }
    // The limit of waiting requests is reached, so the present state is asked for without waiting.
    let answer = client.get(&question(options, Duration::ZERO), GRACE).await?;
    if answer.status == BUSY { Err(client.busy()) } else { Ok(answer) }
}

/// The path of the question, with this wait.
fn question(options: &Options, wait: Duration) -> String {
    let mut path = format!("/status?wait={}ms", wait.as_millis());
    match &options.version {
        Some(version) => path.extend(["&version=", &encode(version)]),
        None => path.push_str("&settled"),
    }
    if let Some(name) = &options.target.name {
        path.extend(["&service=", &encode(name)]);
    }
    path
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Prints the object as lines, then yes or no, and sends the answer to lictor for its history.
async fn conclude(options: &Options, answer: &Answer, out: &mut dyn Write) -> u8 {
    let object: Map<String, Value> = serde_json::from_slice(&answer.body).unwrap_or_default();
    let mut lines: Vec<String> = Vec::new();
    for (name, value) in object.iter().filter(|(name, _)| !matches!(name.as_str(), "reason" | "error")) {
        lines.push(match value {
            Value::String(word) => format!("{name}: {word}"),
            other => format!("{name}: {other}"),
        });
    }
    let error = object.get("error").and_then(Value::as_str);
    let (last, code) = match (answer.status, &answer.reason, &options.version) {
        (200, _, Some(version)) => (format!("yes: running {version}, healthy, config settled"), exit::OK),
        (200, _, None) => ("yes: healthy, config settled".to_owned(), exit::OK),
        (_, Some(reason), _) => (format!("no: {reason}"), NO),
        (400, None, _) => (format!("no: {}", error.unwrap_or("lictor did not understand the question")), USAGE),
        (status, None, _) => (format!("no: lictor answered {status}: {}", error.unwrap_or("and did not say why")), BUG),
    };
    if code == exit::OK {
        lines.extend(note(&options.target).await);
    }
    if let Some(deployment) = options.deployment.as_ref().filter(|_| code == exit::OK || code == NO) {
        let verdict = if code == exit::OK { Verdict::Yes } else { Verdict::No };
        let kept = deployment::record(&options.target, deployment, verdict, &last).await;
        // The answer is the same if it cannot be kept.
        lines.extend(kept.err().map(|why| format!("not kept in lictor's history: {why}")));
    }
    lines.push(last);
    say_all(out, &lines);
    code
}

/// A warning beside a yes: the expected version runs, but another one is on the disk.
async fn note(target: &Target) -> Option<String> {
    let answer = Client::find(target).await.ok()?.get("/board", SOON).await.ok()?;
    let board: Board = serde_json::from_slice(&answer.body).ok()?;
    not_restarted(&board).map(|note| format!("mind: {note}"))
}

/// The last of these lines that fit, each of them short.
fn say_all(out: &mut dyn Write, lines: &[String]) {
    let lines: Vec<_> = lines.iter().map(|line| one_line(line, LONGEST_LINE)).collect();
    let left_out = lines.len() - fitting(&lines, LONGEST_ANSWER);
    if left_out > 0 {
        say(out, &format!("({left_out} more lines: see lictor status)"));
    }
    for line in &lines[left_out..] {
        say(out, line);
    }
}

/// One short line. The reader may have ended; the exit code shows the result too.
fn say(out: &mut dyn Write, line: &str) {
    let _ = writeln!(out, "{}", one_line(line, LONGEST_LINE));
    let _ = out.flush();
}

#[cfg(test)]
mod tests;
