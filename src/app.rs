//! The composition root: the only file that knows every room.

mod after_stop;
mod doctor;
mod failure;
mod fleet;
mod next_start;
mod once;
mod pid_file;
mod places;
mod plan;
mod reload;
mod renewal;
mod sockets;

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, yield_now};

pub use after_stop::{Part, Stopped, after_stop};
pub use doctor::{AskedSources, Finding, Grade, Readiness, ask_sources, examine};
pub use failure::AppError;
pub use once::once;
pub use plan::{Foresight, Planned};
pub use reload::Load;

use next_start::effects;
use reload::Reloader;
use renewal::Renewal;

use crate::admin::{Access, AdminError, AdminHandler, AdminSocket, ReloadRequest};
use crate::clock::Clock;
use crate::composer::{Composer, Memory};
use crate::config::Settings;
use crate::consul::Client;
use crate::drain::DrainWatcher;
use crate::driver::{Driver, Effects, INBOX, LoopEnd, PULSE};
use crate::expvar;
use crate::http::{self, Exposition, HostNames, Limits, Resources, StatusPort, Wanted, bind_status};
use crate::machine::{Board, Event, Machine, Moment, Restored, RunId};
use crate::metrics::{self, Statsd};
use crate::notify::{self, Manager};
use crate::page;
use crate::reexec::Origin;
use crate::registration::{self, Registration};
use crate::revive::revived;
use crate::service::{self, Accounts, OwnChildren};
use crate::signal::{self, Signal};
use crate::source::{Host, Kind};
use crate::state::{self, KeptProcess, State};
use crate::{chain, drain};

/// How long the last answers and the last writes may take once the service has been stopped.
const FAREWELL: Duration = Duration::from_secs(3);

/// How many requests of operators may wait for the loop.
const REQUESTS: usize = 16;

