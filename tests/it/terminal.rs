//! On a terminal, as somebody has it who runs lictor by hand. `script` (util-linux) makes one, and types what it is told.

use std::io::{PipeWriter, Write, pipe};
use std::process::{Command, Stdio};

use crate::harness::lictor::said;
use crate::harness::{Setup, eventually, processes};

/// `lictor run` with these words behind it in the foreground of a terminal of its own, and the keyboard of that.
fn on_a_terminal(setup: &Setup, words: &[&str]) -> (Command, PipeWriter) {
    let inner = setup.configured("run");
    let mut line = vec!["exec", inner.get_program().to_str().unwrap()];
    line.extend(inner.get_args().map(|word| word.to_str().unwrap()));
    line.extend(words);
    let (keys, keyboard) = pipe().unwrap();
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line.join(" "), "/dev/null"]);
    script.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.env("SHELL", "/bin/sh").env("TERM", "dumb").current_dir(setup.folder()).stdin(keys);
    (script, keyboard)
}

#[test]
fn ctrl_c_reaches_lictor_alone_which_stops_in_order() {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    let lictor = setup.prepared();
    let (command, mut keyboard) = on_a_terminal(lictor.setup(), &[]);
    lictor.start_as(command);
    lictor.until_good();
    keyboard.write_all(b"\x03").unwrap();
    assert_eq!(lictor.ended().code(), Some(0), "{}", lictor.log());
    let log = lictor.log();
    let at = |text: &str| log.find(text).unwrap_or_else(|| panic!("{text:?} is not said:\n{log}"));
    // An interrupt would have ended it otherwise, and before lictor asked it to end.
    assert!(at("stopping") < at("the process exited with 0 run=1"), "{log}");
    let left = processes::naming(lictor.setup().folder());
    assert!(left.is_empty(), "left behind: {left:?}");
}

#[test]
fn a_table_is_as_wide_as_the_terminal_and_whole_in_a_pipe() {
    let setup = Setup::on_directory().checked().config("key \"GREETING\" {\n  public = true\n}\n");
    let greeting = "hello ".repeat(40);
    setup.write("GREETING", greeting.trim_end());
    let lictor = setup.start();
    lictor.until_good();
    let piped = lictor.cli("env", &[]);
    assert!(said(&piped).contains(greeting.trim_end()), "{}", said(&piped));
    // What a window of so many columns shows.
    let shown = |verb: &str, columns: usize, said: &str| {
        let socket = lictor.setup().path("admin.sock");
        let program = lictor.setup().command(verb);
        let asked = format!("{} {verb} --socket {}", program.get_program().to_str().unwrap(), socket.display());
        let line = format!("stty cols {columns} && {said} {asked}");
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).env("NO_COLOR", "1").env_remove("COLUMNS").stdin(Stdio::null());
        let output = script.output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let widest = |text: &str| text.lines().map(|line| line.trim_end().chars().count()).max().unwrap_or_default();
    for columns in [60, 100] {
        let text = shown("env", columns, "");
        assert!(text.contains("GREETING") && text.contains("...") && widest(&text) == columns, "{columns}: {text}");
    }
    let text = shown("env", 60, "COLUMNS=70");
    assert_eq!(widest(&text), 70, "{text}");
    for verb in ["status", "history"] {
        let text = shown(verb, 64, "");
        assert!(!text.is_empty() && widest(&text) <= 64, "{verb}: {text}");
    }
}

#[test]
fn what_run_once_starts_has_the_foreground_and_a_person_can_type() {
    let setup = Setup::on_directory();
    setup.write("GREETING", "hello");
    let (mut command, mut keyboard) = on_a_terminal(&setup, &["--once", "--", "bash", "--norc", "-i"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(command);
    keyboard.write_all(b"echo $((40 + 2))-$GREETING\nexit 5\n").unwrap();
    let pid = child.id();
    let ended = std::thread::spawn(move || child.wait_with_output().unwrap());
    // Without the foreground it is stopped as soon as it reads.
    eventually("it has read what was typed", || ended.is_finished().then_some(()));
    let output = ended.join().unwrap();
    assert!(said(&output).contains("42-hello"), "{}", said(&output));
    assert_eq!(output.status.code(), Some(5), "process {pid}: {}", said(&output));
}
