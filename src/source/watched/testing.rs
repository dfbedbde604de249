//! What the tests of files and folders share.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::environment::{Mapping, Snapshot};
use crate::source::{Kind, Spec};

pub(in crate::source) fn spec(kind: Kind) -> Spec {
    Spec { name: Arc::from("test"), kind, required: true, min_keys: 0, mapping: Mapping::default() }
}

/// Waits for a snapshot of which `wanted` holds; returns what the last one was if none comes.
pub(in crate::source) async fn until(
    receiver: &mut watch::Receiver<Arc<Snapshot>>,
    wanted: impl FnMut(&Arc<Snapshot>) -> bool,
) -> Arc<Snapshot> {
    let found = tokio::time::timeout(Duration::from_secs(20), receiver.wait_for(wanted)).await;
    let found = found.map(|found| Arc::clone(&found.expect("the task lives")));
    found.unwrap_or_else(|_| panic!("waited in vain; the last word was {:#?}", receiver.borrow()))
}

/// Waits until the source says exactly this and is in contact.
pub(in crate::source) async fn until_says(
    receiver: &mut watch::Receiver<Arc<Snapshot>>,
    expected: &[(&str, &str)],
) -> Arc<Snapshot> {
    until(receiver, |snapshot| snapshot.freshness.error.is_none() && says(snapshot, expected)).await
}

/// Waits until the last reading failed for a reason with this in it.
pub(in crate::source) async fn until_fails(
    receiver: &mut watch::Receiver<Arc<Snapshot>>,
    reason: &str,
) -> Arc<Snapshot> {
    until(receiver, |snapshot| snapshot.freshness.error.as_deref().is_some_and(|error| error.contains(reason))).await
}

pub(in crate::source) fn says(snapshot: &Snapshot, expected: &[(&str, &str)]) -> bool {
    let Some(entries) = &snapshot.entries else { return false };
    let pairs: Vec<_> = entries.iter().map(|entry| (entry.key.as_str(), entry.value.expose())).collect();
    pairs == expected.iter().map(|(key, value)| (*key, value.as_bytes())).collect::<Vec<_>>()
}

/// Puts a whole new file in place of another, as careful programs do.
pub(in crate::source) fn replace(path: &Path, text: &str) {
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, text).unwrap();
    std::fs::rename(fresh, path).unwrap();
}
