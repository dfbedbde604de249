//! A host with Consul's agent, lictor's unit and CodeDeploy's agent, as a deployment finds it.

use std::path::Path;

use serde_json::Value;
use tokio::time::Instant;

use crate::agent::Agent;
use crate::rig::Rig;
use crate::wait::{PATIENCE, eventually};

/// Before a release is found out to be bad, a test does not want to wait for as long as a release does.
const SHORT: &str = r#"
wait {
  min = "50ms"
  max = "500ms"
}
apply {
  min_healthy = "300ms"
  deadline    = "3s"
}
crash {
  backoff     = "100ms"
  max_backoff = "1s"
}
state {
  boot_grace = "1s"
}
"#;

/// One host.
#[derive(Debug)]
pub struct Host(Rig);

impl Host {
    /// One on which nothing was ever deployed, with a number of workers in the KV store.
    pub fn new() -> Self {
        let host = Self::booted(&["consul"], "");
        host.0.done("systemd-run --quiet --unit consul consul agent -dev -config-dir /etc/consul.d -log-level warn");
        eventually("Consul takes keys", || {
            host.0.run("consul kv put billing/WORKERS 4").status.success().then_some(())
        });
        host.put("DATABASE_FILE", "/var/lib/billing/database");
        host
    }

    /// One on which nothing runs yet, with these peers installed, and more configuration for lictor.
    pub fn booted(peers: &[&str], more: &str) -> Self {
        let peers = peers.iter().map(|peer| {
            let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers").join(peer);
            assert!(program.exists(), "{peer} is not built: run `make peers`");
            (*peer, program)
        });
        let peers: Vec<_> = peers.collect();
        let programs: Vec<_> = peers.iter().map(|(name, program)| (*name, program.as_path())).collect();
        let host = Self(Rig::bare(&programs));
        host.0.write("/srv/short.hcl", SHORT);
        host.0.write("/srv/more.hcl", more);
        host.0.write(
            "/etc/systemd/system/lictor@billing.service.d/test.conf",
            "[Service]\nExecStart=\nExecStart=lictor run -c /etc/lictor/billing.hcl -c /srv/short.hcl -c /srv/more.hcl --name billing\n",
        );
        host.0.write("/etc/consul.d/agent.hcl", CONSUL);
        host.0.done("systemctl daemon-reload");
        host
    }

    /// The agent that deploys to it. A validation waits as long as it is worth here.
    pub fn agent(&self) -> Agent<'_> {
        let mut agent = Agent::new(&self.0);
        agent.variables.push(("VALIDATE_TIMEOUT", "15s"));
        agent
    }

    /// The machine itself.
    pub fn rig(&self) -> &Rig {
        &self.0
    }

    /// Writes a variable of the service into the KV store.
    pub fn put(&self, name: &str, value: &str) {
        self.0.done(&format!("consul kv put billing/{name} {value}"));
    }

    /// The board of lictor.
    pub fn board(&self) -> Value {
        // A service that is not healthy is no error here.
        let output = self.0.run("lictor status --name billing --json");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// Waits until the board is as described.
    pub fn until(&self, what: &str, predicate: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        eventually(what, || {
            let board = self.board();
            assert!(Instant::now() < end, "not: {what}\n{board:#}");
            predicate(&board).then_some(board)
        })
    }

    /// That the service runs this version, healthy.
    #[track_caller]
    pub fn runs(&self, version: &str) {
        let board = self.board();
        let is = (&board["healthy"], &board["build"]["running"]["version"]);
        assert_eq!(is, (&Value::Bool(true), &Value::from(version)), "{board:#}");
    }

    /// The process number of the service.
    pub fn pid(&self) -> u64 {
        self.board()["process"]["pid"].as_u64().unwrap()
    }

    /// What lictor remembers of deployments: id and outcome, oldest first.
    pub fn validations(&self) -> Vec<(String, String)> {
        let text = self.0.done("lictor history --name billing --json");
        let entries = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        entries
            .filter(|entry| entry["deployment"].is_object())
            .map(|entry| (word(&entry["deployment"]["id"]), word(&entry["outcome"])))
            .collect()
    }
}

const CONSUL: &str = r"
disable_update_check = true
performance {
  raft_multiplier = 1
}
ports {
  dns = -1
  grpc = -1
  grpc_tls = -1
  serf_wan = -1
}
";
