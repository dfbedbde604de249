//! What a service may do to its supervisor: it is stopped and started all the same, and nothing of it is left.

use std::fs;

use lictor::machine::board::Phase;
use rustix::process::Signal;

use crate::harness::lictor::{is_good, pid};
use crate::harness::{Lictor, Setup, eventually, processes};

/// A service that is this shell script; it runs without checks.
fn script(text: &str) -> Lictor {
    let setup = Setup::on_directory();
    setup.write("GREETING", "hello");
    fs::write(setup.path("script"), format!("#!/bin/bash\n{text}\n")).unwrap();
    let run = format!("exec {{\n  command = [\"/bin/bash\", \"{}\"]\n}}\n", setup.path("script").display());
    setup.config(&run).start()
}

fn restarts_and_stops(lictor: &Lictor) {
    let before = lictor.until_good();
    let board = lictor.until("another process on another environment", {
        lictor.setup().write("GREETING", "good day");
        move |board| is_good(board) && board.config.fingerprint != before.config.fingerprint
    });
    assert_ne!(Some(pid(&board)), before.process.and_then(|process| process.pid));
    lictor.signal(Signal::TERM);
    assert_eq!(lictor.ended().code(), Some(0), "{}", lictor.log());
    let left = processes::naming(lictor.setup().folder());
    assert!(left.is_empty(), "left behind: {left:?}\n{}", lictor.log());
}

#[test]
fn a_service_that_forks_wildly_is_swept_up() {
    restarts_and_stops(&script(
        "trap '' TERM\nfor i in $(seq 150); do (trap '' TERM; exec sleep 1000) & done\n\
         for i in $(seq 50); do setsid bash -c 'trap \"\" TERM HUP; exec sleep 1000' & done\nexec sleep 1000",
    ));
}

#[test]
fn a_service_that_goes_on_forking_while_it_is_killed_is_swept_up() {
    // Each one leaves a child behind and ends, as fast as it can.
    let chain = "trap '' TERM HUP\nif [ \"$1\" = next ]; then sleep 0.02; setsid bash \"$0\" next & exit; fi\n\
                 setsid bash \"$0\" next &\nexec sleep 1000";
    restarts_and_stops(&script(chain));
}

#[test]
fn a_service_that_writes_without_end_holds_up_nobody() {
    let lictor = script("exec yes 'a line of a service that never stops talking' > /dev/stderr");
    let board = lictor.until_good();
    assert_eq!(lictor.get("/status").code, 200);
    // The log of this test grows by the second.
    processes::signal(pid(&board), Signal::STOP);
    lictor.signal(Signal::TERM);
    assert_eq!(lictor.ended().code(), Some(0));
    fs::remove_file(lictor.setup().path("log")).unwrap();
}

#[test]
fn a_service_that_leaves_its_group_is_stopped() {
    restarts_and_stops(&script("setsid -f bash -c 'trap \"\" TERM; exec sleep 1000'; exec setsid -w sleep 1000"));
    restarts_and_stops(&script(
        "exec python3 -c 'import os, time\nos.setpgid(0, 0) if os.getpgid(0) != os.getpid() else None\n\
         if os.fork() == 0:\n os.setpgid(0, 0)\n time.sleep(1000)\ntime.sleep(1000)'",
    ));
}

#[test]
fn a_service_that_joins_the_group_of_lictor_is_stopped_and_lictor_lives() {
    restarts_and_stops(&script(
        "exec python3 -c 'import os, time\nos.setsid() if False else None\nif os.fork() == 0:\n os.setpgid(0, os.getpgid(os.getppid()))\n time.sleep(1000)\ntime.sleep(1000)'",
    ));
}

#[test]
fn a_service_that_stops_itself_is_stopped_for_good_when_asked() {
    let lictor = script("kill -STOP $$\nexec sleep 1000");
    lictor.until("it runs", |board| board.process.as_ref().is_some_and(|process| process.pid.is_some()));
    restarts_and_stops(&lictor);
}

#[test]
fn a_service_that_stops_lictor_is_survived() {
    let lictor = script("kill -STOP $PPID; sleep 0.3; kill -CONT $PPID; exec sleep 1000");
    restarts_and_stops(&lictor);
}

#[test]
fn a_service_that_hangs_up_its_supervisor_does_not_end_it() {
    // All that a child may send to its parent without meaning to end it.
    restarts_and_stops(&script(
        "for s in HUP USR1 USR2 WINCH CONT CHLD PIPE ALRM URG IO; do trap '' $s; kill -$s $PPID; done; exec sleep 1000",
    ));
}

