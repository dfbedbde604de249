//! A short command run beside the service: a check, a question for the version, the check command.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::time::sleep;

use super::launch::{Launch, Streams, launch};
use super::orphans::{collect_group, orphans_of_group};
use super::process::Process;
use super::roster::{Enrolled, Roster};
use super::sweep::kill;
use super::tail::Tail;
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
    pub source: io::Error,
}

/// Killed processes are gone in a moment, unless they hang in the kernel.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a dropped errand may hold up the thread until it is dead and reaped; a killed process takes about 0.1 ms.
const DROP_PATIENCE: Duration = Duration::from_millis(50);

/// Runs an errand in a process group of its own and waits for its main process, not for what that leaves behind: the
/// group is killed in the end. Dropping the future kills the group.
pub async fn run(errand: Errand, roster: &Roster) -> Result<Finished, CannotRun> {
    let cannot = |source| CannotRun { program: errand.program.display().to_string(), source };
    let (reader, writer) = io::pipe().map_err(cannot)?;
    let mut output = Output { pipe: Receiver::from_owned_fd(reader.into()).map_err(cannot)?, tail: Tail::default() };
    let process = launch(Launch {
        program: &errand.program,
        arguments: &errand.arguments,
        environment: &errand.environment,
        directory: errand.directory.as_deref(),
        user: errand.user.as_deref(),
        streams: Streams::Captured(writer),
        sockets: &[],
    })
    .map_err(|error| cannot(error.into()))?;
    let charge = Charge { enrolled: Some(roster.enroll(process.pid())), process, roster: roster.clone() };

    let exit = tokio::select! {
        exit = charge.process.exited() => Some(exit),
        () = sleep(errand.timeout) => None,
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
    /// Reads as it comes, so that the writer is never held up.
    async fn gather(&mut self) -> std::convert::Infallible {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = self.pipe.read(&mut buffer).await {
            self.tail.push(&buffer[..count]);
        }
        std::future::pending().await
    }

    /// What a pipe can hold at most, and no more: somebody who left the group may still be writing. The descriptor is
    /// read itself, because the runtime may not know yet that there is something.
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

/// A process that must not be left behind, neither running nor as a zombie.
#[derive(Debug)]
struct Charge {
    process: Process,
    enrolled: Option<Enrolled>,
    roster: Roster,
}

impl Charge {
    /// Kills the group, waits until it is gone, and reaps all of it, the main process last.
    async fn end(mut self) {
        self.process.kill_group();
        if tokio::time::timeout(PATIENCE, self.process.exited()).await.is_ok() {
            let left = || {
                self.process.kill_group();
                orphans_of_group(self.process.number(), &self.roster)
            };
            kill(&self.process, left, PATIENCE).await;
            self.process.reap();
        }
        self.enrolled = None;
    }
}

impl Drop for Charge {
    /// What cannot be reaped here in time is off the roster afterwards, and collected with the service's orphans.
    fn drop(&mut self) {
        if self.process.is_reaped() {
            return;
        }
        self.process.kill_group();
        if self.process.ended_within(DROP_PATIENCE) {
            collect_group(self.process.number(), &self.roster);
            self.process.reap();
        }
    }
}
