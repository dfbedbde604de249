//! A bug of ours costs the request that met it, and nothing else.

use std::io;

use super::*;
use crate::http::listener::{Listener, Peer};

#[tokio::test]
async fn a_request_that_meets_a_bug_loses_its_connection_and_no_other_does() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_boards, latest) = watch::channel(Arc::new(sample::board()));
    let (_trigger, watcher) = drain::channel();
    let metrics = Exposition::new(|_, _| panic!("on purpose"));
    let resources = Resources::new(latest, watcher.clone()).with_metrics(metrics);
    let mut tasks = JoinSet::new();
    tasks.spawn(serve(listener, Limits::STATUS, resources, watcher));
    let connect = || async { Connection { stream: TcpStream::connect(address).await.unwrap(), unread: Vec::new() } };

    let mut other = connect().await;
    other.send(&get("/live")).await;
    assert_eq!(other.response().await.status, 200);
    let mut unlucky = connect().await;
    unlucky.send(&get("/metrics")).await;
    let mut rest = Vec::new();
    tokio::time::timeout(LONG, unlucky.stream.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert_eq!(rest, b"", "it is closed without an answer");
    other.send(&get("/live")).await;
    assert_eq!(other.response().await.status, 200);
}

/// Panics at its first connection.
struct Unlucky {
    listener: TcpListener,
    bugs: u32,
}

impl Listener for Unlucky {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, Peer)> {
        let accepted = Listener::accept(&mut self.listener).await;
        if self.bugs > 0 {
            self.bugs -= 1;
            panic!("on purpose");
        }
        accepted
    }
}

#[tokio::test]
async fn a_server_that_meets_a_bug_goes_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_boards, latest) = watch::channel(Arc::new(sample::board()));
    let (_trigger, watcher) = drain::channel();
    let resources = Resources::new(latest, watcher.clone());
    let mut tasks = JoinSet::new();
    tasks.spawn(serve(Unlucky { listener, bugs: 1 }, Limits::STATUS, resources, watcher));
    let lost = TcpStream::connect(address).await.unwrap();
    let mut connection = Connection { stream: TcpStream::connect(address).await.unwrap(), unread: Vec::new() };
    connection.send(&get("/live")).await;
    assert_eq!(connection.response().await.status, 200);
    drop(lost);
}
