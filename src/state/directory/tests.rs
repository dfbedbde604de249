use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode};

use super::{Directory, GOOD, PROCESS};
use crate::state::Error;
use crate::state::trust::LARGEST;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn it_is_made_for_us_alone_with_its_parents() {
    let base = tempfile::tempdir().unwrap();
    let path = base.path().join("a/b");
    let directory = Directory::open(&path).unwrap();
    assert_eq!((mode(&path), mode(&base.path().join("a"))), (0o700, 0o700));
    directory.replace(GOOD, b"x").unwrap();
    assert_eq!(mode(&path.join(GOOD)), 0o600);
    let names: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [GOOD], "nothing else is written");
}

#[test]
fn one_lictor_at_a_time() {
    let base = tempfile::tempdir().unwrap();
    let first = Directory::open(base.path()).unwrap();
    assert!(matches!(Directory::open(base.path()), Err(Error::Locked { .. })));
    let in_a_child = first.fd.try_clone().unwrap();
    drop(first);
    Directory::open(base.path()).unwrap();
    drop(in_a_child);
}

#[test]
fn a_file_is_replaced_whole_and_leftovers_do_not_matter() {
    let base = tempfile::tempdir().unwrap();
    let directory = Directory::open(base.path()).unwrap();
    assert_eq!(directory.read(GOOD), Ok(None));
    directory.replace(GOOD, b"one").unwrap();
    fs::write(base.path().join("good.json.new"), b"half of something").unwrap();
    directory.replace(GOOD, b"two").unwrap();
    assert_eq!(directory.read(GOOD), Ok(Some(b"two".to_vec())));
    assert!(!base.path().join("good.json.new").exists());
}

fn lay(directory: &Directory, contents: &[u8]) {
    directory.lay(GOOD, |out| std::io::Write::write_all(out, contents)).unwrap();
}

/// What a power cut finds is what has been forced to the disk. So nothing else may be renamed over the file.
#[test]
fn what_is_laid_and_not_on_the_disk_yet_never_takes_the_file_s_place() {
    let base = tempfile::tempdir().unwrap();
    let directory = Directory::open(base.path()).unwrap();
    directory.replace(GOOD, b"[1]").unwrap();
    let inode = || fs::metadata(base.path().join(GOOD)).unwrap().ino();
    let durable = inode();
    for newer in [&b"[2]"[..], b"[3]"] {
        lay(&directory, newer);
        assert_eq!((directory.read(GOOD), inode()), (Ok(Some(b"[1]".to_vec())), durable));
    }
    directory.sink(GOOD).unwrap();
    assert_eq!(directory.read(GOOD), Ok(Some(b"[3]".to_vec())), "the newest, once it is on the disk");
    directory.sink(GOOD).unwrap();
    assert_eq!(directory.read(GOOD), Ok(Some(b"[3]".to_vec())), "nothing new: nothing is done");
}

#[test]
fn an_older_version_never_takes_the_place_of_a_newer_one() {
    let base = tempfile::tempdir().unwrap();
    let (file, sinking) = (base.path().join(GOOD), base.path().join("good.json.sync"));
    let begun = || {
        let directory = Directory::open(base.path()).unwrap();
        directory.replace(GOOD, b"[1]").unwrap();
        // [2] is on its way to the disk, which takes its time, when [3] is laid.
        lay(&directory, b"[2]");
        fs::rename(base.path().join("good.json.new"), &sinking).unwrap();
        lay(&directory, b"[3]");
        directory
    };
    // The disk comes round.
    let directory = begun();
    directory.settle("good.json.sync", GOOD).unwrap();
    directory.sink(GOOD).unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"[3]");
    drop(directory);
    // lictor is killed before that: whatever the disk has done by then, the newest is what is found.
    for disk_was_done in [false, true] {
        drop(directory_of_another_life(&begun, disk_was_done));
        assert_eq!(fs::read(&file).unwrap(), b"[3]", "{disk_was_done}");
        assert!(!sinking.exists());
    }
    // Half of [3] is no version: [2] is.
    drop(begun());
    fs::write(base.path().join("good.json.new"), b"[3").unwrap();
    drop(Directory::open(base.path()).unwrap());
    assert_eq!(fs::read(&file).unwrap(), b"[2]");
}

fn directory_of_another_life(begun: &impl Fn() -> Directory, disk_was_done: bool) -> Directory {
    let directory = begun();
    if disk_was_done {
        directory.settle("good.json.sync", GOOD).unwrap();
    }
    let path = directory.path().to_owned();
    drop(directory);
    Directory::open(&path).unwrap()
}

#[test]
fn what_is_written_in_place_is_there_alone_whatever_was_there() {
    let base = tempfile::tempdir().unwrap();
    let directory = Directory::open(base.path()).unwrap();
    let there = || String::from_utf8(directory.read(PROCESS).unwrap().unwrap()).unwrap();
    for contents in ["[1, 2]", "[1]"] {
        directory.overwrite(PROCESS, contents.as_bytes()).unwrap();
        assert_eq!(there().trim_end(), contents, "a longer one leaves nothing behind");
    }
    let inode = || fs::metadata(base.path().join(PROCESS)).unwrap().ino();
    let before = inode();
    directory.overwrite(PROCESS, b"[2]").unwrap();
    assert_eq!(inode(), before, "it is the same file");
    directory.overwrite(PROCESS, "x".repeat(5_000).as_bytes()).unwrap();
    assert_eq!(there(), "x".repeat(5_000), "what does not fit is no less kept");
    directory.overwrite(PROCESS, b"[3]").unwrap();
    assert_eq!(there().trim_end(), "[3]");
    assert_eq!(mode(&base.path().join(PROCESS)), 0o600);
}

