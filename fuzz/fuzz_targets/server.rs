//! Raw bytes to the server that the status port and the admin socket share: answers of HTTP, or the end of the connection.
#![no_main]

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use lictor::drain;
use lictor::http::{Limits, Listener, Peer, Resources, serve};
use lictor::machine::{Board, Machine, Moment, Policy, Restored};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// A listener to which one client comes.
struct Once(Option<DuplexStream>);

impl Listener for Once {
    type Stream = DuplexStream;

    async fn accept(&mut self) -> std::io::Result<(DuplexStream, Peer)> {
        match self.0.take() {
            Some(stream) => Ok((stream, Peer::Local(None))),
            None => std::future::pending().await,
        }
    }
}

fuzz_target!(|input: &[u8]| {
    thread_local!(static RUNTIME: Runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap());
    let said = RUNTIME.with(|runtime| runtime.block_on(talk(input)));
    assert!(said.is_empty() || said.starts_with(b"HTTP/1."), "{:?}", String::from_utf8_lossy(&said));
});

/// Says all this to a server, and listens until the connection ends.
async fn talk(input: &[u8]) -> Vec<u8> {
    static BOARD: OnceLock<Arc<Board>> = OnceLock::new();
    let board = BOARD.get_or_init(|| {
        let mut machine = Machine::new(Policy::new("billing"), Restored::default(), 1, Moment(1), 1);
        Arc::new(machine.board(None))
    });
    let (_keep, boards) = watch::channel(Arc::clone(board));
    let (trigger, watcher) = drain::channel();
    let (near, far) = duplex(64 * 1024);
    let server = serve(Once(Some(far)), Limits::ADMIN, Resources::new(boards, watcher.clone()), watcher);
    let client = async {
        let (mut read, mut write) = tokio::io::split(near);
        let mut said = Vec::new();
        // A server that hangs up in the middle of what is said is right to do so.
        let speak = async {
            let _ = write.write_all(input).await;
            let _ = write.shutdown().await;
        };
        // Longer than the longest wait: time is not real here.
        let listen = tokio::time::timeout(Duration::from_secs(3600), read.read_to_end(&mut said));
        let (_, heard) = tokio::join!(speak, listen);
        assert!(heard.is_ok(), "the connection never ends");
        trigger.drain(Duration::from_secs(10)).await;
        said
    };
    let ((), said) = tokio::join!(server, client);
    said
}
