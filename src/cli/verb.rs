//! The operator's verbs: one request each, answered when it has taken effect.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::args::{TargetArgs, Verb};
use super::client::{Answer, Client, ClientError, Identity};
use super::locate::Target;
use crate::exit;
use crate::line::one_line;

/// How much longer than the requested wait an answer may take.
const GRACE: Duration = Duration::from_secs(10);
/// The longest line that is printed, in characters.
const LONGEST_LINE: usize = 1000;
/// The verb after which a new lictor answers.
const REEXEC: &str = "reexec";
/// The pause between two attempts to reach it.
const LOOK: Duration = Duration::from_millis(10);
/// For a verb that does not wait.
const SOON: Duration = Duration::from_mins(1);

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    /// To whom.
    pub(super) target: Target,
    /// Which verb, as the last part of the path.
    pub(super) verb: &'static str,
    /// Its words.
    pub(super) words: Value,
    /// How long its effect is waited for.
    pub(super) timeout: Duration,
}

impl Request {
    /// The request that a command line asks for; `None`: it asks for none.
    pub(super) fn of(verb: &Verb) -> Option<Self> {
        let to = |verb, whom: &TargetArgs, timeout, words| {
            Some(Self { target: Target::of(whom.clone()), verb, words, timeout })
        };
        let print = |print: &Option<crate::environment::Fingerprint>| print.map(|print| print.to_string());
        match verb {
            Verb::Restart(patient) => to("restart", &patient.target, patient.timeout, json!({})),
            Verb::Revert(patient) => to("revert", &patient.target, patient.timeout, json!({})),
            Verb::Retry(retry) => {
                let words = json!({ "fingerprint": print(&retry.fingerprint), "alone": retry.alone });
                to("retry", &retry.patient.target, retry.patient.timeout, words)
            }
            Verb::Release(release) => {
                to("release", &release.target, SOON, json!({ "fingerprint": print(&release.fingerprint) }))
            }
            Verb::Hold(hold) => {
                let length = hold.length.map(|length| humantime::format_duration(length).to_string());
                to("hold", &hold.target, SOON, json!({ "reason": hold.reason.join(" "), "for": length }))
            }
            Verb::Unhold(plain) => to("unhold", &plain.target, SOON, json!({})),
            Verb::Signal(signal) => to("signal", &signal.target, SOON, json!({ "signal": signal.signal })),
            Verb::Reexec(patient) => to(REEXEC, &patient.target, patient.timeout, json!({})),
            Verb::Reload(reload) => to("reload", &reload.target, SOON, json!({})),
            Verb::Run(_)
            | Verb::Status(_)
            | Verb::Validate(_)
            | Verb::Plan(_)
            | Verb::Check(_)
            | Verb::Init(_)
            | Verb::Doctor(_)
            | Verb::Help(_)
            | Verb::Env(_)
            | Verb::History(_)
            | Verb::Fleet(_)
            | Verb::Promote(_)
            | Verb::AfterStop(_)
            | Verb::Buildinfo(_) => None,
        }
    }
}

/// Sends the request, waits, and prints the outcome. Returns the exit code: 0 done, 1 not, 2 wrong usage, 69 no lictor
/// answered, 78 the configuration is wrong.
pub(super) async fn run(mut request: Request, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let timeout = humantime::format_duration(request.timeout).to_string();
    request.words["timeout"] = timeout.into();
    let asked = async {
        let client = Client::find(&request.target).await?;
        let path = format!("/verb/{}", request.verb);
        let before = client.identity();
        let answer = client.post(&path, request.words.to_string(), request.timeout.saturating_add(GRACE)).await?;
        if request.verb == REEXEC && answer.status == 200 {
            until_another_answers(&client, before).await?;
        }
        Ok::<_, ClientError>(answer)
    };
    match asked.await {
        Ok(answer) => conclude(&answer, out, err),
        Err(error) => {
            let _ = writeln!(err, "lictor: {error}");
            error.exit_code()
        }
    }
}

/// Waits until the socket belongs to a new lictor, and that one answers.
async fn until_another_answers(client: &Client, before: Option<Identity>) -> Result<(), ClientError> {
    let end = Instant::now() + GRACE;
    loop {
        let asked = match client.identity() {
            now if now.is_none() || now == before => None,
            _ => Some(client.read("/board", GRACE).await),
        };
        match asked {
            Some(Ok(_)) => return Ok(()),
            Some(Err(error)) if Instant::now() >= end || !error.may_pass() => return Err(error),
            None if Instant::now() >= end => return client.read("/board", GRACE).await.map(drop),
            Some(Err(_)) | None => sleep(LOOK).await,
        }
    }
}

fn conclude(answer: &Answer, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status == 200 {
        say(out, said["done"].as_str().unwrap_or("done"));
        for (word, what) in [("service", "the next start of the service"), ("lictor", "the next start of lictor")] {
            let words = texts(&said["pending"][word]);
            if !words.is_empty() {
                say(out, &format!("waits for {what}: {}", words.join(", ")));
            }
        }
        return exit::OK;
    }
    let errors = texts(&said["errors"]);
    for error in &errors {
        say(err, &format!("lictor: {error}"));
    }
    let sentence = said["error"].as_str().unwrap_or("lictor did not say why");
    match (answer.status, errors.is_empty()) {
        (422, _) => {
            say(err, "lictor: nothing is changed");
            exit::CONFIGURATION
        }
        (400, _) => {
            say(err, &format!("lictor: {sentence}"));
            exit::USAGE
        }
        _ => {
            say(err, &format!("lictor: no: {sentence}"));
            exit::NO
        }
    }
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

/// The reader may have ended; the exit code shows the result too.
fn say(out: &mut dyn Write, line: &str) {
    let _ = writeln!(out, "{}", one_line(line, LONGEST_LINE));
}

#[cfg(test)]
mod tests {
    use super::{Answer, conclude};

    #[test]
    fn what_is_said_and_what_it_ends_with() {
        for (status, body, code, out, err) in [
            (200, r#"{"done":"billing is healthy"}"#, 0, "billing is healthy\n", ""),
            (
                200,
                r#"{"done":"read again","pending":{"service":["exec.user","version"]}}"#,
                0,
                "read again\nwaits for the next start of the service: exec.user, version\n",
                "",
            ),
            (409, r#"{"error":"nothing is held by the guard"}"#, 1, "", "lictor: no: nothing is held by the guard\n"),
            (504, r#"{"error":"not in\ntime"}"#, 1, "", "lictor: no: not in time\n"),
            (400, r#"{"error":"which signal?"}"#, 2, "", "lictor: which signal?\n"),
            (
                422,
                r#"{"error":"x","errors":["a.hcl:1:1: one","a.hcl:2:1: two"]}"#,
                78,
                "",
                "lictor: a.hcl:1:1: one\nlictor: a.hcl:2:1: two\nlictor: nothing is changed\n",
            ),
            (500, "no JSON", 1, "", "lictor: no: lictor did not say why\n"),
        ] {
            let answer = Answer { status, verdict: None, reason: None, body: body.as_bytes().to_vec() };
            let (mut said, mut complained) = (Vec::new(), Vec::new());
            let ended = conclude(&answer, &mut said, &mut complained);
            let texts = [said, complained].map(|text| String::from_utf8(text).unwrap());
            assert_eq!((ended, texts), (code, [out.to_owned(), err.to_owned()]), "{body}");
        }
    }
}
