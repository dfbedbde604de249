//! How lictor may be started: streams closed or full, signals blocked or ignored, few descriptors, a full environment.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::harness::lictor::{finish, pid, said};
use crate::harness::{Lictor, Setup, eventually, processes};

/// Starts lictor through a shell (or another program) that harms itself first and then becomes lictor.
fn through(harm: &[&str], settings: &str) -> Lictor {
    let setup = Setup::on_directory().checked().config(settings);
    setup.write("GREETING", "hello");
    let lictor = setup.prepared();
    lictor.start_as(wrapped(lictor.setup(), harm));
    lictor
}

fn wrapped(setup: &Setup, harm: &[&str]) -> Command {
    let inner = setup.configured("run");
    let mut outer = Command::new(harm[0]);
    outer.args(&harm[1..]).arg(inner.get_program()).args(inner.get_args());
    outer.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer.current_dir(setup.folder()).stdin(Stdio::null());
    outer
}

/// It supervises, follows a change, passes a signal on, and ends in good order.
fn works(lictor: &Lictor) {
    lictor.until_good();
    lictor.until_applied(|| lictor.setup().write("GREETING", "good day"));
    lictor.signal(Signal::USR1);
    eventually("USR1 reaches the service", || lictor.lines("signals").contains(&"USR1".to_owned()).then_some(()));
    lictor.signal(Signal::TERM);
    assert_eq!(lictor.ended().code(), Some(0), "{}", lictor.log());
    // A reader of the log that was there before lictor is not the service's, and is left alone.
    let mut left = processes::naming(lictor.setup().folder());
    for reader in left.extract_if(.., |process| is_reader(&process.command)) {
        processes::signal(reader.pid, Signal::KILL);
    }
    assert!(left.is_empty(), "left behind: {left:?}");
}

fn is_reader(command: &str) -> bool {
    command.starts_with("sleep 100")
}

#[test]
fn closed_streams_are_borne() {
    for closed in ["exec \"$@\" <&-", "exec \"$@\" <&- >&- 2>&-", "exec \"$@\" 2>&-", "exec \"$@\" >/dev/full 2>&1"] {
        works(&through(&["/bin/sh", "-c", closed, "sh"], ""));
    }
}

#[test]
fn a_reader_of_the_log_that_went_away_is_borne() {
    works(&through(&["/bin/bash", "-c", "exec \"$@\" > >(exit) 2>&1", "bash"], ""));
}

#[test]
fn a_reader_of_the_log_that_never_reads_is_borne() {
    works(&through(
        &["/bin/bash", "-c", "exec \"$@\" 2> >(exec sleep 100) >/dev/null", "bash"],
        "log {\n  level = \"trace\"\n}\n",
    ));
}

#[test]
fn an_error_that_nobody_can_hear_is_an_exit_code_all_the_same() {
    for (streams, arguments) in
        [(">/dev/full 2>&1", "-c /nowhere.hcl"), ("2> >(exit)", "-c /nowhere.hcl"), (">&- 2>&-", "-c /nowhere.hcl")]
    {
        let setup = Setup::on_directory();
        let lictor = setup.command("run").get_program().to_owned();
        for verb in ["run", "check"] {
            let mut command = Command::new("/bin/bash");
            // Long enough for the reader to be gone.
            let script = format!("exec {streams}; sleep 0.1; \"$0\" {verb} {arguments}");
            command.arg("-c").arg(script).arg(&lictor);
            let output = finish(command);
            assert_eq!(output.status.code(), Some(78), "{streams} {verb}: {}", said(&output));
        }
    }
}

#[test]
fn blocked_and_ignored_signals_are_taken_back() {
    works(&through(&["/bin/sh", "-c", "trap '' TERM INT HUP USR1 USR2 QUIT CHLD PIPE; exec \"$@\"", "sh"], ""));
    let block = "import os,signal,sys; signal.pthread_sigmask(signal.SIG_BLOCK, range(1,65)); os.execv(sys.argv[1], sys.argv[1:])";
    works(&through(&["python3", "-c", block], ""));
}

#[test]
fn few_descriptors_are_enough() {
    works(&through(&["/bin/sh", "-c", "ulimit -n 32; exec \"$@\"", "sh"], ""));
}

#[test]
fn too_few_descriptors_are_refused_at_the_start() {
    let setup = Setup::on_directory();
    for few in [6, 16, 31] {
        let limited = format!("ulimit -n {few}; exec \"$@\"");
        let output = finish(wrapped(&setup, &["/bin/sh", "-c", &limited, "sh"]));
        assert_eq!(output.status.code(), Some(78), "{}", said(&output));
        assert!(said(&output).contains("LimitNOFILE"), "{}", said(&output));
    }
}

