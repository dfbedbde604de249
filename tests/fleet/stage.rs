//! The whole scene: a Consul cluster, one lictor with its service on each host, a load balancer, and clients.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lictor::machine::Board;
use lictor::machine::board::ConfigState;
use lictor::machine::event::TrafficState;

use super::balancer::Balancer;
use super::cluster::Cluster;
use super::history::{History, Told};
use super::load::{Load, Tally};
use crate::harness::lictor::is_good;
use crate::harness::wait::within;
use crate::harness::{Lictor, Setup};

/// How long a change may take to reach everybody on a machine that is merely busy.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// What a scene is made of.
#[derive(Clone, Debug)]
pub struct Cast {
    /// How many hosts there are.
    pub hosts: usize,
    /// How long the first host of a change is watched before the others follow.
    pub bake: Duration,
    /// How long a service that is good may still be taken back.
    pub watch: Duration,
    /// `drain.wait`.
    pub drain: Duration,
    /// `apply.min_healthy`.
    pub min_healthy: Duration,
    /// `apply.deadline`.
    pub deadline: Duration,
    /// How many hosts may be out for a change at a time.
    pub limit: usize,
}

/// Everything that runs. Hosts go first when it is dropped, the cluster last.
#[derive(Debug)]
pub struct Stage {
    /// The hosts, in the order of their nodes.
    pub hosts: Vec<Lictor>,
    balancer: Balancer,
    /// Consul.
    pub cluster: Cluster,
}

impl Cast {
    /// So many hosts, whose changes are quick.
    pub fn of(hosts: usize) -> Self {
        Self {
            hosts,
            bake: Duration::from_millis(500),
            watch: Duration::from_secs(10),
            drain: Duration::from_millis(500),
            min_healthy: Duration::from_millis(500),
            deadline: Duration::from_secs(6),
            limit: 1,
        }
    }

    /// Starts everything, and waits until all hosts serve.
    pub fn enter(&self, prepare: impl Fn(usize, Setup) -> Setup) -> Stage {
        // One more agent, for the load balancer.
        let cluster = Cluster::of(self.hosts + 1);
        cluster.put("billing/GREETING", "hello");
        let hosts: Vec<Lictor> =
            (0..self.hosts).map(|number| prepare(number, self.host(&cluster, number)).start()).collect();
        for lictor in &hosts {
            lictor.until_within(PATIENCE, "good and in traffic", in_traffic);
        }
        within(PATIENCE, "every lictor has its record in the fleet", || {
            (cluster.keys("lictor/svc/instances/").len() == self.hosts).then_some(())
        });
        let balancer = Balancer::before("svc", cluster.client(self.hosts).address());
        balancer.until_before(self.hosts);
        Stage { hosts, balancer, cluster }
    }

    fn host(&self, cluster: &Cluster, number: usize) -> Setup {
        let setup = Setup::on_consul(cluster.client(number).address()).checked();
        let more = format!(
            "registration {{\n  port = 8080\n  address = \"{}\"\n}}\n\
             drain {{\n  wait = \"{}\"\n  quiet = \"300ms\"\n  max = \"20s\"\n}}\n\
             fleet {{\n  bake = \"{}\"\n  limit = {}\n}}\n\
             apply {{\n  min_healthy = \"{}\"\n  deadline = \"{}\"\n  watch = \"{}\"\n}}\n",
            setup.host(),
            written(self.drain),
            written(self.bake),
            self.limit,
            written(self.min_healthy),
            written(self.deadline),
            written(self.watch),
        );
        setup.config(&more).variable("SLOW_START", "800ms")
    }
}

impl Stage {
    /// How often the service has been started, on all hosts together.
    pub fn starts(&self) -> usize {
        self.hosts.iter().map(|host| host.lines("runs").len()).sum()
    }

    /// A value that every host bears: it reaches all of them.
    pub fn good_change(&self, value: &str) {
        self.cluster.put("billing/GREETING", value);
        self.until_all_have(value);
    }

    /// Waits until every host serves with this greeting.
    pub fn until_all_have(&self, value: &str) {
        for host in &self.hosts {
            host.until_within(PATIENCE, &format!("good on {value}"), |board| {
                in_traffic(board) && host.value("GREETING").as_deref() == Some(value)
            });
        }
    }

    /// A variable that no host bears: one tries it and takes it back, and the others say so.
    pub fn bad_change(&self, name: &str, value: &str) {
        let (before, began) = (self.starts(), now());
        self.cluster.put(&format!("billing/{name}"), value);
        let until = |host: &Lictor| {
            let what = format!("{name}={value} is taken back here, or the host stops on it");
            host.until_within(PATIENCE, &what, |board| {
                matches!(board.config.state, ConfigState::Reverted | ConfigState::Halted) && is_back(board)
            })
        };
        let ends: Vec<_> = self.hosts.iter().map(|host| until(host).config.state).collect();
        let reverted = ends.iter().filter(|end| **end == ConfigState::Reverted).count();
        assert_eq!(reverted, 1, "{name}={value}: {ends:?}");
        for host in &self.hosts {
            let (code, status) = host.status();
            assert_eq!(code, 200, "{name}={value}: a config problem takes nobody out of service: {status}");
            let config = status["Config"].as_str().unwrap_or_default();
            assert!(config.starts_with("Halted: ") || config.starts_with("Reverted: "), "{name}={value}: {status}");
        }
        assert_eq!(self.starts() - before, 2, "{name}={value}: one try and one return, {} ms", now() - began);
        self.cluster.delete(&format!("billing/{name}"));
        for host in &self.hosts {
            host.until_within(PATIENCE, "nothing is wished for that does not run", in_traffic);
        }
    }

    /// Does something while so many requests a second come, none of which may fail. Gives what Consul has shown meanwhile.
    pub fn under_load(&self, what: &str, rate: u32, act: impl FnOnce(&Self)) -> Told {
        let began = now();
        let (tally, told) = self.watched(rate, act);
        println!("{what}: {} ms, {tally:?}", now() - began);
        if tally.failed > 0 {
            println!("{told:?}\n{}", self.log());
        }
        assert!(tally.sent > 500, "{what}: {tally:?}");
        assert_eq!(tally.failed, 0, "{what}: {tally:?}");
        told
    }

    /// Does something while so many requests a second come; gives what came of them, and what Consul has shown meanwhile.
    pub fn watched(&self, rate: u32, act: impl FnOnce(&Self)) -> (Tally, Told) {
        let history = History::of(&self.cluster.addresses());
        let load = Load::on(self.balancer.address(), rate);
        act(self);
        self.balancer.until_before(self.hosts.len());
        (load.end(), history.end())
    }

    /// What everybody has said, for a message.
    fn log(&self) -> String {
        let logs = self.hosts.iter().zip('a'..).map(|(host, letter)| {
            let log = host.log();
            let lines = log.lines().filter(|line| !line.contains("DEBUG")).collect::<Vec<_>>().join("\n");
            format!("=== host-{letter}\n{lines}\n")
        });
        format!("{}\n{}", logs.collect::<String>(), self.cluster.log())
    }
}

/// Whether this host serves, and nothing is on its way.
pub fn in_traffic(board: &Board) -> bool {
    is_good(board) && board.traffic == Some(TrafficState::In) && board.candidate.is_none()
}

/// Whether it serves, whatever became of the newest wish.
fn is_back(board: &Board) -> bool {
    let waits = board.candidate.is_some() && board.config.state != ConfigState::Halted;
    board.healthy && board.traffic == Some(TrafficState::In) && !waits
}

fn written(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap()
}
