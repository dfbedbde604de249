//! A lictor for tests: its board on an admin socket, without a machine.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::locate::Target;
use crate::admin::{Access, AdminHandler, AdminSocket, OperatorRequest, Place};
use crate::drain::{self, DrainTrigger, DrainWatcher};
use crate::http::{Handler, Resources};
use crate::machine::Board;
use crate::machine::board::sample;

/// Runs until it is ended or dropped.
pub(super) struct Served {
    directory: TempDir,
    boards: watch::Sender<Arc<Board>>,
    /// The requests to it, which only the test answers.
    pub(super) requests: mpsc::Receiver<OperatorRequest>,
    trigger: Option<DrainTrigger>,
    tasks: JoinSet<()>,
    waits: usize,
}

impl Served {
    /// The lictor of "billing", healthy on 1.214.
    pub(super) async fn new() -> Self {
        let mut served = Self::absent();
        served.begin().await;
        served
    }

    /// One that has not been started yet.
    pub(super) fn absent() -> Self {
        let boards = watch::Sender::new(Arc::new(sample::board()));
        let requests = mpsc::channel(1).1;
        Self {
            directory: TempDir::new().unwrap(),
            boards,
            requests,
            trigger: None,
            tasks: JoinSet::new(),
            waits: usize::MAX >> 3,
        }
    }

    /// From its next start on, this many requests may wait.
    pub(super) fn waits(&mut self, most: usize) {
        self.waits = most;
    }

    /// Starts it.
    pub(super) async fn begin(&mut self) {
        let (trigger, watcher) = drain::channel();
        let (requests, received) = mpsc::channel(1);
        self.requests = received;
        let handler = AdminHandler {
            resources: Resources::new(self.boards.subscribe(), watcher.clone()).with_waits(self.waits),
            boards: self.boards.subscribe(),
            history: watch::Sender::default().subscribe(),
            requests,
            reloads: mpsc::channel(1).0,
            reexecs: mpsc::channel(1).0,
            drain: watcher.clone(),
        };
        self.serve(handler, trigger, watcher).await;
    }

    /// Starts something else in its place.
    pub(super) async fn begin_with(&mut self, handler: impl Handler) {
        let (trigger, watcher) = drain::channel();
        self.serve(handler, trigger, watcher).await;
    }

    async fn serve(&mut self, handler: impl Handler, trigger: DrainTrigger, watcher: DrainWatcher) {
        let place = Place::Configured(self.directory.path().join("billing.sock"));
        let socket = AdminSocket::bind(&place, &Access { mode: 0o600, group: None }).await.unwrap();
        self.tasks.spawn(socket.serve(handler, watcher));
        self.trigger = Some(trigger);
    }

    /// Ends it gracefully.
    pub(super) async fn end(&mut self) {
        if let Some(trigger) = self.trigger.take() {
            trigger.drain(Duration::from_secs(20)).await;
        }
        while self.tasks.join_next().await.is_some() {}
    }

    /// The target that names it.
    pub(super) fn target(&self) -> Target {
        // Nobody listens on port 1.
        let port = ([127, 0, 0, 1], 1).into();
        Target { socket: None, name: None, directories: vec![self.directory.path().to_owned()], port }
    }

    /// Publishes a changed board.
    pub(super) fn change(&self, change: impl FnOnce(&mut Board)) {
        self.boards.send_modify(|board| {
            let board = Arc::make_mut(board);
            board.index += 1;
            change(board);
        });
    }

    /// Waits until this many receivers of the board exist: two for the server, two for each connection, and one for
    /// each waiting request.
    pub(super) async fn receivers(&self, expected: usize) {
        let reached = async {
            while self.boards.receiver_count() != expected {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), reached).await.unwrap();
    }
}

/// An output that can be read while it is still written to.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(Arc<watch::Sender<Vec<u8>>>);

impl Heard {
    /// Everything so far.
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }

    /// Waits until this has been written.
    pub(super) async fn hears(&self, expected: &str) {
        let mut written = self.0.subscribe();
        let heard = written.wait_for(|bytes| String::from_utf8_lossy(bytes).contains(expected));
        let heard = tokio::time::timeout(Duration::from_secs(20), heard).await.map(|found| found.is_ok());
        assert_eq!(heard, Ok(true), "{expected:?} is not in {:?}", self.text());
    }
}

impl std::io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.send_modify(|written| written.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
