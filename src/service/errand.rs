//! A short command beside the service: a check, a command that prints the version, the check command.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::account::Accounts;
use super::failure::ServiceError;
use super::launch::{self, Launch, Launched, Streams};
use super::orphans::{Family, Reach};
use super::own_children::{Enrolled, OwnChildren, Words};
use super::process::{Kinship, Process};
use super::sweep::kill_group;
use super::tail::Tail;
use crate::machine::event::Exit;
use crate::offload::offload;

/// The command, and its limits.
#[derive(Clone, Debug)]
pub struct Errand {
    /// The program: a path, or a name that is looked up in the `PATH` of `environment`.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its whole environment; nothing is inherited.
    pub environment: Vec<(OsString, OsString)>,
    /// Its working directory.
    pub directory: Option<PathBuf>,
    /// The user that it runs as.
    pub user: Option<String>,
    /// How long it may run before its process group is killed.
    pub timeout: Duration,
}

/// How an errand ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How its main process ended; `None`: it was killed at the timeout.
    pub exit: Option<Exit>,
    /// The last 4 KiB of its stdout and stderr, in the order in which they came.
    pub output: Vec<u8>,
}

/// The errand could not be run at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot run {program}")]
pub struct CannotRun {
    /// The program.
    pub program: String,
    /// Why not.
    pub source: io::Error,
}

/// How long a killed process may take to end; after that it counts as hanging in the kernel.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long dropping an errand may block the thread until it is dead and reaped; a killed process takes about 0.1 ms.
const DROP_PATIENCE: Duration = Duration::from_millis(5);

/// Runs an errand in a process group of its own and waits for its main process only. Then the group is killed, with all that the
/// main process has left. Dropping the future kills the group too.
///
/// An errand that hangs in the kernel survives even that. The same command is not started again until it is gone, because otherwise
/// one more would hang after each timeout.
///
/// # Errors
/// When it cannot be started, or the last run of the same command still hangs.
pub async fn run(errand: Errand, own: &OwnChildren) -> Result<Finished, CannotRun> {
    let Errand { program, arguments, environment, directory, user, timeout: limit } = errand;
    let name = program.display().to_string();
    let cannot = |source| CannotRun { program: name.clone(), source };
    let words: Words = std::iter::once(name.clone()).chain(arguments.iter().cloned()).collect();
    if own.hangs(&words) {
        return Err(cannot(io::Error::new(io::ErrorKind::ResourceBusy, "the last one still hangs in the kernel")));
    }
    let (reader, writer) = io::pipe().map_err(cannot)?;
    let mut output = Output { pipe: Receiver::from_owned_fd(reader.into()).map_err(cannot)?, tail: Tail::default() };
    let launched = offload({
        let (words, own) = (Arc::clone(&words), own.clone());
        move || {
            let account = Accounts::default().find(user.as_deref())?;
            let streams = Streams::Captured(writer);
            let (sockets, mark) = (Vec::new(), None);
            let launch = Launch { program, arguments, environment, directory, account, streams, sockets, mark, words };
            let words = Arc::clone(&launch.words);
            let Launched { process, enrolled } = launch::launch(launch, &own)?;
            // If the caller stops waiting, this is dropped, which kills the process.
            Ok::<_, ServiceError>(Charge { started: Some((process, enrolled)), words, own })
        }
    });
    let end = Instant::now() + limit;
    let Ok(launched) = timeout_at(end, launched).await else { return Ok(Finished { exit: None, output: Vec::new() }) };
    let charge = launched.map_err(cannot)?.map_err(|error| cannot(error.into()))?;

    let exit = tokio::select! {
        exit = charge.exited() => Some(exit),
        () = sleep_until(end) => None,
        never = output.gather() => match never {},
    };
    charge.end().await;
    output.take_what_is_there();
    Ok(Finished { exit, output: output.tail.into_bytes() })
}

struct Output {
    pipe: Receiver,
    tail: Tail,
}

impl Output {
    /// Reads the output as it comes, so that the writer never blocks.
    async fn gather(&mut self) -> std::convert::Infallible {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = self.pipe.read(&mut buffer).await {
            self.tail.push(&buffer[..count]);
        }
        std::future::pending().await
    }

    /// Reads what is left in the pipe, at most as much as a pipe can hold: a process that left the group may still be writing. It
    /// reads from the descriptor itself, because the runtime may not have noticed the last output yet.
    fn take_what_is_there(&mut self) {
        const LARGEST_PIPE: usize = 1 << 20;
        let mut buffer = [0; 4096];
        let mut taken = 0;
        while let Ok(count @ 1..) = rustix::io::read(&self.pipe, &mut buffer) {
            self.tail.push(&buffer[..count]);
            taken += count;
            if taken >= LARGEST_PIPE {
                return;
            }
        }
    }
}

/// Makes sure that a process is left neither running nor as a zombie.
#[derive(Debug)]
struct Charge {
    /// `None` once the process has been reaped, or put on record as hanging.
    started: Option<(Process, Enrolled)>,
    words: Words,
    own: OwnChildren,
}

impl Charge {
    async fn exited(&self) -> Exit {
        match &self.started {
            Some((process, _)) => process.exited().await,
            None => Exit::Unknown,
        }
    }

    /// Kills the group, waits until it has ended, and reaps its processes, the main process last.
    async fn end(mut self) {
        let Some((process, _)) = &self.started else { return };
        process.kill_group();
        if timeout(PATIENCE, process.exited()).await.is_ok() {
            kill_group(process, &self.family(process), PATIENCE).await;
            process.reap();
            self.started = None;
        }
    }

    fn family(&self, process: &Process) -> Family {
        let (leader, kinship) = (process.pid(), Kinship::Child);
        Family { leader, kinship, mark: None, reach: Reach::Group, own: self.own.clone() }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        let Some((process, enrolled)) = self.started.take() else { return };
        process.kill_group();
        if process.ended_within(DROP_PATIENCE) {
            // Processes of its group that have ended are reaped here; the others become our children, and are collected with the orphans.
            self.family(&process).round(|_, _| Some(Signal::KILL));
            process.reap();
        } else {
            self.own.linger(Arc::clone(&self.words), process, enrolled);
        }
    }
}
