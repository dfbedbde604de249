//! What may happen to the state directory: lictor runs on without it and says so.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use lictor::machine::Board;
use lictor::machine::board::Phase;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;

use crate::frozen::{Disk, is_root};
use crate::harness::lictor::{is_good, pid, said};
use crate::harness::program::OLD;
use crate::harness::{Lictor, Setup, eventually};

/// Puts something where it does not belong.
type Harm = fn(&Path);

fn setup() -> Setup {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    setup
}

fn works(lictor: &Lictor) {
    for greeting in ["good day", "hello"] {
        lictor.until_applied(|| lictor.setup().write("GREETING", greeting));
        assert_eq!(lictor.value("GREETING").as_deref(), Some(greeting));
    }
}

fn says(lictor: &Lictor, what: &str) {
    eventually(what, || lictor.log().contains(what).then_some(()));
}

#[test]
fn a_directory_that_is_deleted_under_it_is_missed_and_nothing_else() {
    let lictor = setup().start();
    lictor.until_good();
    // History may just be being written down.
    eventually("it is deleted", || fs::remove_dir_all(lictor.setup().path("state")).ok());
    works(&lictor);
    says(&lictor, "good.json");
    lictor.restart(Signal::TERM);
    lictor.until_good();
    eventually("it is made anew", || lictor.setup().path("state/good.json").exists().then_some(()));
}

