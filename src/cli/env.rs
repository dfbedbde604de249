//! `lictor env`: the service's variables, and with `--diff` what the newest wish changes of them.

use std::io::Write;
use std::time::Duration;

use serde::Deserialize;

use super::client::{Client, ClientError};
use super::locate::Target;
use super::paint::{Cell, Form, Tone, cell, plain, table};
use crate::environment::{Fingerprint, ShownVariable};
use crate::exit;

/// How long the answer may take.
const SOON: Duration = Duration::from_secs(10);

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// What runs.
    Running,
    /// What the newest wish changes of it.
    Difference,
}

#[derive(Deserialize)]
struct Variables {
    variables: Vec<ShownVariable>,
}

#[derive(Deserialize)]
struct Difference {
    wish: Option<Fingerprint>,
    added: Vec<ShownVariable>,
    changed: Vec<Changed>,
    removed: Vec<ShownVariable>,
}

#[derive(Deserialize)]
struct Changed {
    before: ShownVariable,
    after: ShownVariable,
}

/// Shows the variables. Returns the exit code: 0, or 69 if no lictor answered.
pub(super) async fn run(target: &Target, subject: Subject, form: Form, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match read(target, subject, form).await {
        Ok(text) => {
            let _ = out.write_all(&text);
            exit::OK
        }
        Err(error) => {
            let _ = writeln!(err, "lictor: {error}");
            error.exit_code()
        }
    }
}

async fn read(target: &Target, subject: Subject, form: Form) -> Result<Vec<u8>, ClientError> {
    let client = Client::find(target).await?;
    let path = match subject {
        Subject::Running => "/env",
        Subject::Difference => "/env?diff",
    };
    let body = client.read(path, SOON).await?;
    let Form::Text(paint) = form else { return Ok([body, b"\n".to_vec()].concat()) };
    let strange = |error: serde_json::Error| client.strange(&error);
    let rows = match subject {
        Subject::Running => {
            let shown: Variables = serde_json::from_slice(&body).map_err(strange)?;
            shown.variables.iter().map(row).collect()
        }
        Subject::Difference => difference(&serde_json::from_slice(&body).map_err(strange)?),
    };
    let mut text = String::new();
    table(&mut text, paint, "", &rows);
    Ok(text.into_bytes())
}

fn row(variable: &ShownVariable) -> Vec<Cell> {
    vec![
        plain(&variable.name),
        cell(variable.fingerprint.to_string(), Tone::Dim),
        plain(&variable.origin),
        plain(variable.value.as_deref().unwrap_or_default()),
    ]
}

fn difference(difference: &Difference) -> Vec<Vec<Cell>> {
    let marked = |mark, tone, variable| [vec![cell(mark, tone)], row(variable)].concat();
    let mut rows: Vec<_> = difference.added.iter().map(|added| marked("+", Tone::Good, added)).collect();
    for Changed { before, after } in &difference.changed {
        let mut row = marked("~", Tone::Warn, after);
        row[2] = cell(format!("{} -> {}", before.fingerprint, after.fingerprint), Tone::Dim);
        if let (Some(before), Some(after)) = (&before.value, &after.value) {
            row[4] = plain(format!("{before} -> {after}"));
        }
        rows.push(row);
    }
    rows.extend(difference.removed.iter().map(|removed| marked("-", Tone::Bad, removed)));
    if rows.is_empty() {
        let sentence = match difference.wish {
            Some(_) => "the service runs on the newest values",
            None => "the sources have given nothing to compare with yet",
        };
        rows.push(vec![plain(sentence)]);
    }
    rows
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Subject, run};
    use crate::cli::paint::{Form, Paint};
    use crate::cli::served::{Heard, Served};
    use crate::environment::{Environment, Variable, Visibility};

    fn environment(variables: &[(&str, &str, Visibility)]) -> Arc<Environment> {
        let variables = variables.iter().map(|(name, value, visibility)| {
            let variable = Variable::new((*value).to_owned().into(), "consul billing/".into(), *visibility);
            ((*name).to_owned(), variable)
        });
        Arc::new(Environment::new(variables.collect()))
    }

    async fn shown(served: &Served, subject: Subject) -> String {
        let mut out = Heard::default();
        let code = run(&served.target(), subject, Form::Text(Paint::PLAIN), &mut out, &mut Heard::default()).await;
        assert_eq!(code, 0);
        out.text()
    }

    #[tokio::test]
    async fn values_are_shown_only_if_they_are_public() {
        use Visibility::{Public, Secret};
        let served = Served::new().await;
        served.change(|board| {
            let variables = [("A", "hunter2", Secret), ("B", "open", Public), ("OLD", "x", Secret)];
            board.environment = Some(environment(&variables));
            let variables = [("A", "hunter3", Secret), ("B", "wide", Public), ("NEW", "y", Secret)];
            board.wish = Some(environment(&variables));
        });
        let running = shown(&served, Subject::Running).await;
        assert!(running.contains("consul billing/  open\n") && !running.contains("hunter"), "{running}");
        let changes = shown(&served, Subject::Difference).await;
        let marks: Vec<_> = changes.lines().map(|line| &line[..6]).map(str::trim_end).collect();
        assert_eq!(marks, ["+  NEW", "~  A", "~  B", "-  OLD"], "{changes}");
        assert!(changes.contains("open -> wide") && !changes.contains("hunter"), "{changes}");
    }

    #[tokio::test]
    async fn json_is_the_answer_as_it_is() {
        let served = Served::new().await;
        served.change(|board| board.environment = Some(environment(&[("A", "hunter2", Visibility::Secret)])));
        let mut out = Heard::default();
        let code = run(&served.target(), Subject::Running, Form::Json, &mut out, &mut Heard::default()).await;
        let answer: serde_json::Value = serde_json::from_str(&out.text()).unwrap();
        assert_eq!((code, answer["variables"][0]["name"].as_str()), (0, Some("A")), "{answer}");
        assert!(!out.text().contains("hunter2"), "{}", out.text());
    }

    #[tokio::test]
    async fn nothing_to_show_is_said() {
        let served = Served::new().await;
        assert_eq!(shown(&served, Subject::Running).await, "");
        let same = Some(environment(&[("A", "1", Visibility::Secret)]));
        served.change(|board| (board.environment, board.wish) = (same.clone(), same));
        assert_eq!(shown(&served, Subject::Difference).await, "the service runs on the newest values\n");
    }
}
