//! A TCP proxy before an agent, that can cut the line or hide that the agent was away.

use std::net::SocketAddr;
use std::thread::JoinHandle;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::address::loopback;

/// What the proxy does with its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Passes everything on.
    Open,
    /// Ends every connection, old and new.
    Cut,
    /// Keeps the client waiting when the agent is lost, and asks the agent again, with the same words, once it is open.
    Hide,
    /// The test is over.
    End,
}

/// A running proxy; ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy that passes on to `agent`.
    pub fn before(agent: SocketAddr) -> Self {
        let listener = std::net::TcpListener::bind((loopback(), 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, seen) = watch::channel(Mode::Open);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(listener, agent, seen));
        });
        Self { address, mode, thread: Some(thread) }
    }

    /// Where clients find it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections and lets none come about.
    pub fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
    }

    /// From now on clients do not see that the agent goes away.
    pub fn hide(&self) {
        self.mode.send_replace(Mode::Hide);
    }

    /// Passes everything on again; what was hidden is asked again.
    pub fn open(&self) {
        self.mode.send_replace(Mode::Open);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.mode.send_replace(Mode::End);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || matches!(ended, Some(Ok(()))), "the proxy panicked");
    }
}

async fn serve(listener: std::net::TcpListener, agent: SocketAddr, mut mode: watch::Receiver<Mode>) {
    let listener = TcpListener::from_std(listener).unwrap();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (client, _) = accepted.unwrap();
                connections.spawn(pass(client, agent, mode.clone()));
            }
            Some(_) = connections.join_next() => {}
            () = becomes(&mut mode, |mode| mode == Mode::End) => return,
        }
    }
}

async fn pass(mut client: TcpStream, agent: SocketAddr, mut mode: watch::Receiver<Mode>) -> std::io::Result<()> {
    if is(&mode, Mode::Cut) {
        return Ok(());
    }
    let mut server = TcpStream::connect(agent).await?;
    let mut ended = mode.clone();
    // All that the client has said since the agent's last word: its open request.
    let mut request = Vec::new();
    let mut answered = false;
    let (mut up, mut down) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                if std::mem::take(&mut answered) {
                    request.clear();
                }
                request.extend_from_slice(&up[..read]);
                server.write_all(&up[..read]).await?;
            }
            read = server.read(&mut down) => {
                if let Ok(read @ 1..) = read {
                    answered = true;
                    client.write_all(&down[..read]).await?;
                } else if is(&mode, Mode::Hide) {
                    becomes(&mut mode, |mode| mode != Mode::Hide).await;
                    server = TcpStream::connect(agent).await?;
                    if !answered {
                        server.write_all(&request).await?;
                    }
                } else {
                    return Ok(());
                }
            }
            () = becomes(&mut ended, |mode| matches!(mode, Mode::Cut | Mode::End)) => return Ok(()),
        }
    }
}

fn is(now: &watch::Receiver<Mode>, mode: Mode) -> bool {
    *now.borrow() == mode
}

/// Waits for such a mode. (In a function of its own, because what `wait_for` hands out may not be kept over an await.)
async fn becomes(mode: &mut watch::Receiver<Mode>, such: fn(Mode) -> bool) {
    let _ = mode.wait_for(|mode| such(*mode)).await;
}