#[test]
fn what_stands_in_the_place_of_the_files_is_not_followed() {
    let harms: [(&str, Harm); 7] = [
        ("a link", |file| symlink("/etc/passwd", file).unwrap()),
        ("a folder", |file| fs::create_dir_all(file.join("full")).unwrap()),
        ("a pipe", |file| mknodat(CWD, file, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap()),
        ("noise", |file| fs::write(file, [0xff; 5000]).unwrap()),
        ("a deep hole", |file| fs::write(file, "[".repeat(100_000)).unwrap()),
        ("a terabyte", |file| fs::File::create(file).unwrap().set_len(1 << 40).unwrap()),
        ("nothing", |file| fs::write(file, "").unwrap()),
    ];
    let lictor = setup().start();
    lictor.until_good();
    let before = fs::read("/etc/passwd").unwrap();
    for (name, harm) in harms {
        lictor.signal(Signal::TERM);
        lictor.ended();
        for file in ["good.json", "quarantine.json", "history.jsonl", "hold.json", "process.json"] {
            let file = lictor.setup().path("state").join(file);
            let _ = fs::remove_file(&file).or_else(|_| fs::remove_dir_all(&file));
            harm(&file);
        }
        let told = lictor.log().len();
        lictor.start();
        lictor.until_good();
        works(&lictor);
        assert!(lictor.log()[told..].contains("WARN"), "{name} is told: {}", lictor.log());
    }
    assert_eq!(fs::read("/etc/passwd").unwrap(), before);
}

#[test]
fn a_directory_that_cannot_be_is_told_and_done_without() {
    let harms: [(Harm, &str); 3] = [
        (|place| fs::write(place, "a file").unwrap(), "nothing is kept on disk"),
        (|place| symlink(place, place).unwrap(), "nothing is kept on disk"),
        // There it is, and no file can be made in it.
        (|place| symlink("/proc/self", place).unwrap(), "cannot write"),
    ];
    for (harm, told) in harms {
        let setup = setup();
        harm(&setup.path("state"));
        let lictor = setup.start();
        lictor.until_good();
        works(&lictor);
        says(&lictor, told);
        assert!(lictor.board().disk.is_some_and(|why| why.contains(told)), "on the board");
    }
}

/// Starts lictor in a mount namespace of its own, where its state directory is a small file system.
fn on_small_disk(lictor: &Lictor, options: &str) {
    let state = lictor.setup().path("state");
    fs::create_dir(&state).unwrap();
    let inner = lictor.setup().configured("run");
    let mut outer = Command::new("unshare");
    let script = "mount -t tmpfs -o \"$0\" none \"$1\" && shift && exec \"$@\"";
    // Who is not root becomes root in a namespace of users.
    let namespaces = if rustix::process::geteuid().is_root() { "-m" } else { "-rm" };
    outer
        .args([namespaces, "/bin/sh", "-c", script, options])
        .arg(&state)
        .arg(inner.get_program())
        .args(inner.get_args());
    outer.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer.current_dir(lictor.setup().folder()).stdin(Stdio::null());
    lictor.start_as(outer);
}

#[test]
fn a_full_disk_is_told_and_healed() {
    let lictor = setup().prepared();
    on_small_disk(&lictor, "size=32k,mode=700");
    let before = lictor.until_good();
    assert_eq!(before.disk, None);
    let board = lictor.until_applied(|| lictor.setup().write("BIG", "x".repeat(60_000)));
    says(&lictor, "No space left");
    assert_eq!(board.restarts, before.restarts + 1);
    let full = |board: &Board| {
        board.disk.as_ref().is_some_and(|why| why.contains("good.json") && why.contains("No space left"))
    };
    lictor.until("the full disk is on the board", full);
    assert!(said(&lictor.cli("status", &[])).contains("No space left"));
    assert_eq!(
        lictor.status(),
        (200, serde_json::json!({"Web": "Healthy", "version": OLD})),
        "it concerns nobody else"
    );
    // As soon as there is room, what is good is kept again.
    let state = lictor.setup().path("state");
    let state = Path::new("/proc").join(lictor.pid().to_string()).join("root").join(state.strip_prefix("/").unwrap());
    let kept = state.join("good.json");
    lictor.until_applied(|| fs::remove_file(lictor.setup().path("conf.d/BIG")).unwrap());
    for number in 0..5 {
        lictor.until_applied(|| lictor.setup().write("GREETING", format!("good day {number}")));
    }
    eventually("the newest is kept", || fs::read_to_string(&kept).ok()?.contains("good day 4").then_some(()));
    lictor.until("and nothing is to be said any more", |board| board.disk.is_none());
    eventually("not a line of history is lost", || {
        let told = lictor.cli("history", &["--json"]).stdout;
        (fs::read(state.join("history.jsonl")).ok()? == told).then_some(())
    });
    assert!(pid(&lictor.board()) > 0);
}

#[test]
fn a_disk_that_cannot_be_written_is_told() {
    let lictor = setup().prepared();
    on_small_disk(&lictor, "size=32k,mode=700,ro");
    lictor.until_good();
    says(&lictor, "nothing new is kept");
    works(&lictor);
    let told = |board: &Board| board.disk.as_ref().is_some_and(|why| why.contains("cannot write"));
    lictor.until("the read-only directory is on the board", told);
    assert_eq!(lictor.status().0, 200);
}

#[test]
fn a_state_directory_whose_disk_hangs_holds_up_nobody() {
    if !is_root() {
        return;
    }
    let disk = Disk::mounted();
    let state = format!("state {{\n  directory = \"{}\"\n}}\n", disk.path().join("state").display());
    let lictor = setup().config(&state).start();
    let before = lictor.until_good();
    disk.freeze();
    // Whatever has to be written: an operator's word, a good environment, history, and which process runs.
    let held = lictor.cli("hold", &["the disk"]);
    assert!(held.status.success(), "{}", said(&held));
    lictor.until("the hold is on the board", |board| board.hold.is_some());
    assert_eq!(lictor.get("/health").code, 200);
    assert!(lictor.cli("unhold", &[]).status.success());
    lictor.setup().write("GREETING", "good day");
    lictor.until("it runs on another environment", |board| {
        is_good(board) && board.config.fingerprint != before.config.fingerprint
    });
    let hangs = |board: &Board| board.disk.as_ref().is_some_and(|why| why.contains("does not answer"));
    lictor.until("the board says so", hangs);
    assert_eq!(lictor.get("/health").code, 200);
    disk.thaw();
    let board = lictor.until("the disk is well", |board| board.disk.is_none());
    let good = disk.path().join("state/good.json");
    let newest = board.config.fingerprint.unwrap().to_string();
    eventually("what is good is kept", || fs::read_to_string(&good).unwrap().contains(&newest).then_some(()));
    // And the next lictor finds its service.
    let process = pid(&board);
    lictor.restart(Signal::KILL);
    assert_eq!(pid(&lictor.until_good()), process);
}

#[test]
fn a_program_whose_disk_hangs_holds_up_nobody() {
    if !is_root() {
        return;
    }
    let disk = Disk::mounted();
    let file = disk.path().join("svc.env");
    let setup = setup().config(&format!("exec {{\n  env_file = \"{}\"\n}}\n", file.display()));
    let lictor = setup.start();
    lictor.until_good();
    disk.freeze();
    lictor.setup().write("GREETING", "good day");
    lictor.until("the service is being started on it", |board| board.phase == Phase::Starting);
    let asked = std::iter::repeat_with(|| lictor.get("/live").code).take(20);
    assert!(asked.into_iter().all(|code| code != 0), "it answers");
    assert!(lictor.cli("hold", &[]).status.success());
    disk.thaw();
    lictor.until("up again", |board| board.healthy && board.phase == Phase::Up);
}
