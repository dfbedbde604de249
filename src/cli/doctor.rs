//! `lictor doctor`: what is missing or wrong in the surroundings, each with its remedy.

use std::io::Write;

use super::configuration::Configuration;
use super::paint::{Paint, Tone, cell, plain, table};
use crate::app::{self, Finding, Grade};
use crate::exit;

const NOTHING: &str = "lictor: which configuration? name its file, or write what `lictor run` is started with";

/// What is checked, and how it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// Whose surroundings.
    pub(super) configuration: Configuration,
    /// `--unit`; without it, the unit in which this runs.
    pub(super) unit: Option<String>,
    /// Whether in colours.
    pub(super) paint: Paint,
}

/// Checks, and prints the findings. Returns the exit code: 0, 1 if something does not work, 78 if the configuration is
/// wrong.
pub(super) async fn run(options: &Options, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let Options { configuration, unit, paint } = options;
    if !configuration.is_given() {
        let _ = writeln!(err, "{NOTHING}");
        return exit::USAGE;
    }
    let (settings, warnings) = match configuration.load() {
        Ok(loaded) => loaded,
        Err(errors) => {
            for error in errors.errors {
                let _ = writeln!(err, "lictor: {error}");
            }
            return exit::CONFIGURATION;
        }
    };
    let mut findings = app::examine(&settings, unit.as_deref()).await;
    findings.extend(warnings.iter().map(|warning| Finding {
        grade: Grade::Mind,
        subject: "configuration".to_owned(),
        text: warning.to_string(),
    }));
    let mut text = String::new();
    table(&mut text, *paint, "", &findings.iter().map(row).collect::<Vec<_>>());
    let _ = out.write_all(text.as_bytes());
    if findings.iter().any(|finding| finding.grade == Grade::Wrong) { exit::NO } else { exit::OK }
}

fn row(finding: &Finding) -> Vec<super::paint::Cell> {
    let (word, tone) = match finding.grade {
        Grade::Fine => ("ok", Tone::Good),
        Grade::Mind => ("mind", Tone::Warn),
        Grade::Wrong => ("wrong", Tone::Bad),
    };
    vec![cell(word, tone), plain(&finding.subject), plain(&finding.text)]
}
