//! Which child processes of lictor are its own errands, so that the sweep for the service's orphans leaves them alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;

/// The record of our own children's process numbers. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Roster(Arc<watch::Sender<BTreeSet<u32>>>);

impl Roster {
    /// Records a child until the guard is dropped. Call it in the same step as the spawn, without an await between: the
    /// sweep runs on the same thread, so it never sees a child that is not recorded yet.
    pub fn enroll(&self, pid: u32) -> Enrolled {
        self.0.send_modify(|pids| {
            pids.insert(pid);
        });
        Enrolled { roster: self.clone(), pid }
    }

    /// Whether this process is one of ours.
    pub fn holds(&self, pid: u32) -> bool {
        self.0.borrow().contains(&pid)
    }
}

/// Keeps one process on the roster; drop it once its exit status has been collected.
#[derive(Debug)]
pub struct Enrolled {
    roster: Roster,
    pid: u32,
}

impl Drop for Enrolled {
    fn drop(&mut self) {
        self.roster.0.send_modify(|pids| {
            pids.remove(&self.pid);
        });
    }
}
