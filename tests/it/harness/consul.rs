//! A real Consul agent, on an address of its own.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::address::loopback;
use super::client::{Answer, Request};
use super::wait::eventually;

/// The token that may do everything, where there are tokens.
const ROOT: &str = "5c2dd2a5-4d3b-4f13-8a3f-b7d1b0d5f1a0";

/// What an agent keeps when it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    Memory,
    Disk,
}

/// Whether an agent asks for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Open,
    Denied,
}

/// One agent; killed when dropped.
#[derive(Debug)]
pub struct Consul {
    host: Ipv4Addr,
    folder: TempDir,
    store: Store,
    access: Access,
    launches: u32,
    agent: Option<Child>,
}

impl Consul {
    /// An agent that keeps nothing when it ends.
    pub fn start() -> Self {
        Self::absent().launched()
    }

    /// An agent that keeps its data.
    pub fn with_data() -> Self {
        Self::new(Store::Disk, Access::Open).launched()
    }

    /// An agent that denies everything to those without a token.
    pub fn with_tokens() -> Self {
        Self::new(Store::Memory, Access::Denied).launched()
    }

    /// An agent that is not there yet.
    pub fn absent() -> Self {
        Self::new(Store::Memory, Access::Open)
    }

    fn new(store: Store, access: Access) -> Self {
        let folder = tempfile::Builder::new().prefix("consul-").tempdir().unwrap();
        Self { host: loopback(), folder, store, access, launches: 0, agent: None }
    }

    fn launched(mut self) -> Self {
        self.launch();
        self
    }

    /// Where its HTTP port is.
    pub fn address(&self) -> SocketAddr {
        (self.host, 8500).into()
    }

    /// Starts it, and waits until it has a leader.
    pub fn launch(&mut self) {
        assert!(self.agent.is_none(), "this agent runs already");
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/consul");
        assert!(program.exists(), "Consul is not built: run `make peers`");
        self.launches += 1;
        let log = File::create(self.log()).unwrap();
        let mut command = Command::new(program);
        command.arg("agent").args(["-bind", &self.host.to_string(), "-client", &self.host.to_string()]);
        match self.store {
            Store::Memory => {
                // A name of its own for each life: it is another node.
                command.args(["-dev", "-node", &format!("node-{}", self.launches)]);
            }
            Store::Disk => {
                command.args(["-server", "-bootstrap-expect=1", "-node=node", "-data-dir"]).arg(self.folder.path());
            }
        }
        // All clients of a test have one address; the benchmark has two hundred lictors on one agent.
        let mut settings = "disable_update_check = true\nperformance { raft_multiplier = 1 }\n\
                            limits { http_max_conns_per_client = 4000 }\n\
                            ports { dns = -1 grpc = -1 grpc_tls = -1 serf_wan = -1 }\n"
            .to_owned();
        if self.access == Access::Denied {
            writeln!(
                settings,
                "acl {{ enabled = true default_policy = \"deny\" \
                 tokens {{ initial_management = \"{ROOT}\" agent = \"{ROOT}\" }} }}"
            )
            .unwrap();
        }
        command.args(["-log-level", "warn", "-hcl", &settings]);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.agent = Some(command.spawn().unwrap());
        eventually("Consul has a leader", || {
            let ended = self.agent.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "Consul ended: {}", fs::read_to_string(self.log()).unwrap());
            let answer = Request::get("/v1/status/leader").tcp(self.address()).ok()?;
            (answer.code == 200 && answer.text().trim().len() > 2).then_some(())
        });
        // A leader comes a moment before its tokens.
        eventually("Consul knows its own token", || {
            let headers = [("X-Consul-Token", ROOT)];
            let headers = if self.access == Access::Denied { &headers[..] } else { &[] };
            let request = Request { method: "GET", path: "/v1/kv/?keys", headers, body: b"" };
            let answer = request.tcp(self.address()).ok()?;
            matches!(answer.code, 200 | 404).then_some(())
        });
    }

    fn log(&self) -> std::path::PathBuf {
        self.folder.path().join("agent.log")
    }

    /// Ends it as a power cut does.
    pub fn kill(&mut self) {
        let mut agent = self.agent.take().expect("this agent does not run");
        agent.kill().unwrap();
        agent.wait().unwrap();
    }

    /// Any request with all rights.
    pub fn ask(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let headers = [("X-Consul-Token", ROOT)];
        let headers = if self.access == Access::Denied { &headers[..] } else { &[] };
        let request = Request { method, path, headers, body };
        let answer = request.tcp(self.address()).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        assert!(matches!(answer.code, 200 | 404), "{method} {path}: {} {}", answer.code, answer.text());
        answer
    }

    /// Writes one key.
    pub fn put(&self, key: &str, value: impl AsRef<[u8]>) {
        let answer = self.ask("PUT", &format!("/v1/kv/{key}"), value.as_ref());
        assert_eq!(answer.text().trim(), "true", "PUT {key}");
    }

    /// Removes one key.
    pub fn delete(&self, key: &str) {
        self.ask("DELETE", &format!("/v1/kv/{key}"), b"");
    }

    /// The index that a read of this folder has now.
    pub fn index(&self, folder: &str) -> u64 {
        self.ask("GET", &format!("/v1/kv/{folder}?recurse"), b"").headers["x-consul-index"].parse().unwrap()
    }

    /// Makes or changes a policy with these rules.
    pub fn policy(&self, name: &str, rules: &str) {
        let body = json!({ "Name": name, "Rules": rules }).to_string();
        let known = self.ask("GET", &format!("/v1/acl/policy/name/{name}"), b"");
        let path = match known.code {
            200 => format!("/v1/acl/policy/{}", known.json()["ID"].as_str().unwrap()),
            _ => "/v1/acl/policy".to_owned(),
        };
        self.ask("PUT", &path, body.as_bytes());
    }

    /// A new token with this policy.
    pub fn token(&self, policy: &str) -> Token {
        let body = json!({ "Policies": [{ "Name": policy }] }).to_string();
        let made: Value = self.ask("PUT", "/v1/acl/token", body.as_bytes()).json();
        let field = |name: &str| made[name].as_str().unwrap().to_owned();
        Token { secret: field("SecretID"), accessor: field("AccessorID") }
    }

    /// Takes a token away.
    pub fn revoke(&self, token: &Token) {
        self.ask("DELETE", &format!("/v1/acl/token/{}", token.accessor), b"");
    }
}

impl Drop for Consul {
    fn drop(&mut self) {
        if self.agent.is_some() {
            self.kill();
        }
    }
}

/// A token of Consul's.
#[derive(Clone, Debug)]
pub struct Token {
    /// What is sent with a request.
    pub secret: String,
    accessor: String,
}
