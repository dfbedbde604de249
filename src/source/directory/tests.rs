use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{MAX_ALL, MAX_VALUE, read, spawn};
use crate::environment::Snapshot;
use crate::source::Kind;
use crate::source::watched::Failure;
use crate::source::watched::testing::{replace, says, spec, until, until_fails, until_says};

/// A folder `conf.d` that is followed, in a folder of its own.
struct Folder {
    around: TempDir,
    seen: watch::Receiver<Arc<Snapshot>>,
    _tasks: JoinSet<()>,
}

fn follow(prepare: impl FnOnce(&Path)) -> Folder {
    let around = tempfile::tempdir().unwrap();
    let path = around.path().join("conf.d");
    prepare(&path);
    let mut tasks = JoinSet::new();
    let seen = spawn(&mut tasks, &spec(Kind::Directory(path.clone())), &path);
    Folder { around, seen, _tasks: tasks }
}

impl Folder {
    fn at(&self, name: &str) -> PathBuf {
        self.around.path().join(name)
    }

    async fn says(&mut self, expected: &[(&str, &str)]) -> Arc<Snapshot> {
        until_says(&mut self.seen, expected).await
    }

    async fn fails(&mut self, reason: &str) -> Arc<Snapshot> {
        until_fails(&mut self.seen, reason).await
    }
}

fn with(keys: &[(&str, &str)]) -> impl FnOnce(&Path) {
    let keys: Vec<(String, String)> = keys.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    move |path| {
        fs::create_dir(path).unwrap();
        for (key, value) in keys {
            fs::write(path.join(key), value).unwrap();
        }
    }
}

#[tokio::test]
async fn files_become_keys_and_every_kind_of_change_is_seen() {
    let mut folder = follow(with(&[("b", "1\n\n"), ("a", "two\r\n"), (".hidden", "x"), ("e", "")]));
    folder.says(&[("a", "two\r"), ("b", "1\n"), ("e", "")]).await;
    fs::write(folder.at("conf.d/b"), "2").unwrap();
    folder.says(&[("a", "two\r"), ("b", "2"), ("e", "")]).await;
    fs::write(folder.at("conf.d/c"), "new").unwrap();
    fs::remove_file(folder.at("conf.d/e")).unwrap();
    folder.says(&[("a", "two\r"), ("b", "2"), ("c", "new")]).await;
    fs::rename(folder.at("conf.d/c"), folder.at("conf.d/d")).unwrap();
    fs::create_dir(folder.at("conf.d/sub")).unwrap();
    folder.says(&[("a", "two\r"), ("b", "2"), ("d", "new")]).await;
    for key in ["a", "b", "d"] {
        fs::remove_file(folder.at("conf.d").join(key)).unwrap();
    }
    folder.says(&[]).await;
}

#[tokio::test]
async fn equal_content_is_not_published_again() {
    let mut folder = follow(with(&[("a", "1")]));
    let first = folder.says(&[("a", "1")]).await;
    fs::write(folder.at("conf.d/a"), "1\n").unwrap();
    let again = until(&mut folder.seen, |now| now.freshness.contact_unix_ms > first.freshness.contact_unix_ms).await;
    assert!(Arc::ptr_eq(first.entries.as_ref().unwrap(), again.entries.as_ref().unwrap()));
}

#[tokio::test]
async fn a_config_map_is_swapped() {
    let mut folder = follow(|path| {
        fs::create_dir_all(path.join("..2026_1")).unwrap();
        fs::write(path.join("..2026_1/K"), "one").unwrap();
        symlink("..2026_1", path.join("..data")).unwrap();
        symlink("..data/K", path.join("K")).unwrap();
    });
    folder.says(&[("K", "one")]).await;
    fs::create_dir(folder.at("conf.d/..2026_2")).unwrap();
    fs::write(folder.at("conf.d/..2026_2/K"), "two").unwrap();
    symlink("..2026_2", folder.at("conf.d/..data_tmp")).unwrap();
    fs::rename(folder.at("conf.d/..data_tmp"), folder.at("conf.d/..data")).unwrap();
    fs::remove_dir_all(folder.at("conf.d/..2026_1")).unwrap();
    folder.says(&[("K", "two")]).await;
}

#[tokio::test]
async fn a_folder_may_come_later_go_and_come_back() {
    let mut folder = follow(|_| {});
    let missing = folder.fails("conf.d does not exist: create it").await;
    assert_eq!((missing.entries.as_ref(), missing.freshness.class.as_deref()), (None, Some("io")));
    fs::create_dir(folder.at("conf.d")).unwrap();
    folder.says(&[]).await;
    fs::write(folder.at("conf.d/a"), "1").unwrap();
    folder.says(&[("a", "1")]).await;
    fs::rename(folder.at("conf.d"), folder.at("old")).unwrap();
    let gone = folder.fails("does not exist").await;
    assert!(says(&gone, &[("a", "1")]), "what was read last stays");
    fs::create_dir(folder.at("next")).unwrap();
    fs::write(folder.at("next/a"), "2").unwrap();
    fs::rename(folder.at("next"), folder.at("conf.d")).unwrap();
    folder.says(&[("a", "2")]).await;
    fs::write(folder.at("conf.d/a"), "3").unwrap();
    folder.says(&[("a", "3")]).await;
}

