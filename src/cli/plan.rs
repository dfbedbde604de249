//! `lictor plan`: what the newest wish would change, and what is or would be done about it.

use std::io::Write;
use std::time::Duration;

use super::client::{Client, ClientError, NO};
use super::locate::Target;
use super::paint::{Cell, Paint, Tone, cell, plain, table};
use crate::environment::Change;
use crate::environment::difference::Side;
use crate::machine::plan::{Action, Plan};

/// How long the answer may take.
const SOON: Duration = Duration::from_secs(10);
/// The exit code where there are changes, if that was asked for.
const CHANGES: u8 = 3;

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Of whom.
    pub target: Target,
    /// `--json` or not.
    pub form: Form,
    /// `--exit-code` or not.
    pub code: Code,
}

/// How it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text(Paint),
    /// As it came.
    Json,
}

/// What the exit code tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Whether the newest wish is refused.
    Plain,
    /// Also whether there are changes.
    Changes,
}

/// Shows the plan. Returns the exit code: 0, 1 for a wish that is refused, 3 for changes if asked for, or 69 if no lictor
/// answered.
pub async fn run(options: &Options, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match read(&options.target).await {
        Ok((plan, body)) => {
            let text = match options.form {
                Form::Text(paint) => render(&plan, paint).into_bytes(),
                Form::Json => [body, b"\n".to_vec()].concat(),
            };
            // A reader that is gone needs no answer.
            let _ = out.write_all(&text);
            match options.code {
                _ if plan.is_refused() => NO,
                Code::Changes if !plan.changes.is_empty() => CHANGES,
                Code::Plain | Code::Changes => 0,
            }
        }
        Err(error) => {
            let _ = writeln!(err, "lictor: {error}");
            error.exit_code()
        }
    }
}

async fn read(target: &Target) -> Result<(Plan, Vec<u8>), ClientError> {
    let client = Client::find(target).await?;
    let answer = client.get("/plan", SOON).await?;
    if answer.status != 200 {
        return Err(client.strange(&format!("status {} for /plan", answer.status)));
    }
    let plan = serde_json::from_slice(&answer.body).map_err(|error| client.strange(&error))?;
    Ok((plan, answer.body))
}

/// The verdict, the changes, and how many of them.
fn render(plan: &Plan, paint: Paint) -> String {
    let mut out = String::new();
    let (word, tone) = said(plan.action);
    table(&mut out, paint, "", &[vec![cell(&plan.service, Tone::Strong), cell(word, tone), plain(&plan.why)]]);
    let rows: Vec<_> = plan.changes.iter().map(row).collect();
    table(&mut out, paint, "  ", &rows);
    let count = |kind: fn(&Change) -> bool| plan.changes.iter().filter(|change| kind(change)).count();
    let added = count(|change| change.before.is_none());
    let removed = count(|change| change.after.is_none());
    let changed = plan.changes.len() - added - removed;
    let summary = match plan.wish {
        None => "there is no wish that could be compared".to_owned(),
        Some(_) if plan.changes.is_empty() => "no changes".to_owned(),
        Some(_) => format!("{added} to add, {changed} to change, {removed} to remove"),
    };
    table(&mut out, paint, "", &[vec![cell(summary, Tone::Dim)]]);
    out
}

fn said(action: Action) -> (&'static str, Tone) {
    match action {
        Action::Waiting => ("waiting", Tone::Warn),
        Action::Nothing => ("nothing to do", Tone::Good),
        Action::Trial => ("on trial", Tone::Warn),
        Action::Restart => ("restart", Tone::Warn),
        Action::Held => ("held", Tone::Warn),
        Action::Rejected => ("rejected", Tone::Bad),
        Action::Quarantined => ("quarantined", Tone::Bad),
        Action::Retry => ("tried again later", Tone::Bad),
    }
}

fn row(change: &Change) -> Vec<Cell> {
    let (mark, tone) = match (&change.before, &change.after) {
        (None, _) => ("+", Tone::Good),
        (_, None) => ("-", Tone::Bad),
        (Some(_), Some(_)) => ("~", Tone::Warn),
    };
    let sides: Vec<_> = [&change.before, &change.after].into_iter().flatten().collect();
    let origin = sides.last().map_or("", |side| &side.origin);
    let shown: Vec<_> = sides.iter().map(|side| value(side)).collect();
    vec![cell(mark, tone), plain(&change.name), plain(origin), cell(shown.join(" -> "), Tone::Dim)]
}

fn value(side: &Side) -> String {
    match &side.value {
        Some(value) => value.clone(),
        None => format!("{} ({} bytes)", side.fingerprint, side.length),
    }
}

#[cfg(test)]
mod tests;
