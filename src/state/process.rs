//! `process.json`: the processes of the service, for the next lictor.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::directory::{Directory, PROCESS};
use crate::environment::{Fingerprint, FingerprintKey};
use crate::machine::{Build, RunId};
use crate::offload::offload;

/// The longest time that a start waits for the disk.
const PATIENCE: Duration = Duration::from_secs(1);
/// The longest time that steering new connections waits for the disk.
const STEERING: Duration = Duration::from_millis(100);

/// A process of the service, and what it was started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptProcess {
    /// The boot in which it was started: PIDs and start times mean nothing in another one.
    pub boot: String,
    /// Its PID; [`KeptProcess::BEGUN`] while it is being started.
    pub pid: u32,
    /// When it started: field 22 of `/proc/PID/stat`, in clock ticks since boot. Zero while it is being started.
    pub start_time: u64,
    /// The fingerprint of its environment.
    pub environment: Fingerprint,
    /// Its build.
    pub build: Build,
    /// The mark of its processes; an older lictor had none.
    #[serde(default)]
    pub mark: Option<String>,
    /// The identity of the directory that this was written to: in a copy of the directory, the mark belongs to another service.
    #[serde(default)]
    place: Option<String>,
    /// Which of the two sockets that lictor holds for each address the process has: 0 or 1. `None`: there are no sockets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<u8>,
    /// The other process, while one takes over from another: it does not get new connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Box<KeptProcess>>,
}

/// The stored form.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    #[serde(flatten)]
    process: Cow<'a, KeptProcess>,
    /// The ID of the key that its fingerprint is made with; lictor 0.1.0 had none.
    #[serde(rename = "fingerprint_key", default, skip_serializing_if = "Option::is_none")]
    key: Option<Fingerprint>,
}

impl KeptProcess {
    fn stored(&self, key: &FingerprintKey) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Stored { process: Cow::Borrowed(self), key: Some(key.id()) })
    }

    /// `None`: it is damaged. If the key is lost, its environment is unknown.
    fn restored(bytes: &[u8], key: &FingerprintKey) -> Option<Self> {
        let stored: Stored<'_> = serde_json::from_slice(bytes).ok()?;
        let mut process = stored.process.into_owned();
        if stored.key.is_none() {
            // A lictor that wrote no key had only one process.
            process.environment = key.of_unkeyed(process.environment);
        }
        Some(process)
    }

    /// The PID of no process: a start has begun, and lictor may be killed before it knows the PID.
    pub const BEGUN: u32 = 0;

    /// A process of this boot; its place is filled in when it is kept.
    pub fn of_this_boot(
        process: Option<(u32, u64)>,
        mark: String,
        environment: Fingerprint,
        build: Build,
        boot: String,
    ) -> Self {
        let (pid, start_time) = process.unwrap_or((Self::BEGUN, 0));
        Self { boot, pid, start_time, environment, build, mark: Some(mark), place: None, side: None, beside: None }
    }

    fn is_of(&self, directory: &Directory) -> bool {
        let here = self.place.is_none() || self.place == directory.place();
        here && self.boot == boot_id()
    }

    fn mark_in(self, directory: &Directory) -> Option<String> {
        self.mark.clone().filter(|_| self.is_of(directory))
    }

    /// PID and start time, if they are known.
    pub fn known(&self) -> Option<(u32, u64)> {
        (self.pid != Self::BEGUN).then_some((self.pid, self.start_time))
    }
}

/// Reads the record of an earlier lictor, if it is from this boot and this directory.
pub(super) fn read(directory: &Directory, key: &FingerprintKey) -> Option<KeptProcess> {
    let bytes = directory.read(PROCESS).ok().flatten()?;
    KeptProcess::restored(&bytes, key).filter(|process| process.is_of(directory))
}

/// Reads only the mark from it, under the same conditions.
pub(super) fn mark(directory: &Directory) -> Option<String> {
    let bytes = directory.read(PROCESS).ok().flatten()?;
    let stored: Stored<'_> = serde_json::from_slice(&bytes).ok()?;
    stored.process.into_owned().mark_in(directory)
}

/// Sends changes to the writer of `process.json`; clones send to the same one.
#[derive(Clone, Debug, Default)]
pub struct ProcessKeeper(Option<mpsc::UnboundedSender<Job>>);

#[derive(Debug)]
pub(super) struct Job {
    change: Change,
    done: oneshot::Sender<()>,
}

/// A change to record.
#[derive(Debug)]
enum Change {
    /// This is known about a run.
    Runs(RunId, Box<KeptProcess>),
    /// New connections are about to go to this run.
    Active(RunId),
    /// The run has ended.
    Ended(RunId),
}

/// The runs that there are, and the one that new connections go to.
#[derive(Debug, Default)]
struct Table {
    runs: BTreeMap<RunId, KeptProcess>,
    active: Option<RunId>,
}

impl Table {
    /// Applies the change; returns what to write, if anything is new.
    fn change(&mut self, change: Change) -> Option<KeptProcess> {
        match change {
            Change::Runs(run, process) => {
                self.runs.insert(run, *process);
            }
            Change::Active(run) => self.active = Some(run),
            Change::Ended(run) => {
                let known = self.runs.remove(&run).is_some();
                // The last run stays on record, because its mark has the number of starts.
                if !known || self.runs.is_empty() {
                    return None;
                }
            }
        }
        self.picture()
    }

