//! What may answer where lictor asks: a check's target, the service's own version page, the socket of another lictor.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixListener;

use lictor::machine::board::CheckState;
use rustix::process::Signal;

use crate::harness::liar::{Liar, Lie};
use crate::harness::lictor::{finish, pid, said};
use crate::harness::{Setup, eventually};

fn for_ever(stream: &mut impl Write, first: &[u8], again: &[u8]) -> io::Result<()> {
    stream.write_all(first)?;
    loop {
        stream.write_all(again)?;
    }
}

fn raw(stream: &mut TcpStream, words: &[u8]) -> io::Result<()> {
    stream.write_all(words)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    stream.read_to_end(&mut Vec::new()).map(|_| ())
}

/// What is no answer to a probe.
const LIES: [Lie; 8] = [
    |_| Ok(()),
    |stream| raw(stream, &[0xff; 3000]),
    |stream| raw(stream, b"HTTP/1.1 200"),
    |stream| raw(stream, b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"),
    |stream| for_ever(stream, b"HTTP/1.1 200 OK\r\n", &b"X: y\r\n".repeat(100)),
    |stream| for_ever(stream, b"HTTP/1.1 503 No\r\n\r\n", &b"\x1b[31m\r\n".repeat(1000)),
    |stream| for_ever(stream, b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    |stream| stream.read_to_end(&mut Vec::new()).map(|_| ()),
];

#[test]
fn a_probe_is_over_in_time_whatever_it_meets() {
    let liar = Liar::start();
    let setup = Setup::on_directory().config(&format!(
        "check \"Odd\" {{\n  http {{\n    url = \"http://{}/\"\n  }}\n  interval = \"50ms\"\n  timeout = \"300ms\"\n  \
         fall = 1\n}}\nversion {{\n  http = \"http://{}/version\"\n}}\n",
        liar.address(),
        liar.address(),
    ));
    setup.write("GREETING", "hello");
    let lictor = setup.start();
    let before = lictor.until_good();
    for lie in LIES {
        liar.lie(lie);
        let board = lictor.until("it fails", |board| board.checks[0].state == CheckState::Failing);
        let why = board.checks[0].why.clone().unwrap_or_default();
        assert!(!why.is_empty() && why.chars().count() <= 200 && !why.contains(char::is_control), "{why:?}");
        assert_eq!(pid(&board), pid(&before));
        assert_eq!(lictor.status().0, 503);
        liar.say("fine");
        lictor.until("it passes again", |board| board.checks[0].state == CheckState::Passing);
    }
    lictor.signal(Signal::TERM);
    assert_eq!(lictor.ended().code(), Some(0));
}

/// A body of 200 that never ends is an answer or a failure, but no hang and no memory.
#[test]
fn a_page_without_end_holds_up_nobody() {
    let liar = Liar::start();
    liar.lie(|stream| for_ever(stream, b"HTTP/1.1 200 OK\r\n\r\n", &b"1".repeat(65_536)));
    let setup = Setup::on_directory().config(&format!(
        "check \"Odd\" {{\n  http {{\n    url = \"http://{0}/\"\n  }}\n  interval = \"50ms\"\n  timeout = \"500ms\"\n}}\n\
         version {{\n  http = \"http://{0}/version\"\n}}\n",
        liar.address(),
    ));
    setup.write("GREETING", "hello");
    let lictor = setup.start();
    let board = lictor.until("probed some times", |board| board.checks[0].probes > 10);
    assert!(board.process.is_some());
    let status = std::fs::read_to_string(format!("/proc/{}/status", lictor.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB");
    assert!(peak.parse::<u64>().unwrap() < 100_000, "{peak} kB");
    lictor.signal(Signal::TERM);
    assert_eq!(lictor.ended().code(), Some(0));
}

#[test]
fn the_verbs_say_so_when_something_else_is_on_the_socket() {
    type Voice = fn(&mut dyn ReadWrite) -> io::Result<()>;
    let voices: [Voice; 6] = [
        |_| Ok(()),
        |stream| stream.write_all(&[0xff; 3000]),
        |stream| stream.write_all(b"HTTP/1.1 418 No\r\nContent-Length: 7\r\n\r\n{\"a\":1}"),
        |stream| stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n{\"a\""),
        |mut stream| for_ever(&mut stream, b"HTTP/1.1 200 OK\r\n\r\n", &b" ".repeat(65_536)),
        |mut stream| for_ever(&mut stream, b"HTTP/1.1 200 OK\r\n", &b"X: y\r\n".repeat(100)),
    ];
    let setup = Setup::on_directory();
    for (number, voice) in voices.into_iter().enumerate() {
        let path = setup.path(&format!("{number}.sock"));
        let listener = UnixListener::bind(&path).unwrap();
        let listening = std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let mut word = [0; 4];
                if stream.read_exact(&mut word).is_err() || &word == b"stop" {
                    return;
                }
                let _ = voice(&mut stream);
            }
        });
        let verbs: [(&str, &[&str]); 4] = [
            ("status", &[]),
            ("status", &["--json"]),
            ("validate", &["--timeout", "1s"]),
            ("validate", &["--timeout", "1s", "--version", "1"]),
        ];
        for (verb, arguments) in verbs {
            let mut command = setup.command(verb);
            command.arg("--socket").arg(&path).args(arguments);
            let output = finish(command);
            let code = output.status.code();
            assert!(matches!(code, Some(1 | 69 | 70)), "{number} {verb}: {code:?} {}", said(&output));
            assert!(
                said(&output).len() < 2048 && !said(&output).contains('\u{fffd}'),
                "{number} {verb}: {}",
                said(&output)
            );
        }
        eventually("the thread is told to end", || {
            let mut stream = std::os::unix::net::UnixStream::connect(&path).ok()?;
            stream.write_all(b"stop").ok()
        });
        listening.join().unwrap();
    }
}

trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}
