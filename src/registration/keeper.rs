//! Keeps the local agent in the wanted state: reads it, lets the plan decide, writes, and reads again.

mod follow;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use self::follow::{Follow, Sight};
use super::plan::{Definition, Desired, Found, MaintenanceKeeper, Presence, VERSION, Write, writes};
use super::problem::{self, Right};
use super::situation::{Process, Situation};
use super::{Ordered, Service, Settings};
use crate::consul::agent::{HttpCheck, Registration, Status, go_duration};
use crate::consul::catalog::{Instance, Standing};
use crate::consul::{Class, Client, Error, Renewal};
use crate::drain::DrainWatcher;
use crate::machine::order::Traffic;
use crate::machine::{Board, Event, RunId};

/// Everything is compared at least this often, even if the agent reports no change.
const FULL_LOOK: Duration = Duration::from_mins(1);
/// How often lictor looks for a service that another program has not registered yet.
const MISSING: Duration = Duration::from_secs(5);
/// How long a blocking query may wait in the agent. Shorter than the write timeout of any Consul.
const HOLD: Duration = Duration::from_secs(25);
/// The pause after the first failure; it doubles.
const FIRST_RETRY: Duration = Duration::from_millis(250);
/// The longest pause after a failure, because traffic waits for the next attempt.
const LAST_RETRY: Duration = Duration::from_secs(2);
/// The pause after a failure that only a person can mend.
const DENIED_RETRY: Duration = Duration::from_secs(10);
/// The most rounds: one carries out a plan, the second finds nothing left. More would mean that another program writes against us.
const ROUNDS: usize = 3;
/// How long deregistering may take when lictor stops.
const FAREWELL: Duration = Duration::from_millis(2500);
/// The timeout of Consul's check; our `/health` answers from memory.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// How far the newest order has been carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    order: u64,
    level: Level,
}

/// Whether the order has been carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Level {
    #[default]
    NotYet,
    Reached,
}

impl Seen {
    /// Whether this order has been carried out, as far as we can do it.
    pub(super) fn reached(self, order: u64) -> bool {
        self == Self { order, level: Level::Reached }
    }
}

pub(super) struct Keeper {
    settings: Settings,
    client: Client,
    links: Links,
    situation: Situation,
    presence: Presence,
    found: Found,
    node: Option<String>,
    follow: Follow,
    /// The order for which the catalog is watched.
    followed: u64,
    /// The run that the check has shown as ready; from then on Consul's own probes count.
    shown: Option<RunId>,
    failures: u32,
    problem: Option<String>,
}

/// The keeper's inputs and outputs.
pub(super) struct Links {
    /// The address that Consul's check asks.
    pub(super) status: Option<SocketAddr>,
    pub(super) orders: watch::Receiver<Option<Ordered>>,
    pub(super) boards: watch::Receiver<Arc<Board>>,
    pub(super) seen: watch::Sender<Seen>,
    pub(super) inbox: mpsc::Sender<Event>,
}

impl Keeper {
    pub(super) fn new(settings: Settings, client: Client, links: Links) -> Self {
        let follow = Follow::new(client.clone(), HOLD);
        Self {
            settings,
            client,
            links,
            situation: Situation::default(),
            presence: Presence::Kept,
            found: Found::default(),
            node: None,
            follow,
            followed: 0,
            shown: None,
            failures: 0,
            problem: None,
        }
    }

    pub(super) async fn run(&mut self, drain: &mut DrainWatcher) {
        // The board before the loop has begun does not show a process that outlived the last lictor.
        tokio::select! {
            _ = self.links.boards.changed() => {}
            () = drain.draining() => return,
        }
        loop {
            tokio::select! {
                () = self.turn() => {}
                () = drain.draining() => break,
            }
        }
        self.farewell().await;
    }

    /// Brings the agent to the wanted state, and waits for a reason to look again.
    async fn turn(&mut self) {
        let pause = self.make_it_so().await;
        let instance = self.unsettled().then(|| self.instance()).flatten();
        let hash =
            self.found.service.as_ref().map(|service| service.content_hash.clone()).filter(|hash| !hash.is_empty());
        let situation = &self.situation;
        tokio::select! {
            Ok(()) = self.links.orders.changed() => {}
            () = changed(&mut self.links.boards, situation) => {}
            () = self.follow.changed(instance.as_ref()) => {}
            () = service_changed(&self.client, &self.settings.id, hash.as_deref()) => {}
            () = sleep(pause) => {}
        }
    }