/// Supervises the service until lictor has to stop. `load` reads the configuration again.
pub async fn run(settings: Settings, load: Load) -> Result<(), AppError> {
    // What may fail, and what has to be ours before anything else is done.
    let signals = signal::numbers().map_err(AppError::Kernel)?;
    let origin = Origin::of_this_process().map_err(AppError::Kernel)?;
    let mut kept = notify::kept(|name| std::env::var_os(name), std::process::id());
    service::become_subreaper().map_err(AppError::Kernel)?;
    let client = client(&settings)?;
    let state = open_state(&settings)?;
    let restored = restore(&state, &settings);
    let composer = composer(&settings, client.clone(), &state, host(&restored));
    head_start().await;
    let (listener, status) = open_status(&settings, renewal::status_of(&mut kept)).await?.unzip();
    let leaving = renewal::Leaving::new(origin.clone(), listener.as_ref());
    let admin = bind_admin(&settings).await?;
    let manager = manager();
    let sockets = sockets::open(&settings, &state, manager.as_ref(), kept)?;
    let _pid_file = pid_file::write(settings.pid_file.as_deref())?;

    // How the parts speak with each other: facts and requests go to the loop, boards come from it.
    let mut tasks = JoinSet::new();
    let (event_tx, event_rx) = mpsc::channel(INBOX);
    let (request_tx, request_rx) = mpsc::channel(REQUESTS);
    let (reload_tx, reload_rx) = mpsc::channel(REQUESTS);
    let (change_tx, change_rx) = mpsc::channel(1);
    let ((reexec_tx, reexec_rx), (leave_tx, leave_rx)) = (mpsc::channel(REQUESTS), watch::channel(()));
    let (trigger, drain) = drain::channel();
    // What Consul knows of us stays as it is when lictor begins anew.
    let (farewell, until_farewell) = drain::channel();
    let pulse = watch::Sender::new(());

    // What decides, with what an earlier lictor left.
    let began = Clock.now();
    let memory = memory(&restored, began + settings.policy.boot_grace);
    let good = memory.as_ref().map(|memory| Arc::clone(&memory.environment)).unwrap_or_default();
    let mut machine = Machine::new(settings.policy.clone(), restored, Clock.seed(), began, Clock.epoch_unix_ms());
    let (board_tx, board_rx) = watch::channel(Arc::new(machine.board(None)));

    // What acts. Nobody is served before it is known what runs already: the loop turns once before any task below.
    let history = state.history();
    let children = (own_children(&state), Accounts::default());
    let own = children.0.clone();
    let (mut effects, mut watch) = effects(&settings, children.clone(), (state, sockets), &good, &event_tx);
    let adopted = effects.adopt(RunId(1)).await;
    let known = adopted.into_iter().chain(watch.first().await).collect();
    tasks.spawn(revived("the watch on the executable", watch, |watch| Box::pin(watch.run())));
    let known_as = (&settings, client.as_ref(), status);
    let registration = register(&mut tasks, known_as, &board_rx, &event_tx, &until_farewell);
    let (fleet, reading_tx) =
        fleet::join(&mut tasks, &settings, client.as_ref(), &board_rx, &event_tx, &until_farewell);
    drop(until_farewell);

    // The parts that inform others: systemd, Telegraf, and clients.
    let signs = notify::spawn(&mut tasks, manager, signs(&settings, &board_rx, &pulse));
    let (exposed, statsd_tx, expvar_tx) = measure(&mut tasks, &settings, &board_rx, &drain);
    let resources = Resources::new(board_rx.clone(), drain.clone()).with_metrics(exposition(exposed));
    serve_status(&mut tasks, listener, &settings, &resources, &board_rx, &drain);
    let handler = AdminHandler {
        resources: resources.with_waits(http::waits(Limits::ADMIN)),
        boards: board_rx.clone(),
        history,
        requests: request_tx,
        reloads: reload_tx.clone(),
        reexecs: reexec_tx,
        drain: drain.clone(),
    };
    match admin {
        Some(admin) => drop(tasks.spawn(admin.serve(handler, drain))),
        None => drop((handler, drain)),
    }

    // What reaches the loop from outside: signals, and the configuration, read again.
    let listening = (Box::pin(signals), event_tx, reload_tx, leaving.unheard());
    tasks.spawn(revived("the listener to signals", listening, |(signals, inbox, reloads, unheard)| {
        Box::pin(listen(signals.as_mut(), inbox, reloads, unheard))
    }));
    let renewal = Renewal { origin, own: own.clone(), load: Arc::clone(&load), boards: board_rx, leave: leave_tx };
    renewal.spawn(&mut tasks, reexec_rx);
    let reloader = Reloader {
        load,
        started: settings.clone(),
        consul: (settings.consul.clone(), client),
        children,
        changes: change_tx,
        signs,
        statsd: statsd_tx,
        expvar: expvar_tx,
        reading: reading_tx,
    };
    tasks.spawn(revived("the reader of the configuration", (reloader, reload_rx), |(reloader, requests)| {
        Box::pin(reloader.run(requests))
    }));

    let driver = Driver {
        machine,
        clock: Clock,
        inbox: event_rx,
        requests: request_rx,
        changes: change_rx,
        composer: composer.remembering(memory),
        known,
        effects: effects.in_fleet(fleet).registered(registration),
        board: board_tx,
        leave: leave_rx,
        pulse,
    };
    let (effects, end) = supervise(driver, &mut tasks).await;
    if end == LoopEnd::Left {
        return Err(leaving.begin_anew(effects, trigger).await);
    }
    tokio::join!(trigger.drain(FAREWELL), farewell.drain(FAREWELL));
    leave(tasks, &own, effects.into_state()).await;
    Ok(())
}

/// Makes the service known to Consul, if the configuration says so: under these settings, by whom it is asked, and where it
/// is asked for its health.
fn register(
    tasks: &mut JoinSet<()>,
    (settings, client, status): (&Settings, Option<&Arc<Client>>, Option<SocketAddr>),
    boards: &watch::Receiver<Arc<Board>>,
    inbox: &mpsc::Sender<Event>,
    drain: &DrainWatcher,
) -> Option<Registration> {
    let (settings, client) = settings.registration.clone().zip(client)?;
    let (client, boards, inbox, drain) = (Client::clone(client), boards.clone(), inbox.clone(), drain.clone());
    Some(registration::spawn(tasks, registration::Parts { settings, client, status, boards, inbox, drain }))
}

/// Nothing of lictor's own outlives it, and what should be kept is kept.
async fn leave(mut tasks: JoinSet<()>, own: &OwnChildren, state: State) {
    tasks.shutdown().await;
    service::end_errands(own).await;
    close(state).await;
}

async fn close(state: State) {
    if tokio::time::timeout(FAREWELL, state.close()).await.is_err() {
        tracing::warn!("the disk hangs: the newest good environment may not have been kept");
    }
}

