//! Holds the local agent to what is wanted: looks, lets the plan decide, writes, and looks again.

mod follow;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use self::follow::{Follow, Sight};
use super::plan::{Definition, Desired, Found, Keeper as MaintenanceKeeper, Presence, VERSION, Write, writes};
use super::problem::{self, Right};
use super::situation::{Process, Situation};
use super::{Ordered, Service, Settings};
use crate::consul::agent::{HttpCheck, Registration, Status, go_duration};
use crate::consul::catalog::{Instance, Standing};
use crate::consul::{Class, Client, Error, Renewal};
use crate::drain::DrainWatcher;
use crate::machine::order::Traffic;
use crate::machine::{Board, Event, RunId};

/// Everything is compared at least this often, whatever the agent tells by itself.
const FULL_LOOK: Duration = Duration::from_mins(1);
/// A service that somebody else has yet to register is looked for this often.
const MISSING: Duration = Duration::from_secs(5);
/// How long the agent may hold a question for changes. Shorter than the write timeout of any Consul.
const HOLD: Duration = Duration::from_secs(25);
/// The pause after the first failure; it doubles.
const FIRST_RETRY: Duration = Duration::from_millis(250);
/// The longest: traffic waits for it.
const LAST_RETRY: Duration = Duration::from_secs(2);
/// What only a person can mend is tried less often.
const DENIED_RETRY: Duration = Duration::from_secs(10);
/// A plan is one round; the second one sees that nothing is left. More would be somebody who writes against us.
const ROUNDS: usize = 3;
/// At the end of lictor.
const FAREWELL: Duration = Duration::from_millis(2500);
/// Our `/health` answers from memory.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// How far the newest order has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    order: u64,
    level: Level,
}

/// Whether what was ordered is so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Level {
    #[default]
    NotYet,
    Reached,
}

impl Seen {
    /// Whether this order has been made so, as far as it is ours to make.
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
    /// The order that the catalog is followed for.
    followed: u64,
    /// The run whose being ready the check has shown; from then on Consul's own probes count.
    shown: Option<RunId>,
    failures: u32,
    problem: Option<String>,
}

/// What the keeper hears of, and whom it tells.
pub(super) struct Links {
    /// Where Consul's check finds us.
    pub(super) status: Option<SocketAddr>,
    pub(super) orders: watch::Receiver<Option<Ordered>>,
    pub(super) boards: watch::Receiver<Arc<Board>>,
    pub(super) seen: watch::Sender<Seen>,
    pub(super) inbox: mpsc::Sender<Event>,
}

impl Keeper {
    pub(super) fn new(settings: Settings, client: Client, links: Links) -> Self {
        let follow = Follow::new(client.retry(), HOLD);
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
        // The board of before the loop has begun doesn't know a process that outlived the last lictor.
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

    /// Makes it so, and waits for a reason to look again.
    async fn turn(&mut self) {
        let pause = self.make_it_so().await;
        let instance = self.unsettled().then(|| self.instance()).flatten();
        let hash =
            self.found.service.as_ref().map(|service| service.content_hash.clone()).filter(|hash| !hash.is_empty());
        let (situation, mut client) = (&self.situation, self.client.clone());
        tokio::select! {
            Ok(()) = self.links.orders.changed() => {}
            () = changed(&mut self.links.boards, situation) => {}
            () = self.follow.changed(&mut client, instance.as_ref()) => {}
            () = service_changed(&self.client, &self.settings.id, hash.as_deref()) => {}
            () = sleep(pause) => {}
        }
    }

    /// Looks and writes until nothing is left to write; says how long that may stay unlooked at.
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
            // A registration is held with the token that it was made with.
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
        // Without the service there are no checks of it, but a token that may see none is noticed.
        let checks = self.client.agent_checks(&self.settings.id).await?;
        self.found = Found { service, checks };
        if let Some(node) = self.found.node() {
            self.node = Some(node.to_owned());
        } else if self.node.is_none() && self.found.service.is_some() {
            // The first check reports a token that may not ask.
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
                tracing::info!(id, ?status, "consul's check is made anew");
                self.client.deregister_check(&check.id).await?;
                self.client.register_check(&check, status).await.map(drop)
            }
            Write::Maintain(maintenance) => {
                tracing::info!(id, ?maintenance, "consul's maintenance mode is set");
                self.client.set_maintenance(id, &maintenance).await.map(drop)
            }
            Write::Deregister => {
                tracing::info!(id, "taking the service's registration away from consul");
                self.client.deregister(id).await
            }
        }
    }

    /// What the check is to show without Consul asking first: that the process has gone, and that it is ready again.
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

    /// What lictor registers, if it does.
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

    /// The name of the service: as the agent has it, as it is configured, or at least its id.
    fn name(&self) -> String {
        let found = self.found.service.as_ref().map(|service| &service.service);
        found.or(self.settings.service.as_ref().map(|service| &service.name)).unwrap_or(&self.settings.id).clone()
    }

    fn instance(&self) -> Option<Instance> {
        let node = self.node.clone()?;
        Some(Instance { service: self.name(), id: self.settings.id.clone(), node })
    }

    /// Whether the catalog has to be watched: until it shows us in traffic again.
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
            // Nothing of it is in the catalog: there is nothing to take out.
            (Traffic::Out { .. }, _) if self.found.service.is_none() => true,
            // Where the token may not read the catalog, only the agent can be asked.
            (_, Sight::Hidden) | (Traffic::In, Sight::Shown(Standing::Serving)) => true,
            (_, Sight::Unknown) => false,
            (Traffic::Out { .. }, Sight::Shown(standing)) => standing != Standing::Serving,
            // It is not we who keep it out.
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

    /// For the board; each thing once.
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

    /// lictor ends: what it has registered goes, unless the service goes on without it.
    async fn farewell(&mut self) {
        self.situation = Situation::of(&self.links.boards.borrow());
        if self.settings.service.is_none() || self.situation.process != Process::Gone {
            return;
        }
        self.presence = Presence::Gone;
        match timeout(FAREWELL, self.rounds(None)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("the service stays registered: {}", error.sentence()),
            Err(_) => tracing::warn!("the service stays registered: consul doesn't answer"),
        }
    }
}

/// Of a value in a service's meta.
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
    // The driver is gone; the end of lictor is announced by other means.
    std::future::pending::<()>().await;
}

/// Returns once the agent has something else under this id. An error is a reason to look again, too.
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