    /// Reads and writes until nothing is left to write; returns how long to wait before the next look.
    async fn make_it_so(&mut self) -> Duration {
        let ordered = self.links.orders.borrow_and_update().clone();
        self.situation = Situation::of(&self.links.boards.borrow_and_update());
        match self.rounds(ordered.as_ref()).await {
            Ok(()) => {
                self.failures = 0;
                let problem = self.what_is_wrong();
                self.tell(problem).await;
                self.tell_how_far(ordered.as_ref());
                if self.found.service.is_none() { MISSING } else { FULL_LOOK }
            }
            Err(error) => {
                let name = self.name();
                self.tell(Some(problem::sentence(&error, Right::Service(&name)))).await;
                let doubled = FIRST_RETRY.saturating_mul(1 << self.failures.min(8)).min(LAST_RETRY);
                self.failures += 1;
                let pause = if error.class() == Class::Denied { DENIED_RETRY } else { doubled };
                pause.mul_f64(0.5 + fastrand::f64() / 2.0)
            }
        }
    }

    async fn rounds(&mut self, ordered: Option<&Ordered>) -> Result<(), Error> {
        if self.client.renew_token()? == Renewal::Changed && self.found.service.is_some() {
            // The agent keeps a registration with the token that it was made with.
            self.presence = Presence::Renewed;
        }
        for _ in 0..ROUNDS {
            self.look().await?;
            let definition = self.definition();
            let desired = Desired {
                id: &self.settings.id,
                definition: definition.as_ref(),
                presence: self.presence,
                traffic: ordered.map(|ordered| &ordered.level),
                check: self.check(ordered),
            };
            let writes = writes(&desired, &self.found);
            if writes.is_empty() {
                break;
            }
            for write in writes {
                self.write(write).await?;
            }
            if self.presence == Presence::Renewed {
                self.presence = Presence::Kept;
            }
        }
        let number = ordered.map_or(0, |ordered| ordered.number);
        if self.followed != number {
            self.followed = number;
            self.follow.begin();
        }
        Ok(())
    }

    async fn look(&mut self) -> Result<(), Error> {
        let service = self.client.agent_service(&self.settings.id, None).await?;
        // Without the service it has no checks, but a token that may not read them is noticed.
        let checks = self.client.agent_checks(&self.settings.id).await?;
        self.found = Found { service, checks };
        if let Some(node) = self.found.node() {
            self.node = Some(node.to_owned());
        } else if self.node.is_none() && self.found.service.is_some() {
            // The first query reports a token that may not read.
            self.node = self.client.node_name().await.ok();
        }
        Ok(())
    }

    async fn write(&self, write: Write) -> Result<(), Error> {
        let id = &self.settings.id;
        match write {
            Write::Register(registration, check) => {
                tracing::info!(id, "registering the service with consul");
                self.client.register(&registration, check.as_ref().map(|(check, status)| (check, *status))).await
            }
            Write::RemakeCheck(check, status) => {
                tracing::info!(id, ?status, "replacing consul's check");
                self.client.deregister_check(&check.id).await?;
                self.client.register_check(&check, status).await.map(drop)
            }
            Write::Maintain(maintenance) => {
                tracing::info!(id, ?maintenance, "setting consul's maintenance mode");
                self.client.set_maintenance(id, &maintenance).await.map(drop)
            }
            Write::Deregister => {
                tracing::info!(id, "deregistering the service from consul");
                self.client.deregister(id).await
            }
        }
    }

    /// The status that the check is to show before Consul's next probe: that the process has ended, or that it is ready again.
    fn check(&self, ordered: Option<&Ordered>) -> Option<Status> {
        match (self.situation.process, ordered) {
            (Process::Gone, _) => Some(Status::Critical),
            (Process::Ready(run, _), Some(Ordered { run: ordered, level: Traffic::In, .. }))
                if run == *ordered && self.shown != Some(run) =>
            {
                Some(Status::Passing)
            }
            (Process::Ready(..) | Process::Unready(_), _) => None,
        }
    }

