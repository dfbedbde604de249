use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::spawn;
use crate::environment::Snapshot;
use crate::source::Kind;
use crate::source::watched::testing::{replace, says, spec, until_fails, until_says};

struct Followed {
    around: TempDir,
    seen: watch::Receiver<Arc<Snapshot>>,
    _tasks: JoinSet<()>,
}

/// Follows `name` in a folder of its own, after `prepare` was there.
fn follow(name: &str, prepare: impl FnOnce(&Path)) -> Followed {
    let around = tempfile::tempdir().unwrap();
    prepare(around.path());
    let path = around.path().join(name);
    let mut tasks = JoinSet::new();
    let seen = spawn(&mut tasks, &spec(Kind::File(path.clone())), &path);
    Followed { around, seen, _tasks: tasks }
}

impl Followed {
    fn at(&self, name: &str) -> PathBuf {
        self.around.path().join(name)
    }

    async fn says(&mut self, expected: &[(&str, &str)]) -> Arc<Snapshot> {
        until_says(&mut self.seen, expected).await
    }
}

#[tokio::test]
async fn every_way_of_writing_is_seen() {
    let mut file = follow("app.env", |around| fs::write(around.join("app.env"), "A=1\nB='x y'\nA=2\n").unwrap());
    file.says(&[("A", "2"), ("B", "x y")]).await;
    // Truncate and write.
    fs::write(file.at("app.env"), "A=3\n").unwrap();
    file.says(&[("A", "3")]).await;
    // Replace by rename, and a second time: the first inode is gone by then.
    replace(&file.at("app.env"), "A=4\n");
    file.says(&[("A", "4")]).await;
    replace(&file.at("app.env"), "A=5\n");
    file.says(&[("A", "5")]).await;
    // Append in place.
    fs::OpenOptions::new().append(true).open(file.at("app.env")).unwrap().write_all(b"B=1\n").unwrap();
    file.says(&[("A", "5"), ("B", "1")]).await;
}

#[tokio::test]
async fn links_are_followed_and_their_swap_is_seen() {
    let mut file = follow("app.env", |around| {
        for release in ["r1", "r2"] {
            fs::create_dir(around.join(release)).unwrap();
            fs::write(around.join(release).join("app.env"), format!("R={release}")).unwrap();
        }
        symlink("r1", around.join("current")).unwrap();
        symlink("current/app.env", around.join("app.env")).unwrap();
    });
    file.says(&[("R", "r1")]).await;
    symlink("r2", file.at("link")).unwrap();
    fs::rename(file.at("link"), file.at("current")).unwrap();
    file.says(&[("R", "r2")]).await;
    replace(&file.at("r2/app.env"), "R=edited");
    file.says(&[("R", "edited")]).await;
}

#[tokio::test]
async fn a_file_may_come_later_and_its_folders_too() {
    let mut file = follow("a/b/app.env", |_| {});
    let missing = until_fails(&mut file.seen, "app.env does not exist").await;
    assert_eq!(missing.entries, None);
    fs::create_dir_all(file.at("a/b")).unwrap();
    fs::write(file.at("a/b/app.env"), "A=1").unwrap();
    file.says(&[("A", "1")]).await;
    fs::remove_file(file.at("a/b/app.env")).unwrap();
    let gone = until_fails(&mut file.seen, "does not exist").await;
    assert!(says(&gone, &[("A", "1")]), "what was read last stays");
}

#[tokio::test]
async fn a_file_that_is_no_environment_file() {
    let mut file = follow("app.env", |around| fs::write(around.join("app.env"), "A=1\nexport B=2\n").unwrap());
    let read = file.says(&[("A", "1")]).await;
    assert!(read.freshness.warnings[0].contains("app.env: line 2 is ignored"));
    fs::write(file.at("app.env"), b"A=1\0").unwrap();
    let failed = until_fails(&mut file.seen, "app.env is not an environment file: line 1 has a NUL byte").await;
    assert!(says(&failed, &[("A", "1")]));
}

#[tokio::test]
async fn a_folder_two_levels_up_that_is_renamed_is_seen() {
    let mut file = follow("a/b/c/app.env", |around| {
        for (folder, text) in [("a/b/c", "A=1"), ("new/b/c", "A=2")] {
            fs::create_dir_all(around.join(folder)).unwrap();
            fs::write(around.join(folder).join("app.env"), text).unwrap();
        }
    });
    file.says(&[("A", "1")]).await;
    fs::rename(file.at("a"), file.at("old")).unwrap();
    until_fails(&mut file.seen, "does not exist").await;
    fs::rename(file.at("new"), file.at("a")).unwrap();
    file.says(&[("A", "2")]).await;
    fs::rename(file.at("a/b"), file.at("a/away")).unwrap();
    until_fails(&mut file.seen, "does not exist").await;
}
