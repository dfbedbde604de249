//! Disks that are full, directories that are not ours to write, and a death in the middle of a write. What needs another
//! process runs this very test in it, told by a variable.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{good, identity, open, until_problem};
use crate::machine::ledger::Good;
use crate::state::calendar::Calendar;
use crate::state::contents::Contents;
use crate::state::directory::Directory;
use crate::state::writer::{Wanted, Writer};

/// In the other process: the directory to work in.
const DIRECTORY: &str = "LICTOR_TEST_STATE";

fn other_process() -> Option<PathBuf> {
    std::env::var_os(DIRECTORY).map(PathBuf::from)
}

/// The arguments that run one test of this file.
fn only(test: &str) -> [String; 2] {
    ["--exact".to_owned(), format!("{}::{test}", module_path!().split_once("::").unwrap().1)]
}

/// Runs one test of this file in the other process, on this directory.
fn succeeds(command: &mut Command, test: &str, directory: &Path) {
    let output = command.args(only(test)).env(DIRECTORY, directory).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{}: {said}", output.status);
}

fn large(generation: u64) -> Good {
    good(&[("A", &vec![b'x'; 100_000])], generation)
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

async fn keep(directory: &Path, contents: &[Good]) {
    let state = open(directory, identity()).unwrap();
    state.keep_good(contents);
    state.close().await;
}

#[test]
fn a_full_disk_is_said_and_costs_nothing_that_was_there() {
    let kept = good(&[("A", b"x")], 1);
    if let Some(directory) = other_process() {
        return block_on(async {
            let state = open(&directory, identity()).unwrap();
            state.keep_good(&[large(2)]);
            let problem = until_problem(&state, |problem| problem.is_some()).await.unwrap();
            assert!(problem.contains("good.json: "), "{problem}");
            state.keep_quarantine(&[super::quarantined("small enough")]);
            state.close().await;
        });
    }
    let base = tempfile::tempdir().unwrap();
    block_on(keep(base.path(), std::slice::from_ref(&kept)));
    // No file may grow beyond some kilobytes: to the writer that is a disk that fills up in the middle.
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"";
    let mut shell = Command::new("/bin/sh");
    shell.args([OsStr::new("-c"), OsStr::new(script), std::env::current_exe().unwrap().as_os_str()]);
    succeeds(&mut shell, "a_full_disk_is_said_and_costs_nothing_that_was_there", base.path());
    let names = fs::read_dir(base.path()).unwrap().count();
    assert_eq!(names, 3, "beside the key: the half of a file was taken away again");
    block_on(async {
        let restored = open(base.path(), identity()).unwrap().load();
        assert_eq!((restored.good, restored.quarantine.len(), restored.warnings.len()), (vec![kept], 1, 0));
    });
}

#[test]
fn a_directory_that_cannot_be_written_is_read_all_the_same() {
    if let Some(directory) = other_process() {
        return block_on(async {
            let state = open(&directory, identity()).unwrap();
            let problem = state.problem().expect("it is known before anything is kept");
            assert!(problem.ends_with("Permission denied (os error 13)"), "{problem}");
            assert_eq!(state.load().good, [good(&[("A", b"x")], 1)]);
            state.keep_good(&[good(&[("A", b"y")], 2)]);
            until_problem(&state, |problem| problem.is_some_and(|text| text.contains("good.json"))).await;
            state.close().await;
        });
    }
    let base = tempfile::tempdir().unwrap();
    let directory = base.path().join("state");
    block_on(keep(&directory, &[good(&[("A", b"x")], 1)]));
    fs::set_permissions(&directory, std::os::unix::fs::PermissionsExt::from_mode(0o500)).unwrap();

    // Permissions do not stop root, so as root it is tried as somebody else, who needs to reach the program too.
    let program = base.path().join("test");
    // By another process: a descriptor of ours, open for writing, could be in a child of another test just now, and no
    // program can be run while there is one.
    let copied = Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&program).status().unwrap();
    assert!(copied.success(), "{copied}");
    let mut command = Command::new(&program);
    if rustix::process::geteuid().is_root() {
        for path in
            [base.path(), &directory, &directory.join("good.json"), &directory.join("fingerprint.key"), &program]
        {
            chown(path, Some(65534), Some(65534)).unwrap();
        }
        command.uid(65534).gid(65534);
    }
    command.current_dir("/");
    succeeds(&mut command, "a_directory_that_cannot_be_written_is_read_all_the_same", &directory);
}

#[test]
fn a_death_at_any_moment_leaves_a_file_that_can_be_read() {
    if let Some(directory) = other_process() {
        let directory = Directory::open(&directory).unwrap();
        for generation in 1.. {
            let contents = Contents::Good(Arc::new([large(generation)]));
            directory.lay(contents.name(), |out| contents.write(&identity(), &Calendar::now(), out)).unwrap();
            directory.sink(contents.name()).unwrap();
        }
    }
    let base = tempfile::tempdir().unwrap();
    let mut last = 0;
    for round in 0..15 {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(only("a_death_at_any_moment_leaves_a_file_that_can_be_read"))
            .env(DIRECTORY, base.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        kill_while_it_writes(child, &base.path().join("good.json"), Duration::from_micros(700 * round));
        block_on(async {
            let restored = open(base.path(), identity()).unwrap().load();
            assert_eq!(restored.warnings, Vec::<String>::new());
            assert_eq!(restored.good, [large(restored.good[0].generation.0)]);
            last = last.max(restored.good[0].generation.0);
        });
    }
    assert!(last > 1, "it was killed between one write and the next, and not before the first");
}

/// Kills it some time after the file has been replaced for the first time.
fn kill_while_it_writes(mut child: Child, file: &Path, after: Duration) {
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let (before, limit) = (changed(file), Instant::now() + Duration::from_mins(1));
    while changed(file) == before && Instant::now() < limit {
        std::thread::yield_now();
    }
    let begun = Instant::now();
    while begun.elapsed() < after {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(Instant::now() < limit, "it must write within a minute");
}

#[tokio::test]
async fn a_failure_is_tried_again_by_itself() {
    let base = tempfile::tempdir().unwrap();
    let path = base.path().join("state");
    let directory = Arc::new(Directory::open(&path).unwrap());
    // A folder in the place of the file cannot be replaced by one.
    fs::create_dir(path.join("good.json")).unwrap();
    let (wanted, wishes) = watch::channel(Wanted::default());
    let (problem, mut problems) = watch::channel(None);
    let mut writer = Writer::new(directory, Arc::new(identity()), wishes, problem, Duration::from_millis(5));
    let mut task = JoinSet::new();
    task.spawn(async move { writer.run().await });
    wanted.send_modify(|wanted| wanted.put(Contents::Good(Arc::new([good(&[], 1)]))));
    let minute = Duration::from_mins(1);
    tokio::time::timeout(minute, problems.wait_for(Option::is_some)).await.expect("it must fail").unwrap();
    fs::remove_dir(path.join("good.json")).unwrap();
    tokio::time::timeout(minute, problems.wait_for(Option::is_none)).await.expect("it must be mended").unwrap();
    assert!(path.join("good.json").is_file());
}
