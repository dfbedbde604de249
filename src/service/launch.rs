//! From words to a running process.

use std::ffi::OsString;
use std::io::{self, PipeWriter};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

use rustix::io::Errno;
use rustix::process::Pid;

use super::account::Account;
use super::failure::ServiceError;
use super::passing::Execution;
use super::process::Process;
use super::{Command, program};
use crate::environment::{Environment, inherit};
use crate::listen::Passed;

/// What to start, and the whole environment that it gets.
#[derive(Debug)]
pub(super) struct Launch<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: &'a [String],
    pub(super) environment: &'a [(OsString, OsString)],
    pub(super) directory: Option<&'a Path>,
    pub(super) user: Option<&'a str>,
    pub(super) streams: Streams,
    /// What it finds from descriptor 3 on.
    pub(super) sockets: &'a [Passed],
}

/// Where stdin, stdout and stderr lead.
#[derive(Debug)]
pub(super) enum Streams {
    /// To lictor's own.
    Inherited,
    /// Nothing in; stdout and stderr into one pipe.
    Captured(PipeWriter),
}

impl<'a> Launch<'a> {
    /// The service's command with lictor's own streams.
    pub(super) fn inheriting(command: &'a Command, environment: &'a [(OsString, OsString)]) -> Self {
        Self {
            program: &command.program,
            arguments: &command.arguments,
            environment,
            directory: command.directory.as_deref(),
            user: command.user.as_deref(),
            streams: Streams::Inherited,
            sockets: &[],
        }
    }
}

/// The variables that a process of this command gets: lictor's own as far as they are inherited (for another user with
/// that user's HOME, USER, LOGNAME and SHELL), then the composed ones, which win.
///
/// # Errors
/// When the command's user cannot be found.
pub fn child_environment(
    command: &Command,
    environment: &Environment,
) -> Result<Vec<(OsString, OsString)>, ServiceError> {
    let account = command.user.as_deref().map(Account::find).transpose()?.flatten();
    let of_user = account.map(|account| account.variables()).into_iter().flatten().collect::<Vec<_>>();
    let own = std::env::vars_os().filter(|(name, _)| !of_user.iter().any(|(taken, _)| taken == name));
    let own = own.collect::<Vec<_>>().into_iter().chain(of_user.iter().cloned());
    Ok(inherit(own, environment, &command.inherit))
}

/// Starts a process as the leader of a new group. Call it in the main thread, within the runtime.
///
/// Without `user` and sockets nothing of ours runs between fork and exec, so that std may use `posix_spawn`. The mask and the
/// ignored signals are inherited: `signal::signals` has cleared both, and std gives SIGPIPE its default.
pub(super) fn launch(launch: Launch<'_>) -> Result<Process, ServiceError> {
    if let Some(directory) = launch.directory {
        let not_there = |source| ServiceError::Directory { directory: directory.to_owned(), source };
        if !directory.metadata().map_err(not_there)?.is_dir() {
            return Err(not_there(io::ErrorKind::NotADirectory.into()));
        }
    }
    let path = launch.environment.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
    let program = program::resolve(launch.program, launch.directory, path)?;
    let mut command = std::process::Command::new(&program);
    // The name as it was written is what the program sees as its own, as from a shell.
    command.arg0(launch.program).args(launch.arguments).process_group(0).env_clear();
    command.envs(launch.environment.iter().map(|(name, value)| (name, value)));
    if let Some(directory) = launch.directory {
        command.current_dir(directory);
    }
    if let Streams::Captured(writer) = launch.streams {
        let second = writer.try_clone().map_err(|source| ServiceError::Watch { source })?;
        command.stdin(Stdio::null()).stdout(writer).stderr(second);
    }
    if let Some(account) = launch.user.map(Account::find).transpose()?.flatten() {
        become_before_exec(&mut command, account);
    }
    if !launch.sockets.is_empty() {
        let words = std::iter::once(launch.program.as_os_str()).chain(launch.arguments.iter().map(AsRef::as_ref));
        let execution = Execution::prepare(&program, words, launch.environment, launch.sockets);
        pass_before_exec(&mut command, execution.map_err(|source| refused(&program, source))?);
    }
    let child = command.spawn().map_err(|source| refused(&program, source))?;
    // std's handle neither waits nor kills when it is dropped.
    let pid = Pid::from_child(&child);
    Process::of_child(pid).map_err(|source| {
        abandon(pid);
        ServiceError::Watch { source }
    })
}

#[expect(unsafe_code, reason = "std would drop the supplementary groups, and there is no other hook before exec")]
fn become_before_exec(command: &mut std::process::Command, account: Account) {
    // SAFETY: the closure makes system calls on memory that was allocated before the fork, and nothing else.
    unsafe {
        command.pre_exec(move || account.become_it());
    }
}

/// Called last: what is asked for before exec is done in that order.
#[expect(unsafe_code, reason = "there is no other hook before exec")]
fn pass_before_exec(command: &mut std::process::Command, mut execution: Execution) {
    // SAFETY: the closure makes system calls on memory that was allocated before the fork, and nothing else.
    unsafe {
        command.pre_exec(move || Err(execution.execute()));
    }
}

fn refused(program: &Path, source: io::Error) -> ServiceError {
    let program = program.to_owned();
    match source.raw_os_error().map(Errno::from_raw_os_error) {
        // The file was there a moment ago.
        Some(Errno::NOENT) if program.exists() => ServiceError::NoInterpreter { program },
        Some(Errno::NOENT) => ServiceError::Missing { program },
        _ => ServiceError::Execute { program, source },
    }
}

/// A child that we cannot watch must not run.
fn abandon(pid: Pid) {
    let group = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    let waited = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
    if let Err(error) = group.and(waited.map(|_| ())) {
        tracing::warn!(%pid, %error, "cannot end a child that cannot be watched");
    }
}
