//! A Redis, plain and with TLS.

use std::fs;
use std::net::SocketAddr;

use super::Server;
use crate::authority::Pair;

const PLAIN: u16 = 6379;
const TLS: u16 = 6380;

/// A running server, ended when dropped.
pub struct Redis {
    server: Server,
    arguments: Vec<String>,
}

impl Redis {
    /// One with these words on its command line, and TLS if it has a certificate.
    pub fn start(certificate: impl FnOnce(&Server) -> Option<Pair>, words: &str) -> Self {
        let server = Server::new();
        let mut arguments: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        if let Some(pair) = certificate(&server) {
            let read = |path| fs::read(path).unwrap();
            let (cert, key) = (server.write("server.pem", read(pair.cert)), server.write("server.key", read(pair.key)));
            let words = format!(
                "--tls-port {TLS} --tls-auth-clients no --tls-cert-file {0} --tls-ca-cert-file {0} --tls-key-file {1}",
                cert.display(),
                key.display()
            );
            arguments.extend(words.split_whitespace().map(str::to_owned));
        }
        let mut redis = Self { server, arguments };
        redis.launch();
        redis
    }

    /// Starts it (again).
    pub fn launch(&mut self) {
        let mut command = self.server.command("redis-server");
        command.args(["--save", "", "--port", &PLAIN.to_string(), "--bind", &self.server.host().to_string()]);
        command.arg("--unixsocket").arg(self.server.path("redis.sock")).args(["--unixsocketperm", "777"]);
        command.args(&self.arguments);
        self.server.start(command, PLAIN);
    }

    /// From its next start on it has these words on its command line.
    pub fn arguments(&mut self, words: &str) {
        self.arguments = words.split_whitespace().map(str::to_owned).collect();
    }

    /// Ends it, at once.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Where it is without TLS.
    pub fn plain(&self) -> SocketAddr {
        (self.server.host(), PLAIN).into()
    }

    /// Where it is with TLS.
    pub fn tls(&self) -> SocketAddr {
        (self.server.host(), TLS).into()
    }

    /// Its socket.
    pub fn socket(&self) -> std::path::PathBuf {
        self.server.path("redis.sock")
    }
}