#[tokio::test]
async fn a_link_to_a_folder_is_swapped() {
    let mut folder = follow(|path| {
        let around = path.parent().unwrap();
        for release in ["r1", "r2"] {
            fs::create_dir(around.join(release)).unwrap();
            fs::write(around.join(release).join("K"), release).unwrap();
        }
        symlink("r1", path).unwrap();
    });
    folder.says(&[("K", "r1")]).await;
    symlink("r2", folder.at("link")).unwrap();
    fs::rename(folder.at("link"), folder.at("conf.d")).unwrap();
    folder.says(&[("K", "r2")]).await;
    fs::write(folder.at("r2/K"), "edited").unwrap();
    folder.says(&[("K", "edited")]).await;
}

#[tokio::test]
async fn one_file_that_cannot_be_read_fails_the_whole_reading() {
    let mut folder = follow(with(&[("a", "1"), ("b", "2")]));
    folder.says(&[("a", "1"), ("b", "2")]).await;
    fs::remove_file(folder.at("conf.d/a")).unwrap();
    symlink("nowhere", folder.at("conf.d/b.new")).unwrap();
    fs::rename(folder.at("conf.d/b.new"), folder.at("conf.d/b")).unwrap();
    let failed = folder.fails("cannot read").await;
    assert!(says(&failed, &[("a", "1"), ("b", "2")]));
    fs::remove_file(folder.at("conf.d/b")).unwrap();
    fs::write(folder.at("conf.d/b"), "3").unwrap();
    let mended = folder.says(&[("b", "3")]).await;
    assert_eq!(mended.freshness.failing_since_unix_ms, None);
}

#[test]
fn what_is_left_out_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &[u8]| folder.path().join(OsStr::from_bytes(name));
    fs::write(at(b"\xff"), "x").unwrap();
    fs::create_dir(at(b"sub")).unwrap();
    fs::create_dir(at(b"\xfe")).unwrap();
    symlink("/dev/null", at(b"device")).unwrap();
    let reading = read(folder.path()).unwrap();
    assert_eq!(reading.entries, []);
    let mut warnings = reading.warnings;
    warnings.sort();
    assert_eq!(warnings.len(), 2);
    assert!(warnings[0].ends_with("device is left out: it is not a regular file"));
    assert!(warnings[1].ends_with("is left out: its name is not UTF-8"));
}

#[test]
fn limits() {
    let folder = tempfile::tempdir().unwrap();
    let full = fs::File::create(folder.path().join("a")).unwrap();
    full.set_len(MAX_VALUE).unwrap();
    assert!(read(folder.path()).is_ok());
    full.set_len(MAX_VALUE + 1).unwrap();
    assert!(matches!(read(folder.path()), Err(Failure::TooLong { .. })));

    full.set_len(MAX_VALUE).unwrap();
    for other in 1..=MAX_ALL as u64 / MAX_VALUE {
        fs::hard_link(folder.path().join("a"), folder.path().join(other.to_string())).unwrap();
    }
    assert!(matches!(read(folder.path()), Err(Failure::TooMuch { .. })));

    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("0");
    fs::write(&first, "").unwrap();
    for other in 1..10_000 {
        fs::hard_link(&first, folder.path().join(other.to_string())).unwrap();
    }
    assert_eq!(read(folder.path()).unwrap().entries.len(), 10_000);
    fs::write(folder.path().join(".one-more"), "").unwrap();
    assert!(matches!(read(folder.path()), Err(Failure::TooMany { .. })));
}

#[tokio::test]
async fn what_a_link_in_the_folder_leads_to_is_watched_as_well() {
    let mut folder = follow(|path| {
        let secrets = path.with_file_name("secrets");
        fs::create_dir(path).unwrap();
        fs::create_dir(&secrets).unwrap();
        fs::write(secrets.join("token"), "one").unwrap();
        symlink("../secrets/token", path.join("TOKEN")).unwrap();
    });
    folder.says(&[("TOKEN", "one")]).await;
    fs::write(folder.at("secrets/token"), "two, in place").unwrap();
    folder.says(&[("TOKEN", "two, in place")]).await;
    replace(&folder.at("secrets/token"), "three, another file");
    folder.says(&[("TOKEN", "three, another file")]).await;
    // The whole folder behind it.
    fs::create_dir(folder.at("fresh")).unwrap();
    fs::write(folder.at("fresh/token"), "four").unwrap();
    fs::rename(folder.at("secrets"), folder.at("old")).unwrap();
    folder.fails("TOKEN").await;
    fs::rename(folder.at("fresh"), folder.at("secrets")).unwrap();
    folder.says(&[("TOKEN", "four")]).await;
}
