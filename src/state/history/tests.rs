use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::append::{LARGEST, append};
use super::{Directory, HISTORY, Keeper, LINES, Recent, line};
use crate::machine::history::{Entry, Outcome};
use crate::machine::steps::Steps;
use crate::machine::{Build, GenerationId, Moment};
use crate::state::State;
use crate::state::tests::{identity, key, open};

fn entry(generation: u64, why: &str) -> Entry {
    Entry {
        at: Moment(5),
        at_unix_ms: 1_790_000_000_000,
        outcome: Outcome::Operator,
        generation: GenerationId(generation),
        environment: None,
        build: Build::default(),
        run: None,
        keys: vec!["A".to_owned()],
        from: Vec::new(),
        more_keys: 0,
        why: why.to_owned(),
        propagation_ms: None,
        steps: Steps::default(),
        who: Some(7),
        deployment: None,
    }
}

fn generations(recent: &Recent) -> Vec<u64> {
    recent.after(0).map(|line| serde_json::from_str::<Entry>(line).unwrap().generation.0).collect()
}

fn on_disk(directory: &Path) -> Vec<Entry> {
    let text = fs::read_to_string(directory.join(HISTORY)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn kept(state: State) {
    tokio::time::timeout(Duration::from_mins(1), state.close()).await.unwrap();
}

#[test]
fn memory_is_bounded_and_numbers_go_on() {
    let mut recent = Recent::default();
    for number in 1..=LINES as u64 + 10 {
        recent.push(line(&entry(number, ""), &key()).unwrap());
    }
    assert_eq!((recent.last(), recent.after(0).count()), (LINES as u64 + 10, LINES));
    assert_eq!(recent.after(LINES as u64 + 8).count(), 2);
    assert_eq!(recent.after(u64::MAX).count(), 0);
    recent.push("x".repeat(2 << 20).into());
    assert_eq!(recent.after(0).count(), 1, "a huge line pushes out what would be too much with it");
}

#[tokio::test]
async fn what_is_recorded_comes_back_and_nobody_else_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(folder.path(), identity()).unwrap();
    state.record(&entry(1, "one"));
    state.record(&entry(2, "two"));
    kept(state).await;
    assert_eq!(on_disk(folder.path()), [entry(1, "one"), entry(2, "two")]);
    let mode = fs::metadata(folder.path().join(HISTORY)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let state = open(folder.path(), identity()).unwrap();
    assert_eq!(generations(&state.history().borrow()), [1, 2]);
    state.record(&entry(3, "three"));
    assert_eq!(generations(&state.history().borrow()), [1, 2, 3]);
    kept(state).await;
    assert_eq!(on_disk(folder.path()).len(), 3, "nothing is written twice");
}

#[tokio::test]
async fn a_line_that_was_cut_off_is_left_out_and_the_next_one_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let whole = line(&entry(1, "one"), &key()).unwrap();
    let state = open(folder.path(), identity()).unwrap();
    kept(state).await;
    fs::write(folder.path().join(HISTORY), format!("{whole}\n{}", &whole[..20])).unwrap();
    let state = open(folder.path(), identity()).unwrap();
    assert_eq!(generations(&state.history().borrow()), [1]);
    state.record(&entry(2, "two"));
    kept(state).await;
    let state = open(folder.path(), identity()).unwrap();
    assert_eq!(generations(&state.history().borrow()), [1, 2]);
    kept(state).await;
}

#[tokio::test]
async fn lines_of_an_older_lictor_get_fingerprints_by_this_key_on_disk_too() {
    let folder = tempfile::tempdir().unwrap();
    let unkeyed = "6fe2f63dbeb6";
    let keyed = key().of_unkeyed(unkeyed.parse().unwrap()).to_string();
    let older = Entry { environment: Some(unkeyed.parse().unwrap()), ..entry(1, "release 6fe2f63dbeb6, and so on") };
    fs::write(folder.path().join(HISTORY), format!("{}\n", serde_json::to_string(&older).unwrap())).unwrap();
    kept(open(folder.path(), identity()).unwrap()).await;
    for _ in 0..2 {
        let text = fs::read_to_string(folder.path().join(HISTORY)).unwrap();
        assert!(!text.contains(unkeyed), "{text}");
        let entry: Entry = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(entry.environment.map(|fingerprint| fingerprint.to_string()).as_ref(), Some(&keyed));
        assert_eq!(entry.why, format!("release {keyed}, and so on"));
        // What has been converted is not converted once more.
        kept(open(folder.path(), identity()).unwrap()).await;
    }
}

#[test]
fn a_large_file_loses_its_older_half() {
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::open(folder.path()).unwrap();
    let size = || fs::metadata(folder.path().join(HISTORY)).unwrap().len();
    let mut number = 0;
    let mut largest = 0;
    for _ in 0..40 {
        let lines: Vec<Arc<str>> = (0..50)
            .map(|_| {
                number += 1;
                line(&entry(number, &"x".repeat(1000)), &key()).unwrap()
            })
            .collect();
        append(&directory, &lines).unwrap();
        largest = largest.max(size());
    }
    assert!(largest <= LARGEST && size() > LARGEST / 3, "{largest} {}", size());
    let left: Vec<u64> = on_disk(folder.path()).iter().map(|entry| entry.generation.0).collect();
    assert_eq!(left.last(), Some(&number));
    assert!(left.windows(2).all(|pair| pair[1] == pair[0] + 1), "no line is missing between two others");
}

#[test]
fn a_link_in_its_place_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::open(folder.path()).unwrap();
    let target = folder.path().join("target");
    fs::write(&target, "precious").unwrap();
    std::os::unix::fs::symlink(&target, folder.path().join(HISTORY)).unwrap();
    assert!(append(&directory, &["{}".into()]).is_err());
    assert_eq!(fs::read(&target).unwrap(), b"precious");
}

#[tokio::test]
async fn what_cannot_be_written_waits_in_memory_and_is_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let directory = Arc::new(Directory::open(folder.path()).unwrap());
    let file = folder.path().join(HISTORY);
    fs::create_dir(&file).unwrap();
    let recent = watch::Sender::new(Recent::default());
    let mut tasks = JoinSet::new();
    let (problem, mut problems) = watch::channel(None);
    let mut keeper = Keeper::new(directory, recent.subscribe(), problem, Duration::from_millis(5));
    tasks.spawn(async move { keeper.run().await });
    for number in 1..=3 {
        recent.send_modify(|recent| recent.push(line(&entry(number, ""), &key()).unwrap()));
        tokio::task::yield_now().await;
    }
    let told = tokio::time::timeout(Duration::from_mins(1), problems.wait_for(Option::is_some)).await.unwrap().unwrap();
    assert!(told.as_ref().is_some_and(|why| why.contains("history.jsonl")));
    drop(told);
    fs::remove_dir(&file).unwrap();
    let written = async {
        while fs::read_to_string(&file).unwrap_or_default().lines().count() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), written).await.unwrap();
    let healed = tokio::time::timeout(Duration::from_mins(1), problems.wait_for(Option::is_none)).await;
    assert!(healed.is_ok_and(|healed| healed.is_ok()));
    drop(recent);
    while tasks.join_next().await.is_some() {}
    let numbers: Vec<u64> = on_disk(folder.path()).iter().map(|entry| entry.generation.0).collect();
    assert_eq!(numbers, [1, 2, 3]);
}
