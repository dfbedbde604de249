//! A real Consul agent: ports chosen by the kernel, a folder of its own, killed when dropped.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

/// The token that may do everything, where there are tokens.
pub const ROOT: &str = "2a9d9cc1-6a3e-4b6c-9a7c-0d7c5c5b9f11";

/// What the agent is to have beyond a plain HTTP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    Nothing,
    /// A data folder that survives.
    Data,
    /// Tokens, and nothing allowed without one.
    Tokens,
    /// A Unix socket beside the port.
    Socket,
    /// An HTTPS port that asks for a certificate.
    Tls,
}

#[derive(Debug)]
pub struct Agent {
    with: With,
    folder: TempDir,
    http: u16,
    https: u16,
    others: [u16; 2],
    child: Option<Child>,
    client: Client,
}

impl Agent {
    pub async fn start(with: With) -> Self {
        lictor::consul::install_crypto();
        let client = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        // Ports that were free a moment ago may be taken by a neighbour before Consul binds them.
        for _ in 0..5 {
            let [http, https, serf, server] = free_ports();
            let folder = tempfile::Builder::new().prefix("consul-").tempdir().unwrap();
            let client = client.clone();
            let mut agent = Self { with, folder, http, https, others: [serf, server], child: None, client };
            agent.write_settings();
            if agent.launch().await {
                return agent;
            }
        }
        panic!("consul did not start in five attempts");
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.http)
    }

    pub fn tls_address(&self) -> String {
        format!("https://127.0.0.1:{}", self.https)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Ends it without any warning.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself; it is waited for in any case.
            let _ = child.kill();
            child.wait().unwrap();
        }
    }

    /// Starts it again, on the same ports.
    pub async fn start_again(&mut self) {
        assert!(self.launch().await, "consul did not start again: {}", self.log());
    }

    pub async fn put(&self, key: &str, value: impl AsRef<[u8]>) {
        let path = format!("/v1/kv/{}", lictor::consul::key::encoded(key));
        self.ask(Method::PUT, &path, |request| request.body(value.as_ref().to_vec())).await;
    }

    pub async fn delete(&self, key: &str) {
        self.ask(Method::DELETE, &format!("/v1/kv/{}", lictor::consul::key::encoded(key)), |request| request).await;
    }

    /// Sends JSON with the token that may do everything.
    pub async fn manage(&self, path: &str, body: Value) -> Value {
        let answer = self.ask(Method::PUT, path, |request| request.json(&body)).await;
        serde_json::from_str(&answer).unwrap()
    }

    async fn ask(&self, method: Method, path: &str, more: impl FnOnce(RequestBuilder) -> RequestBuilder) -> String {
        let request = self.client.request(method, format!("http://{}{path}", self.address()));
        let answer = more(request.header("x-consul-token", ROOT)).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status, 200, "{path}: {text}");
        text
    }

    fn write_settings(&self) {
        let folder = self.folder.path().display();
        let [gossip, server] = self.others;
        let https = if self.with == With::Tls { format!("https = {}", self.https) } else { String::new() };
        let ports = format!(
            "disable_update_check = true\nports {{\n dns = -1\n grpc = -1\n grpc_tls = -1\n serf_wan = -1\n \
             http = {}\n serf_lan = {gossip}\n server = {server}\n {https}\n}}\n",
            self.http
        );
        let more = match self.with {
            With::Nothing => String::new(),
            With::Data => format!(
                "server = true\nbootstrap_expect = 1\ndata_dir = \"{folder}/data\"\n\
                 performance {{\n raft_multiplier = 1\n}}\n"
            ),
            With::Tokens => format!(
                "acl {{\n enabled = true\n default_policy = \"deny\"\n tokens {{\n initial_management = \"{ROOT}\"\n \
                 agent = \"{ROOT}\"\n }}\n}}\n"
            ),
            With::Socket => format!("addresses {{\n http = \"unix://{folder}/http.sock 127.0.0.1\"\n}}\n"),
            With::Tls => {
                self.consul(&["tls", "ca", "create"]);
                self.consul(&["tls", "cert", "create", "-server", "-additional-ipaddress", "127.0.0.1"]);
                self.consul(&["tls", "cert", "create", "-cli"]);
                format!(
                    "tls {{\n defaults {{\n ca_file = \"{folder}/consul-agent-ca.pem\"\n cert_file = \
                     \"{folder}/dc1-server-consul-0.pem\"\n key_file = \"{folder}/dc1-server-consul-0-key.pem\"\n }}\n \
                     https {{\n verify_incoming = true\n }}\n}}\n"
                )
            }
        };
        fs::write(self.path("agent.hcl"), ports + &more).unwrap();
    }

    fn consul(&self, arguments: &[&str]) {
        let made = Command::new(binary()).args(arguments).current_dir(self.folder.path()).output().unwrap();
        assert!(made.status.success(), "consul {arguments:?}: {}", String::from_utf8_lossy(&made.stderr));
    }

    /// Starts it and waits for its leader; `false`: it has ended at once.
    async fn launch(&mut self) -> bool {
        let log = fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = Command::new(binary());
        command.args(["agent", "-bind=127.0.0.1", "-log-level=warn", &format!("-node=node-{}", self.http)]);
        if self.with != With::Data {
            command.arg("-dev");
        }
        command.arg("-config-file").arg(self.path("agent.hcl"));
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
        let ready = timeout(Duration::from_mins(1), async {
            while !self.has_leader().await {
                if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                    return false;
                }
                sleep(Duration::from_millis(20)).await;
            }
            true
        });
        ready.await.unwrap_or_else(|_| panic!("no leader within 60 s: {}", self.log()))
    }

    async fn has_leader(&self) -> bool {
        let path = format!("http://{}/v1/status/leader", self.address());
        let Ok(answer) = self.client.get(path).header("x-consul-token", ROOT).send().await else { return false };
        answer.text().await.is_ok_and(|leader| leader.len() > 2 && leader.starts_with('"'))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.kill();
    }
}

fn binary() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/consul");
    assert!(path.exists(), "{} is missing; build it with `make peers`", path.display());
    path
}

fn free_ports() -> [u16; 4] {
    let held: [TcpListener; 4] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}
