//! What may lie in a watched directory, or where a configuration should be: the service keeps what it has, and somebody
//! is told which file it is about.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use lictor::machine::Board;
use lictor::machine::board::ConfigState;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::harness::lictor::{finish, is_good, pid, said};
use crate::harness::{Lictor, Setup};

fn up() -> (Lictor, Board) {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    let lictor = setup.start();
    let board = lictor.until_good();
    (lictor, board)
}

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// Does something that makes the directory unreadable, sees that nothing is lost, and mends it.
fn survives(harm: impl FnOnce(&Path), mend: impl FnOnce(&Path)) {
    let (lictor, before) = up();
    let folder = lictor.setup().path("conf.d");
    harm(&folder);
    let board = lictor.until("it is told", |board| board.sources[0].freshness.error.is_some());
    let error = board.sources[0].freshness.error.clone().unwrap();
    assert!(error.contains(folder.to_str().unwrap()), "where: {error}");
    assert_eq!((pid(&board), board.healthy, board.restarts), (pid(&before), true, before.restarts));
    mend(&folder);
    lictor.until("it is whole again", |board| board.sources[0].freshness.error.is_none());
    let board = lictor.until_applied(|| lictor.setup().write("GREETING", "good day"));
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
    assert_eq!(board.restarts, before.restarts + 1);
}

#[test]
fn a_link_that_leads_in_a_circle_loses_nothing() {
    survives(
        |folder| symlink("LOOP", folder.join("LOOP")).unwrap(),
        |folder| fs::remove_file(folder.join("LOOP")).unwrap(),
    );
}

#[test]
fn a_link_that_leads_nowhere_loses_nothing() {
    survives(
        |folder| symlink("/nowhere/at/all", folder.join("KEY")).unwrap(),
        |folder| fs::remove_file(folder.join("KEY")).unwrap(),
    );
}

#[test]
fn a_value_that_nobody_could_mean_loses_nothing() {
    // Sparse: a terabyte to read, nothing on the disk.
    survives(
        |folder| fs::File::create(folder.join("HUGE")).unwrap().set_len(1 << 40).unwrap(),
        |folder| fs::remove_file(folder.join("HUGE")).unwrap(),
    );
}

#[test]
fn more_files_than_anybody_could_mean_lose_nothing() {
    let away = |folder: &Path| folder.with_extension("away");
    survives(
        |folder| {
            // Made elsewhere, so that all of them come at once.
            let many = folder.with_extension("many");
            fs::create_dir(&many).unwrap();
            (0..=10_000).for_each(|number| fs::write(many.join(format!("KEY_{number}")), "x").unwrap());
            fs::rename(folder, away(folder)).unwrap();
            fs::rename(many, folder).unwrap();
        },
        |folder| {
            fs::rename(folder, folder.with_extension("many")).unwrap();
            fs::rename(away(folder), folder).unwrap();
        },
    );
}

#[test]
fn a_file_in_the_place_of_the_directory_loses_nothing() {
    let away = |folder: &Path| folder.with_extension("away");
    survives(
        |folder| {
            fs::rename(folder, away(folder)).unwrap();
            fs::write(folder, "what is this").unwrap();
        },
        |folder| {
            fs::remove_file(folder).unwrap();
            fs::rename(away(folder), folder).unwrap();
        },
    );
}

#[test]
fn a_directory_that_is_deleted_and_made_anew_is_followed() {
    survives(
        |folder| fs::remove_dir_all(folder).unwrap(),
        |folder| {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("GREETING"), "hello").unwrap();
        },
    );
}

#[test]
fn what_is_no_file_is_left_out_and_named() {
    let (lictor, before) = up();
    let folder = lictor.setup().path("conf.d");
    fifo(&folder.join("PIPE"));
    let _socket = UnixListener::bind(folder.join("SOCKET")).unwrap();
    symlink("/dev/zero", folder.join("ZERO")).unwrap();
    symlink("..", folder.join("PARENT")).unwrap();
    fs::write(folder.join(std::ffi::OsStr::new("caf\u{e9}")), "x").unwrap();
    let board = lictor.until_applied(|| lictor.setup().write("GREETING", "good day"));
    let warnings = board.sources[0].freshness.warnings.join("\n");
    for name in ["PIPE", "SOCKET", "ZERO"] {
        assert!(warnings.contains(name), "{name} in {warnings}");
        assert_eq!(lictor.value(name), None);
    }
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
    assert!(board.restarts > before.restarts);
}

