//! All sockets that lictor holds, and the runs that have them.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::found::{self, Found};
use super::keeper::Keeper;
use super::open::{History, Opened, open};
use super::pair::{Pair, Place};
use super::program::{Marks, Share, Steering};
use super::reach::Reach;
use super::relay::{self, Relay};
use super::settle::Leaving;
use super::sides::{Side, Sides, Width};
use super::watch::Watch;
use super::{ListenError, Passed, Spec, steering};
use crate::machine::RunId;
use crate::revive::revived;
use shut::sentence;

/// After this long the board shows that a run accepts nothing from its queue.
const UNTAKEN: Duration = Duration::from_secs(10);

const MISSING: &str = "the service outlived an earlier lictor, and its sockets cannot be had from it: at the next change it is \
                       stopped before another is started, and connections are refused in between; from then on lictor \
                       holds them again";

/// The sockets of every `listen`.
#[derive(Debug)]
pub struct Sockets {
    pairs: Vec<Pair>,
    sides: Sides,
    share: Share,
    marks: Marks,
    /// Why the kernel cannot steer.
    unsteered: Option<String>,
    /// The side of a service that an earlier lictor has started, until that is known as a run.
    survivor: Option<Side>,
    /// The sockets that only that service has: they are bound at the next start.
    missing: Vec<Spec>,
    /// Since when connections have been waiting for the run that should take them.
    waited_since: Option<Instant>,
    /// The names that the service manager has to release.
    forgotten: Vec<String>,
    /// Tells the service manager what to keep; `None`: there is none.
    keeper: Option<Keeper>,
    /// Notices that a socket has been shut down.
    watch: Watch,
    /// The run that has shut down the socket of this `listen`.
    shut_by: Option<(RunId, String)>,
    /// Why a socket that was shut down cannot listen again.
    dead: Option<String>,
    /// Relays what is left in the queues of a side whose run has ended.
    relays: JoinSet<()>,
    /// Room for connections that are carried.
    room: Arc<Semaphore>,
    /// Held for a side that is not active while its relays may accept.
    idle: [Option<watch::Sender<()>>; 2],
}

impl Sockets {
    /// No sockets.
    pub fn none() -> Self {
        Self {
            pairs: Vec::new(),
            sides: Sides::new(Width::One, Side::A),
            share: Share::OF_ALL,
            marks: Marks::Ignored,
            unsteered: None,
            survivor: None,
            missing: Vec::new(),
            waited_since: None,
            forgotten: Vec::new(),
            keeper: None,
            watch: Watch::default(),
            shut_by: None,
            dead: None,
            relays: JoinSet::new(),
            room: relay::room(),
            idle: [None, None],
        }
    }

    /// Takes back or binds all of these. From now on connections are accepted by the kernel; they wait for the first
    /// run.
    ///
    /// # Errors
    /// The first one that cannot be opened; then none is held.
    pub fn open(specs: &[Spec], marks: Marks, mut found: Found) -> Result<Self, ListenError> {
        if specs.is_empty() {
            let forgotten = found.left().map(str::to_owned).collect();
            return Ok(Self { forgotten, ..Self::none() });
        }
        let unsteered = steering::possible(marks).err();
        if let Some(why) = &unsteered {
            tracing::warn!("{why}");
        }
        let width = if unsteered.is_some() { Width::One } else { Width::Two };
        let opened = open(specs, width, marks, &mut found)?;
        let forgotten = found.left().map(str::to_owned).collect();
        let mut sockets = Self { marks, unsteered, forgotten, ..Self::none() };
        match opened {
            Opened::Held { pairs, active, survivor, history } => {
                (sockets.pairs, sockets.survivor) = (pairs, survivor);
                sockets.sides = Sides::new(width, active);
                if history == History::Old && width == Width::Two {
                    sockets.carry_on(active.other());
                }
                sockets.introduce();
            }
            Opened::WithTheSurvivor => {
                sockets.sides = Sides::new(width, Side::A);
                sockets.missing = specs.to_vec();
            }
        }
        Ok(sockets)
    }

    fn introduce(&self) {
        for pair in &self.pairs {
            match pair.place() {
                Place::Tcp(address) => tracing::info!(name = pair.name(), %address, "holds a socket for the service"),
                Place::Unix(path) => {
                    tracing::info!(name = pair.name(), path = %path.display(), "holds a socket for the service");
                }
            }
        }
    }

    /// Lets the service manager keep them from now on, so that connections wait while lictor itself is started again.
    #[must_use]
    pub fn kept_by(mut self, keeper: Keeper) -> Self {
        keeper.tell(&self.forgotten, &self.to_be_kept());
        self.keeper = Some(keeper);
        self
    }

