//! `lictor plan`: what the newest wish would change, and what is or would be done about it.

mod answer;
mod render;

use std::io::Write;

use super::configuration::Configuration;
use super::locate::Target;
use super::paint::Form;
use crate::exit;
use answer::Answer;

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// Of whom.
    pub(super) target: Target,
    /// Whose lictor is asked if `target` names none, and what is read if none runs.
    pub(super) configuration: Configuration,
    /// `--json` or not.
    pub(super) form: Form,
    /// `--exit-code` or not.
    pub(super) code: Code,
}

/// What the exit code tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// Whether the newest wish is refused.
    Plain,
    /// Also whether there are changes.
    Changes,
}

/// Shows the plan. Returns the exit code: 0, 1 for a wish that is refused, 3 for changes if asked for, 69 if no lictor or no
/// source answered, 78 for a configuration that is wrong.
pub(super) async fn run(options: &Options, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match answer::find(&options.target, &options.configuration).await {
        Ok(Answer { plan, remarks }) => {
            for remark in remarks {
                let _ = writeln!(err, "lictor: {remark}");
            }
            // A reader that is gone needs no answer.
            let _ = out.write_all(&match options.form {
                Form::Text(paint) => render::render(&plan, paint).into_bytes(),
                Form::Json => serde_json::to_vec(&plan).map(|json| [json, b"\n".to_vec()].concat()).unwrap_or_default(),
            });
            match options.code {
                _ if plan.is_refused() => exit::NO,
                Code::Changes if plan.has_changes() => exit::CHANGES,
                Code::Plain | Code::Changes => exit::OK,
            }
        }
        Err(silence) => {
            let _ = writeln!(err, "{silence}");
            silence.code
        }
    }
}

#[cfg(test)]
mod tests;
