//! A short command run beside the service: a check, a question for the version, the check command. (Skeleton.)

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::roster::Roster;
use crate::machine::event::Exit;

/// What to run and within which limits.
#[derive(Clone, Debug)]
pub struct Errand {
    /// The program: a path, or a name to be found in the `PATH` of `environment`.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its whole environment; nothing is inherited.
    pub environment: Vec<(OsString, OsString)>,
    /// Where it runs.
    pub directory: Option<PathBuf>,
    /// As whom it runs.
    pub user: Option<String>,
    /// After this long its process group is killed.
    pub timeout: Duration,
}

/// How an errand ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How its main process ended; `None`: it was killed at the timeout.
    pub exit: Option<Exit>,
    /// The last 4 KiB of what it wrote to stdout and stderr, mixed as it came.
    pub output: Vec<u8>,
}

/// The errand could not be run at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot run {program}")]
pub struct CannotRun {
    /// The program.
    pub program: String,
    /// Why not.
    pub source: std::io::Error,
}

/// Runs an errand in a process group of its own and waits for it; dropping the future kills the group.
pub async fn run(errand: Errand, roster: &Roster) -> Result<Finished, CannotRun> {
    let _ = roster;
    Err(CannotRun { program: errand.program.display().to_string(), source: std::io::ErrorKind::Unsupported.into() })
}
