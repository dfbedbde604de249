//! `command`: a program whose exit code is the answer: 0 good, 1 a warning, anything else bad. What it wrote last is the
//! reason, with the values of the environment masked.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::finding::Finding;
use super::{Command, reason};
use crate::environment::Redactor;
use crate::environment::redact::Start;
use crate::machine::event::Exit;
use crate::service::errand::{self, CannotRun, Errand, Finished};
use crate::service::roster::Roster;

/// An errand's output of this many bytes has lost its beginning.
const OUTPUT: usize = 4096;

/// What the commands of one run are run in.
#[derive(Debug)]
pub(super) struct Surroundings {
    pub(super) environment: Environment,
    pub(super) directory: Option<PathBuf>,
    pub(super) user: Option<String>,
    pub(super) roster: Roster,
    pub(super) redactor: Redactor,
}

/// Variables as a process gets them; their `Debug` shows none.
pub(super) struct Environment(pub(super) Vec<(OsString, OsString)>);

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}

/// Runs the program once.
pub(super) async fn probe(command: &Command, timeout: Duration, around: &Surroundings) -> Finding {
    let errand = Errand {
        program: command.program.clone(),
        arguments: command.arguments.clone(),
        environment: around.environment.0.clone(),
        directory: around.directory.clone(),
        user: around.user.clone(),
        timeout,
    };
    judge(errand::run(errand, &around.roster).await, timeout, &around.redactor)
}

/// What the end of the program means.
fn judge(end: Result<Finished, CannotRun>, timeout: Duration, redactor: &Redactor) -> Finding {
    let Finished { exit, output } = match end {
        Ok(finished) => finished,
        Err(CannotRun { program, source }) => {
            return Finding::Bad(reason::brief(&format!("cannot run {program}: {}", reason::of_io(&source))));
        }
    };
    let said = last_line(&output, redactor);
    match exit {
        None => Finding::Bad(reason::no_answer(timeout)),
        Some(Exit::Code(0)) => Finding::Good,
        Some(Exit::Code(1)) => Finding::Warning(said.unwrap_or_else(|| "exited with 1".to_owned())),
        Some(Exit::Code(code)) => Finding::Bad(said.unwrap_or_else(|| format!("exited with {code}"))),
        Some(Exit::Signal(signal)) => Finding::Bad(format!("killed by signal {signal}")),
        Some(Exit::Unknown) => Finding::Bad(said.unwrap_or_else(|| "ended, nobody knows how".to_owned())),
    }
}

/// The last line with anything on it. Values are masked in the whole output first: one may span lines.
fn last_line(output: &[u8], redactor: &Redactor) -> Option<String> {
    let start = if output.len() < OUTPUT { Start::Whole } else { Start::Cut };
    let masked = redactor.mask(output, start);
    let text = String::from_utf8_lossy(&masked);
    text.split(['\n', '\r']).map(reason::brief).rfind(|line| !line.is_empty())
}

#[cfg(test)]
mod tests;
