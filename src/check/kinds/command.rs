//! `command`: a program whose exit status is the answer: 0 passes, 1 is a warning, anything else fails. The last line of its output
//! is the reason, with the values of the environment masked.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::check::net::Access;
use crate::check::reason;
use crate::check::round::Finding;
use crate::environment::redact::Start;
use crate::environment::{Environment as Composed, Redactor};
use crate::machine::event::Exit;
use crate::service::OwnChildren;
use crate::service::errand::{self, CannotRun, Errand, Finished};

/// An output of this many bytes has lost its beginning.
const OUTPUT: usize = 4096;

/// `command { command = [..] }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// The user, directory and environment of one run's commands.
#[derive(Debug)]
pub(in crate::check) struct Surroundings {
    /// What the run was started with, or is on when it is probed first.
    pub(in crate::check) composed: Arc<Composed>,
    pub(in crate::check) directory: Option<PathBuf>,
    pub(in crate::check) user: Option<String>,
    pub(in crate::check) own_children: OwnChildren,
    /// Made when the first command needs it.
    pub(in crate::check) ready: OnceCell<Ready>,
}

/// The whole environment, and what masks its values.
pub(in crate::check) struct Ready {
    environment: Arc<Vec<(OsString, OsString)>>,
    redactor: Redactor,
}

impl Ready {
    /// The variables as a process gets them.
    pub(in crate::check) fn environment(&self) -> &[(OsString, OsString)] {
        &self.environment
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ready({} variables)", self.environment.len())
    }
}

impl Surroundings {
    /// The environment of a command. Making it reads the user database, which may hang, so it is done in the background.
    pub(in crate::check) async fn ready(&self, access: &Access) -> Result<&Ready, String> {
        let make = || async {
            let environment = access.service.whole(Arc::clone(&self.composed)).await?;
            let redactor = Redactor::of(&self.composed).with_inherited(&self.composed, &environment);
            Ok(Ready { environment, redactor })
        };
        self.ready.get_or_try_init(make).await
    }
}

/// Runs the program once.
pub(in crate::check) async fn probe(
    command: &Command,
    timeout: Duration,
    around: &Surroundings,
    access: &Access,
) -> Finding {
    let ready = match around.ready(access).await {
        Ok(ready) => ready,
        Err(why) => return Finding::Bad(reason::brief(&why)),
    };
    let errand = Errand {
        program: command.program.clone(),
        arguments: command.arguments.clone(),
        environment: ready.environment().to_vec(),
        directory: around.directory.clone(),
        user: around.user.clone(),
        timeout,
    };
    judge(errand::run(errand, &around.own_children).await, timeout, &ready.redactor)
}

/// The finding for the program's end.
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
        Some(Exit::Signal(signal)) => Finding::Bad(format!("was killed by signal {signal}")),
        Some(Exit::Unknown) => Finding::Bad(said.unwrap_or_else(|| "ended with unknown status".to_owned())),
    }
}

/// The last line that is not empty. Values are masked in the whole output first, because one may span several lines.
fn last_line(output: &[u8], redactor: &Redactor) -> Option<String> {
    let start = if output.len() < OUTPUT { Start::Whole } else { Start::Cut };
    let masked = redactor.mask(output, start);
    let text = String::from_utf8_lossy(&masked);
    text.split(['\n', '\r']).map(reason::brief).rfind(|line| !line.is_empty())
}

#[cfg(test)]
mod tests;
