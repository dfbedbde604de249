//! The service of an earlier lictor: its main process is taken over, and what that lictor has left besides is ended.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, sleep, timeout};

use super::Service;
use super::keep::Recorded;
use super::mark::{self, Mark};
use super::orphans::of_lineage;
use super::pidfd::{Pidfd, raw};
use super::process::Process;
use crate::machine::RunId;
use crate::offload::offload;
use crate::procfs;

/// A process that was forked when lictor was killed shows its mark only once it has become its program.
const UNTIL_EXEC: Duration = Duration::from_millis(300);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// What is left of an earlier run has this long to end by itself.
const GRACE: Duration = Duration::from_secs(1);
/// After this long what was killed hangs in the kernel, or a look does.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// The PID of its main process.
    pub pid: u32,
    /// Whether it is the process that was recorded, so that what was recorded of it holds.
    pub provenance: Provenance,
}

/// How much is known of an adopted process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// All that was recorded.
    Recorded,
    /// All that was recorded of the run beside the one that new connections went to.
    RecordedBeside,
    /// It was started after the last record: only its mark tells whose it is.
    Unrecorded,
}

impl Service {
    /// Takes over what an earlier lictor has left running, as this run. All else that was started with the same state
    /// directory is ended before this returns, so that nothing runs twice.
    pub async fn adopt(&mut self, run: RunId, recorded: Recorded) -> Option<Adopted> {
        let Recorded { mark, process, beside } = recorded;
        if let (Some(mark), Some(other)) = (mark, beside) {
            return self.adopt_one_of_two(run, [(mark, process), (other.mark, other.process)]).await;
        }
        let known = process.and_then(|(pid, start_time)| Process::adopt(pid, start_time).ok());
        let Some(mark) = mark else {
            let process = known?;
            let pid = process.pid();
            self.look_up_user().await;
            self.take_over(run, process, None);
            return Some(Adopted { pid, provenance: Provenance::Recorded });
        };
        // If its process was recorded, only a later start can be what runs instead: what that run has left leads no run.
        let (from, patience) = match process {
            Some(_) => (mark.next(), Duration::ZERO),
            None => (mark, UNTIL_EXEC),
        };
        let (process, of) = match newest_leader(from, patience).await {
            Some((process, of)) => (Some(process), of),
            None => (known, mark),
        };
        self.continue_after(of);
        end_others(mark, process.as_ref().map(|_| of)).await;
        let process = process?;
        let (pid, provenance) = (process.pid(), if of == mark { Provenance::Recorded } else { Provenance::Unrecorded });
        self.look_up_user().await;
        self.take_over(run, process, Some(of));
        Some(Adopted { pid, provenance })
    }
}

impl Service {
    /// Of two runs the one that new connections went to goes on, which is the first of these; the other one only if that
    /// has ended. What becomes of the other's environment is decided anew.
    async fn adopt_one_of_two(&mut self, run: RunId, two: [(Mark, Option<(u32, u64)>); 2]) -> Option<Adopted> {
        let [(first, _), (second, _)] = two;
        let newest = if first.number() > second.number() { first } else { second };
        if two.iter().any(|(_, process)| process.is_none()) {
            // It may be about to become its program.
            newest_leader(newest, UNTIL_EXEC).await;
        }
        let alive = |(mark, process): (Mark, Option<(u32, u64)>)| {
            let (pid, start_time) = process?;
            Some((mark, Process::adopt(pid, start_time).ok()?))
        };
        let found = two.into_iter().find_map(alive);
        self.continue_after(newest);
        end_others(newest, found.as_ref().map(|(mark, _)| *mark)).await;
        let (mark, process) = found?;
        let pid = process.pid();
        self.look_up_user().await;
        self.take_over(run, process, Some(mark));
        let provenance = if mark == first { Provenance::Recorded } else { Provenance::RecordedBeside };
        Some(Adopted { pid, provenance })
    }
}

/// The main process of the newest start of a lineage, from this one on: it leads its group, and is the oldest that does.
async fn newest_leader(from: Mark, patience: Duration) -> Option<(Process, Mark)> {
    let end = Instant::now() + patience;
    loop {
        let look = offload(move || {
            let leaders = of_lineage(from).into_iter().filter(|(_, mark)| mark.number() >= from.number());
            let leaders = leaders.filter_map(|(pid, mark)| {
                let stat = procfs::stat(pid).ok()?;
                (stat.group == pid && stat.state != 'Z').then_some((pid, mark, stat.start_time))
            });
            let newest = leaders.min_by_key(|(pid, mark, start)| (std::cmp::Reverse(mark.number()), *start, *pid));
            newest.and_then(|(pid, mark, start_time)| Some((Process::adopt(pid, start_time).ok()?, mark)))
        });
        match timeout(PATIENCE, look).await {
            Ok(Ok(None)) if Instant::now() < end => sleep(LOOK_AGAIN).await,
            Ok(Ok(found)) => return found,
            Ok(Err(_)) | Err(_) => {
                tracing::warn!("cannot look for what an earlier lictor has started: a process hangs");
                return None;
            }
        }
    }
}

/// Ends every process of a lineage, but for the one run that goes on: first it is asked, then it is killed.
async fn end_others(lineage: Mark, spared: Option<Mark>) {
    let began = Instant::now();
    let mut first = true;
    loop {
        let signal = if began.elapsed() >= GRACE { Some(Signal::KILL) } else { first.then_some(Signal::TERM) };
        first = false;
        let round = offload(move || {
            let others = of_lineage(lineage).into_iter().filter(|(_, mark)| Some(*mark) != spared);
            others.filter(|(pid, of)| send(*pid, *of, signal)).count()
        });
        match timeout(PATIENCE, round).await {
            Ok(Ok(0)) | Err(_) => return,
            Ok(Ok(left)) if began.elapsed() >= GRACE + PATIENCE => {
                tracing::warn!(left, "what an earlier lictor has left cannot be killed: it hangs in the kernel");
                return;
            }
            Ok(_) => sleep(LOOK_AGAIN).await,
        }
    }
}

/// Whether the process is there and bears this mark; if so, it has been sent the signal.
fn send(pid: u32, of: Mark, signal: Option<Signal>) -> bool {
    // The descriptor first: from then on the PID cannot come to mean another process unseen.
    let Some(pidfd) = raw(pid).and_then(|pid| Pidfd::open(pid).ok()) else { return false };
    let is_it = mark::of(pid).contains(&of);
    if let Some(signal) = signal.filter(|_| is_it) {
        // What we may not signal is warned of in the end.
        let _ = pidfd.signal(signal);
    }
    is_it
}
