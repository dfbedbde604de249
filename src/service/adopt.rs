//! Takes over the service of an earlier lictor, and ends the other processes that it has left.

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

/// How long to wait for a process that was forked just before lictor was killed: it has its mark only after the exec.
const UNTIL_EXEC: Duration = Duration::from_millis(300);
/// The time between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How long the remains of an earlier run have to end by themselves.
const GRACE: Duration = Duration::from_secs(1);
/// After this long, a killed process or a look counts as hanging in the kernel.
const PATIENCE: Duration = Duration::from_secs(10);

/// A process that was taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// The PID of its main process.
    pub pid: u32,
    /// Whether it is the recorded process, so that the rest of the record applies to it.
    pub provenance: Provenance,
}

/// How much is known of an adopted process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// Everything in the record.
    Recorded,
    /// Everything in the record of the run beside the one that got new connections.
    RecordedBeside,
    /// Only its mark: it was started after the last record.
    Unrecorded,
}

impl Service {
    /// Takes over the process that an earlier lictor has left running, as this run. All other processes that were started with the
    /// same state directory are ended before this returns, so that nothing runs twice.
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
    /// Takes over one of two runs: the one that got new connections, which is the first of these, or the other one if that has
    /// ended. The machine decides anew about the environment of the one that is not taken over.
    async fn adopt_one_of_two(&mut self, run: RunId, two: [(Mark, Option<(u32, u64)>); 2]) -> Option<Adopted> {
        let [(first, _), (second, _)] = two;
        let newest = if first.number() > second.number() { first } else { second };
        if two.iter().any(|(_, process)| process.is_none()) {
            // It may be just before its exec.
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

/// The main process of the newest start of a lineage, not older than this start: the oldest process that leads its group.
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

/// Ends every process of a lineage except those of one run: first by SIGTERM, then by SIGKILL.
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

/// Sends the signal to the process if it has this mark; returns whether it has.
fn send(pid: u32, of: Mark, signal: Option<Signal>) -> bool {
    // The descriptor first: from then on the PID cannot come to mean another process unseen.
    let Some(pidfd) = raw(pid).and_then(|pid| Pidfd::open(pid).ok()) else { return false };
    let is_it = mark::of(pid).contains(&of);
    if let Some(signal) = signal.filter(|_| is_it) {
        // A process that we may not signal gets a warning in the end.
        let _ = pidfd.signal(signal);
    }
    is_it
}
