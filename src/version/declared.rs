//! Asks the service for its version, by an HTTP request or by a command.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::StatusCode;

use super::Subject;
use crate::check::{Unfetched, fetch};
use crate::environment::redact::Start;
use crate::gobuild::presentable;
use crate::machine::event::Exit;
use crate::service::errand::{self, CannotRun, Errand};

const HTTP_TIMEOUT: Duration = Duration::from_secs(2);
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);
/// The shortest secret to look for in a version, in bytes: shorter values occur in too many versions.
const SHORTEST_SECRET: usize = 6;
const LONGEST_BODY: usize = 64 << 10;
/// How long to wait between two requests: a service that has just been started does not listen yet.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(250),
    Duration::from_millis(750),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(12),
];

/// Why the service has not reported its version.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// There was none.
    #[error("version.http got no answer; check that the URL is right and the service listens there")]
    Request(#[source] Unfetched),
    /// Another status than 200.
    #[error("version.http was answered with {0}; it must be 200 with the version as text or JSON")]
    Status(StatusCode),
    /// More than 64 KiB.
    #[error("version.http was answered with more than 64 KiB; it must be the version as text or JSON")]
    TooLong,
    /// The answer has no version in it that can be shown.
    #[error("{0} gave no version: one line of at most 200 bytes, or JSON {{\"version\": \"..\"}}")]
    NoVersion(&'static str),
    /// The version contains the value of a variable that is not public.
    #[error(
        "the version that the service reports contains the value of the variable {0}; if that may be shown, write public = true in its key block"
    )]
    NotPublic(String),
    /// The command cannot be run.
    #[error("version.command cannot be run; name the program by its path")]
    Command(#[from] CannotRun),
    /// The command did not end with 0 in time.
    #[error("version.command {0}; it must print the version and exit with 0 within 5 s")]
    Failed(String),
}

impl Unanswered {
    /// Whether a service that is still starting may give this answer; otherwise asking again does not help.
    fn may_pass(&self) -> bool {
        match self {
            Self::Request(error) => *error != Unfetched::Unfit,
            Self::Status(status) => status.is_server_error(),
            Self::TooLong | Self::NoVersion(_) | Self::NotPublic(_) | Self::Command(_) | Self::Failed(_) => false,
        }
    }
}

/// Asks as configured, first by HTTP, then by the command; `None` if neither is configured.
pub(super) async fn ask(subject: &Subject) -> Result<Option<String>, Unanswered> {
    let by_http = match &subject.spec.http {
        Some(url) => Some(ask_patiently(url, subject).await),
        None => None,
    };
    let by_http = by_http.map(|told| told.and_then(|version| fit_to_be_shown(version, subject)));
    if let Some(Ok(version)) = by_http {
        return Ok(Some(version));
    }
    if let Some((program, arguments)) = subject.spec.command.split_first() {
        return fit_to_be_shown(run(program, arguments, subject).await?, subject).map(Some);
    }
    by_http.transpose()
}

/// A version is shown everywhere, so it must not contain anything that may be a secret.
fn fit_to_be_shown(version: String, subject: &Subject) -> Result<String, Unanswered> {
    let masked = subject.redactor.mask(version.as_bytes(), Start::Whole);
    if masked == version.as_bytes() {
        Ok(version)
    } else {
        Err(Unanswered::NotPublic(String::from_utf8_lossy(&masked).into_owned()))
    }
}

/// Whether a value found in a version may be a secret. A number is not, nor is a variable that has the version itself.
pub(super) fn may_be_secret(value: &[u8]) -> bool {
    value.len() >= SHORTEST_SECRET && value.iter().any(|byte| !byte.is_ascii_digit() && *byte != b'.')
}

async fn ask_patiently(url: &str, subject: &Subject) -> Result<String, Unanswered> {
    let mut pauses = PAUSES.into_iter();
    loop {
        match (ask_once(url, subject).await, pauses.next()) {
            (Err(unanswered), Some(pause)) if unanswered.may_pass() => tokio::time::sleep(pause).await,
            (answer, _) => return answer,
        }
    }
}

async fn ask_once(url: &str, subject: &Subject) -> Result<String, Unanswered> {
    let fetched = fetch(url, subject.reach.clone(), HTTP_TIMEOUT, LONGEST_BODY).await;
    let fetched = fetched.map_err(|error| match error {
        Unfetched::TooLong(_) => Unanswered::TooLong,
        Unfetched::Unfit | Unfetched::Silent(_) => Unanswered::Request(error),
    })?;
    if fetched.status != StatusCode::OK {
        return Err(Unanswered::Status(fetched.status));
    }
    from_body(&fetched.body).ok_or(Unanswered::NoVersion("version.http"))
}

async fn run(program: &str, arguments: &[String], subject: &Subject) -> Result<String, Unanswered> {
    let errand = Errand {
        program: PathBuf::from(program),
        arguments: arguments.to_vec(),
        environment: subject.environment.clone(),
        directory: subject.directory.clone(),
        user: subject.user.clone(),
        timeout: COMMAND_TIMEOUT,
    };
    let finished = errand::run(errand, &subject.own).await?;
    match finished.exit {
        Some(Exit::Code(0)) => first_line(&finished.output).ok_or(Unanswered::NoVersion("version.command")),
        Some(Exit::Code(code)) => Err(Unanswered::Failed(format!("exited with {code}"))),
        Some(Exit::Signal(signal)) => Err(Unanswered::Failed(format!("was killed by signal {signal}"))),
        Some(Exit::Unknown) => Err(Unanswered::Failed("ended unseen".to_owned())),
        None => Err(Unanswered::Failed("took too long".to_owned())),
    }
}

/// The member `version` of a JSON object, or the first line of a text.
fn from_body(body: &[u8]) -> Option<String> {
    match serde_json::from_slice(body) {
        Ok(serde_json::Value::Object(members)) => match members.get("version")? {
            serde_json::Value::String(text) => presentable(text),
            // Only whole ones: 1.10 would become 1.1.
            serde_json::Value::Number(number) if !number.is_f64() => Some(number.to_string()),
            _ => None,
        },
        Ok(serde_json::Value::String(text)) => presentable(&text),
        // `1.214` alone is JSON too.
        Ok(_) | Err(_) => first_line(body),
    }
}

fn first_line(text: &[u8]) -> Option<String> {
    presentable(String::from_utf8_lossy(text).lines().find(|line| !line.trim().is_empty())?)
}

#[cfg(test)]
mod tests;
