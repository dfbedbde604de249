//! One service in a folder of its own, and what the tests ask about processes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use lictor::environment::{Environment, FingerprintKey, Variable, Visibility};
use lictor::machine::event::Exit;
use lictor::machine::{Event, RunId};
use lictor::secret::Secret;
use lictor::service::roster::Roster;
use lictor::service::{Command, Inherit, Service, become_subreaper};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

pub(crate) static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| crate::service::build("1.214"));
static TURN: Semaphore = Semaphore::const_new(1);

pub(crate) const RUN: RunId = RunId(1);

pub(crate) struct Harness {
    pub(crate) folder: TempDir,
    pub(crate) service: Service,
    pub(crate) inbox: mpsc::Receiver<Event>,
    pub(crate) roster: Roster,
    _turn: SemaphorePermit<'static>,
}

impl Harness {
    /// With the Go service as the command.
    pub(crate) async fn new() -> Self {
        // The turn comes first: building the service is a child of ours, too.
        let mut harness = Self::running("", &[]).await;
        let file = harness.path("address").display().to_string();
        harness.service.update(command(&PROGRAM.display().to_string(), &["-addr-file", &file]));
        harness
    }

    /// With a shell script as the command; `$D` is the folder.
    pub(crate) async fn script(script: &str) -> Self {
        Self::running("sh", &["-c", script]).await
    }

    pub(crate) async fn running(program: &str, arguments: &[&str]) -> Self {
        let turn = TURN.acquire().await.unwrap();
        become_subreaper().unwrap();
        let (sender, inbox) = mpsc::channel(8);
        let roster = Roster::default();
        let service = Service::new(command(program, arguments), roster.clone(), sender);
        Self { folder: tempfile::tempdir().unwrap(), service, inbox, roster, _turn: turn }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The habits, and where the service keeps its records.
    pub(crate) fn environment(&self, habits: &[(&str, &str)]) -> Environment {
        let mut variables = BTreeMap::new();
        let records = ["DUMP", "PIDS", "TERM_DUMP", "SIGNAL_DUMP"].map(|name| (name, self.path(name)));
        for (name, path) in records.into_iter().chain([("D", self.folder.path().to_owned())]) {
            variables.insert(name.to_owned(), variable(&path.display().to_string()));
        }
        variables.extend(habits.iter().map(|(name, value)| ((*name).to_owned(), variable(value))));
        Environment::fingerprinted(&FingerprintKey::new(&[0; 32]), variables)
    }

    /// Starts the run and gives its process number.
    pub(crate) fn start(&mut self, habits: &[(&str, &str)]) -> u32 {
        match self.service.start(RUN, &self.environment(habits), &[]) {
            Event::Started { run: RUN, pid } => pid,
            other => panic!("{other:?}"),
        }
    }

    /// Starts the Go service and waits until it listens; by then its survivors ignore TERM.
    pub(crate) async fn up(&mut self, habits: &[(&str, &str)]) -> u32 {
        let _ = std::fs::remove_file(self.path("address"));
        let pid = self.start(habits);
        eventually("it listens", || self.path("address").exists()).await;
        pid
    }

    /// Why the run could not start.
    pub(crate) fn refused(&mut self) -> String {
        match self.service.start(RUN, &self.environment(&[]), &[]) {
            Event::StartFailed { run: RUN, error } => error,
            other => panic!("{other:?}"),
        }
    }

    /// How the run ended.
    pub(crate) async fn exit(&mut self) -> Exit {
        match tokio::time::timeout(Duration::from_secs(20), self.inbox.recv()).await.expect("it ends in time") {
            Some(Event::Exited { run: RUN, exit }) => exit,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// The process numbers of the survivors.
    pub(crate) fn survivors(&self) -> Vec<u32> {
        self.read("PIDS").lines().map(|line| line.parse().unwrap()).collect()
    }

    /// Nothing is left: no survivor, no zombie, no child at all.
    pub(crate) fn assert_nothing_left(&self) {
        let left: Vec<u32> = self.survivors().into_iter().filter(|&pid| exists(pid)).collect();
        assert_eq!(left, Vec::<u32>::new(), "survivors");
        assert_no_children();
    }
}

pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    Command {
        program: program.into(),
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
        directory: None,
        user: None,
        kill_signal: libc::SIGTERM,
        kill_timeout: Duration::from_secs(30),
        reload_signal: None,
        env_file: None,
        inherit: Inherit::default(),
    }
}

fn variable(value: &str) -> Variable {
    Variable { value: Secret::from(value), origin: "test".into(), visibility: Visibility::Secret }
}

/// Whether a process of this number is there, be it as a zombie.
pub(crate) fn exists(pid: u32) -> bool {
    std::fs::exists(format!("/proc/{pid}")).unwrap()
}

/// Whether it has ended and waits to be reaped.
pub(crate) fn is_zombie(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
}

/// All children of this process, zombies too.
pub(crate) fn children() -> Vec<u32> {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let lists = threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("children")));
    let lists: String = lists.map(|list| list.unwrap_or_default() + " ").collect();
    lists.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// No child is there, not even as a zombie.
pub(crate) fn assert_no_children() {
    let stats =
        children().into_iter().map(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default());
    assert_eq!(stats.collect::<String>(), "");
}

/// Reaps what the code under test leaves to the sweep, or to the end of lictor.
pub(crate) fn reap_children() {
    for pid in children() {
        let pid = rustix::process::Pid::from_raw(pid.cast_signed());
        rustix::process::waitpid(pid, rustix::process::WaitOptions::empty()).unwrap();
    }
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, so: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("not in time: {what}"));
}