    /// The service of an earlier lictor is this run from now on; it keeps its sockets.
    pub fn adopt(&mut self, run: RunId) {
        if let Some(side) = self.survivor.take() {
            self.sides.adopt(run, side);
        }
    }

    /// The mark to record for a run, so that a later lictor knows which sockets it has.
    pub fn mark(&self, run: RunId) -> Option<u8> {
        self.sides.of(run).and_then(|side| u8::try_from(side.index()).ok())
    }

    /// The sockets that the service manager has to keep, so that connections wait while lictor itself is started again.
    pub fn to_be_kept(&self) -> Vec<(String, BorrowedFd<'_>)> {
        self.pairs.iter().flat_map(named).collect()
    }

    /// Gives a run that is about to start its side of every pair.
    ///
    /// # Errors
    /// Both sides have a run, or there are no more descriptors.
    pub fn give(&mut self, run: RunId) -> io::Result<Vec<Passed>> {
        self.catch_up()?;
        self.revive();
        if self.pairs.is_empty() {
            return Ok(Vec::new());
        }
        let both_taken = || io::Error::other("two runs have the sockets already");
        let side = self.sides.seat(run).ok_or_else(both_taken)?;
        // From now on the run accepts what is left there.
        self.idle[side.index()] = None;
        let copies = self.pairs.iter().map(|pair| {
            let socket = pair.socket(side).try_clone_to_owned()?;
            Ok(Passed { name: pair.name().to_owned(), socket })
        });
        copies.collect()
    }

    /// How a probe reaches only this run. `None`: every connection reaches it, because there is no other run.
    pub fn reach(&self, run: RunId) -> Option<Reach> {
        let side = self.sides.of(run).filter(|_| self.marks == Marks::Heeded && self.sides.width() == Width::Two)?;
        Some(Reach::to(side, self.pairs.iter().map(Pair::place)))
    }

    /// Sends this share of the new connections to the run from now on, and the rest to the other one.
    ///
    /// # Errors
    /// The kernel does not allow it; then nothing has changed.
    pub fn steer(&mut self, run: RunId, share: Share) -> io::Result<()> {
        let before = (self.sides.clone(), self.share);
        self.sides.steer(run);
        self.share = share;
        self.take_effect(before)?;
        let other = self.sides.active().other();
        if self.sides.width() == Width::Two && !self.sides.is_seated(other) && self.idle[other.index()].is_none() {
            // Its run ended while connections still went there.
            self.carry_on(other);
        }
        Ok(())
    }

    /// A run does not take what waits for it: that is carried to the active side, though the run is still alive. If
    /// another run is there to take it, a stop may wait for what is given here.
    pub fn rescue(&mut self, run: RunId) -> Option<Leaving> {
        let side = self.sides.of(run).filter(|side| *side != self.sides.active())?;
        self.carry_on(side);
        self.leaving(side).filter(|_| self.sides.is_seated(self.sides.active()))
    }

    /// Why new connections cannot be steered from one run to another; `None`: they can.
    pub fn cannot_steer(&self) -> Option<String> {
        if !self.missing.is_empty() {
            return Some(MISSING.to_owned());
        }
        self.unsteered.clone().or_else(|| {
            let heeded = self.marks == Marks::Heeded && !self.pairs.is_empty();
            (!heeded)
                .then(|| "lictor was started for handover = \"restart\"; restart lictor for \"overlap\"".to_owned())
        })
    }

    /// The run is about to be stopped: new connections go to the other side from now on. Returns what the stop has to
    /// wait for, if anything.
    pub fn turn_away(&mut self, run: RunId) -> Option<Leaving> {
        let side = self.sides.of(run).filter(|_| self.sides.width() == Width::Two)?;
        let before = (self.sides.clone(), self.share);
        self.sides.turn_away(run);
        self.share = Share::OF_ALL;
        self.take_effect(before).ok()?;
        self.leaving(side)
    }

    /// The run has ended: the connections that it has not accepted are relayed to the active side, or wait for the next
    /// run.
    pub fn gone(&mut self, run: RunId) {
        // Some services shut their listener down when they are stopped.
        self.revive();
        self.shut_by.take_if(|(by, _)| *by == run);
        if let Some(side) = self.sides.gone(run).filter(|side| *side != self.sides.active()) {
            self.carry_on(side);
        }
    }

