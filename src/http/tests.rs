//! The server over real sockets, spoken to in raw bytes.

mod bugs;
mod limits;
mod resources;
mod waits;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Exposition, Format, Limits, Resources, serve, waits};
use crate::drain::{self, DrainTrigger, Drained};
use crate::machine::Board;
use crate::machine::board::sample;

/// Nothing here takes this long; a test that meets it has failed.
const LONG: Duration = Duration::from_secs(20);

/// A server with a board that the test writes.
struct Harness {
    address: SocketAddr,
    boards: watch::Sender<Arc<Board>>,
    trigger: DrainTrigger,
    tasks: JoinSet<()>,
}

impl Harness {
    async fn new() -> Self {
        Self::with(sample::board(), Limits::STATUS).await
    }

    async fn with(board: Board, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (boards, latest) = watch::channel(Arc::new(board));
        let (trigger, watcher) = drain::channel();
        let mut tasks = JoinSet::new();
        let metrics = Exposition::new(|board, format| {
            let end = if format == Format::OpenMetrics { "# EOF\n" } else { "" };
            format!("lictor_up {}\n{end}", u8::from(board.ready))
        });
        let resources = Resources::new(latest, watcher.clone()).with_metrics(metrics).with_waits(waits(limits));
        tasks.spawn(serve(listener, limits, resources, watcher));
        Self { address, boards, trigger, tasks }
    }

    /// Publishes a changed board.
    fn change(&self, change: impl FnOnce(&mut Board)) {
        self.boards.send_modify(|board| {
            let board = Arc::make_mut(board);
            board.index += 1;
            change(board);
        });
    }

    async fn connect(&self) -> Connection {
        Connection { stream: TcpStream::connect(self.address).await.unwrap(), unread: Vec::new() }
    }

    /// One GET on a connection of its own.
    async fn get(&self, target: &str) -> Response {
        let mut connection = self.connect().await;
        connection.send(&get(target)).await;
        connection.response().await
    }

    /// Until as many requests wait for the board as given: each of them holds a receiver beside its connection's.
    async fn receivers(&self, expected: usize) {
        until(|| self.boards.receiver_count() == expected).await;
    }

    async fn drain(mut self) -> Drained {
        let drained = self.trigger.drain(LONG).await;
        while self.tasks.join_next().await.is_some() {}
        drained
    }
}

/// Lets everything else run until it is so.
async fn until(mut so: impl FnMut() -> bool) {
    let waited = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(LONG, waited).await.unwrap();
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: lictor\r\n\r\n")
}

/// A client that knows only bytes.
struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
struct Response {
    status: u16,
    head: String,
    body: String,
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn json(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Connection {
    async fn send(&mut self, bytes: &str) {
        self.stream.write_all(bytes.as_bytes()).await.unwrap();
    }

    async fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                let rest = self.unread.split_off(end + 4);
                return String::from_utf8(std::mem::replace(&mut self.unread, rest)).unwrap();
            }
            assert_ne!(self.more().await, 0, "closed before a whole head: {:?}", self.unread);
        }
    }

    async fn more(&mut self) -> usize {
        let read = tokio::time::timeout(LONG, self.stream.read_buf(&mut self.unread)).await;
        read.expect("no answer in time").unwrap_or(0)
    }

    /// Reads one response by its Content-Length.
    async fn response(&mut self) -> Response {
        let head = self.head().await;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut response = Response { status, head, body: String::new() };
        let length: usize = response.header("content-length").expect("every answer has its length").parse().unwrap();
        while self.unread.len() < length {
            assert_ne!(self.more().await, 0, "closed in the middle of a body");
        }
        let rest = self.unread.split_off(length);
        response.body = String::from_utf8(std::mem::replace(&mut self.unread, rest)).unwrap();
        response
    }

    /// Everything until the server closes.
    async fn until_closed(&mut self) -> String {
        while self.more().await != 0 {}
        String::from_utf8(std::mem::take(&mut self.unread)).unwrap()
    }
}