#[test]
fn a_service_that_removes_its_own_program_backs_off_until_it_is_back() {
    let setup = Setup::on_directory();
    setup.write("GREETING", "hello");
    let program = setup.path("script");
    let text = "#!/bin/bash\nrm \"$0\"\nexec sleep 1000\n";
    let place = |text: &str| {
        fs::write(&program, text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&program, mode).unwrap();
    };
    place(text);
    let lictor = setup.config(&format!("exec {{\n  command = [\"{}\"]\n}}\n", program.display())).start();
    let board = lictor.until_good();
    assert!(!program.exists());
    processes::signal(pid(&board), Signal::KILL);
    let board = lictor.until("it cannot be started", |board| board.phase == Phase::BackingOff);
    assert!(board.last_exit.is_some());
    place("#!/bin/bash\nexec sleep 1000\n");
    lictor.until_good();
}

#[test]
fn a_working_directory_that_goes_away_is_named_until_it_is_back() {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    let home = setup.path("home");
    fs::create_dir(&home).unwrap();
    let lictor = setup.config(&format!("exec {{\n  directory = \"{}\"\n}}\n", home.display())).start();
    let board = lictor.until_good();
    fs::remove_dir(&home).unwrap();
    fs::write(&home, "no directory").unwrap();
    processes::signal(pid(&board), Signal::KILL);
    let board = lictor.until("it cannot be started", |board| {
        board.phase == Phase::BackingOff && board.last_exit.as_ref().is_some_and(|exit| exit.exit.is_none())
    });
    assert!(board.last_exit.unwrap().text.contains(home.to_str().unwrap()));
    fs::remove_file(&home).unwrap();
    fs::create_dir(&home).unwrap();
    lictor.until_good();
}

#[test]
fn a_check_that_misbehaves_holds_up_nobody() {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    let check = |name: &str, script: &str| {
        format!(
            "check \"{name}\" {{\n  command {{\n    command = [\"/bin/bash\", \"-c\", \"{script}\"]\n  }}\n  \
             interval = \"100ms\"\n  timeout = \"300ms\"\n  role = \"info\"\n}}\n"
        )
    };
    let checks = [
        check("Endless", "exec yes"),
        check("Deaf", "trap '' TERM; while :; do :; done"),
        check("Forks", "for i in 1 2 3 4 5; do setsid sleep 1000 & done; exit 0"),
        check("Binary", "head -c 5000 /dev/urandom; exit 2"),
        check("Stops", "kill -STOP $$"),
        check("Parent", "kill -STOP 0"),
    ];
    let lictor = setup.config(&checks.concat()).start();
    let board = lictor.until("all have been probed", |board| {
        board.healthy && board.checks.iter().all(|check| check.probes > 3 || check.name == "Web")
    });
    for check in &board.checks {
        let why = check.why.as_deref().unwrap_or_default();
        assert!(!why.contains(|letter: char| letter.is_control()) && why.chars().count() <= 200, "{check:?}");
    }
    let before = pid(&board);
    let after = lictor.until_good();
    assert_eq!(pid(&after), before, "what a check does is no concern of the service");
    lictor.signal(Signal::TERM);
    assert_eq!(lictor.ended().code(), Some(0));
    eventually("nothing is left", || processes::naming(lictor.setup().folder()).is_empty().then_some(()));
}

#[test]
fn a_service_gets_no_descriptor_of_lictors() {
    let setup = Setup::on_directory();
    setup.write("GREETING", "hello");
    let lictor = setup.config("exec {\n  command = [\"/bin/sleep\", \"1000\"]\n}\n").start();
    let board = lictor.until_good();
    let leads = |pid: u32| -> Vec<String> {
        let all = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        all.filter_map(|one| Some(fs::read_link(one.ok()?.path()).ok()?.to_str()?.to_owned())).collect()
    };
    let own = lictor.setup().path("state").to_str().unwrap().to_owned();
    let is_lictors = |lead: &String| ["socket:", "anon_inode:", &own].iter().any(|start| lead.starts_with(start));
    assert!(leads(lictor.pid()).iter().any(is_lictors), "this test would see one");
    assert!(!leads(pid(&board)).iter().any(is_lictors), "{:?}", leads(pid(&board)));
}
