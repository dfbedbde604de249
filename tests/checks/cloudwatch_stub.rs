//! What answers as CloudWatch does to whoever puts metrics, and keeps what was put.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::harness::address::loopback;

/// Longer than any request takes that is not lost.
const LIMIT: Duration = Duration::from_mins(1);

/// What was put by one request.
#[derive(Debug)]
pub struct Put {
    /// By gzip.
    pub compressed: bool,
    /// In CBOR, once it is not compressed.
    pub body: Vec<u8>,
}

/// An endpoint that takes everything; stopped when dropped.
#[derive(Debug)]
pub struct CloudWatch {
    address: SocketAddr,
    puts: Receiver<Put>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl CloudWatch {
    /// One on an address of its own.
    pub fn start() -> Self {
        let listener = TcpListener::bind((loopback(), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let (sender, puts) = channel();
        let seen = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if seen.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes away is no failure of this test.
                let _ = answer(stream, &sender);
            }
        });
        Self { address, puts, over, thread: Some(thread) }
    }

    /// Where it is, as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the next request has put.
    pub fn put(&self) -> Put {
        self.puts.recv_timeout(LIMIT).expect("metrics are put")
    }
}

/// One request a connection: it is closed after the answer.
fn answer(mut stream: TcpStream, puts: &Sender<Put>) -> io::Result<()> {
    stream.set_read_timeout(Some(LIMIT))?;
    let mut text = Vec::new();
    let (head, body) = loop {
        let mut some = [0; 4096];
        let read = stream.read(&mut some)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        text.extend_from_slice(&some[..read]);
        let Some(end) = text.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&text[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if text.len() - end - 4 >= length.unwrap_or(0) {
            break (head, text.split_off(end + 4));
        }
    };
    assert!(head.contains("smithy-protocol: rpc-v2-cbor"), "another protocol: {head}");
    // An empty map in CBOR.
    stream.write_all(
        b"HTTP/1.1 200 OK\r\nsmithy-protocol: rpc-v2-cbor\r\ncontent-type: application/cbor\r\n\
          connection: close\r\ncontent-length: 1\r\n\r\n\xa0",
    )?;
    let _ = puts.send(Put { compressed: head.contains("content-encoding: gzip"), body });
    Ok(())
}

impl Drop for CloudWatch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // One more connection, so that the listener looks up.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
