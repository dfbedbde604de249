//! Records the child processes of lictor that are not orphans of the service: its errands, the main process itself, and children that
//! were there before lictor began (such as the helper of an entry script that ended with `exec lictor run`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::mark::{self, Mark};
use super::process::Process;
use crate::procfs;

/// An exec that takes longer counts as hanging: the program is on a disk that does not answer.
const SLOW_EXEC: Duration = Duration::from_secs(2);

/// The record. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct OwnChildren(Arc<watch::Sender<Record>>);

#[derive(Debug, Default)]
struct Record {
    own: BTreeSet<u32>,
    /// The children that were there before us, each with its start time.
    strangers: BTreeMap<u32, u64>,
    launches: u64,
    /// The launches between fork and the record, by number.
    launching: BTreeMap<u64, Begun>,
    stuck: Vec<Stuck>,
}

#[derive(Debug)]
struct Begun {
    words: Words,
    since: Instant,
}

/// The errands that were killed and have not ended.
#[derive(Debug)]
struct Stuck {
    words: Words,
    process: Process,
}

/// The program and the arguments of an errand; empty for the service.
pub(super) type Words = Arc<[String]>;

/// A moment in which no launch of ours was between fork and the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quiet(u64);

impl OwnChildren {
    /// Records lictor's present children as strangers, except those of the service: after `lictor reexec` these are in one of its
    /// process groups, or have a mark of its lineage. Call it before anything is started.
    pub fn with_strangers(groups_of_service: &[u32], lineage: Option<Mark>) -> Self {
        let strangers = procfs::children().into_iter().filter_map(|pid| Some((pid, procfs::stat(pid).ok()?)));
        let is_marked = |pid| lineage.is_some_and(|own| mark::of(pid).iter().any(|mark| own.is_kin_of(*mark)));
        let strangers = strangers.filter(|(pid, stat)| !groups_of_service.contains(&stat.group) && !is_marked(*pid));
        let strangers = strangers.map(|(pid, stat)| (pid, stat.start_time)).collect();
        Self(Arc::new(watch::Sender::new(Record { strangers, ..Record::default() })))
    }

    /// Whether a child without a mark can only be the service's. That is so if lictor had no children when it began and is not PID 1,
    /// which also adopts the orphans of others.
    pub(super) fn the_unmarked_are_the_services(&self) -> bool {
        self.0.borrow().strangers.is_empty() && !rustix::process::getpid().is_init()
    }

    /// Records a child until the guard is dropped. The child must not come from a launch by another thread.
    pub(super) fn enroll(&self, pid: u32) -> Enrolled {
        self.0.send_modify(|record| {
            record.own.insert(pid);
        });
        Enrolled { own: self.clone(), pid }
    }

    /// Held while a child is forked, so that it is not taken for an orphan before it is recorded.
    pub(super) fn begin_launch(&self, words: Words) -> Launching {
        let mut number = 0;
        self.0.send_modify(|record| {
            record.launches += 1;
            number = record.launches;
            record.launching.insert(number, Begun { words, since: Instant::now() });
        });
        Launching { own: self.clone(), number }
    }

    /// Whether this process is an errand or a main process of ours.
    pub(super) fn is_own(&self, pid: u32) -> bool {
        self.0.borrow().own.contains(&pid)
    }

    /// Whether this process is an errand, a main process of ours, or was there before us.
    pub fn holds(&self, pid: u32) -> bool {
        self.is_own(pid) || self.is_stranger(pid)
    }

    /// Whether this process was there before us.
    pub(super) fn is_stranger(&self, pid: u32) -> bool {
        let start = self.0.borrow().strangers.get(&pid).copied();
        start.is_some_and(|start| procfs::stat(pid).is_ok_and(|stat| stat.start_time == start))
    }

    /// `None` while a child is being launched. If two calls give equal values, none was launched between them.
    pub(super) fn quiet(&self) -> Option<Quiet> {
        let record = self.0.borrow();
        record.launching.is_empty().then_some(Quiet(record.launches))
    }

    /// Keeps a killed errand that does not end on record, so that the same command is not started a second time.
    pub(super) fn linger(&self, words: Words, process: Process, enrolled: Enrolled) {
        enrolled.stay();
        tracing::warn!(
            pid = process.pid(),
            program = words.first().map_or("", String::as_str),
            "a command does not end after SIGKILL: it hangs in the kernel"
        );
        self.0.send_modify(|record| record.stuck.push(Stuck { words, process }));
    }

    /// Whether an earlier run of this command still hangs, before or after its exec.
    pub(super) fn hangs(&self, words: &Words) -> bool {
        self.reap_lingering();
        let record = self.0.borrow();
        let launching =
            record.launching.values().any(|begun| begun.words == *words && begun.since.elapsed() > SLOW_EXEC);
        launching || record.stuck.iter().any(|stuck| stuck.words == *words)
    }

    /// Reaps hanging errands that have ended after all.
    pub(super) fn reap_lingering(&self) {
        self.0.send_if_modified(|record| {
            let before = record.stuck.len();
            record.stuck.retain(|stuck| {
                !stuck.process.ended_within(Duration::ZERO) || {
                    stuck.process.reap();
                    record.own.remove(&stuck.process.pid());
                    false
                }
            });
            record.stuck.len() != before
        });
    }
}

/// Keeps a process on record; drop it once its exit status has been collected.
#[derive(Debug)]
pub(super) struct Enrolled {
    own: OwnChildren,
    pid: u32,
}

impl Enrolled {
    /// Keeps the process on record after this guard is dropped.
    fn stay(mut self) {
        // This is not the PID of any process.
        self.pid = 0;
    }
}

impl Drop for Enrolled {
    fn drop(&mut self) {
        self.own.0.send_modify(|record| {
            record.own.remove(&self.pid);
        });
    }
}

/// A launch, during which a child may appear at any moment.
#[derive(Debug)]
pub(super) struct Launching {
    own: OwnChildren,
    number: u64,
}

impl Launching {
    /// Ends the launch and records the child in one step.
    pub(super) fn enroll(self, pid: u32) -> Enrolled {
        self.own.enroll(pid)
    }
}

impl Drop for Launching {
    fn drop(&mut self) {
        self.own.0.send_modify(|record| {
            record.launching.remove(&self.number);
        });
    }
}
