//! `lictor history`: which changes were applied, held, rejected or reverted, with time, keys and reason.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::client::{Client, ClientError};
use super::follow::{self, Follow, GRACE, Options};
use super::paint::{Form, Paint, Tone, cell};
use crate::environment::Origin;
use crate::exit;
use crate::line::one_line;
use crate::machine::board::words;
use crate::machine::history::{Entry, Outcome};

/// One wait for a new line.
const PATIENCE: Duration = Duration::from_mins(1);
/// Names of changed variables that are shown; the rest is counted.
const MOST_KEYS: usize = 5;
/// The longest reason that is shown, in characters.
const LONGEST_WHY: usize = 300;
/// The longest name of a deployment with its group and event, in characters.
const LONGEST_DEPLOYMENT: usize = 120;

/// Where the last column begins.
const DETAILS_AT: usize = 50;

/// Which of the existing lines are shown; new ones are always shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    /// `-n`: at most this many, the newest ones.
    pub(super) most: Option<usize>,
    /// `--since`: none that is older than this.
    pub(super) since: Option<Duration>,
}

#[derive(Deserialize)]
struct Page {
    last: u64,
    entries: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Dated {
    at_unix_ms: u64,
}

impl Page {
    fn read(client: &Client, body: &[u8]) -> Result<Self, ClientError> {
        serde_json::from_slice(body).map_err(|error| client.strange(&error))
    }

    fn select(&mut self, selection: Selection, now: SystemTime) {
        if let Some(since) = selection.since {
            let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
            let first = u64::try_from(now.saturating_sub(since).as_millis()).unwrap_or(u64::MAX);
            // A line that cannot be read is better shown than not at all.
            self.entries
                .retain(|raw| serde_json::from_str(raw.get()).map_or(true, |Dated { at_unix_ms }| at_unix_ms >= first));
        }
        let surplus = selection.most.map_or(0, |most| self.entries.len().saturating_sub(most));
        self.entries.drain(..surplus);
    }

    /// Leaves out everything up to this line. The line is recognised by its content, because its number changes when
    /// lictor starts again. If the line no longer exists, nothing is left out.
    fn skip_to(&mut self, shown: &str) {
        if let Some(place) = self.entries.iter().rposition(|raw| raw.get() == shown) {
            self.entries.drain(..=place);
        }
    }
}

/// Shows history. Returns the exit code: 0, or 69 if no lictor answered.
pub(super) async fn run(options: &Options, selection: Selection, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match show(options, selection, out, err).await {
        Ok(()) => exit::OK,
        Err(error) => {
            let _ = writeln!(err, "lictor: {error}");
            error.exit_code()
        }
    }
}

async fn show(
    options: &Options,
    selection: Selection,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), ClientError> {
    let client = Client::find(&options.target).await?;
    let mut page = Page::read(&client, &client.read("/history", GRACE).await?)?;
    let mut newest = page.entries.last().map(|raw| raw.get().to_owned());
    page.select(selection, SystemTime::now());
    loop {
        // If the output is closed, it ends, like any program in a pipe.
        if write(options.form, &page, out).is_err() || options.follow == Follow::Once {
            return Ok(());
        }
        let path = format!("/history?after={}&wait={}s", page.last, PATIENCE.as_secs());
        page = match client.read(&path, PATIENCE + GRACE).await {
            Err(error) if error.may_pass() => {
                let mut page = Page::read(&client, &follow::again(&client, "/history", &error, err).await?)?;
                if let Some(shown) = &newest {
                    page.skip_to(shown);
                }
                page
            }
            answered => Page::read(&client, &answered?)?,
        };
        newest = page.entries.last().map(|raw| raw.get().to_owned()).or(newest);
    }
}

fn write(form: Form, page: &Page, out: &mut dyn Write) -> io::Result<()> {
    for raw in &page.entries {
        match (form, serde_json::from_str(raw.get())) {
            (Form::Text(paint), Ok(entry)) => writeln!(out, "{}", line(&entry, paint.resized()))?,
            // A line of another version of lictor is better shown as it is than not at all.
            (Form::Json, _) | (Form::Text(_), Err(_)) => writeln!(out, "{}", raw.get())?,
        }
    }
    out.flush()
}

/// One entry. The columns have fixed widths, so that later lines are aligned with earlier ones.
fn line(entry: &Entry, paint: Paint) -> String {
    let (word, tone) = word(entry.outcome);
    let at = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(entry.at_unix_ms));
    let mut line = format!("{at}  ");
    paint.write(&mut line, &cell(word, tone));
    line.push_str(&" ".repeat(14_usize.saturating_sub(word.len())));
    let environment = entry.environment.map(|environment| environment.to_string()).unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = write!(line, "{environment:<12}  {}", paint.cut(&details(entry), DETAILS_AT));
    line.trim_end().to_owned()
}

