//! `lictor check`: reads the configuration and says what is wrong with it.

use std::path::PathBuf;

use crate::config::{self, Finding, Flags, Inputs, Lookup, Settings};

/// The configuration is wrong: `EX_CONFIG` of sysexits.
const WRONG: u8 = 78;

/// What to print and what to end with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// One line for each error and warning, or "ok"; without a last newline.
    pub text: String,
    /// 0 or 78.
    pub code: u8,
}

/// Reads what `-c` names, as `lictor run` would, and touches nothing else.
pub fn check(paths: &[PathBuf], lookup: Lookup<'_>) -> Answer {
    let inputs = Inputs { paths, flags: &Flags::default(), command: &[], lookup };
    match config::load(inputs) {
        Ok((settings, warnings)) => Answer { text: lines(&[], &warnings, Some(ok(&settings))), code: 0 },
        Err(errors) => Answer { text: lines(&errors.errors, &errors.warnings, None), code: WRONG },
    }
}

fn lines(errors: &[Finding], warnings: &[Finding], last: Option<String>) -> String {
    let errors = errors.iter().map(Finding::to_string);
    let warnings = warnings.iter().map(|warning| format!("warning: {warning}"));
    errors.chain(warnings).chain(last).collect::<Vec<_>>().join("\n")
}

fn ok(settings: &Settings) -> String {
    let (sources, checks) = (settings.sources.len(), settings.checks.len());
    format!("ok: {}: {}, {}", settings.name, counted(sources, "source"), counted(checks, "check"))
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
