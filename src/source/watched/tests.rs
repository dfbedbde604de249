use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::inotify::{Blind, Watch};
use super::testing::{until, until_fails, until_says};
use super::{Failure, Follower, PACE, Pace, Publisher, Reading, contents, inotify};
use crate::environment::Entry;
use crate::secret::Secret;

/// One key, `K`, with the file's contents.
fn read(path: &Path) -> Result<Reading, Failure> {
    let value = Secret::from(contents(path, 8)?);
    Ok(Reading { entries: vec![Entry::new("K".to_owned(), value)], warnings: vec!["of the reading".to_owned()] })
}

fn sightless(_: &Path, _: &mpsc::Sender<()>) -> Result<Watch, Blind> {
    Err(Blind::Instances)
}

#[tokio::test]
async fn without_a_watch_it_is_read_every_so_often_and_says_so() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "one").unwrap();
    let (publisher, mut seen) = Publisher::new(&Arc::from("test"));
    let pace = Pace { blind: Duration::from_millis(10), slow: Duration::from_hours(1), ..PACE };
    let path = file.path().to_owned();
    let mut tasks = JoinSet::new();
    tasks.spawn(Follower { path, read, watch: sightless, pace, min_keys: 0, publisher: publisher.into() }.run());

    let first = until_says(&mut seen, &[("K", "one")]).await;
    assert_eq!(first.freshness.warnings[0], "of the reading");
    let warning = &first.freshness.warnings[1];
    assert!(warning.ends_with(
        "is not watched, but read every 10ms: no inotify instance is left: \
         raise fs.inotify.max_user_instances or the limit of open files"
    ));
    fs::write(file.path(), "two").unwrap();
    until_says(&mut seen, &[("K", "two")]).await;
    fs::write(file.path(), "more than eight").unwrap();
    let failed = until_fails(&mut seen, "is longer than 8 bytes").await;
    assert_eq!(failed.freshness.class.as_deref(), Some("invalid"));
    let errors = failed.freshness.errors;
    until(&mut seen, |snapshot| snapshot.freshness.errors > errors).await;
}

#[tokio::test]
async fn too_few_keys_are_no_answer() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (publisher, mut seen) = Publisher::new(&Arc::from("test"));
    let path = file.path().to_owned();
    let mut tasks = JoinSet::new();
    tasks.spawn(
        Follower { path, read, watch: inotify::watch, pace: PACE, min_keys: 2, publisher: publisher.into() }.run(),
    );
    let failed = until_fails(&mut seen, "1 keys found where min_keys asks for 2").await;
    assert_eq!(failed.entries, None);
    assert_eq!(failed.freshness.contact_unix_ms, None);
}

#[tokio::test]
async fn an_endless_stream_of_changes_is_not_waited_out() {
    let (publisher, _seen) = Publisher::new(&Arc::from("test"));
    let pace = Pace { quiet: Duration::from_hours(1), patience: Duration::from_millis(50), ..PACE };
    let path = "/".into();
    let follower = Follower { path, read, watch: sightless, pace, min_keys: 0, publisher: publisher.into() };
    let (changed, mut told) = mpsc::channel(1);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while changed.send(()).await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    tokio::time::timeout(Duration::from_secs(20), follower.settle(&mut told)).await.unwrap();
}

#[test]
fn only_regular_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        at("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    for path in [at("fifo"), "/dev/null".into(), folder.path().to_owned()] {
        assert!(matches!(contents(&path, 8), Err(Failure::NotRegular(_))), "{}", path.display());
    }
    assert!(matches!(contents(&at("none"), 8), Err(Failure::Missing(_))));
    fs::write(at("full"), "12345678").unwrap();
    assert_eq!(contents(&at("full"), 8).unwrap(), b"12345678");
}
