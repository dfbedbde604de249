//! After the main process: nothing that a run started is left.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::orphans::{is_live_member, survivors};
use super::pidfd::{Pidfd, any_ended, signal_of};
use super::process::{Kinship, Process};
use super::roster::Roster;
use super::run::Urgency;

/// What outlives the main process has this long to end by itself.
const GRACE: Duration = Duration::from_secs(1);
/// A process that does not die of KILL in this time hangs in the kernel; nobody can end it.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many are watched at a time, to be modest with descriptors; the rest has its turn in the next round.
const AT_ONCE: usize = 64;

/// Asks what is left of a run to end, then kills it. `told`: whether its group has had the kill signal already.
pub(super) async fn sweep(
    process: &Process,
    roster: &Roster,
    kill_signal: i32,
    told: Told,
    orders: &mut watch::Receiver<Urgency>,
) {
    let grace_over = Instant::now() + GRACE;
    tokio::select! {
        () = ask(process, roster, kill_signal, told) => return,
        () = sleep_until(grace_over) => {}
        Ok(_) = orders.wait_for(|urgency| *urgency == Urgency::Now) => {}
    }
    let list = || {
        process.kill_group();
        survivors(process, roster)
    };
    if kill(process, list, PATIENCE).await == Ended::Stuck {
        tracing::warn!(
            pid = process.pid(),
            "something that the service started cannot be killed: it hangs in the kernel"
        );
    }
}

/// Whether a group has had the kill signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The run was stopped.
    Already,
    /// The main process ended by itself.
    NotYet,
}

/// Whether all are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Yes.
    All,
    /// One did not even die of KILL.
    Stuck,
}

/// Sends the kill signal to every survivor, once, and waits until none is left.
async fn ask(process: &Process, roster: &Roster, kill_signal: i32, told: Told) {
    let mut asked = BTreeSet::new();
    let mut left = survivors(process, roster);
    if told == Told::NotYet && !left.is_empty() && process.kinship() == Kinship::Child {
        let _ = process.signal_group(kill_signal);
    }
    while !left.is_empty() {
        for &pid in &left {
            let in_group = rustix::process::getpgid(Some(pid)) == Ok(process.number());
            if asked.insert(pid.as_raw_nonzero()) && !(in_group && process.kinship() == Kinship::Child) {
                signal(process, pid, signal_of(kill_signal));
            }
        }
        one_ended(&left).await;
        left = survivors(process, roster);
    }
}

/// Kills what `list` gives, until it gives none or `patience` is over.
pub(super) async fn kill(process: &Process, list: impl Fn() -> Vec<Pid>, patience: Duration) -> Ended {
    let give_up = Instant::now() + patience;
    loop {
        let left = list();
        if left.is_empty() {
            return Ended::All;
        }
        for &pid in &left {
            signal(process, pid, Some(Signal::KILL));
        }
        if timeout_at(give_up, one_ended(&left)).await.is_err() {
            return Ended::Stuck;
        }
    }
}

/// A child cannot be mistaken: it is ours until we reap it, and nothing was awaited since it was listed. A member of an
/// adopted process's group can, so it is looked at again once the descriptor is there.
fn signal(process: &Process, pid: Pid, signal: Option<Signal>) {
    let (Some(signal), Ok(pidfd)) = (signal, Pidfd::open(pid)) else { return };
    if process.kinship() == Kinship::Child || is_live_member(pid, process.number()) {
        // It may have ended just now, or become somebody whom we may not signal: then KILL or the warning follows.
        let _ = pidfd.signal(signal);
    }
}

/// Waits until one of these has ended, and reaps all that have.
async fn one_ended(pids: &[Pid]) {
    let watched: Vec<Pidfd> = pids.iter().take(AT_ONCE).filter_map(|&pid| Pidfd::open(pid).ok()).collect();
    if watched.is_empty() {
        // No descriptor to be had, or all gone meanwhile: look again soon.
        return sleep(Duration::from_millis(10)).await;
    }
    any_ended(&watched).await;
    for process in &watched {
        process.reap();
    }
}
