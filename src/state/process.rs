//! `process.json`: which process is the service, for a lictor that comes after this one.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::directory::{Directory, PROCESS};
use crate::environment::{Fingerprint, FingerprintKey};
use crate::machine::Build;
use crate::offload::offload;

/// A start waits no longer than this for the disk.
const PATIENCE: Duration = Duration::from_secs(1);

/// The service's process, and what it was started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptProcess {
    /// The boot in which it was started: PIDs and start times mean nothing in another one.
    pub boot: String,
    /// Its PID; [`KeptProcess::BEGUN`] while it is being started.
    pub pid: u32,
    /// When it started: field 22 of `/proc/PID/stat`, in clock ticks since boot. Zero while it is being started.
    pub start_time: u64,
    /// Its environment.
    pub environment: Fingerprint,
    /// Its build.
    pub build: Build,
    /// The mark that its processes bear; an older lictor gave none.
    #[serde(default)]
    pub mark: Option<String>,
    /// The directory that this was written in: the mark in a copy of it is another service's.
    #[serde(default)]
    place: Option<String>,
    /// Which of the sockets that lictor holds it has: 0 or 1. `None`: there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<u8>,
}

/// The stored form.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    #[serde(flatten)]
    process: Cow<'a, KeptProcess>,
    /// The id of the key that its fingerprint is made with; lictor 0.1.0 had none.
    #[serde(rename = "fingerprint_key", default, skip_serializing_if = "Option::is_none")]
    key: Option<Fingerprint>,
}

impl KeptProcess {
    fn stored(&self, key: &FingerprintKey) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Stored { process: Cow::Borrowed(self), key: Some(key.id()) })
    }

    /// `None`: it is damaged. With a key that is lost its environment is one that nobody knows.
    fn restored(bytes: &[u8], key: &FingerprintKey) -> Option<Self> {
        let stored: Stored<'_> = serde_json::from_slice(bytes).ok()?;
        let mut process = stored.process.into_owned();
        if stored.key.is_none() {
            process.environment = key.of_unkeyed(process.environment);
        }
        Some(process)
    }

    /// No process has this PID: a start has been begun, and lictor may be killed before it knows the PID.
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
        Self { boot, pid, start_time, environment, build, mark: Some(mark), place: None, side: None }
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

/// Reads what an earlier lictor has left, if it is of this boot and of this very directory.
pub(super) fn read(directory: &Directory, key: &FingerprintKey) -> Option<KeptProcess> {
    let bytes = directory.read(PROCESS).ok().flatten()?;
    KeptProcess::restored(&bytes, key).filter(|process| process.is_of(directory))
}

/// The mark alone of what an earlier lictor has left, under the same conditions.
pub(super) fn mark(directory: &Directory) -> Option<String> {
    let bytes = directory.read(PROCESS).ok().flatten()?;
    let stored: Stored<'_> = serde_json::from_slice(&bytes).ok()?;
    stored.process.into_owned().mark_in(directory)
}

/// The way to `process.json`; clones lead to the same one.
#[derive(Clone, Debug, Default)]
pub struct ProcessKeeper(Option<mpsc::UnboundedSender<Job>>);

#[derive(Debug)]
pub(super) struct Job {
    process: KeptProcess,
    done: oneshot::Sender<()>,
}

impl ProcessKeeper {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Job>) {
        let (jobs, to_do) = mpsc::unbounded_channel();
        (Self(Some(jobs)), to_do)
    }

    /// Replaces `process.json` and returns once that is done, so that it is there when lictor is killed in the next
    /// moment; or after a second, if the disk hangs. It is not forced to the disk: after a power cut it means nothing.
    pub async fn keep(&self, process: KeptProcess) {
        let Some(jobs) = &self.0 else { return };
        let (done, kept) = oneshot::channel();
        if jobs.send(Job { process, done }).is_ok() && timeout(PATIENCE, kept).await.is_err() {
            tracing::warn!(
                "the disk of the state directory hangs: the service could not be taken over if lictor were killed now"
            );
        }
    }
}

/// Writes one after the other, until nobody can want any more.
pub(super) async fn keep_in_order(
    directory: &Arc<Directory>,
    key: &FingerprintKey,
    jobs: &mut mpsc::UnboundedReceiver<Job>,
) {
    while let Some(Job { mut process, done }) = jobs.recv().await {
        let (directory, key) = (Arc::clone(directory), key.clone());
        let kept = offload(move || {
            process.place = directory.place();
            directory.overwrite(PROCESS, &process.stored(&key)?)
        });
        if let Err(error) = kept.await.and_then(|kept| kept) {
            tracing::warn!(%error, "the service could not be taken over if lictor were killed now");
        }
        // Who waited may have given up.
        let _ = done.send(());
    }
}

/// The id of this boot; empty where the kernel does not tell.
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::KeptProcess;
    use crate::machine::Build;
    use crate::state::tests::key;

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
