//! The foreground of a terminal, for a command that `run --once` starts on one: a program in the background is stopped as
//! soon as it reads from its terminal.

use std::io::{self, Stdin};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process, waitid};
use rustix::termios::{tcgetpgrp, tcsetpgrp};

use crate::procfs;

/// The terminal's foreground, lent to a process group and taken back on drop.
#[derive(Debug)]
pub(super) struct Foreground {
    terminal: Stdin,
    own: Pid,
    lent_to: Pid,
}

impl Foreground {
    /// Lends it to the group that this process leads. `None`: standard input is not a terminal, or we are in its background.
    pub(super) fn lend(leader: u32) -> Option<Self> {
        let lent_to = Pid::from_raw(leader.try_into().ok()?)?;
        let terminal = io::stdin();
        let front = tcgetpgrp(&terminal).ok()?;
        // In a PID namespace the leader of our group may be outside, and then the group has no number here.
        let own = Pid::from_raw(procfs::stat(std::process::id()).ok()?.group.try_into().ok()?)?;
        if front != own {
            return None;
        }
        let foreground = Self { terminal, own, lent_to };
        ignore_background_writes();
        foreground.hand_over();
        Some(foreground)
    }

    /// If the command has been stopped (Ctrl-Z), stops lictor too, for the shell that waits for it. When the shell continues lictor,
    /// the command is continued too.
    pub(super) fn follow_a_stop(&self) {
        let stopped = waitid(WaitId::Pid(self.lent_to), WaitIdOptions::STOPPED | WaitIdOptions::NOHANG);
        if !matches!(stopped, Ok(Some(status)) if status.stopped()) {
            return;
        }
        self.take_back();
        let _ = kill_process(getpid(), Signal::STOP);
        // The shell has continued us. If we are in the background, the shell keeps the terminal.
        if tcgetpgrp(&self.terminal).is_ok_and(|group| group == self.own) {
            self.hand_over();
        } else {
            self.wake();
        }
    }

    fn hand_over(&self) {
        // If the terminal has gone away, the command will notice.
        let _ = tcsetpgrp(&self.terminal, self.lent_to);
        self.wake();
    }

    /// Continues the command, which may have been stopped because it read before it had the terminal.
    fn wake(&self) {
        let _ = rustix::process::kill_process_group(self.lent_to, Signal::CONT);
    }

    fn take_back(&self) {
        let _ = tcsetpgrp(&self.terminal, self.own);
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        self.take_back();
    }
}

/// From the background, taking the terminal back would stop us with SIGTTOU.
#[expect(unsafe_code, reason = "neither std nor rustix can change the action of a signal")]
fn ignore_background_writes() {
    // SAFETY: SIG_IGN installs no handler.
    unsafe {
        libc::signal(libc::SIGTTOU, libc::SIG_IGN);
    }
}
