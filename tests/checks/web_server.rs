//! A small web server, plain or with TLS, whose answer a test may change.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};

use crate::authority::Pair;
use crate::harness::address::loopback;

/// A client that says nothing must not hold a test up.
const LIMIT: Duration = Duration::from_secs(20);

/// One server; stopped when dropped.
#[derive(Debug)]
pub struct WebServer {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    tls: Option<Arc<ServerConfig>>,
    answer: Mutex<Option<Vec<u8>>>,
    requests: Mutex<Vec<String>>,
    over: AtomicBool,
}

impl WebServer {
    /// One without TLS.
    pub fn plain() -> Self {
        Self::on((loopback(), 0).into(), None)
    }

    /// One with TLS on this address.
    pub fn tls(address: SocketAddr, tls: ServerConfig) -> Self {
        Self::on(address, Some(Arc::new(tls)))
    }

    fn on(address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Mutex::new(Some(response(200, &[], "ok")));
        let shared = Arc::new(Shared { tls, answer, requests: Mutex::default(), over: AtomicBool::new(false) });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if of_thread.over.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes away, or does not like the certificate, is no failure of the server.
                let _ = of_thread.serve(stream);
            }
        });
        Self { address, shared, thread: Some(thread) }
    }

    /// Answers like this from now on.
    pub fn answers(&self, code: u16, headers: &[(&str, &str)], body: &str) {
        *self.shared.answer.lock().unwrap() = Some(response(code, headers, body));
    }

    /// Answers nothing from now on, until it is dropped or told otherwise.
    pub fn hangs(&self) {
        *self.shared.answer.lock().unwrap() = None;
    }

    /// What it was sent so far, head and body.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // One more connection, so that the listener looks up.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(LIMIT))?;
        match &self.tls {
            None => self.exchange(&mut stream),
            Some(tls) => {
                let mut connection = ServerConnection::new(Arc::clone(tls)).map_err(io::Error::other)?;
                let mut stream = rustls::Stream::new(&mut connection, &mut stream);
                self.exchange(&mut stream)?;
                stream.conn.send_close_notify();
                stream.flush()
            }
        }
    }

    fn exchange(&self, stream: &mut (impl Read + Write)) -> io::Result<()> {
        let mut text = Vec::new();
        loop {
            let mut some = [0; 4096];
            let read = stream.read(&mut some)?;
            text.extend_from_slice(&some[..read]);
            let Some(end) = text.windows(4).position(|window| window == b"\r\n\r\n") else {
                if read == 0 {
                    return Ok(());
                }
                continue;
            };
            let head = String::from_utf8_lossy(&text[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if read == 0 || text.len() - end - 4 >= length.unwrap_or(0) {
                break;
            }
        }
        self.requests.lock().unwrap().push(String::from_utf8_lossy(&text).into_owned());
        let answer = self.answer.lock().unwrap().clone();
        match answer {
            Some(answer) => stream.write_all(&answer).and_then(|()| stream.flush()),
            // Until the client has had enough.
            None => stream.read(&mut [0; 1]).map(drop),
        }
    }
}

/// An answer as it goes out.
fn response(code: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let headers: String = headers.iter().flat_map(|(name, value)| [*name, ": ", *value, "\r\n"]).collect();
    let length = body.len();
    format!("HTTP/1.1 {code} x\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

/// TLS with this certificate; with an authority, only for clients that it has signed.
pub fn tls(pair: &Pair, clients: Option<&Path>) -> ServerConfig {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificates = |path: &Path| -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_file_iter(path).unwrap().map(Result::unwrap).collect()
    };
    let key = PrivateKeyDer::from_pem_file(&pair.key).unwrap();
    let builder = ServerConfig::builder();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let mut trusted = RootCertStore::empty();
            trusted.add_parsable_certificates(certificates(ca));
            builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(trusted)).build().unwrap())
        }
    };
    builder.with_single_cert(certificates(&pair.cert), key).unwrap()
}
