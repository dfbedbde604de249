//! A process that was spawned or taken over, and cannot be mistaken for another.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal};

use super::failure::ServiceError;
use super::pidfd::{Pidfd, raw, signal_of};
use crate::machine::event::Exit;
use crate::procfs;

/// Whether we can collect its exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinship {
    /// We are its parent, so it stays a zombie until we reap it.
    Child,
    /// An earlier lictor was its parent: we see its end, but not its exit status.
    Adopted,
}

/// A process that leads its own process group. Its PID and start time together identify it.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    start_time: u64,
    pidfd: Pidfd,
    kinship: Kinship,
    reaped: AtomicBool,
}

impl Process {
    /// A child that has just been spawned as the leader of its group.
    pub(super) fn of_child(pid: Pid) -> io::Result<Self> {
        let pidfd = Pidfd::open(pid)?;
        let start_time = procfs::stat(pid.as_raw_nonzero().get().unsigned_abs())?.start_time;
        Ok(Self { pid, start_time, pidfd, kinship: Kinship::Child, reaped: AtomicBool::new(false) })
    }

    /// Takes over a process that an earlier lictor started. Call it within the runtime. After `lictor reexec` it is still
    /// our child.
    ///
    /// # Errors
    /// The process of this PID is gone or did not start at that time, or there are no more descriptors.
    pub fn adopt(pid: u32, start_time: u64) -> Result<Self, ServiceError> {
        let gone = || ServiceError::NotTheOne { pid };
        let number = raw(pid).ok_or_else(gone)?;
        // The descriptor first: from then on the PID cannot come to mean another process unseen.
        let pidfd = match Pidfd::open(number) {
            Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => return Err(gone()),
            opened => opened.map_err(|source| ServiceError::Watch { source })?,
        };
        let stat = procfs::stat(pid).map_err(|_| gone())?;
        let kinship = if stat.parent == std::process::id() { Kinship::Child } else { Kinship::Adopted };
        // For a child of ours that has ended, the exit status can still be collected.
        if stat.start_time != start_time || (stat.state == 'Z' && kinship == Kinship::Adopted) {
            return Err(gone());
        }
        Ok(Self { pid: number, start_time, pidfd, kinship, reaped: AtomicBool::new(false) })
    }

    /// Its PID, which is its group's ID too.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// When it started: field 22 of `/proc/PID/stat`, in clock ticks since boot.
    pub fn start_time(&self) -> u64 {
        self.start_time
    }

    /// Whether its exit status is ours to collect.
    pub fn kinship(&self) -> Kinship {
        self.kinship
    }

    /// Copies one of its descriptors. The kernel allows that to its parent or, with `ptrace_scope` 0, to the same user, unless a
    /// sandbox forbids `pidfd_getfd`.
    ///
    /// # Errors
    /// The kernel does not allow it, or there is no such descriptor.
    pub fn copy(&self, number: i32) -> io::Result<OwnedFd> {
        self.pidfd.copy(number)
    }

    /// Waits for its end. A child stays a zombie until it is reaped, so its group's ID is not reused meanwhile.
    pub async fn exited(&self) -> Exit {
        self.pidfd.ended().await;
        self.pidfd.peek().unwrap_or(Exit::Unknown)
    }

    /// Sends a signal to this process only; nothing happens if it has ended or there is no such signal.
    pub fn signal(&self, number: i32) -> io::Result<()> {
        signal_of(number).map_or(Ok(()), |signal| self.pidfd.signal(signal))
    }

    /// Sends a signal to its whole group; nothing happens if the group is gone or there is no such signal.
    pub fn signal_group(&self, number: i32) -> io::Result<()> {
        let Some(signal) = signal_of(number) else { return Ok(()) };
        if !self.pins_its_group() {
            return Ok(());
        }
        match rustix::process::kill_process_group(self.pid, signal) {
            // The main process may have moved to another group.
            Err(Errno::SRCH) => self.pidfd.signal(signal),
            sent => Ok(sent?),
        }
    }

    /// Sends SIGKILL to its group and to itself.
    pub(super) fn kill_group(&self) {
        for killed in [self.signal_group(Signal::KILL.as_raw()), self.pidfd.signal(Signal::KILL)] {
            if let Err(error) = killed {
                tracing::warn!(pid = self.pid(), %error, "cannot kill a process group");
            }
        }
    }

    /// Collects the exit status of a child that has ended. From then on its PID may belong to another process.
    pub(super) fn reap(&self) {
        if self.pidfd.reap().is_some() {
            self.reaped.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it has been reaped.
    pub(super) fn is_reaped(&self) -> bool {
        self.reaped.load(Ordering::Relaxed)
    }

    /// Waits for the end for at most `patience`, and returns whether it has ended. It blocks the thread.
    pub(super) fn ended_within(&self, patience: Duration) -> bool {
        self.pidfd.ended_within(patience)
    }

    /// Whether the group's ID is safe to use: it is while its leader exists, even as a zombie of ours.
    fn pins_its_group(&self) -> bool {
        match self.kinship {
            Kinship::Child => !self.is_reaped(),
            Kinship::Adopted => !self.pidfd.ended_within(Duration::ZERO),
        }
    }
}
