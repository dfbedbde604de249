//! A process by its pidfd, which can never refer to another process.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, Signal, WaitId, WaitIdOptions};
use tokio::io::{Interest, unix::AsyncFd};

use crate::machine::event::Exit;
use crate::signal;

/// The pidfd; it is readable once the process has ended, reaped or not.
#[derive(Debug)]
pub(super) struct Pidfd(AsyncFd<OwnedFd>);

impl Pidfd {
    /// Opens the process that has this PID now. The kernel has pidfds since 5.3, and waits on them since 5.4.
    pub(super) fn open(pid: Pid) -> io::Result<Self> {
        watched(rustix::process::pidfd_open(pid, PidfdFlags::empty())?).map(Self)
    }

    /// Sends a signal; does nothing if the process has ended.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        match rustix::process::pidfd_send_signal(self.0.get_ref(), signal) {
            Err(Errno::SRCH) => Ok(()),
            sent => Ok(sent?),
        }
    }

    /// Copies a descriptor of the process.
    pub(super) fn copy(&self, number: i32) -> io::Result<OwnedFd> {
        Ok(rustix::process::pidfd_getfd(self.0.get_ref(), number, PidfdGetfdFlags::empty())?)
    }

    /// Waits for the process to end.
    pub(super) async fn ended(&self) {
        std::future::poll_fn(|context| self.poll_ended(context)).await;
    }

    /// Polls for its end, to wait for several processes in one task.
    pub(super) fn poll_ended(&self, context: &mut Context<'_>) -> Poll<()> {
        match self.0.poll_read_ready(context) {
            Poll::Ready(Ok(_)) => Poll::Ready(()),
            // The runtime is shutting down, and this task with it.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }

    /// Waits for the end for at most `patience`, and returns whether it has ended. It blocks the thread.
    pub(super) fn ended_within(&self, patience: Duration) -> bool {
        let mut watched = [PollFd::new(self.0.get_ref(), PollFlags::IN)];
        let patience = Timespec::try_from(patience).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
        matches!(rustix::event::poll(&mut watched, Some(&patience)), Ok(1))
    }

    /// How it ended, without reaping it. `None`: it runs, or is not our child.
    pub(super) fn peek(&self) -> Option<Exit> {
        self.wait(WaitIdOptions::NOWAIT)
    }

    /// Reaps it and returns how it ended; from then on its PID may be reused. `None`: it runs, has been reaped, or is not our child.
    pub(super) fn reap(&self) -> Option<Exit> {
        self.wait(WaitIdOptions::empty())
    }

    fn wait(&self, how: WaitIdOptions) -> Option<Exit> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | how;
        let status = rustix::process::waitid(WaitId::PidFd(self.0.get_ref().as_fd()), options).ok()??;
        let code = status.exit_status().map(Exit::Code);
        code.or_else(|| status.terminating_signal().map(Exit::Signal))
    }
}

/// The signal with this number; `None` if there is no such signal that may be sent.
#[expect(unsafe_code, reason = "rustix has no safe way to name a real-time signal")]
pub(super) fn signal_of(number: i32) -> Option<Signal> {
    // SAFETY: such a number is one of the kernel's signals that the C library leaves to programs.
    signal::exists(number).then(|| unsafe { Signal::from_raw_unchecked(number) })
}

#[expect(
    unsafe_code,
    reason = "tokio's safe way to watch a descriptor is deprecated as unsound for types other than this"
)]
fn watched(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd keeps one descriptor open for as long as it lives, and AsyncFd never lets it out.
    Ok(unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }?)
}

/// Waits until one of these has ended; waits for ever if there are none.
pub(super) async fn any_ended(processes: &[Pidfd]) {
    std::future::poll_fn(|context| {
        // All are polled, so that each of them can wake this task.
        let ended = processes.iter().filter(|process| process.poll_ended(context).is_ready()).count();
        if ended > 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// A PID in rustix's type.
pub(super) fn raw(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}