#[test]
fn a_flood_of_connections_on_few_descriptors_takes_nothing_from_the_service() {
    let lictor = through(&["/bin/sh", "-c", "ulimit -n 40; exec \"$@\"", "sh"], "");
    let before = lictor.until_good();
    let address = (lictor.setup().host(), 8127);
    let flood: Vec<_> = (0..100).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
    // What is wanted changes while there is no descriptor to spare.
    lictor.setup().write("GREETING", "good day");
    drop(flood);
    let board = lictor.until("applied", |board| {
        crate::harness::lictor::is_good(board) && board.config.fingerprint != before.config.fingerprint
    });
    assert_ne!(pid(&board), pid(&before));
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
}

#[test]
fn a_full_environment_is_passed_on() {
    let mut setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    for number in 0..400 {
        setup = setup.variable(&format!("INHERITED_{number}"), &"x".repeat(2000));
    }
    let lictor = setup.start();
    lictor.until_good();
    assert_eq!(lictor.value("INHERITED_399").map(|value| value.len()), Some(2000));
}

#[test]
fn variables_that_are_not_utf8_are_passed_on() {
    use std::os::unix::ffi::OsStrExt;
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    let lictor = setup.prepared();
    let mut command = lictor.setup().configured("run");
    command.env("RAW", std::ffi::OsStr::from_bytes(b"\xff\xfe")).env(std::ffi::OsStr::from_bytes(b"\xff"), "name");
    lictor.start_as(command);
    let board = lictor.until_good();
    let environment = fs::read(format!("/proc/{}/environ", pid(&board))).unwrap();
    assert!(environment.split(|byte| *byte == 0).any(|variable| variable == b"RAW=\xff\xfe"));
}

#[test]
fn a_folder_that_is_gone_under_lictor_is_borne() {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    let lictor = setup.prepared();
    let gone = lictor.setup().path("gone");
    fs::create_dir(&gone).unwrap();
    let mut command = wrapped(lictor.setup(), &["/bin/sh", "-c", "rmdir ../gone; exec \"$@\"", "sh"]);
    command.current_dir(&gone).process_group(0);
    lictor.start_as(command);
    works(&lictor);
}

#[test]
fn rights_that_are_taken_away_lose_nothing() {
    // Even root is refused without its capabilities.
    let root = rustix::process::geteuid().is_root();
    let lictor = through(if root { &["setpriv", "--bounding-set=-all"] } else { &["/usr/bin/env"] }, "");
    let before = lictor.until_good();
    let allow = |path: &str, mode| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(lictor.setup().path(path), mode).unwrap();
    };
    for path in ["conf.d", "conf.d/GREETING"] {
        allow(path, 0o000);
        lictor.setup().write("TOUCHED", path);
        let board = lictor.until("it is told", |board| board.sources[0].freshness.error.is_some());
        let freshness = &board.sources[0].freshness;
        assert_eq!(freshness.class.as_deref(), Some("denied"), "{freshness:?}");
        assert_eq!((pid(&board), board.healthy), (pid(&before), true));
        allow(path, 0o700);
        fs::remove_file(lictor.setup().path("conf.d/TOUCHED")).unwrap();
        lictor.until("it is read again", |board| board.sources[0].freshness.error.is_none());
    }
    works(&lictor);
}

#[test]
fn what_does_not_fit_beside_the_inherited_environment_is_taken_back() {
    // The sources alone would fit, and so would what is inherited.
    let mut setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    for number in 0..100 {
        setup = setup.variable(&format!("INHERITED_{number}"), &"x".repeat(12_000));
    }
    let lictor = setup.start();
    let good = lictor.until_good();
    // Made elsewhere, so that all of them come at once.
    let (here, away, more) = (lictor.setup().path("conf.d"), lictor.setup().path("away"), lictor.setup().path("more"));
    fs::create_dir(&more).unwrap();
    fs::write(more.join("GREETING"), "hello").unwrap();
    (0..9).for_each(|number| fs::write(more.join(format!("BIG_{number}")), "x".repeat(120_000)).unwrap());
    fs::rename(&here, &away).unwrap();
    fs::rename(&more, &here).unwrap();
    let board = lictor.until("refused or taken back", |board| {
        board.healthy
            && board.candidate.is_none()
            && board.config.fingerprint == good.config.fingerprint
            && board.config.message.is_some()
    });
    let message = board.config.message.unwrap();
    assert!(message.to_lowercase().contains("too long") || message.contains("BIG"), "what is wrong: {message}");
    fs::rename(&here, &more).unwrap();
    fs::rename(&away, &here).unwrap();
    works(&lictor);
}
