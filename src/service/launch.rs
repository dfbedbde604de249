//! From words to a running process.

use std::ffi::OsString;
use std::io::{self, PipeWriter};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::io::Errno;
use rustix::process::Pid;

use super::account::{Account, Accounts};
use super::failure::ServiceError;
use super::mark::{self, Mark};
use super::oom;
use super::own_children::{Enrolled, OwnChildren, Words};
use super::passing::Execution;
use super::process::Process;
use super::{Command, program};
use crate::environment::{Environment, inherit};
use crate::listen::Passed;
use crate::signal;

/// What to start, and the whole environment that it gets.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(OsString, OsString)>,
    pub(super) directory: Option<PathBuf>,
    pub(super) account: Option<Account>,
    pub(super) streams: Streams,
    /// What it finds from descriptor 3 on.
    pub(super) sockets: Vec<Passed>,
    /// What tells the processes of this run from all others.
    pub(super) mark: Option<Mark>,
    /// Under which words it is recorded; none for the service.
    pub(super) words: Words,
}

/// Where stdin, stdout and stderr lead.
#[derive(Debug)]
pub(super) enum Streams {
    /// To lictor's own.
    Inherited,
    /// Nothing in; stdout and stderr into one pipe.
    Captured(PipeWriter),
}

/// A process that runs.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) process: Process,
    pub(super) enrolled: Enrolled,
}

impl Launch {
    /// The service's command with lictor's own streams. It looks the user up, so it may block.
    pub(super) fn of_service(
        command: &Command,
        environment: &Environment,
        accounts: &Accounts,
        mark: Option<Mark>,
    ) -> Result<Self, ServiceError> {
        let account = accounts.find(command.user.as_deref())?;
        Ok(Self {
            program: command.program.clone(),
            arguments: command.arguments.clone(),
            environment: variables(command, environment, account.as_ref()),
            directory: command.directory.clone(),
            account,
            streams: Streams::Inherited,
            sockets: Vec::new(),
            mark,
            words: Words::default(),
        })
    }
}

/// The variables that a process of this command gets, but for the mark: lictor's own as far as they are inherited (for
/// another user with that user's HOME, USER, LOGNAME and SHELL), then the composed ones, which win. It looks the user up,
/// so it may block.
///
/// # Errors
/// When the command's user cannot be found.
pub fn child_environment(
    command: &Command,
    environment: &Environment,
    accounts: &Accounts,
) -> Result<Vec<(OsString, OsString)>, ServiceError> {
    let account = accounts.find(command.user.as_deref())?;
    Ok(variables(command, environment, account.as_ref()))
}

/// The same with what is known of the user, which never blocks; each start of the service looks it up.
pub fn known_environment(
    command: &Command,
    environment: &Environment,
    accounts: &Accounts,
) -> Vec<(OsString, OsString)> {
    variables(command, environment, accounts.known(command.user.as_deref()).as_ref())
}

/// The `PATH` in which the command's program is looked up when it is started with this environment.
pub fn search_path(command: &Command, environment: &Environment) -> Option<OsString> {
    let composed = environment.variables().get("PATH").map(|path| OsString::from_vec(path.value.expose().to_vec()));
    composed.or_else(|| {
        let own = std::env::var_os("PATH").map(|path| (OsString::from("PATH"), path));
        inherit(own, &Environment::default(), &command.inherit).pop().map(|(_, path)| path)
    })
}

fn variables(command: &Command, environment: &Environment, account: Option<&Account>) -> Vec<(OsString, OsString)> {
    let of_user = account.map(Account::variables).into_iter().flatten().collect::<Vec<_>>();
    let own = std::env::vars_os().filter(|(name, _)| !of_user.iter().any(|(taken, _)| taken == name));
    let own = own.collect::<Vec<_>>().into_iter().chain(of_user.iter().cloned());
    inherit(own, environment, &command.inherit)
}

/// Starts a process as the leader of a new group. It may block, on the program's disk for one; call it within the runtime.
///
/// Without a user and sockets nothing of ours runs between fork and exec, so that std may use `posix_spawn`. The mask and
/// the ignored signals are inherited: the mask is emptied for the start, `signal::numbers` has given the ignored ones their
/// default action before any thread was started, and std does so for SIGPIPE.
pub(super) fn launch(mut launch: Launch, own: &OwnChildren) -> Result<Launched, ServiceError> {
    if let Some(directory) = &launch.directory {
        let not_there = |source| ServiceError::Directory { directory: directory.clone(), source };
        if !directory.metadata().map_err(not_there)?.is_dir() {
            return Err(not_there(io::ErrorKind::NotADirectory.into()));
        }
    }
    if let Some(mark) = launch.mark {
        let value = mark.value(std::env::var_os(mark::VARIABLE).as_deref());
        launch.environment.retain(|(name, _)| name != mark::VARIABLE);
        launch.environment.push((mark::VARIABLE.into(), value));
    }
    let path = launch.environment.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
    let program = program::resolve(&launch.program, launch.directory.as_deref(), path)?;
    let mut command = std::process::Command::new(&program);
    // The name as it was written is what the program sees as its own, as from a shell.
    command.arg0(&launch.program).args(&launch.arguments).process_group(0).env_clear();
    command.envs(launch.environment.iter().map(|(name, value)| (name, value)));
    if let Some(directory) = &launch.directory {
        command.current_dir(directory);
    }
    if let Streams::Captured(writer) = launch.streams {
        let second = writer.try_clone().map_err(|source| ServiceError::Watch { source })?;
        command.stdin(Stdio::null()).stdout(writer).stderr(second);
    }
    if let Some(account) = launch.account {
        become_before_exec(&mut command, account);
    }
    if !launch.sockets.is_empty() {
        let words = std::iter::once(launch.program.as_os_str()).chain(launch.arguments.iter().map(AsRef::as_ref));
        let execution = Execution::prepare(&program, words, &launch.environment, &launch.sockets);
        pass_before_exec(&mut command, execution.map_err(|source| refused(&program, source))?);
    }
    let launching = own.begin_launch(launch.words);
    let child = signal::unshielded(|| command.spawn()).map_err(|source| refused(&program, source))?;
    // std's handle neither waits nor kills when it is dropped.
    let pid = Pid::from_child(&child);
    let enrolled = launching.enroll(child.id());
    oom::let_it_be_as_any(child.id());
    match Process::of_child(pid) {
        Ok(process) => Ok(Launched { process, enrolled }),
        Err(source) => {
            abandon(pid);
            Err(ServiceError::Watch { source })
        }
    }
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