    /// Binds the sockets that only a service of an earlier lictor had, which has ended now.
    fn catch_up(&mut self) -> io::Result<()> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let first = Steering::to(self.sides.active(), self.marks);
        let bound = self.missing.iter().map(|spec| Pair::bind(spec, self.sides.width(), first));
        self.pairs = bound.collect::<Result<_, _>>().map_err(io::Error::other)?;
        self.missing = Vec::new();
        self.watch = Watch::default();
        self.introduce();
        Ok(())
    }

    /// Relays the connections that wait on a side without a run to the active one.
    fn carry_on(&mut self, side: Side) {
        while self.relays.try_join_next().is_some() {}
        let (idle, seat) = watch::channel(());
        self.idle[side.index()] = Some(idle);
        for pair in &self.pairs {
            match self.relay(pair, side, seat.clone()) {
                Ok(relay) => {
                    self.relays.spawn(revived("the relay of left connections", relay, |relay| relay.run().boxed()));
                }
                Err(error) => {
                    tracing::warn!(%error, "no descriptor for the connections that a stopped service has left");
                }
            }
        }
    }

    fn relay(&self, pair: &Pair, from: Side, seat: watch::Receiver<()>) -> io::Result<Relay> {
        let [from, active] = [from, from.other()].map(|side| pair.socket(side).try_clone_to_owned());
        Ok(Relay { from: from?, active: active?, place: pair.place().clone(), seat, room: self.room.clone() })
    }

    /// Looks at the queues, and says why a restart is not as smooth as it should be, for the board. What takes nothing is
    /// told from what takes much by looking often: call it every second.
    pub fn look(&mut self) -> Option<String> {
        let untaken = self.untaken();
        let full = self.pairs.iter().find_map(|pair| {
            let queue = pair.queue(self.sides.active());
            (queue.limit > 0 && queue.waiting > queue.limit).then(|| {
                format!(
                    "the queue of listen {:?} is full: {} connections wait, and further ones are put off by a second or \
                     more; raise net.core.somaxconn, or have the service start faster",
                    pair.name(),
                    queue.waiting
                )
            })
        });
        self.revive();
        let shut = self.dead.clone().or_else(|| self.shut_by.as_ref().map(|(_, name)| sentence(name)));
        let missing = (!self.missing.is_empty()).then(|| MISSING.to_owned());
        shut.or(full).or(missing).or(untaken).or_else(|| self.unsteered.clone())
    }

    /// The connections that a run has left in a queue for a long time.
    fn untaken(&mut self) -> Option<String> {
        let active = self.sides.active();
        let served = self.sides.is_seated(active);
        let waits = self.pairs.iter().find(|pair| served && pair.queue(active).waiting > 0).map(Pair::name);
        let Some(name) = waits else {
            self.waited_since = None;
            return None;
        };
        let since = *self.waited_since.get_or_insert_with(Instant::now);
        (since.elapsed() >= UNTAKEN).then(|| {
            format!(
                "connections to listen {name:?} have not been accepted for {} s: does the service take the socket that it is \
                 given (LISTEN_FDS), or does it listen on one of its own?",
                UNTAKEN.as_secs()
            )
        })
    }

    /// Steers every pair as decided; if one cannot be steered, all are put back.
    fn take_effect(&mut self, before: (Sides, Share)) -> io::Result<()> {
        let is_so = (self.sides.active(), self.share) == (before.0.active(), before.1);
        let steered = if is_so { Ok(()) } else { self.steer_all() };
        if let Err(error) = &steered {
            tracing::warn!(%error, "new connections cannot be steered elsewhere");
            (self.sides, self.share) = before;
            // The others were steered a moment ago, so they can be steered back.
            let _ = self.steer_all();
        }
        // Connections that wait on the active side are for its run or for the next one; if they were relayed, they
        // would come back there.
        self.idle[self.sides.active().index()] = None;
        steered
    }

    fn steering(&self) -> Steering {
        Steering { active: self.sides.active(), share: self.share, marks: self.marks }
    }

    fn steer_all(&self) -> io::Result<()> {
        let steering = self.steering();
        self.pairs.iter().try_for_each(|pair| pair.steer(steering))
    }

    fn leaving(&self, side: Side) -> Option<Leaving> {
        let sockets: io::Result<Vec<_>> =
            self.pairs.iter().map(|pair| pair.socket(side).try_clone_to_owned()).collect();
        Some(Leaving::new(sockets.ok()?, self.ports()))
    }

    /// The TCP ports that are held.
    pub fn ports(&self) -> BTreeSet<u16> {
        let port = |pair: &Pair| match pair.place() {
            Place::Tcp(address) => Some(address.port()),
            Place::Unix(_) => None,
        };
        self.pairs.iter().filter_map(port).collect()
    }
}

/// The sockets of a pair, with the names under which the service manager keeps them.
fn named(pair: &Pair) -> impl Iterator<Item = (String, BorrowedFd<'_>)> {
    pair.sockets().map(|(side, socket)| (found::name(pair.name(), side, pair.first()), socket))
}

mod shut;
#[cfg(test)]
mod tests;
