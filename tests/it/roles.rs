//! What the result of a check means: by its role, and by how many results it takes.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use lictor::machine::Board;
use lictor::machine::board::{CheckPicture, CheckState};
use lictor::machine::totals::Reason;
use rustix::fs::OFlags;

use crate::harness::lictor::{is_good, pid};
use crate::harness::{Lictor, Setup, eventually};

/// The check `Gate`: each of its probes waits for the test's word.
struct Gate(PathBuf);

impl Gate {
    /// Adds it to a configuration.
    fn new(setup: Setup, more: &str) -> (Setup, Self) {
        let pipe = setup.path("gate");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let words = format!("read -r word < {} && [ $word = good ] || exit 2", pipe.display());
        let setup = setup.config(&format!(
            "apply {{\n  deadline = \"1h\"\n}}\n\
             check \"Gate\" {{\n  command {{\n    command = [\"/bin/sh\", \"-c\", \"{words}\"]\n  }}\n  \
             interval = \"20ms\"\n  timeout = \"5m\"\n{more}}}\n"
        ));
        (setup, Self(pipe))
    }

    fn open(&self) -> std::io::Result<fs::File> {
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
        fs::OpenOptions::new().write(true).custom_flags(flags).open(&self.0)
    }

    /// Gives one probe its result, and waits until that has counted.
    fn says(&self, lictor: &Lictor, word: &str) -> Board {
        let before = lictor.board();
        let mut pipe = eventually("the gate is probed", || self.open().ok());
        writeln!(pipe, "{word}").unwrap();
        drop(pipe);
        let (run, probes) = (before.process.as_ref().map(|it| it.run), check(&before, "Gate").probes);
        lictor.until("the probe has counted", |board| {
            board.process.as_ref().map(|it| it.run) != run || check(board, "Gate").probes > probes
        })
    }

    /// Says that all is well until the service is good.
    fn is_well(&self, lictor: &Lictor) -> Board {
        eventually("the service is good", || Some(self.says(lictor, "good")).filter(is_good))
    }
}

fn check<'a>(board: &'a Board, name: &str) -> &'a CheckPicture {
    board.checks.iter().find(|check| check.name == name).expect("a check of that name")
}

/// A service on a directory.
fn plain() -> Setup {
    let setup = Setup::on_directory();
    setup.write("GREETING", "hello");
    setup
}

/// A check that is good while a file is there.
fn there(name: &str, file: &Path, more: &str) -> String {
    let file = file.display();
    format!(
        "check \"{name}\" {{\n  command {{\n    command = [\"/bin/sh\", \"-c\", \"test -e {file} || exit 2\"]\n  }}\n  \
         interval = \"50ms\"\n{more}}}\n"
    )
}

#[test]
fn a_check_rises_and_falls_by_as_many_results_in_a_row_as_it_is_told() {
    let (setup, gate) = Gate::new(plain(), "  rise = 3\n  fall = 2\n");
    let lictor = setup.start();
    let first = lictor.until("started", |board| board.process.as_ref().is_some_and(|it| it.pid.is_some()));
    let results = [
        ("good", CheckState::Unknown, 503),
        ("good", CheckState::Unknown, 503),
        ("good", CheckState::Passing, 200),
        ("bad", CheckState::Passing, 200),
        ("good", CheckState::Passing, 200),
        ("bad", CheckState::Passing, 200),
        ("bad", CheckState::Failing, 503),
        ("good", CheckState::Failing, 503),
        ("good", CheckState::Failing, 503),
        ("bad", CheckState::Failing, 503),
        ("good", CheckState::Failing, 503),
        ("good", CheckState::Failing, 503),
        ("good", CheckState::Passing, 200),
    ];
    for (number, (word, state, code)) in results.into_iter().enumerate() {
        let board = gate.says(&lictor, word);
        let seen = (check(&board, "Gate").state, lictor.status().0);
        assert_eq!(seen, (state, code), "after result {number}, {word}");
    }
    assert_eq!(pid(&lictor.board()), pid(&first), "readiness restarts nothing");
}

#[test]
fn a_startup_check_holds_the_others_back_until_it_has_succeeded_and_is_over_then() {
    let (setup, gate) = Gate::new(plain().checked(), "  role = \"startup\"\n  rise = 2\n");
    let more = there("Info", setup.folder(), "  role = \"info\"\n");
    let lictor = setup.config(&more).start();
    lictor.until("started", |board| board.process.as_ref().is_some_and(|it| it.pid.is_some()));
    for word in ["bad", "good", "bad", "good"] {
        let board = gate.says(&lictor, word);
        let others: Vec<_> = board.checks.iter().filter(|check| check.name != "Gate").collect();
        assert_eq!(others.len(), 2);
        assert!(others.iter().all(|check| check.probes == 0 && check.state == CheckState::Unknown), "{board:#?}");
        let (code, status) = lictor.status();
        assert_eq!((code, &status["Web"], &status["Info"]), (503, &"Unknown".into(), &"Unknown".into()));
    }
    gate.says(&lictor, "good");
    let good = lictor.until_good();
    let probes = check(&good, "Info").probes;
    assert!(probes > 0);
    lictor.until("the others are probed on", |board| check(board, "Info").probes > probes + 10);
    assert!(gate.open().is_err(), "it is probed no more");
    assert_eq!(lictor.status().0, 200);
}

#[test]
fn liveness_restarts_the_service_and_only_after_it_has_once_been_ready() {
    let setup = plain();
    let ready = setup.path("ready");
    let (setup, gate) = Gate::new(setup, "  role = \"liveness\"\n  fall = 2\n");
    let lictor = setup.config(&there("Ready", &ready, "")).start();
    let first = lictor.until("started", |board| board.process.as_ref().is_some_and(|it| it.pid.is_some()));
    for _ in 0..5 {
        let board = gate.says(&lictor, "bad");
        assert_eq!(pid(&board), pid(&first), "the start has its time");
    }
    fs::write(&ready, "").unwrap();
    lictor.until("ready", |board| check(board, "Ready").state == CheckState::Passing);
    let good = gate.is_well(&lictor);
    assert_eq!((pid(&good), good.restarts), (pid(&first), 0), "what failed before does not count");

    let board = gate.says(&lictor, "bad");
    assert_eq!((pid(&board), board.restarts, lictor.status().0), (pid(&first), 0, 200), "one failure of two");
    gate.says(&lictor, "bad");
    lictor.until("another run", |board| {
        board.restarts == 1 && board.process.as_ref().is_some_and(|it| it.pid.is_some_and(|now| now != pid(&first)))
    });
    let again = gate.is_well(&lictor);
    assert_eq!((again.restarts, again.totals.restarts.get(&Reason::Liveness)), (1, Some(&1)), "{again:#?}");
    let counted = "lictor_service_restarts_total{reason=\"liveness\"} 1";
    eventually("it is counted", || lictor.get("/metrics").text().contains(counted).then_some(()));
    assert_eq!(again.config.fingerprint, first.config.fingerprint, "it takes nothing back");
}
