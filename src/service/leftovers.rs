//! Ends what is left of a service when there is no lictor any more that could stop it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, sleep, timeout};

use super::mark::{self, Mark};
use super::orphans::of_lineage;
use super::pidfd::{Pidfd, raw};
use crate::offload::offload;

/// The time between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// After this long, a killed process or a look counts as hanging in the kernel.
const PATIENCE: Duration = Duration::from_secs(10);

/// A systemd unit, by its control group, which has all the unit's processes in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its path in `/proc/PID/cgroup`.
    group: String,
    /// The files that list its PIDs.
    members: PathBuf,
}

impl Unit {
    /// The unit of this name, if this process belongs to it.
    pub fn of_this_process(name: &str) -> Option<Self> {
        let lines = fs::read_to_string("/proc/self/cgroup").ok()?;
        let group = lines.lines().find_map(|line| line.strip_prefix("0::"))?.to_owned();
        if name.is_empty() || group.rsplit('/').next() != Some(name) {
            return None;
        }
        let trees = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
        let members = trees.iter().map(|tree| PathBuf::from(format!("{tree}{group}/cgroup.procs")));
        let members = members.into_iter().find(|members| members.exists())?;
        Some(Self { group, members })
    }

    fn pids(&self) -> Vec<u32> {
        let listed = fs::read_to_string(&self.members).unwrap_or_default();
        listed.lines().filter_map(|pid| pid.parse().ok()).filter(|pid| *pid != std::process::id()).collect()
    }

    fn has(&self, pid: u32) -> bool {
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        groups.lines().any(|line| line.strip_prefix("0::") == Some(&self.group))
    }
}

/// Ends every process that has a mark of this lineage or belongs to this unit, except this one: first by SIGTERM, and after `grace`
/// by SIGKILL. Returns how many there were.
pub async fn end_leftovers(lineage: Option<Mark>, unit: Option<Unit>, grace: Duration) -> usize {
    let (began, mut most, mut first) = (Instant::now(), 0, true);
    loop {
        let signal = if began.elapsed() >= grace { Some(Signal::KILL) } else { first.then_some(Signal::TERM) };
        first = false;
        let unit = unit.clone();
        match timeout(PATIENCE, offload(move || round(lineage, unit.as_ref(), signal))).await {
            Ok(Ok(0)) | Err(_) => return most,
            Ok(Ok(left)) if began.elapsed() >= grace + PATIENCE => {
                tracing::warn!(left, "what the service has left cannot be killed: it hangs in the kernel");
                return most;
            }
            Ok(Ok(left)) => most = most.max(left),
            Ok(Err(_)) => {}
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Sends the signal to each of them; returns how many there are.
fn round(lineage: Option<Mark>, unit: Option<&Unit>, signal: Option<Signal>) -> usize {
    let marked = lineage.map(of_lineage).unwrap_or_default().into_iter().map(|(pid, _)| pid);
    let mut pids: Vec<u32> = marked.chain(unit.map(Unit::pids).unwrap_or_default()).collect();
    pids.sort_unstable();
    pids.dedup();
    let is_it = |pid: u32| {
        let kin = || lineage.is_some_and(|lineage| mark::of(pid).iter().any(|mark| mark.is_kin_of(lineage)));
        unit.is_some_and(|unit| unit.has(pid)) || kin()
    };
    let there = |pid: &u32| {
        // The descriptor first: from then on the PID cannot come to mean another process unseen.
        let Some(pidfd) = raw(*pid).and_then(|pid| Pidfd::open(pid).ok()) else { return false };
        let there = is_it(*pid) && !pidfd.ended_within(Duration::ZERO);
        if let Some(signal) = signal.filter(|_| there) {
            // A process that we may not signal gets a warning in the end.
            let _ = pidfd.signal(signal);
        }
        there
    };
    pids.iter().filter(|pid| there(pid)).count()
}