/// Begins to send what is measured: the page for Prometheus, and where changed settings go.
fn measure(
    tasks: &mut JoinSet<()>,
    settings: &Settings,
    boards: &watch::Receiver<Arc<Board>>,
    drain: &DrainWatcher,
) -> (metrics::Exposition, watch::Sender<Statsd>, watch::Sender<Option<expvar::Settings>>) {
    let (expvar_tx, expvar_rx) = watch::channel(settings.expvar.clone());
    let (readings_tx, readings_rx) = watch::channel(Arc::default());
    tasks.spawn(revived(
        "the reader of expvar",
        (expvar_rx, readings_tx, drain.clone()),
        |(settings, readings, drain)| Box::pin(expvar::follow(settings.clone(), readings.clone(), drain.clone())),
    ));
    let (statsd_tx, statsd_rx) = watch::channel(settings.statsd.clone());
    let (meter, page) = metrics::meter(&settings.statsd, boards.clone(), readings_rx, || Clock.now());
    let meter = (meter.following(statsd_rx), drain.clone());
    tasks.spawn(revived("the sender of metrics", meter, |(meter, drain)| Box::pin(meter.run(drain))));
    (page, statsd_tx, expvar_tx)
}

/// The children that are not the service's: all that lictor has now, but for the service itself after `lictor reexec`.
fn own_children(state: &State) -> OwnChildren {
    let kept = state.process();
    let runs = kept.iter().chain(kept.iter().filter_map(|kept| kept.beside.as_deref()));
    let groups: Vec<u32> = runs.filter_map(KeptProcess::known).map(|(pid, _)| pid).collect();
    let lineage = kept.as_ref().and_then(|kept| kept.mark.as_ref()?.parse().ok());
    OwnChildren::with_strangers(&groups, lineage)
}

/// What was good last, to stand in for silent sources from then on.
fn memory(restored: &Restored, from: Moment) -> Option<Memory> {
    restored.good.first().map(|good| Memory { environment: Arc::clone(&good.environment), from })
}

fn serve_status(
    tasks: &mut JoinSet<()>,
    listener: Option<TcpListener>,
    settings: &Settings,
    resources: &Resources,
    boards: &watch::Receiver<Arc<Board>>,
    drain: &DrainWatcher,
) {
    let Some(listener) = listener else { return };
    let resources = resources.clone().with_waits(http::waits(Limits::STATUS));
    let resources = resources.with_hosts(HostNames::of_this_machine_and(settings.status.hosts.clone()));
    let resources = resources.with_pages(page::of_host(tasks, boards.clone(), drain.clone()));
    tasks.spawn(http::serve(listener, Limits::STATUS, resources, drain.clone()));
}

/// What systemd is told.
fn signs(settings: &Settings, boards: &watch::Receiver<Arc<Board>>, pulse: &watch::Sender<()>) -> notify::Signs {
    let (boards, pulse, deadline) = (boards.clone(), pulse.subscribe(), settings.policy.deadline);
    notify::Signs { boards, pulse, period: PULSE, deadline }
}

/// `/metrics`, written by the room that knows the numbers.
fn exposition(exposed: metrics::Exposition) -> Exposition {
    Exposition::new(move |board, format| {
        let syntax = match format {
            http::Format::Prometheus => metrics::Syntax::Prometheus,
            http::Format::OpenMetrics => metrics::Syntax::OpenMetrics,
        };
        exposed.page(board, syntax)
    })
}

/// The sources, begun. What they compose to can be compared with what is kept.
fn composer(settings: &Settings, client: Option<Arc<Client>>, state: &State, host: Host) -> Composer {
    let key = state.fingerprint_key().clone();
    Composer::new(settings.sources.clone(), settings.rules.clone(), client, key, host)
}

/// What an earlier life has left on this host.
fn host(restored: &Restored) -> Host {
    if restored.good.is_empty() { Host::Fresh } else { Host::Known }
}

/// Lets the sources send their first queries, so that these are answered while the rest is set up.
async fn head_start() {
    // To connect, to be connected, to send: a turn of the runtime each.
    for _ in 0..3 {
        yield_now().await;
    }
}

/// Turns the loop, and says so if one of the tasks beside it fails; the service goes on without it.
async fn supervise(driver: Driver, tasks: &mut JoinSet<()>) -> (Effects, LoopEnd) {
    // On the heap: it holds the machine.
    let mut turning = Box::pin(driver.run());
    loop {
        tokio::select! {
            ended = &mut turning => return ended,
            Some(Err(error)) = tasks.join_next() => tracing::error!(%error, "a part of lictor has failed; the service goes on"),
        }
    }
}

