//! The same service on as many hosts, restarted by each host as soon as it notices a change: consul-template with `-exec`,
//! which restarts its child as envconsul does, whose engine it is.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use crate::harness::address::loopback;
use crate::harness::client::Request;
use crate::harness::wait::within;
use crate::harness::{processes, program};
use crate::theatre::balancer::Balancer;
use crate::theatre::cluster::Cluster;
use crate::theatre::load::{Load, Tally};

const PATIENCE: Duration = Duration::from_mins(1);

/// The hosts behind their load balancer.
pub struct Abrupt {
    hosts: Vec<Host>,
    balancer: Balancer,
    cluster: Cluster,
}

struct Host {
    folder: TempDir,
    service: SocketAddr,
    template: Child,
}

impl Abrupt {
    /// So many hosts, all of which serve.
    pub fn over(hosts: usize) -> Self {
        let cluster = Cluster::of(hosts + 1);
        cluster.put("billing/GREETING", "hello");
        let hosts: Vec<Host> = (0..hosts).map(|host| Host::on(cluster.client(host).address())).collect();
        let balancer = Balancer::before("svc", cluster.client(hosts.len()).address());
        balancer.until_before(hosts.len());
        Self { hosts, balancer, cluster }
    }

    /// So many changes, one after the other, while so many requests a second come.
    pub fn changes(&self, rate: u32, changes: usize) -> Tally {
        let load = Load::on(self.balancer.address(), rate);
        for change in 1..=changes {
            let before: Vec<usize> = self.hosts.iter().map(Host::starts).collect();
            self.cluster.put("billing/GREETING", &change.to_string());
            within(PATIENCE, "each host has restarted its service", || {
                let again = |(host, before): (&Host, &usize)| host.starts() > *before && host.serves();
                self.hosts.iter().zip(&before).all(again).then_some(())
            });
            self.balancer.until_before(self.hosts.len());
            // The balancer has to have settled, so that each change is counted alone.
            let settled = Instant::now() + Duration::from_secs(1);
            within(PATIENCE, "a second has passed", || (Instant::now() >= settled).then_some(()));
        }
        load.end()
    }
}

impl Host {
    fn on(agent: SocketAddr) -> Self {
        let folder = tempfile::Builder::new().prefix("abrupt-").tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let host: Ipv4Addr = loopback();
        program::install(program::OLD, &folder.path().join("service"));
        fs::write(path("greeting.ctmpl"), "{{ key \"billing/GREETING\" }}\n").unwrap();
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/consul-template");
        let template = Command::new(template)
            .args(["-consul-addr", &agent.to_string(), "-log-level", "err", "-exec-kill-signal", "SIGTERM"])
            .args(["-template", &format!("{}:{}", path("greeting.ctmpl"), path("greeting"))])
            .args(["-exec", &format!("{} -addr {host}:8080", path("service"))])
            .envs([("SLOW_START", "800ms".to_owned()), ("DUMP", path("runs"))])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("consul-template is there: `make peers` builds it");
        let service = SocketAddr::from((host, 8080));
        let registration = format!(
            r#"{{"Name": "svc", "Address": "{host}", "Port": 8080, "Check": {{"HTTP": "http://{service}/healthz", "Interval": "1s"}}}}"#
        );
        let path = "/v1/agent/service/register";
        let request = Request { method: "PUT", path, headers: &[], body: registration.as_bytes() };
        assert_eq!(request.tcp(agent).unwrap().code, 200, "the service is registered");
        Self { folder, service, template }
    }

    fn starts(&self) -> usize {
        fs::read_to_string(self.folder.path().join("runs")).unwrap_or_default().lines().count()
    }

    fn serves(&self) -> bool {
        Request::get("/healthz").tcp(self.service).is_ok_and(|answer| answer.code == 200)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        processes::signal(self.template.id(), rustix::process::Signal::TERM);
        let _ = self.template.wait();
        within(PATIENCE, "nothing of it runs any more", || {
            let left = processes::naming(self.folder.path());
            for process in &left {
                processes::signal(process.pid, rustix::process::Signal::KILL);
            }
            left.is_empty().then_some(())
        });
    }
}
