//! A Go server with gRPC's own health service.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// One server; ended when dropped.
#[derive(Debug)]
pub struct GrpcServer {
    pub address: SocketAddr,
    server: Child,
    said: BufReader<ChildStdout>,
}

impl GrpcServer {
    /// One on this address with these further flags.
    pub fn start(host: Ipv4Addr, flags: &[&str]) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/grpc");
        assert!(program.exists(), "the gRPC server is not built: run `make peers`");
        let address = SocketAddr::from((host, 9090));
        let mut command = Command::new(program);
        command.args(["-addr", &address.to_string()]).args(flags);
        let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(server.stdout.take().unwrap());
        let mut server = Self { address, server, said };
        server.hears("listening on");
        server
    }

    /// What it says of a service from now on.
    pub fn says(&mut self, service: &str, status: &str) {
        let mut stdin = self.server.stdin.as_ref().unwrap();
        stdin.write_all(format!("{service} {status}\n").as_bytes()).unwrap();
        self.hears("said");
    }

    /// Its next line.
    fn hears(&mut self, beginning: &str) {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        assert!(line.starts_with(beginning), "the server said {line:?}");
    }
}

impl Drop for GrpcServer {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