    /// The run that gets new connections, with the other one beside it.
    fn picture(&self) -> Option<KeptProcess> {
        let active =
            self.active.filter(|run| self.runs.contains_key(run)).or_else(|| self.runs.keys().next().copied())?;
        let beside = self.runs.iter().find(|(run, _)| **run != active).map(|(_, process)| Box::new(process.clone()));
        self.runs.get(&active).map(|process| KeptProcess { beside, ..process.clone() })
    }
}

impl ProcessKeeper {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Job>) {
        let (jobs, to_do) = mpsc::unbounded_channel();
        (Self(Some(jobs)), to_do)
    }

    /// Replaces `process.json` and returns once that is done, so that the record is there even if lictor is killed in the next
    /// moment; or after a second, if the disk hangs. It is not forced to the disk, because after a power cut it is useless.
    pub async fn keep(&self, run: RunId, process: KeptProcess) {
        self.write(Change::Runs(run, Box::new(process)), PATIENCE).await;
    }

    /// Records that new connections are about to go to this run, and returns once that is done, or after a moment.
    pub async fn activate(&self, run: RunId) {
        self.write(Change::Active(run), STEERING).await;
    }

    /// Records that a run has ended, if another one is alive.
    pub fn ended(&self, run: RunId) {
        if let Some(jobs) = &self.0 {
            let (done, _) = oneshot::channel();
            // Without a writer nothing is recorded.
            let _ = jobs.send(Job { change: Change::Ended(run), done });
        }
    }

    async fn write(&self, change: Change, patience: Duration) {
        let Some(jobs) = &self.0 else { return };
        let (done, kept) = oneshot::channel();
        if jobs.send(Job { change, done }).is_ok() && timeout(patience, kept).await.is_err() {
            tracing::warn!(
                "the disk of the state directory hangs: the service could not be taken over if lictor were killed now"
            );
        }
    }
}

/// Writes one record after the other, until the sender has been dropped.
pub(super) async fn keep_in_order(
    directory: &Arc<Directory>,
    key: &FingerprintKey,
    jobs: &mut mpsc::UnboundedReceiver<Job>,
) {
    let mut table = Table::default();
    while let Some(Job { change, done }) = jobs.recv().await {
        let Some(mut process) = table.change(change) else { continue };
        let (directory, key) = (Arc::clone(directory), key.clone());
        let kept = offload(move || {
            process.place = directory.place();
            directory.overwrite(PROCESS, &process.stored(&key)?)
        });
        if let Err(error) = kept.await.and_then(|kept| kept) {
            tracing::warn!(%error, "the service could not be taken over if lictor were killed now");
        }
        // The sender may have stopped waiting.
        let _ = done.send(());
    }
}

/// The ID of this boot; empty if the kernel does not provide one.
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Change, KeptProcess, Table};
    use crate::machine::{Build, RunId};
    use crate::state::tests::key;

    fn process(pid: u32) -> KeptProcess {
        let environment = key().of_unkeyed("6fe2f63dbeb6".parse().unwrap());
        KeptProcess::of_this_boot(Some((pid, 8)), "m".into(), environment, Build("go:1".to_owned()), "b".into())
    }

    fn pids(picture: Option<KeptProcess>) -> Option<(u32, Option<u32>)> {
        picture.map(|active| (active.pid, active.beside.map(|beside| beside.pid)))
    }

    #[test]
    fn the_process_that_is_connected_to_comes_first() {
        let mut table = Table::default();
        let mut change = |change| pids(table.change(change));
        let runs = |run, pid| Change::Runs(RunId(run), Box::new(process(pid)));
        assert_eq!(change(runs(1, 7)), Some((7, None)));
        assert_eq!(change(runs(2, 8)), Some((7, Some(8))), "it is beside");
        assert_eq!(change(Change::Active(RunId(2))), Some((8, Some(7))));
        assert_eq!(change(Change::Ended(RunId(1))), Some((8, None)));
        assert_eq!(change(Change::Ended(RunId(2))), None, "what ran last stays on record");
        assert_eq!(change(runs(3, 9)), Some((9, None)));
    }

    #[test]
    fn both_processes_have_their_way_back() {
        let kept = KeptProcess { beside: Some(Box::new(process(9))), ..process(7) };
        assert_eq!(KeptProcess::restored(&kept.stored(&key()).unwrap(), &key()), Some(kept));
    }

    #[test]
    fn what_an_older_lictor_kept_is_the_same_environment() {
        let environment = key().of_unkeyed("6fe2f63dbeb6".parse().unwrap());
        let process =
            KeptProcess::of_this_boot(Some((7, 8)), "m".into(), environment, Build("go:1".to_owned()), "b".into());
        assert_eq!(KeptProcess::restored(&process.stored(&key()).unwrap(), &key()), Some(process.clone()));
        let older = r#"{"boot":"b","pid":7,"start_time":8,"environment":"6fe2f63dbeb6","build":"go:1"}   "#;
        assert_eq!(KeptProcess::restored(older.as_bytes(), &key()), Some(KeptProcess { mark: None, ..process }));
    }
}