/// The outcome for a change, a deployment or a process, in a word.
pub(super) fn word(outcome: Outcome) -> (&'static str, Tone) {
    match outcome {
        Outcome::Applied => ("applied", Tone::Good),
        Outcome::Reverted => ("reverted", Tone::Bad),
        Outcome::Superseded => ("superseded", Tone::Dim),
        Outcome::Inconclusive => ("inconclusive", Tone::Bad),
        Outcome::BuildFailed => ("build failed", Tone::Bad),
        Outcome::Held => ("held", Tone::Warn),
        Outcome::Halted => ("halted", Tone::Warn),
        Outcome::Rejected => ("rejected", Tone::Bad),
        Outcome::Exited => ("exited", Tone::Warn),
        Outcome::Unresponsive => ("unresponsive", Tone::Bad),
        Outcome::Reloaded => ("reloaded", Tone::Good),
        Outcome::Ignored => ("ignored", Tone::Dim),
        Outcome::Operator => ("operator", Tone::Strong),
        Outcome::Validated => ("validated", Tone::Good),
        Outcome::NotValidated => ("not validated", Tone::Bad),
    }
}

fn details(entry: &Entry) -> String {
    let mut parts = Vec::new();
    if let Some(who) = entry.who {
        parts.push(format!("uid {who}"));
    }
    if let Some(deployment) = &entry.deployment {
        parts.push(one_line(&deployment.to_string(), LONGEST_DEPLOYMENT).into_owned());
    }
    if !entry.why.is_empty() {
        parts.push(one_line(&entry.why, LONGEST_WHY).into_owned());
    }
    if !entry.keys.is_empty() {
        let shown = entry.keys.iter().take(MOST_KEYS).map(|key| one_line(key, 60)).collect::<Vec<_>>().join(", ");
        let more = entry.keys.len().saturating_sub(MOST_KEYS) + entry.more_keys;
        parts.push(if more > 0 { format!("{shown} and {more} more") } else { shown });
    }
    if !entry.from.is_empty() {
        parts.push(format!("from {}", sources(&entry.from)));
    }
    let length = |millis| humantime::format_duration(Duration::from_millis(millis));
    let steps: Vec<_> =
        entry.steps.iter().map(|(step, millis)| format!("{} {}", words::step_done(step), length(millis))).collect();
    let steps = steps.join(", ");
    match entry.propagation_ms {
        Some(millis) if steps.is_empty() => parts.push(format!("after {}", length(millis))),
        Some(millis) => parts.push(format!("after {} ({steps})", length(millis))),
        None if steps.is_empty() => {}
        None => parts.push(format!("took {steps}")),
    }
    parts.join("; ")
}

/// Each source once, with the newest index of its keys: `consul billing/ at index 123, file /etc/x.env`.
fn sources(from: &[Origin]) -> String {
    let mut newest: BTreeMap<&str, u64> = BTreeMap::new();
    for origin in from {
        let index = newest.entry(&origin.source).or_default();
        *index = (*index).max(origin.written.as_ref().map_or(0, |written| written.index));
    }
    let shown = |(source, index): (&str, u64)| match index {
        0 => one_line(source, 60).into_owned(),
        index => format!("{} at index {index}", one_line(source, 60)),
    };
    newest.into_iter().map(shown).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Paint, line};
    use crate::machine::history::{Entry, Outcome};
    use crate::machine::steps::Steps;
    use crate::machine::{Build, GenerationId, Moment};

    #[test]
    fn a_line_for_people() {
        let mut entry = Entry {
            at: Moment(5),
            at_unix_ms: 1_790_000_000_000,
            outcome: Outcome::Applied,
            generation: GenerationId(3),
            environment: Some("3f9a0c12be77".parse().unwrap()),
            build: Build::default(),
            run: None,
            keys: ["A", "B", "C", "D", "E", "F"].map(str::to_owned).to_vec(),
            from: serde_json::from_str(
                r#"[{"key":"A","source":"file /x"},{"key":"B","source":"consul a/","modify_index":7}]"#,
            )
            .unwrap(),
            more_keys: 2,
            why: String::new(),
            propagation_ms: Some(1_250),
            steps: serde_json::from_str(r#"{"settling":100,"trial":1100}"#).unwrap(),
            who: None,
            deployment: None,
        };
        assert_eq!(
            line(&entry, Paint::PLAIN),
            "2026-09-21T14:13:20Z  applied       3f9a0c12be77  A, B, C, D, E and 3 more; from consul a/ at index 7, file /x; after 1s 250ms (settled 100ms, trial 1s 100ms)"
        );
        // A change that was reverted is not in use, so its line gives no time until it came into use.
        entry.propagation_ms = None;
        let reverted = line(&entry, Paint::PLAIN);
        assert!(
            reverted.ends_with("; from consul a/ at index 7, file /x; took settled 100ms, trial 1s 100ms"),
            "{reverted}"
        );
        (entry.outcome, entry.keys, entry.more_keys, entry.propagation_ms) = (Outcome::Operator, Vec::new(), 0, None);
        (entry.steps, entry.from) = (Steps::default(), Vec::new());
        (entry.who, entry.why, entry.environment) = (Some(0), "hold: night\u{1b}[2J".to_owned(), None);
        assert_eq!(
            line(&entry, Paint::PLAIN),
            "2026-09-21T14:13:20Z  operator                    uid 0; hold: night [2J"
        );
    }
}