#[test]
fn many_keys_deep_folders_and_odd_names_reach_the_service_or_are_named() {
    use std::os::unix::ffi::OsStrExt;
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    let folder = setup.path("conf.d");
    (0..2000).for_each(|number| fs::write(folder.join(format!("KEY_{number}")), format!("{number}\n")).unwrap());
    fs::create_dir_all(folder.join("a/".repeat(200))).unwrap();
    fs::write(folder.join(std::ffi::OsStr::from_bytes(b"bad\xff\n")), "x").unwrap();
    fs::write(folder.join("A=B"), "x").unwrap();
    fs::write(folder.join("EMPTY"), "").unwrap();
    fs::write(folder.join("LONG"), vec![b'x'; 100_000]).unwrap();
    let lictor = setup.start();
    let board = lictor.until_good();
    assert_eq!(lictor.value("KEY_1999").as_deref(), Some("1999"));
    assert_eq!(lictor.value("EMPTY").as_deref(), Some(""));
    assert_eq!(lictor.value("LONG").map(|value| value.len()), Some(100_000));
    let warnings = board.sources[0].freshness.warnings.join("; ");
    assert!(warnings.contains("not UTF-8"), "{warnings}");
    assert!(lictor.log().contains("A=B"), "{}", lictor.log());
    let shown = said(&lictor.cli("status", &[]));
    assert!(!shown.lines().any(|line| line.starts_with(" is left out")), "a name cannot begin a line: {shown}");
}

#[test]
fn a_key_that_no_process_can_have_is_rejected_and_mended() {
    for value in [b"re\0d".to_vec(), vec![b'x'; 200_000]] {
        let (lictor, before) = up();
        lictor.setup().write("COLOUR", &value);
        let board = lictor.until("rejected", |board| board.config.state == ConfigState::Rejected);
        assert_eq!((pid(&board), board.healthy), (pid(&before), true));
        lictor.setup().write("COLOUR", "red");
        lictor.until("mended", |board| is_good(board) && lictor.value("COLOUR").as_deref() == Some("red"));
    }
}

/// Makes something at a path.
type Make<'a> = &'a dyn Fn(&Path);

#[test]
fn what_is_no_configuration_is_refused_by_name() {
    let setup = Setup::on_directory();
    let binary: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let cases: [(&str, Make<'_>); 8] = [
        ("binary.hcl", &|path| fs::write(path, &binary).unwrap()),
        ("nul.hcl", &|path| fs::write(path, "name = \"a\0b\"\n").unwrap()),
        ("huge.hcl", &|path| fs::File::create(path).unwrap().set_len(1 << 40).unwrap()),
        ("long.hcl", &|path| fs::write(path, "# x\n".repeat(50_000)).unwrap()),
        ("deep.json", &|path| fs::write(path, "{\"a\":".repeat(20_000)).unwrap()),
        ("deep.hcl", &|path| fs::write(path, format!("a = {}", "[".repeat(20_000))).unwrap()),
        ("loop.hcl", &|path| symlink(path.file_name().unwrap(), path).unwrap()),
        ("missing.hcl", &|_| ()),
    ];
    for (name, make) in cases {
        let path = setup.path(name);
        make(&path);
        for verb in ["check", "run"] {
            let mut command = setup.configured(verb);
            command.arg("-c").arg(&path);
            let output = finish(command);
            assert_eq!(output.status.code(), Some(78), "{verb} {name}: {}", said(&output));
            assert!(said(&output).contains(name), "{verb}: {name} is not named: {}", said(&output));
            assert!(said(&output).len() < 2000, "{verb} {name}: {}", said(&output));
        }
    }
    let endless = finish({
        let mut command = setup.configured("check");
        command.args(["-c", "/dev/zero"]);
        command
    });
    assert_eq!(endless.status.code(), Some(78), "{}", said(&endless));
}

#[test]
fn what_lies_in_a_directory_of_configuration_beside_files_is_passed_over() {
    let setup = Setup::on_directory();
    let folder = setup.path("etc");
    fs::create_dir(&folder).unwrap();
    fifo(&folder.join("pipe.hcl"));
    fs::create_dir(folder.join("folder.hcl")).unwrap();
    symlink("loop.hcl", folder.join("loop.hcl")).unwrap();
    fs::write(folder.join(".hidden.hcl"), "what is this").unwrap();
    fs::write(folder.join("good.hcl"), "upcase = true\n").unwrap();
    let mut command = setup.configured("check");
    command.arg("-c").arg(&folder);
    let output = finish(command);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn lines_of_a_file_that_are_left_out_are_said_by_whatever_reads_it() {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    let file = setup.path("app.env");
    fs::write(&file, "\u{feff}FIRST=1\nexport SECOND=2\nCOLOUR=red\n").unwrap();
    let setup = setup.config(&format!("file {{\n  path = \"{}\"\n}}\n", file.display()));
    let lines: Vec<_> = [1, 2].map(|line| format!("{}: line {line} is ignored: what stands", file.display())).into();
    let says = |words: &[&str], what: &str, text: &str| {
        for line in &lines {
            assert!(text.contains(line.as_str()), "{words:?}, {what}: {line} is not said:\n{text}");
        }
    };
    for words in [&["check"][..], &["plan"], &["run", "--once", "--", "sh", "-c", "echo $COLOUR$FIRST$SECOND"]] {
        let mut command = setup.configured(words[0]);
        command.args(&words[1..]);
        let output = finish(command);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", said(&output));
        says(words, "at the command line", &said(&output));
        if words[0] == "run" {
            assert_eq!(output.stdout, b"red\n", "and they are left out");
        }
    }
    let lictor = setup.start();
    let board = lictor.until_good();
    says(&["run"], "on the board", &board.sources[1].freshness.warnings.join("\n"));
}
