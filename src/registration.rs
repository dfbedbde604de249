//! This instance in Consul: its registration, and whether it is in traffic.
//!
//! Traffic is a level. The machine decides whether the run in front may be in traffic; this room brings Consul to that state and
//! reports it. To take the service out of traffic, lictor sets Consul's maintenance mode with a reason of ours; a maintenance with
//! another reason belongs to somebody else and is left alone. If lictor dies in between, the next one finds that reason and goes on.
//!
//! There are two tasks: `keeper` keeps the local agent in the wanted state (the decisions are in `plan`, pure); `steer` times a
//! drain (the rule is in `leave`, pure) and reports to the machine.

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
    /// The service's ID in the local agent.
    pub id: String,
    /// The service's name in the catalog, whoever registers it.
    pub name: String,
    /// What lictor registers; `None`: another program registers the service, and lictor only steers traffic.
    pub service: Option<Service>,
    /// How the service leaves traffic.
    pub drain: Drain,
}

/// The service as lictor registers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name in the catalog.
    pub name: String,
    /// Its address; empty: the host's own.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its meta data; `version` and `lictor` are added.
    pub meta: BTreeMap<String, String>,
    /// How often Consul's check asks for our `/health`.
    pub check_interval: Duration,
    /// Consul removes a service that has been critical for this long; `None`: never.
    pub deregister_after: Option<Duration>,
}

/// `drain {}`: how long a process leaves traffic before it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// The least time after the catalog shows the service as critical: the load balancer needs it.
    pub wait: Duration,
    /// Then until for this long no connection has come and none had data ...
    pub quiet: Duration,
    /// ... but no longer than this from the order on.
    pub max: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self { wait: Duration::from_secs(2), quiet: Duration::from_secs(1), max: Duration::from_secs(30) }
    }
}

/// What the room needs.
#[derive(Debug)]
pub struct Parts {
    /// The configuration.
    pub settings: Settings,
    /// The client for Consul.
    pub client: Client,
    /// The status port's address, for Consul's check; `None`: there is no status port.
    pub status: Option<SocketAddr>,
    /// The board: which process runs, and whether it is ready.
    pub boards: watch::Receiver<Arc<Board>>,
    /// The driver's inbox.
    pub inbox: mpsc::Sender<Event>,
    /// Announces that lictor stops.
    pub drain: DrainWatcher,
}

/// An order, and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ordered {
    number: u64,
    run: RunId,
    level: Traffic,
}

/// Takes orders without waiting for their effect.
#[derive(Debug)]
pub struct Registration {
    orders: watch::Sender<Option<Ordered>>,
}

impl Registration {
    /// Sets the wanted state of traffic; answered by `TrafficChanged`.
    pub fn traffic(&self, run: RunId, level: Traffic) {
        self.orders.send_modify(|ordered| {
            let number = ordered.as_ref().map_or(1, |before| before.number + 1);
            *ordered = Some(Ordered { number, run, level });
        });
    }
}

/// Starts the two tasks, which keep the local agent in the configured and ordered state.
pub fn spawn(tasks: &mut JoinSet<()>, parts: Parts) -> Registration {
    let Parts { settings, client, status, boards, inbox, drain } = parts;
    let (orders_tx, orders_rx) = watch::channel(None);
    let (seen_tx, seen_rx) = watch::channel(keeper::Seen::default());
    let steer = steer::Steer {
        rules: settings.drain,
        registered: settings.service.as_ref().map(|service| service.port),
        orders: orders_rx.clone(),
        sights: seen_rx,
        boards: boards.clone(),
        inbox: inbox.clone(),
    };
    tasks.spawn(revived("the steering of traffic", steer, |steer| Box::pin(steer.run())));
    let links = keeper::Links { status: status.map(reachable), orders: orders_rx, boards, seen: seen_tx, inbox };
    let keeper = (keeper::Keeper::new(settings, client, links), drain);
    tasks.spawn(revived("the registration in Consul", keeper, |(keeper, drain)| Box::pin(keeper.run(drain))));
    Registration { orders: orders_tx }
}

/// The address by which another process on this host reaches a listener.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}