#[test]
fn what_is_not_ours_is_not_written_over_but_replaced() {
    let base = tempfile::tempdir().unwrap();
    let directory = Directory::open(base.path()).unwrap();
    let (path, victim) = (base.path().join(PROCESS), base.path().join("victim"));
    fs::write(&victim, "of another").unwrap();
    symlink(&victim, &path).unwrap();
    directory.overwrite(PROCESS, b"[1]").unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"of another");
    fs::remove_file(&path).unwrap();
    rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    directory.overwrite(PROCESS, b"[2]").unwrap();
    assert_eq!(directory.read(PROCESS).unwrap().unwrap(), b"[2]");
}

#[test]
fn a_link_in_the_place_of_the_new_file_is_not_followed() {
    let base = tempfile::tempdir().unwrap();
    let victim = base.path().join("victim");
    fs::write(&victim, b"precious").unwrap();
    let directory = Directory::open(&base.path().join("state")).unwrap();
    symlink(&victim, base.path().join("state/good.json.new")).unwrap();
    directory.replace(GOOD, b"x").unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert_eq!(directory.read(GOOD), Ok(Some(b"x".to_vec())));
}

#[test]
fn what_others_could_have_written_is_not_believed() {
    let base = tempfile::tempdir().unwrap();
    let directory = Directory::open(base.path()).unwrap();
    let file = base.path().join(GOOD);
    let refused = || directory.read(GOOD).expect_err("it must be refused");

    symlink("/etc/hostname", &file).unwrap();
    assert_eq!(refused(), "it is a symbolic link");
    fs::remove_file(&file).unwrap();
    rustix::fs::mknodat(CWD, &file, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert_eq!(refused(), "it is not a regular file");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert_eq!(refused(), "it is not a regular file");
    fs::remove_dir(&file).unwrap();
    fs::write(&file, b"{}").unwrap();
    set_mode(&file, 0o660);
    assert_eq!(refused(), "others than its owner may write it");
    set_mode(&file, 0o600);
    assert_eq!(directory.read(GOOD), Ok(Some(b"{}".to_vec())));
    fs::File::create(&file).unwrap().set_len(LARGEST + 1).unwrap();
    assert_eq!(refused(), "it is larger than 64 MiB");
}

#[test]
fn the_rights_of_others_are_taken_away_only_where_nothing_but_ours_lies() {
    let base = tempfile::tempdir().unwrap();
    set_mode(base.path(), 0o777);
    fs::write(base.path().join("quarantine.json.new"), b"").unwrap();
    drop(Directory::open(base.path()).unwrap());
    assert_eq!(mode(base.path()), 0o700);

    fs::write(base.path().join("precious"), b"").unwrap();
    set_mode(base.path(), 0o755);
    drop(Directory::open(base.path()).unwrap());
    assert_eq!(mode(base.path()), 0o755, "others may look, and that is theirs to decide");
    set_mode(base.path(), 0o1777);
    assert!(matches!(Directory::open(base.path()), Err(Error::Exposed { .. })));
    assert_eq!(mode(base.path()), 0o1777);
}

#[test]
fn a_directory_that_cannot_be_is_a_clear_error() {
    let base = tempfile::tempdir().unwrap();
    let file = base.path().join("file");
    fs::write(&file, b"").unwrap();
    for path in [file.as_path(), &file.join("below")] {
        let error = Directory::open(path).unwrap_err();
        assert!(matches!(error, Error::Create { .. }), "{error:?}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}

#[test]
fn somebody_elses_directory_is_refused() {
    let base = tempfile::tempdir().unwrap();
    let path = if rustix::process::geteuid().is_root() {
        chown(base.path(), Some(65534), None).unwrap();
        base.path()
    } else {
        Path::new("/")
    };
    assert!(matches!(Directory::open(path), Err(Error::Foreign { .. })));
    assert!(matches!(Directory::look(path), Err(Error::Foreign { .. })));
}

/// Needs root: otherwise nothing belongs to anybody else, and it is refused like any other.
#[test]
fn root_may_look_into_somebody_else_s_directory_and_trusts_the_files_of_its_owner_alone() {
    let base = tempfile::tempdir().unwrap();
    if !rustix::process::geteuid().is_root() {
        assert!(matches!(Directory::look_to_show(Path::new("/")), Err(Error::Foreign { .. })));
        return;
    }
    Directory::open(base.path()).unwrap().replace(GOOD, b"x").unwrap();
    chown(base.path(), Some(65534), None).unwrap();
    let read = || Directory::look_to_show(base.path()).unwrap().unwrap().read(GOOD);
    assert!(read().unwrap_err().contains("it belongs to uid 0"), "a file that its owner did not write");
    chown(base.path().join(GOOD), Some(65534), None).unwrap();
    assert_eq!(read(), Ok(Some(b"x".to_vec())));
    // What the owner has put there leads nowhere else.
    fs::remove_file(base.path().join(GOOD)).unwrap();
    symlink("/etc/passwd", base.path().join(GOOD)).unwrap();
    assert_eq!(read(), Err("it is a symbolic link".to_owned()));
}