/// systemd, if it has started us and wants to know how we are.
fn manager() -> Option<Manager> {
    Manager::find(|name| std::env::var_os(name), std::process::id()).unwrap_or_else(|error| {
        tracing::warn!("{}", chain::sentence(&error));
        None
    })
}

/// Signals become events. What the loop does not take any more is `unheard`, by its number.
async fn listen(
    mut signals: Pin<&mut impl Stream<Item = i32>>,
    inbox: &mpsc::Sender<Event>,
    reloads: &mpsc::Sender<ReloadRequest>,
    unheard: &mpsc::UnboundedSender<i32>,
) {
    while let Some(number) = signals.next().await {
        let event = match Signal::of(number) {
            Signal::Stop => Event::Shutdown,
            Signal::Forward(signal) => Event::Signal { signal },
            Signal::Reload => {
                // A full queue is about to read it anyway.
                let _ = reloads.try_send(ReloadRequest::by_signal());
                continue;
            }
        };
        if inbox.send(event).await.is_err() && unheard.send(number).is_err() {
            return;
        }
    }
}

/// The status port and its address; `None`: the default address is taken, and the configuration did not ask for it.
async fn open_status(
    settings: &Settings,
    kept: Option<OwnedFd>,
) -> Result<Option<(TcpListener, SocketAddr)>, AppError> {
    match bind_status(settings.status.address, wanted(settings), kept).await? {
        StatusPort::Bound { listener, address } => {
            tracing::info!(%address, "the status port is open");
            Ok(Some((listener, address)))
        }
        StatusPort::Skipped(warning) => {
            tracing::warn!("{warning}");
            Ok(None)
        }
    }
}

/// Consul's check asks our status port: where we register it, another lictor's would be a lie.
fn wanted(settings: &Settings) -> Wanted {
    let registers = settings.registration.as_ref().is_some_and(|registration| registration.service.is_some());
    if settings.status.chosen || registers { Wanted::Configured } else { Wanted::Default }
}

async fn bind_admin(settings: &Settings) -> Result<Option<AdminSocket>, AppError> {
    let Some(place) = places::socket(settings) else {
        tracing::warn!(
            "there is no admin socket: this user has no default place for it; set admin.socket or, in a unit, RuntimeDirectory=lictor/NAME"
        );
        return Ok(None);
    };
    let access = Access { mode: settings.admin.mode, group: settings.admin.group.clone() };
    match AdminSocket::bind(&place, &access).await {
        Ok(socket) => {
            tracing::info!(path = %socket.path().display(), "the admin socket is open");
            Ok(Some(socket))
        }
        Err(error @ AdminError::Taken { .. }) => Err(error.into()),
        // Only what was asked for must work.
        Err(error) if settings.admin.socket.is_some() => Err(error.into()),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "no admin socket; set admin.socket");
            Ok(None)
        }
    }
}

fn open_state(settings: &Settings) -> Result<State, AppError> {
    match state::open(&places::state_directory(settings), places::identity(&settings.name, settings)) {
        Ok(state) => Ok(state),
        Err(error @ state::Error::Locked { .. }) => Err(AppError::State(error)),
        Err(error) => {
            let key = state::ephemeral_key().map_err(AppError::Kernel)?;
            Ok(State::absent(chain::sentence(&error), key))
        }
    }
}

fn restore(state: &State, settings: &Settings) -> Restored {
    let (restored, warnings) = usable(state.load(), settings);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    Restored { validation: state.history().borrow().validation(), ..restored }
}

/// What may be used of what was found, and what is to be said about the rest.
fn usable(found: state::Restored, settings: &Settings) -> (Restored, Vec<String>) {
    let now = Clock.unix_ms();
    let state::Restored { good, quarantine, hold, guarded, next_generation, warnings } =
        found.without_older_than(settings.state.max_age, now);
    (Restored { good, quarantine, guarded, hold, next_generation, validation: None }, warnings)
}

/// Who asks Consul, if a source is Consul's, the hosts take turns or the instance is to be known there.
fn client(settings: &Settings) -> Result<Option<Arc<Client>>, AppError> {
    let asks_consul = settings.sources.iter().any(|source| matches!(source.kind, Kind::Consul(_)));
    (asks_consul || settings.fleet.is_some() || settings.registration.is_some())
        .then(|| {
            let mut client = Client::new(&settings.consul)?;
            // Whoever asks once asks with the token of the file; a file that is not there yet is read by those who watch.
            let _ = client.renew_token();
            Ok(Arc::new(client))
        })
        .transpose()
        .map_err(AppError::Consul)
}
