//! Which child processes of lictor are not the service's: its errands, the main process itself, and the children that
//! were there before lictor began (an entry script's helper that went on with `exec lictor run`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::mark::{self, Mark};
use super::process::Process;
use crate::procfs;

/// An exec that takes longer hangs: the program lies on a disk that does not answer.
const SLOW_EXEC: Duration = Duration::from_secs(2);

/// The record. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct OwnChildren(Arc<watch::Sender<Record>>);

#[derive(Debug, Default)]
struct Record {
    own: BTreeSet<u32>,
    /// Children that were there before us, each with its start time.
    strangers: BTreeMap<u32, u64>,
    launches: u64,
    /// What is between fork and the record, by its number.
    launching: BTreeMap<u64, Begun>,
    stuck: Vec<Stuck>,
}

#[derive(Debug)]
struct Begun {
    words: Words,
    since: Instant,
}

/// An errand that was killed and has not ended.
#[derive(Debug)]
struct Stuck {
    words: Words,
    process: Process,
}

/// The program and the arguments of an errand; empty for the service.
pub(super) type Words = Arc<[String]>;

/// A moment in which no child of ours was between fork and the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quiet(u64);

impl OwnChildren {
    /// Records the children that lictor has now as strangers, but for those of the service: after `lictor reexec` they are
    /// in one of its process groups, or bear a mark of its lineage. Call it before anything is started.
    pub fn with_strangers(groups_of_service: &[u32], lineage: Option<Mark>) -> Self {
        let strangers = procfs::children().into_iter().filter_map(|pid| Some((pid, procfs::stat(pid).ok()?)));
        let is_marked = |pid| lineage.is_some_and(|own| mark::of(pid).iter().any(|mark| own.is_kin_of(*mark)));
        let strangers = strangers.filter(|(pid, stat)| !groups_of_service.contains(&stat.group) && !is_marked(*pid));
        let strangers = strangers.map(|(pid, stat)| (pid, stat.start_time)).collect();
        Self(Arc::new(watch::Sender::new(Record { strangers, ..Record::default() })))
    }

    /// Whether a child that bears no mark can only be the service's: lictor adopts what its own descendants leave, as
    /// PID 1 also what others leave, and it had no children of its own when it began.
    pub(super) fn the_unmarked_are_the_services(&self) -> bool {
        self.0.borrow().strangers.is_empty() && !rustix::process::getpid().is_init()
    }

    /// Records a child until the guard is dropped. The child must not have come about by a launch of another thread.
    pub(super) fn enroll(&self, pid: u32) -> Enrolled {
        self.0.send_modify(|record| {
            record.own.insert(pid);
        });
        Enrolled { own: self.clone(), pid }
    }

    /// Held while a child is forked: until the child is recorded, it must not be taken for an orphan.
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

    /// Whether this process is one of ours, or was there before us.
    pub fn holds(&self, pid: u32) -> bool {
        self.is_own(pid) || self.is_stranger(pid)
    }

    /// Whether this process was there before us.
    pub(super) fn is_stranger(&self, pid: u32) -> bool {
        let start = self.0.borrow().strangers.get(&pid).copied();
        start.is_some_and(|start| procfs::stat(pid).is_ok_and(|stat| stat.start_time == start))
    }

    /// `None` while a child is being launched. Two equal ones: none was launched between them.
    pub(super) fn quiet(&self) -> Option<Quiet> {
        let record = self.0.borrow();
        record.launching.is_empty().then_some(Quiet(record.launches))
    }

    /// Keeps a killed errand that does not end on record, so that no second one of these words is started.
    pub(super) fn linger(&self, words: Words, process: Process, enrolled: Enrolled) {
        enrolled.stay();
        tracing::warn!(
            pid = process.pid(),
            program = words.first().map_or("", String::as_str),
            "a command does not die of KILL: it hangs in the kernel"
        );
        self.0.send_modify(|record| record.stuck.push(Stuck { words, process }));
    }

    /// Whether an earlier errand with this command still hangs, before or after its exec.
    pub(super) fn hangs(&self, words: &Words) -> bool {
        self.reap_lingering();
        let record = self.0.borrow();
        let launching =
            record.launching.values().any(|begun| begun.words == *words && begun.since.elapsed() > SLOW_EXEC);
        launching || record.stuck.iter().any(|stuck| stuck.words == *words)
    }

    /// Reaps what has ended after all.
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

/// Keeps one process on record; drop it once its exit status has been collected.
#[derive(Debug)]
pub(super) struct Enrolled {
    own: OwnChildren,
    pid: u32,
}

impl Enrolled {
    /// It stays on record beyond this guard.
    fn stay(mut self) {
        // No process has this PID.
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

/// A child may come about at any moment.
#[derive(Debug)]
pub(super) struct Launching {
    own: OwnChildren,
    number: u64,
}

impl Launching {
    /// It has come about, and is recorded in the same step.
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
