use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::UnixDatagram;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Manager, Reloads, Signs, spawn};
use crate::machine::Board;
use crate::machine::board::sample::board;

/// A manager that hears what lictor tells, and the driver's ends of what it tells of.
struct Harness {
    boards: watch::Sender<Arc<Board>>,
    pulse: watch::Sender<()>,
    reloads: Reloads,
    socket: UnixDatagram,
    tasks: JoinSet<()>,
    folder: TempDir,
}

impl Harness {
    /// Of a service that is not healthy yet, with a watchdog of a second, so that every pulse is a ping.
    fn new(deadline: Duration) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let lookup = |name: &str| match name {
            "NOTIFY_SOCKET" => Some(path.clone().into_os_string()),
            "WATCHDOG_USEC" => Some("1000000".into()),
            _ => None,
        };
        let manager = Manager::find(lookup, 1).unwrap();
        let (boards, pulse) =
            (watch::Sender::new(Arc::new(Board { healthy: false, ..board() })), watch::Sender::new(()));
        let period = Duration::from_secs(1);
        let signs = Signs { boards: boards.subscribe(), pulse: pulse.subscribe(), period, deadline };
        let mut tasks = JoinSet::new();
        let reloads = spawn(&mut tasks, manager, signs);
        Self { boards, pulse, reloads, socket, tasks, folder }
    }

    async fn hears(&self) -> String {
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer).await.unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }
}

const LONG: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_manager_hears_everything_in_order() {
    let mut harness = Harness::new(LONG);
    let first =
        "STATUS=billing 1.214 up, not healthy; config 3f9a0c12be77 good\nWATCHDOG=1\nEXTEND_TIMEOUT_USEC=30000000\n";
    assert_eq!(harness.hears().await, first);
    harness.boards.send_replace(Arc::new(board()));
    assert_eq!(harness.hears().await, "READY=1\nSTATUS=billing 1.214 up, healthy; config 3f9a0c12be77 good\n");
    harness.pulse.send_replace(());
    assert_eq!(harness.hears().await, "WATCHDOG=1\n");

    let reloading = harness.reloads.begin();
    let text = harness.hears().await;
    let usec = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().trim_end();
    assert!(usec.parse::<u64>().unwrap() > 0, "{text}");
    drop(reloading);
    assert_eq!(harness.hears().await, "READY=1\n");

    harness.boards.send_replace(Arc::new(Board { stopping: true, ..board() }));
    let last = harness.hears().await;
    assert!(last.starts_with("STOPPING=1\n"), "{last}");
    drop(harness.boards);
    harness.tasks.join_next().await.unwrap().unwrap();
}

#[tokio::test]
async fn at_the_deadline_it_is_told_although_nothing_happens() {
    let harness = Harness::new(Duration::from_millis(50));
    harness.hears().await;
    assert_eq!(harness.hears().await, "READY=1\n");
}

#[tokio::test]
async fn a_manager_that_was_away_hears_the_newest_when_it_is_back() {
    let mut harness = Harness::new(LONG);
    harness.hears().await;
    let path = harness.folder.path().join("notify");
    std::fs::remove_file(&path).unwrap();
    harness.boards.send_replace(Arc::new(board()));
    // Nothing of what it does now waits for anything, so it has failed by the time it is our turn again.
    tokio::task::yield_now().await;
    harness.socket = UnixDatagram::bind(&path).unwrap();
    harness.pulse.send_replace(());
    let heard = harness.hears().await;
    assert!(heard.contains("READY=1\n") && heard.contains("WATCHDOG=1\n"), "all at the next pulse: {heard}");
}

#[tokio::test]
async fn where_nobody_listens_there_is_no_task() {
    let (boards, pulse) = (watch::Sender::new(Arc::new(board())), watch::Sender::new(()));
    let signs = Signs { boards: boards.subscribe(), pulse: pulse.subscribe(), period: LONG, deadline: LONG };
    let mut tasks = JoinSet::new();
    let reloads = spawn(&mut tasks, None, signs);
    assert!(tasks.is_empty());
    drop(reloads.begin());
    assert_eq!(boards.receiver_count() + pulse.receiver_count(), 0);
}
