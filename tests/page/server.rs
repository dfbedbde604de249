//! `lictor fleet --serve`, on a port of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::harness::Consul;
use crate::harness::client::{Answer, Request};

/// The server; killed when dropped.
pub struct Server {
    process: Child,
    pub url: String,
}

impl Server {
    pub fn of(consul: &Consul) -> Self {
        Self::with(consul, &[])
    }

    pub fn with(consul: &Consul, words: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lictor"));
        command.args(["fleet", "--serve", "127.0.0.1:0"]).args(words);
        command.env("CONSUL_HTTP_ADDR", consul.address().to_string()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().rsplit(' ').next().unwrap().trim_end_matches('/').to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{line}");
        Self { process, url }
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn ask(&self, request: &Request<'_>) -> Answer {
        request.tcp(self.url.trim_start_matches("http://").parse().unwrap()).unwrap()
    }

    pub fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
