//! One service in a folder of its own, and what the tests ask about processes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use lictor::environment::{Environment, FingerprintKey, Variable, Visibility};
use lictor::machine::event::Exit;
use lictor::machine::{Event, RunId};
use lictor::secret::Secret;
use lictor::service::{Accounts, Command, Inherit, Keep, Known, OwnChildren, Service, become_subreaper};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, watch};

pub(crate) static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| crate::service::build("1.214"));
static TURN: Semaphore = Semaphore::const_new(1);

pub(crate) const RUN: RunId = RunId(1);

pub(crate) struct Harness {
    pub(crate) folder: TempDir,
    pub(crate) service: Service,
    pub(crate) inbox: mpsc::Receiver<Event>,
    pub(crate) own: OwnChildren,
    /// What was put down about the newest run.
    pub(crate) known: watch::Receiver<Option<Known>>,
    keeper: watch::Sender<Option<Known>>,
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
        let own = OwnChildren::default();
        let service = Service::new(command(program, arguments), own.clone(), Accounts::default(), sender);
        let (keeper, known) = watch::channel(None);
        Self { folder: tempfile::tempdir().unwrap(), service, inbox, own, known, keeper, _turn: turn }
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

    /// With the Go service as the command, and so much time to end.
    pub(crate) async fn with_timeout(kill_timeout: Duration) -> Self {
        let mut harness = Self::new().await;
        let file = harness.path("address").display().to_string();
        let command = command(&PROGRAM.display().to_string(), &["-addr-file", &file]);
        harness.service.update(Command { kill_timeout, ..command });
        harness
    }

    fn keep(&self) -> Keep {
        let keeper = self.keeper.clone();
        Box::new(move |known| {
            keeper.send_replace(Some(known));
            Box::pin(std::future::ready(()))
        })
    }

    /// Starts the run and gives its PID.
    pub(crate) async fn start(&mut self, habits: &[(&str, &str)]) -> u32 {
        self.service.start(RUN, &Arc::new(self.environment(habits)), Vec::new(), self.keep());
        match self.inbox.recv().await.unwrap() {
            Event::Started { run: RUN, pid } => pid,
            other => panic!("{other:?}"),
        }
    }

    /// Starts the Go service and waits until it listens; by then its survivors ignore TERM.
    pub(crate) async fn up(&mut self, habits: &[(&str, &str)]) -> u32 {
        let _ = std::fs::remove_file(self.path("address"));
        let pid = self.start(habits).await;
        eventually("it listens", || self.path("address").exists()).await;
        pid
    }

    /// Why the run could not start.
    pub(crate) async fn refused(&mut self) -> String {
        self.service.start(RUN, &Arc::new(self.environment(&[])), Vec::new(), self.keep());
        match self.inbox.recv().await.unwrap() {
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

    /// The PIDs of the survivors.
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
    Variable::new(Secret::from(value), "test".into(), Visibility::Secret)
}

/// Whether a process of this PID is there, be it as a zombie.
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
