//! A running lictor with its service, and the questions a test asks of it.

use std::cell::RefCell;
use std::fs::{self, OpenOptions};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Output};
use std::sync::mpsc;
use std::time::Duration;

use lictor::environment::Fingerprint;
use lictor::machine::Board;
use lictor::machine::board::{ConfigState, Phase};
use lictor::machine::history::Outcome;
use rustix::process::Signal;
use serde_json::Value;
use tokio::time::Instant;

use super::client::{Answer, Request};
use super::processes::{self, Found};
use super::program;
use super::setup::Setup;
use super::wait::{PATIENCE, eventually};

/// One lictor and all that it has started; ended, down to the last grandchild, when dropped.
#[derive(Debug)]
pub struct Lictor {
    setup: Setup,
    child: RefCell<Option<Child>>,
}

impl Lictor {
    pub(super) fn new(setup: Setup) -> Self {
        Self { setup, child: RefCell::new(None) }
    }

    /// Starts it, for the first time or again.
    pub fn start(&self) {
        self.start_as(self.setup.configured("run"));
    }

    /// Starts it by a command of the test's own.
    pub fn start_as(&self, mut command: Command) {
        let log = OpenOptions::new().create(true).append(true).open(self.setup.path("log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let before = self.child.replace(Some(command.spawn().unwrap()));
        assert!(before.is_none(), "this lictor runs already");
    }

    /// What it was started with.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.borrow().as_ref().expect("this lictor does not run").id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        processes::signal(self.pid(), signal);
    }

    /// Waits until it has ended by itself.
    pub fn ended(&self) -> ExitStatus {
        let mut child = self.child.borrow_mut();
        let running = child.as_mut().expect("this lictor does not run");
        let status = eventually("lictor ends", || running.try_wait().unwrap());
        *child = None;
        status
    }

    /// Ends it by a signal and starts it again.
    pub fn restart(&self, signal: Signal) {
        self.signal(signal);
        self.ended();
        self.start();
    }

    /// Everything that lictor and the service have said.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.setup.path("log")).unwrap_or_default()).into_owned()
    }

    /// Waits until the board is as described; panics with the last board and the log when patience is over.
    pub fn until(&self, what: &str, predicate: impl Fn(&Board) -> bool) -> Board {
        self.until_within(PATIENCE, what, predicate)
    }

    /// The same with a limit of its own.
    pub fn until_within(&self, limit: Duration, what: &str, predicate: impl Fn(&Board) -> bool) -> Board {
        let end = Instant::now() + limit;
        let mut last: Option<Board> = None;
        loop {
            let index = last.as_ref().map_or(0, |board| board.index);
            match self.admin(&format!("/board?index={index}&wait=1s")) {
                Ok(answer) => {
                    assert_eq!(answer.code, 200, "/board: {}", answer.text());
                    let board: Board = serde_json::from_slice(&answer.body).unwrap();
                    if predicate(&board) {
                        return board;
                    }
                    last = Some(board);
                }
                // It has not come to its socket yet, or has ended.
                Err(_) => self.wait_for_socket(what),
            }
            assert!(Instant::now() < end, "not within {limit:?}: {what}\n{}", self.report(last.as_ref()));
        }
    }

    /// The board as it is now.
    pub fn board(&self) -> Board {
        self.until("there is a board", |_| true)
    }

    /// Waits until the service is healthy on the newest wish, which is good.
    pub fn until_good(&self) -> Board {
        self.until("healthy on the newest wish", is_good)
    }

    /// Does something that changes what is wanted, and waits until the service is healthy on another environment.
    pub fn until_applied(&self, change: impl FnOnce()) -> Board {
        let before = self.board().config.fingerprint;
        change();
        self.until("healthy on what was just wanted", |board| is_good(board) && board.config.fingerprint != before)
    }

    /// Waits until the newest wish has been taken back and the service is healthy on this environment again.
    pub fn until_reverted_to(&self, good: Option<Fingerprint>) -> Board {
        self.until("reverted and healthy again", |board| {
            board.config.state == ConfigState::Reverted
                && board.candidate.is_none()
                && board.healthy
                && board.config.fingerprint == good
        })
    }

