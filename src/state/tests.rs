//! The room as a whole, and what it does when the disk, the permissions or the process fail it.

mod faults;

use std::fs::{self, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Error, State, StateIdentity, directory};
use crate::environment::{Environment, Fingerprint, FingerprintKey, Variable, Visibility};
use crate::machine::ledger::{Good, Pair, QUARANTINE_KEPT, Quarantined, Standing};
use crate::machine::{Build, GenerationId};

pub(super) fn identity() -> StateIdentity {
    StateIdentity::new("m1", "billing", "127.0.0.1:8500", ["consul billing/", "custom"]).with_key(&key())
}

/// Opens the directory with the key that tests make fingerprints with.
pub(super) fn open(directory: &Path, identity: StateIdentity) -> Result<State, Error> {
    let kept = directory.join(directory::KEY);
    if !kept.exists() {
        // Where it may not be written the test has no use for it.
        let _ = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
        let _ = fs::write(&kept, "0".repeat(64));
        let _ = fs::set_permissions(&kept, Permissions::from_mode(0o600));
    }
    super::open(directory, identity)
}

/// The key that tests make fingerprints with.
pub(super) fn key() -> FingerprintKey {
    FingerprintKey::new(&[0; FingerprintKey::LENGTH])
}

pub(super) fn good(variables: &[(&str, &[u8])], generation: u64) -> Good {
    let variables = variables.iter().map(|(name, value)| {
        let (value, origin) = (value.to_vec().into(), "consul billing/".into());
        ((*name).to_owned(), Variable::new(value, origin, Visibility::Secret))
    });
    Good {
        environment: Arc::new(Environment::new(variables.collect())),
        builds: vec![Build("go:1".to_owned())],
        generation: GenerationId(generation),
        at_unix_ms: 1_700_000_000_000,
    }
}

pub(super) fn quarantined(reason: &str) -> Quarantined {
    let pair = Pair { environment: Fingerprint::of_public(reason.as_bytes()), build: Build("go:2".to_owned()) };
    Quarantined { pair, reason: reason.to_owned(), at_unix_ms: 1_700_000_000_001, standing: Standing::Proved }
}

/// Waits until what is to be said of the state is so.
pub(super) async fn until_problem(state: &State, is: impl Fn(Option<&str>) -> bool) -> Option<String> {
    let super::Store::Open(open) = &state.store else { panic!("there is no state") };
    let mut problem = open.problem.clone();
    let seen = problem.wait_for(|problem| is(problem.as_deref()));
    tokio::time::timeout(Duration::from_mins(1), seen).await.expect("it must come to be").unwrap().clone()
}

#[tokio::test]
async fn what_is_kept_comes_back() {
    let base = tempfile::tempdir().unwrap();
    let state = open(base.path(), identity()).unwrap();
    let nothing = state.load();
    assert_eq!(nothing, super::Restored::default());
    assert_eq!(nothing.next_generation, GenerationId(1));
    let kept: Vec<Good> = (0..7).map(|n| good(&[("A", b"\xff"), ("B", b"x")], 40 - n)).collect();
    state.keep_good(&kept);
    state.keep_quarantine(&[quarantined("exited with 3")]);
    state.close().await;

    let state = open(base.path(), identity()).unwrap();
    let restored = state.load();
    assert_eq!(restored.good, kept[..5]);
    assert_eq!(restored.quarantine, [quarantined("exited with 3")]);
    assert_eq!(restored.next_generation, GenerationId(41));
    assert_eq!(restored.warnings, Vec::<String>::new());
    assert_eq!(state.problem(), None);
}

/// One number for memory, disk and what is read again.
#[tokio::test]
async fn as_many_pairs_stay_in_quarantine_on_disk_as_the_machine_keeps() {
    let base = tempfile::tempdir().unwrap();
    let state = open(base.path(), identity()).unwrap();
    state.keep_good(&[good(&[("A", b"x")], 1)]);
    let pairs: Vec<_> = (0..QUARANTINE_KEPT + 50).map(|number| quarantined(&format!("reason {number}"))).collect();
    state.keep_quarantine(&pairs);
    state.close().await;
    let restored = open(base.path(), identity()).unwrap().load();
    assert_eq!(restored.quarantine, pairs[..QUARANTINE_KEPT]);
}

#[tokio::test]
async fn the_newest_wins_and_nothing_is_left_unwritten() {
    let base = tempfile::tempdir().unwrap();
    let state = open(base.path(), identity()).unwrap();
    for generation in 1..=500 {
        state.keep_good(&[good(&[("A", b"x")], generation)]);
    }
    state.close().await;
    let restored = open(base.path(), identity()).unwrap().load();
    assert_eq!(restored.next_generation, GenerationId(501));
}

#[tokio::test]
async fn only_good_json_holds_values() {
    let base = tempfile::tempdir().unwrap();
    let state = open(base.path(), identity()).unwrap();
    state.keep_good(&[good(&[("A", b"hunter2")], 1)]);
    state.keep_quarantine(&[quarantined("x")]);
    state.close().await;
    for entry in std::fs::read_dir(base.path()).unwrap() {
        let path = entry.unwrap().path();
        let holds = std::fs::read_to_string(&path).unwrap().contains("hunter2");
        assert_eq!(holds, path.ends_with("good.json"), "{}", path.display());
    }
}

#[tokio::test]
async fn what_belongs_elsewhere_is_ignored_with_a_reason() {
    let base = tempfile::tempdir().unwrap();
    let state = open(base.path(), identity()).unwrap();
    state.keep_good(&[good(&[("A", b"x")], 1)]);
    state.keep_quarantine(&[quarantined("x")]);
    state.close().await;
    let other = StateIdentity::new("m1", "billing", "127.0.0.1:8500", ["consul billing/"]);
    let restored = open(base.path(), other).unwrap().load();
    assert!(restored.good.is_empty() && restored.quarantine.is_empty());
    let path = base.path().join("good.json").display().to_string();
    assert_eq!(restored.warnings[0], format!("{path} is not used: it was kept with another list of sources"));
}

#[tokio::test]
async fn a_quarantine_without_anything_good_is_left_out() {
    let base = tempfile::tempdir().unwrap();
    let state = open(base.path(), identity()).unwrap();
    state.keep_good(&[good(&[("A", b"x")], 1)]);
    state.keep_quarantine(&[quarantined("x")]);
    state.close().await;
    std::fs::write(base.path().join("good.json"), b"\0").unwrap();
    let restored = open(base.path(), identity()).unwrap().load();
    assert!(restored.quarantine.is_empty(), "else there would be nothing that may be run");
    assert_eq!(restored.warnings.len(), 1, "{:?}", restored.warnings);
}

#[tokio::test]
async fn a_second_lictor_is_told_so() {
    let base = tempfile::tempdir().unwrap();
    let first = open(base.path(), identity()).unwrap();
    let error = open(base.path(), identity()).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
    first.close().await;
    open(base.path(), identity()).unwrap();
}

#[tokio::test]
async fn without_a_directory_everything_goes_on() {
    let state = State::absent("no home", key());
    state.keep_good(&[good(&[], 1)]);
    state.keep_quarantine(&[quarantined("x")]);
    assert_eq!(state.load(), super::Restored::default());
    assert_eq!(state.problem().as_deref(), Some("nothing is kept on disk: no home"));
    state.close().await;
}