    /// The registration, if lictor registers the service.
    fn definition(&self) -> Option<Definition> {
        let Settings { id, service, .. } = &self.settings;
        let (service, status) = (service.as_ref()?, self.links.status?);
        let Service { name, address, port, tags, meta, check_interval, deregister_after } = service;
        let mut meta = meta.clone();
        meta.insert("lictor".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        meta.extend(self.situation.version.clone().map(|version| (VERSION.to_owned(), shortened(version))));
        let registration = Registration {
            id: id.clone(),
            name: name.clone(),
            address: address.clone(),
            port: *port,
            tags: tags.clone(),
            meta,
        };
        let url = format!("http://{status}/health");
        let after = deregister_after.map(go_duration);
        let notes = format!(
            "lictor: {url} every {}{}",
            humantime::format_duration(*check_interval),
            deregister_after.map_or_else(String::new, |after| {
                format!(", deregistered after {} of being critical", humantime::format_duration(after))
            })
        );
        let check = HttpCheck {
            id: format!("{id}:lictor"),
            name: format!("{name} by lictor"),
            notes,
            service_id: id.clone(),
            url,
            interval: go_duration(*check_interval),
            timeout: go_duration(CHECK_TIMEOUT),
            deregister_critical_service_after: after,
        };
        Some(Definition { registration, check })
    }

    /// The name of the service: from the agent, else from the configuration, else its ID.
    fn name(&self) -> String {
        let found = self.found.service.as_ref().map(|service| &service.service);
        found.or(self.settings.service.as_ref().map(|service| &service.name)).unwrap_or(&self.settings.id).clone()
    }

    fn instance(&self) -> Option<Instance> {
        let node = self.node.clone()?;
        Some(Instance { service: self.name(), id: self.settings.id.clone(), node })
    }

    /// Whether the catalog has to be watched, which lasts until it shows us in traffic again.
    fn unsettled(&self) -> bool {
        match &*self.links.orders.borrow() {
            None => false,
            Some(Ordered { level: Traffic::Out { .. }, .. }) => true,
            Some(Ordered { number, .. }) => !self.links.seen.borrow().reached(*number),
        }
    }

    fn tell_how_far(&mut self, ordered: Option<&Ordered>) {
        let Some(Ordered { number, run, level }) = ordered else { return };
        let keeper = self.found.keeper(&self.settings.id);
        let is_so = match (level, self.follow.sight()) {
            // The service is not in the catalog, so there is nothing to take out.
            (Traffic::Out { .. }, _) if self.found.service.is_none() => true,
            // If the token may not read the catalog, only the agent can be asked.
            (_, Sight::Hidden) | (Traffic::In, Sight::Shown(Standing::Serving)) => true,
            (_, Sight::Unknown) => false,
            (Traffic::Out { .. }, Sight::Shown(standing)) => standing != Standing::Serving,
            // Somebody else keeps it out.
            (Traffic::In, Sight::Shown(_)) => keeper == MaintenanceKeeper::SomebodyElse,
        };
        if is_so && *level == Traffic::In {
            self.shown = Some(*run);
        }
        let level = if is_so { Level::Reached } else { Level::NotYet };
        let seen = Seen { order: *number, level };
        self.links.seen.send_if_modified(|before| std::mem::replace(before, seen) != seen);
    }

    fn what_is_wrong(&self) -> Option<String> {
        if self.found.service.is_none() {
            return Some(problem::not_registered(&self.settings.id));
        }
        self.follow.failure().map(|error| problem::sentence(error, Right::Nodes))
    }

    /// Reports a problem to the board; each only once.
    async fn tell(&mut self, problem: Option<String>) {
        if self.problem == problem {
            return;
        }
        if let Some(problem) = &problem {
            tracing::warn!("traffic: {problem}");
        } else {
            tracing::info!("traffic can be steered");
        }
        self.problem.clone_from(&problem);
        // The loop may have ended before us.
        let _ = self.links.inbox.send(Event::TrafficTrouble { problem }).await;
    }

    /// lictor stops: it deregisters the service, unless the service runs on without it.
    async fn farewell(&mut self) {
        self.situation = Situation::of(&self.links.boards.borrow());
        if self.settings.service.is_none() || self.situation.process != Process::Gone {
            return;
        }
        self.presence = Presence::Gone;
        match timeout(FAREWELL, self.rounds(None)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("the service stays registered: {}", error.sentence()),
            Err(_) => tracing::warn!("the service stays registered: consul does not answer"),
        }
    }
}

/// The longest value in a service's meta data.
fn shortened(version: String) -> String {
    const LONGEST: usize = 512;
    if version.len() <= LONGEST { version } else { version.chars().take(LONGEST / 4).collect() }
}

/// Returns once the board shows another situation.
async fn changed(boards: &mut watch::Receiver<Arc<Board>>, situation: &Situation) {
    while boards.changed().await.is_ok() {
        if Situation::of(&boards.borrow_and_update()) != *situation {
            return;
        }
    }
    // The driver has ended; the stop of lictor is announced in another way.
    std::future::pending::<()>().await;
}

/// Returns once the agent's service of this ID has changed. An error is a reason to look again, too.
async fn service_changed(client: &Client, id: &str, hash: Option<&str>) {
    let Some(hash) = hash else { return std::future::pending().await };
    loop {
        match client.agent_service(id, Some((hash, HOLD))).await {
            Ok(Some(service)) if service.content_hash == hash => sleep(Duration::from_millis(100)).await,
            Ok(_) => return,
            Err(_) => return sleep(Duration::from_secs(1)).await,
        }
    }
}