    /// One request to the operator's socket.
    pub fn admin(&self, path: &str) -> std::io::Result<Answer> {
        Request::get(path).unix(&self.setup.path("admin.sock"))
    }

    /// One request to the status port.
    pub fn get(&self, path: &str) -> Answer {
        let port: SocketAddr = (self.setup.host(), 8127).into();
        Request::get(path).tcp(port).unwrap_or_else(|error| panic!("{path}: {error}\n{}", self.report(None)))
    }

    /// The flat object of `/status`, and its code.
    pub fn status(&self) -> (u16, Value) {
        let answer = self.get("/status");
        (answer.code, answer.json())
    }

    /// A variable as the service itself sees it.
    pub fn value(&self, name: &str) -> Option<String> {
        let address: SocketAddr = (self.setup.host(), 8080).into();
        let answer = Request::get("/env").tcp(address).unwrap_or_else(|error| panic!("the service: {error}"));
        answer.json().get(name).map(|value| value.as_str().unwrap().to_owned())
    }

    /// What each run of the service wrote in the first line of its `main`.
    pub fn runs(&self) -> Vec<Value> {
        self.lines("runs").iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The lines of a file that the service writes.
    pub fn lines(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.setup.path(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Puts another version of the service in the place of the one that is installed.
    pub fn install(&self, version: &str) {
        program::install(version, &self.setup.path("service"));
    }

    /// Every process of the service, its descendants included.
    pub fn service_processes(&self) -> Vec<Found> {
        let program = self.setup.path("service");
        let program = program.to_str().unwrap();
        let found = processes::naming(self.setup.folder());
        found.into_iter().filter(|process| process.command.starts_with(program)).collect()
    }

    /// Runs a subcommand against this lictor's socket, to its end.
    pub fn cli(&self, subcommand: &str, arguments: &[&str]) -> Output {
        let mut command = self.setup.command(subcommand);
        command.arg("--socket").arg(self.setup.path("admin.sock")).args(arguments);
        finish(command)
    }

    fn wait_for_socket(&self, what: &str) {
        eventually("lictor listens on its socket", || {
            let ended = self.child.borrow_mut().as_mut().expect("this lictor does not run").try_wait().unwrap();
            assert!(ended.is_none(), "lictor ended ({ended:?}) before: {what}\n{}", self.report(None));
            self.admin("/live").is_ok().then_some(())
        });
    }

    fn report(&self, board: Option<&Board>) -> String {
        let board = board.map_or("none".into(), |board| serde_json::to_string_pretty(board).unwrap());
        format!("last board: {board}\n--- log\n{}\n--- configuration\n{}", self.log(), self.setup.shown())
    }
}

impl Drop for Lictor {
    fn drop(&mut self) {
        // Until nothing is left: what is killed may just have started something.
        eventually("nothing of this test runs any more", || {
            let left = processes::naming(self.setup.folder());
            for process in &left {
                processes::signal(process.pid, Signal::KILL);
            }
            left.is_empty().then_some(())
        });
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }
}

/// Whether the service is healthy on the newest wish.
pub fn is_good(board: &Board) -> bool {
    board.healthy && board.phase == Phase::Up && board.config.state == ConfigState::Good && board.config.settled
}

/// The outcomes in the board's tail of history.
pub fn outcomes(board: &Board) -> Vec<Outcome> {
    board.history.iter().map(|entry| entry.outcome).collect()
}

/// The process number of the service.
pub fn pid(board: &Board) -> u32 {
    board.process.as_ref().and_then(|process| process.pid).expect("the service has a process")
}

/// Runs a command to its end, which must come soon.
pub fn finish(mut command: Command) -> Output {
    let shown = format!("{command:?}");
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let pid = child.id();
    let (send, receive) = mpsc::channel();
    let waiter = std::thread::spawn(move || send.send(child.wait_with_output().unwrap()));
    let output = receive.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        processes::signal(pid, Signal::KILL);
        panic!("does not end: {shown}")
    });
    waiter.join().unwrap().unwrap();
    output
}

/// What a command said, both ways.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
