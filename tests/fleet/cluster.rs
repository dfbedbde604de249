//! A real Consul cluster: three servers, and a client agent for each host. Each has a loopback address of its own.

use std::cell::RefCell;
use std::fs::OpenOptions;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::address::loopback;
use crate::harness::client::{Answer, Request};
use crate::harness::processes::signal;
use crate::harness::wait::eventually;

const SERVERS: usize = 3;

/// All agents; killed when dropped.
#[derive(Debug)]
pub struct Cluster {
    servers: Vec<Agent>,
    clients: Vec<Agent>,
}

/// One agent, with a folder for its data.
#[derive(Debug)]
pub struct Agent {
    node: String,
    host: Ipv4Addr,
    folder: TempDir,
    settings: String,
    process: RefCell<Option<Child>>,
}

impl Cluster {
    /// So many client agents, called `host-a`, `host-b`, and so on, before three servers.
    pub fn of(clients: usize) -> Self {
        let servers: Vec<Ipv4Addr> = (0..SERVERS).map(|_| loopback()).collect();
        let join: Vec<String> = servers.iter().map(ToString::to_string).collect();
        let join = format!("retry_join = {join:?}\nretry_interval = \"1s\"\n");
        let serve = format!("server = true\nbootstrap_expect = {SERVERS}\n{join}");
        let servers: Vec<_> = servers
            .iter()
            .enumerate()
            .map(|(number, host)| Agent::new(&format!("server-{number}"), *host, &serve))
            .collect();
        let letters = "abcdefghijklmnopqrstuvwxyz".chars().take(clients);
        let clients = letters.map(|letter| Agent::new(&format!("host-{letter}"), loopback(), &join)).collect();
        let cluster = Self { servers, clients };
        for agent in cluster.servers.iter().chain(&cluster.clients) {
            agent.launch();
        }
        for agent in cluster.servers.iter().chain(&cluster.clients) {
            agent.until_it_answers();
        }
        cluster
    }

    /// The client agent of this host.
    pub fn client(&self, host: usize) -> &Agent {
        &self.clients[host]
    }

    /// Where the servers and the clients answer.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(Agent::address).collect()
    }

    /// The server that leads.
    pub fn leader(&self) -> &Agent {
        eventually("the cluster has a leader", || {
            let asked = self.servers.iter().filter(|server| server.process.borrow().is_some());
            let mut told = asked.filter_map(|server| Request::get("/v1/status/leader").tcp(server.address()).ok());
            let leader = told.find_map(|answer| answer.text().trim().trim_matches('"').parse::<SocketAddr>().ok())?;
            self.servers.iter().find(|server| leader.ip() == server.host && server.process.borrow().is_some())
        })
    }

    /// One request to whichever server answers it.
    pub fn ask(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        eventually(&format!("{method} {path}"), || {
            self.addresses().into_iter().find_map(|server| {
                let answer = Request { method, path, headers: &[], body }.tcp(server).ok()?;
                matches!(answer.code, 200 | 404).then_some(answer)
            })
        })
    }

    /// Writes one key.
    pub fn put(&self, key: &str, value: &str) {
        self.ask("PUT", &format!("/v1/kv/{key}"), value.as_bytes());
    }

    /// Removes one key.
    pub fn delete(&self, key: &str) {
        self.ask("DELETE", &format!("/v1/kv/{key}"), b"");
    }

    /// The keys of a folder.
    pub fn keys(&self, folder: &str) -> Vec<String> {
        let answer = self.ask("GET", &format!("/v1/kv/{folder}?keys"), b"");
        if answer.code == 404 {
            return Vec::new();
        }
        let keys: Value = answer.json();
        keys.as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned()).collect()
    }

    /// What the agents have said, for a message.
    pub fn log(&self) -> String {
        let tail = |agent: &Agent| {
            let text = std::fs::read_to_string(agent.folder.path().join("log")).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            format!("--- {}\n{}\n", agent.node, lines[lines.len().saturating_sub(15)..].join("\n"))
        };
        self.servers.iter().chain(&self.clients).map(tail).collect()
    }
}

impl Agent {
    fn new(node: &str, host: Ipv4Addr, settings: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("agent-").tempdir().unwrap();
        Self { node: node.to_owned(), host, folder, settings: settings.to_owned(), process: RefCell::new(None) }
    }

    /// Where its HTTP port is.
    pub fn address(&self) -> SocketAddr {
        (self.host, 8500).into()
    }

    /// What the cluster calls it.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Starts it, for the first time or again.
    pub fn launch(&self) {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/consul");
        assert!(program.exists(), "Consul is not built: run `make peers`");
        let log = OpenOptions::new().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        // Elections are to go by what a test does, and not by how busy the machine is.
        let settings = format!(
            "disable_update_check = true\nperformance {{ raft_multiplier = 2 }}\n\
             ports {{ dns = -1 grpc = -1 grpc_tls = -1 serf_wan = -1 }}\n{}",
            self.settings
        );
        let host = self.host.to_string();
        let mut command = Command::new(program);
        command.args(["agent", "-bind", &host, "-client", &host, "-node", &self.node, "-log-level", "warn"]);
        command.arg("-data-dir").arg(self.folder.path().join("data")).args(["-hcl", &settings]);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let before = self.process.replace(Some(command.spawn().unwrap()));
        assert!(before.is_none(), "{} runs already", self.node);
    }

    /// Waits until it has joined a cluster that has a leader.
    pub fn until_it_answers(&self) {
        eventually(&format!("{} is in the cluster", self.node), || {
            let answer = Request::get("/v1/catalog/nodes").tcp(self.address()).ok()?;
            answer.text().contains(&format!("{:?}", self.node)).then_some(())
        });
    }

    /// Ends it as a power cut does.
    pub fn kill(&self) {
        self.end(Signal::KILL);
    }

    /// Ends it by this signal.
    pub fn end(&self, signal: Signal) {
        self.signal(signal);
        self.process.take().expect("this agent does not run").wait().unwrap();
    }

    /// Sends it a signal.
    pub fn signal(&self, number: Signal) {
        let process = self.process.borrow();
        signal(process.as_ref().expect("this agent does not run").id(), number);
    }

    /// One request to it.
    pub fn ask(&self, method: &str, path: &str) -> Answer {
        let request = Request { method, path, headers: &[], body: b"" };
        request.tcp(self.address()).unwrap_or_else(|error| panic!("{method} {path} at {}: {error}", self.node))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
