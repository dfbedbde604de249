//! Something on Consul's port that says what no Consul says, and the truth again when the test wants it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::address::loopback;

/// What it does with a request.
pub type Lie = fn(&mut TcpStream) -> io::Result<()>;

/// A server with one key, `billing/GREETING`; its threads end when it is dropped and its clients have gone.
#[derive(Debug)]
pub struct Liar {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Grows with each change; the index that the truth is told with.
    index: u64,
    greeting: String,
    lie: Option<Lie>,
    requests: u64,
    /// How many of them have met a lie.
    lies: u64,
    over: bool,
}

impl Liar {
    /// An honest one.
    pub fn start() -> Self {
        let listener = TcpListener::bind((loopback(), 8500)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if accepting.state.lock().unwrap().over {
                    return;
                }
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        let liar = Self { address, shared };
        liar.say("hello");
        liar
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on the truth, which is this.
    pub fn say(&self, greeting: &str) {
        greeting.clone_into(&mut self.change(|state| state.lie = None).greeting);
    }

    /// From now on this.
    pub fn lie(&self, lie: Lie) {
        drop(self.change(|state| state.lie = Some(lie)));
    }

    /// How many requests have come.
    pub fn requests(&self) -> u64 {
        self.shared.state.lock().unwrap().requests
    }

    /// How many requests have met a lie.
    pub fn lies(&self) -> u64 {
        self.shared.state.lock().unwrap().lies
    }

    fn change(&self, change: impl FnOnce(&mut State)) -> std::sync::MutexGuard<'_, State> {
        let mut state = self.shared.state.lock().unwrap();
        change(&mut state);
        state.index += 1;
        self.shared.changed.notify_all();
        state
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        drop(self.change(|state| state.over = true));
        // One more connection, so that the listener looks up.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        while let Ok(asked) = read_head(&mut stream) {
            let mut state = self.state.lock().unwrap();
            state.requests += 1;
            // A blocking query of the truth waits for what is new; a minute is longer than any test.
            let old = asked.as_deref() == Some(&*state.index.to_string());
            if old && state.lie.is_none() {
                let index = state.index;
                let waits = |state: &mut State| state.index == index && !state.over;
                state = self.changed.wait_timeout_while(state, Duration::from_mins(1), waits).unwrap().0;
            }
            let lie = state.lie.unwrap_or(|_| Ok(()));
            let answer = state.lie.is_none().then(|| truth(state.index, &state.greeting));
            state.lies += u64::from(answer.is_none());
            drop(state);
            let said = match answer {
                Some(answer) => stream.write_all(&answer),
                None => lie(&mut stream).and(Err(io::ErrorKind::ConnectionAborted.into())),
            };
            if said.is_err() {
                return;
            }
        }
    }
}

/// The `index=` of the next request, if it has one.
fn read_head(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    Ok(head.split(['?', '&', ' ']).find_map(|word| word.strip_prefix("index=")).map(str::to_owned))
}

/// The answer of a Consul with this one key.
pub fn truth(index: u64, greeting: &str) -> Vec<u8> {
    use base64::Engine as _;
    let value = base64::engine::general_purpose::STANDARD.encode(greeting);
    let body = format!(r#"[{{"Key":"billing/GREETING","Flags":0,"Value":"{value}","ModifyIndex":{index}}}]"#);
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nX-Consul-Index: {index}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}
