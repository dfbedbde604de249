//! What Consul knows of this instance: its registration, and whether it is in traffic.
//!
//! Traffic is a level. The machine says whether the run in front may be in traffic; this room makes it so and reports.
//! Out of traffic is Consul's maintenance mode with a reason of ours; a maintenance with another reason is somebody
//! else's, and is neither begun nor ended here. Whoever dies in the middle leaves that reason behind, and the next lictor
//! finds it and makes the level true.
//!
//! Two tasks: `keeper` holds the local agent to what is wanted (the decisions are `plan`, pure), `steer` keeps the
//! time of a drain (the rule is `leave`, pure) and tells the machine.

mod keeper;
mod leave;
mod plan;
mod problem;
mod situation;
mod steer;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::consul::Client;
use crate::drain::DrainWatcher;
use crate::machine::order::Traffic;
use crate::machine::{Board, Event, RunId};
use crate::revive::revived;

/// `registration {}` and `drain {}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Of the service in the local agent.
    pub id: String,
    /// The service's name in the catalog, whichever program registers it.
    pub name: String,
    /// What lictor registers; `None`: somebody else registers the service, and lictor only steers traffic.
    pub service: Option<Service>,
    /// How the service leaves traffic.
    pub drain: Drain,
}

/// The service as lictor registers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What the catalog knows it by.
    pub name: String,
    /// Empty: the host's own address.
    pub address: String,
    /// Where it listens.
    pub port: u16,
    /// Its tags.
    pub tags: Vec<String>,
    /// Free pairs; `version` and `lictor` are added.
    pub meta: BTreeMap<String, String>,
    /// How often Consul asks for our `/health`.
    pub check_interval: Duration,
    /// After how long of being critical Consul takes it away; `None`: never.
    pub deregister_after: Option<Duration>,
}

/// `drain {}`: before a process that is in traffic is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// At least so long, from the catalog showing it as critical on: the load balancer needs it.
    pub wait: Duration,
    /// Then until nothing new has come and nothing has moved for so long ...
    pub quiet: Duration,
    /// ... but no longer than this, from the order on.
    pub max: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self { wait: Duration::from_secs(2), quiet: Duration::from_secs(1), max: Duration::from_secs(30) }
    }
}

/// What the room is made of.
#[derive(Debug)]
pub struct Parts {
    /// What is configured.
    pub settings: Settings,
    /// Who asks Consul.
    pub client: Client,
    /// Where the status port listens, for Consul's check; `None`: there is none.
    pub status: Option<SocketAddr>,
    /// The public picture: which process runs, and whether it is ready.
    pub boards: watch::Receiver<Arc<Board>>,
    /// Where facts go.
    pub inbox: mpsc::Sender<Event>,
    /// The end of lictor.
    pub drain: DrainWatcher,
}

/// An order, and how many there have been.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ordered {
    number: u64,
    run: RunId,
    level: Traffic,
}

/// Takes orders, and never waits for what comes of them.
#[derive(Debug)]
pub struct Registration {
    orders: watch::Sender<Option<Ordered>>,
}

impl Registration {
    /// Makes it so from now on; answered by `TrafficChanged`.
    pub fn traffic(&self, run: RunId, level: Traffic) {
        self.orders.send_modify(|ordered| {
            let number = ordered.as_ref().map_or(1, |before| before.number + 1);
            *ordered = Some(Ordered { number, run, level });
        });
    }
}

/// Begins to hold the local agent to what is configured, and to what is ordered.
pub fn spawn(tasks: &mut JoinSet<()>, parts: Parts) -> Registration {
    let Parts { settings, client, status, boards, inbox, drain } = parts;
    let (orders, ordered) = watch::channel(None);
    let (seen, sights) = watch::channel(keeper::Seen::default());
    let steer = steer::Steer {
        rules: settings.drain,
        registered: settings.service.as_ref().map(|service| service.port),
        orders: ordered.clone(),
        sights,
        boards: boards.clone(),
        inbox: inbox.clone(),
    };
    tasks.spawn(revived("what steers traffic", steer, |steer| Box::pin(steer.run())));
    let links = keeper::Links { status: status.map(reachable), orders: ordered, boards, seen, inbox };
    let keeper = (keeper::Keeper::new(settings, client, links), drain);
    tasks.spawn(revived("the registration in Consul", keeper, |(keeper, drain)| Box::pin(keeper.run(drain))));
    Registration { orders }
}

/// The address of a listener as a neighbour on this host reaches it.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}
