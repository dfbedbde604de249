//! The foreground of a terminal, for a command that `run --once` starts on one: a program in the background is stopped as
//! soon as it reads from its terminal.

use std::io::{self, Stdin};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process, waitid};
use rustix::termios::{tcgetpgrp, tcsetpgrp};

use crate::procfs;

/// Lent to a process group, and taken back when dropped.
#[derive(Debug)]
pub(super) struct Foreground {
    terminal: Stdin,
    own: Pid,
    lent_to: Pid,
}

impl Foreground {
    /// Lends it to the group that this process leads. `None`: standard input is no terminal, or we are in its background.
    pub(super) fn lend(leader: u32) -> Option<Self> {
        let lent_to = Pid::from_raw(leader.try_into().ok()?)?;
        let terminal = io::stdin();
        let front = tcgetpgrp(&terminal).ok()?;
        // In a namespace of PIDs our group may have its leader outside: then it has no number here.
        let own = Pid::from_raw(procfs::stat(std::process::id()).ok()?.group.try_into().ok()?)?;
        if front != own {
            return None;
        }
        let foreground = Self { terminal, own, lent_to };
        ignore_background_writes();
        foreground.hand_over();
        Some(foreground)
    }

    /// If the command has stopped (Ctrl-Z), so do we, for the shell that waits for us. When the shell lets us go on, the
    /// command goes on too.
    pub(super) fn follow_a_stop(&self) {
        let stopped = waitid(WaitId::Pid(self.lent_to), WaitIdOptions::STOPPED | WaitIdOptions::NOHANG);
        if !matches!(stopped, Ok(Some(status)) if status.stopped()) {
            return;
        }
        self.take_back();
        let _ = kill_process(getpid(), Signal::STOP);
        // Here we go on. In the background the terminal stays with the shell.
        if tcgetpgrp(&self.terminal).is_ok_and(|group| group == self.own) {
            self.hand_over();
        } else {
            self.wake();
        }
    }

    fn hand_over(&self) {
        // A terminal that has gone away is for the command to find out.
        let _ = tcsetpgrp(&self.terminal, self.lent_to);
        self.wake();
    }

    /// It may have read before the terminal was its own.
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
