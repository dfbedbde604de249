//! `lictor plan`: what the newest wish would change, and what is or would be done about it.

mod answer;
mod render;

use std::io::Write;

use super::configuration::Configuration;
use super::follow::{self, Follow};
use super::locate::Target;
use super::paint::Form;
use crate::exit;
use crate::machine::plan::Plan;
use answer::{Answer, Silence};

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// The lictor to ask.
    pub(super) target: Target,
    /// The configuration whose lictor is asked if `target` names none, and that is read if none runs.
    pub(super) configuration: Configuration,
    /// `--json` or not.
    pub(super) form: Form,
    /// `--exit-code` or not.
    pub(super) code: Code,
    /// `--watch` or not.
    pub(super) follow: Follow,
}

/// What the exit code shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// Whether the newest wish is refused.
    Plain,
    /// Also whether there are changes.
    Changes,
}

/// Shows the plan. Returns the exit code: 0, 1 for a wish that is refused, 3 for changes if asked for, 69 if no lictor
/// or no source answered, 78 for a configuration that is wrong.
pub(super) async fn run(options: &Options, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match show(options, out, err).await {
        Ok(plan) if plan.is_refused() => exit::NO,
        Ok(plan) if options.code == Code::Changes && plan.has_changes() => exit::CHANGES,
        Ok(_) => exit::OK,
        Err(silence) => {
            let _ = writeln!(err, "{silence}");
            silence.code
        }
    }
}

/// Shows the plan as often as asked, and returns the last one.
async fn show(options: &Options, out: &mut dyn Write, err: &mut dyn Write) -> Result<Plan, Silence> {
    let (mut planner, Answer { mut plan, remarks }) = answer::find(&options.target, &options.configuration).await?;
    for remark in remarks {
        let _ = writeln!(err, "lictor: {remark}");
    }
    loop {
        let text = match options.form {
            Form::Text(paint) => follow::page(render::render(&plan, paint.resized()), options.follow, paint),
            Form::Json => serde_json::to_string(&plan).unwrap_or_default() + "\n",
        };
        // A reader that has gone away ends it, as it does any program in a pipe.
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        if written.is_err() || options.follow == Follow::Once {
            return Ok(plan);
        }
        plan = planner.next(&plan, err).await?;
    }
}

#[cfg(test)]
mod tests;
