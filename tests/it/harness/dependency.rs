//! Something that the service needs, a database say: it accepts connections, or it does not.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use super::address::loopback;

/// A listener that accepts and hangs up; stopped when dropped.
#[derive(Debug)]
pub struct Dependency {
    address: SocketAddr,
    running: Option<(JoinHandle<()>, Arc<AtomicBool>)>,
}

impl Dependency {
    /// One that accepts.
    pub fn start() -> Self {
        let mut dependency = Self { address: (loopback(), 5432).into(), running: None };
        dependency.launch();
        dependency
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts connections (again).
    pub fn launch(&mut self) {
        let listener = TcpListener::bind(self.address).unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let accept = move || while listener.accept().is_ok() && !seen.load(Ordering::SeqCst) {};
        self.running = Some((std::thread::spawn(accept), over));
    }

    /// Refuses connections.
    pub fn stop(&mut self) {
        if let Some((thread, over)) = self.running.take() {
            over.store(true, Ordering::SeqCst);
            // One more connection, so that the listener looks up.
            let _ = TcpStream::connect(self.address);
            let _ = thread.join();
        }
    }
}

impl Drop for Dependency {
    fn drop(&mut self) {
        self.stop();
    }
}
