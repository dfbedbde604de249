//! Many hosts, one Consul, virtual time, and what can go wrong between them. The laws are held at every step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::consul::{self, Consul, PREFIX};
use super::host::{Config, Host, Mind, Nature, Stage, Waiting};
use crate::consul::health::Standing;
use crate::consul::kv::Pair;
use crate::consul::session::Session;
use crate::consul::transaction::Operation;
use crate::fleet::record::Shown;
use crate::fleet::rules::{CUTOFF, Limit, PATIENCE, Rules, TTL};
use crate::fleet::turns::{Action, Event, Turns};
use crate::fleet::view::Look;
use crate::fleet::writes::{Op, Written};
use crate::machine::Moment;
use crate::machine::numbers::TurnId;

/// What reaches somebody at some time.
#[derive(Debug)]
enum Coming {
    /// A request reaches Consul.
    Request(usize, u64, Request),
    /// Its answer, or a word of the host's own, reaches the turns.
    Answer(usize, u64, Event),
    /// A word reaches the stand-in.
    Granted(usize, u64, TurnId),
    Lost(usize, u64, TurnId),
    /// The catalog hears how a host stands.
    Stand(usize),
    Shown(usize, u64, Shown),
    Fault(Fault),
}

#[derive(Clone, Debug)]
enum Request {
    Look(Op),
    /// What is read after the folder `turn/`, while others go on writing.
    Rest(Op, Vec<Pair>),
    Write(Op, Vec<Operation>),
    Open,
    Renew(String),
    Close(String),
}

/// What happens to the world.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Wish(usize, Config),
    Kill(usize),
    Revive(usize),
    CutOff(usize),
    Heal(usize),
    Pause(usize, u64),
    NoLeader(u64),
    LoseRecord(usize),
    Scribble(u64),
}

pub(super) struct World {
    pub(super) now: Moment,
    pub(super) hosts: Vec<Host>,
    pub(super) consul: Consul,
    limit: usize,
    rules: Rules,
    coming: BTreeMap<(Moment, u64), Coming>,
    count: u64,
    leaderless_until: Moment,
    rng: fastrand::Rng,
    pub(super) grants: u64,
    pub(super) most_out: usize,
    log: Vec<String>,
}

impl World {
    pub(super) fn new(seed: u64, mind: Mind, hosts: usize, limit: usize) -> Self {
        let first = Config { number: 0, nature: Nature::Good };
        let rules = Rules {
            prefix: PREFIX.into(),
            service: "billing".into(),
            id: "billing".into(),
            limit: Limit::Count(u32::try_from(limit).unwrap()),
            min_passing: 1,
            bake: Duration::from_secs(5),
        };
        let mut world = Self {
            now: Moment(0),
            hosts: (0..hosts).map(|number| Host::new(number, first, mind)).collect(),
            consul: Consul::default(),
            limit,
            rules,
            coming: BTreeMap::new(),
            count: 0,
            leaderless_until: Moment(0),
            rng: fastrand::Rng::with_seed(seed),
            grants: 0,
            most_out: 0,
            log: Vec::new(),
        };
        for number in 0..hosts {
            let member = world.hosts[number].member.clone();
            world.consul.stand(&member, Standing::Passing);
            world.fault(Fault::Revive(number));
        }
        world
    }

    pub(super) fn log(&self) -> String {
        self.log.iter().rev().take(400).rev().cloned().collect::<Vec<_>>().join("\n")
    }

    fn note(&mut self, text: impl FnOnce() -> String) {
        if self.log.len() > 4_000 {
            self.log.drain(..2_000);
        }
        let now = self.now;
        self.log.push(format!("{:>9}.{:03} {}", now.0 / 1000, now.0 % 1000, text()));
    }

    pub(super) fn plan(&mut self, after: Duration, fault: Fault) {
        self.come(after, Coming::Fault(fault));
    }

    fn come(&mut self, after: Duration, coming: Coming) {
        self.count += 1;
        self.coming.insert((self.now + after, self.count), coming);
    }

    fn soon(&mut self) -> Duration {
        Duration::from_millis(self.rng.u64(1..=5))
    }

    /// Lets so much time pass.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        let (mut at, mut steps) = (self.now, 0);
        while self.step(until) {
            steps = if at == self.now { steps + 1 } else { 0 };
            at = self.now;
            assert!(steps < 10_000, "the turns spin");
        }
        self.now = until;
    }

    fn step(&mut self, until: Moment) -> bool {
        let wakes = self.hosts.iter().enumerate().flat_map(|(number, host)| {
            let pause = host.paused.unwrap_or(Moment(0));
            let turns = host.turns.as_ref().and_then(Turns::next_wake).map(|at| at.max(pause));
            let look = host.waiting.as_ref().map(|waiting| waiting.until);
            let timer = host.timer.filter(|_| host.turns.is_some()).map(|at| at.max(pause));
            [(turns, 0_u8), (look, 1), (timer, 2)].into_iter().filter_map(move |(at, what)| Some((at?, number, what)))
        });
        let wake = wakes.min();
        let coming = self.coming.keys().next().copied();
        let expiry = self.consul.expire(self.now);
        let next = [wake.map(|wake| wake.0), coming.map(|coming| coming.0), expiry].into_iter().flatten().min();
        let Some(next) = next.filter(|next| *next <= until) else { return false };
        self.now = self.now.max(next);
        if let Some((at, count)) = coming.filter(|coming| coming.0 <= self.now) {
            if let Some(coming) = self.coming.remove(&(at, count)) {
                self.arrive(coming);
            }
        } else if let Some((_, number, what)) = wake.filter(|wake| wake.0 <= self.now) {
            match what {
                0 => self.tell(number, Event::Tick),
                1 => self.end_wait(number),
                _ => self.host_does(number, Host::on_timer),
            }
        }
        self.wake_lookers();
        self.hold_the_laws();
        true
    }

    /// F1, at every step.
    fn hold_the_laws(&mut self) {
        let forgotten = |host: &&Host| host.dead_since.is_some_and(|since| self.now.since(since) >= PATIENCE);
        let out = self.hosts.iter().filter(|host| host.out && !host.relapsed).filter(|host| !forgotten(host)).count();
        self.most_out = self.most_out.max(out);
        assert!(out <= self.limit, "F1: {out} out for config where the limit is {}", self.limit);
    }

    fn wake_lookers(&mut self) {
        for number in 0..self.hosts.len() {
            let changed = |waiting: &Waiting| self.consul.has_changed(&waiting.on);
            if self.is_reachable(number) && self.hosts[number].waiting.as_ref().is_some_and(changed) {
                self.end_wait(number);
            }
        }
    }

    fn end_wait(&mut self, number: usize) {
        if let Some(Waiting { op, delay, .. }) = self.hosts[number].waiting.take() {
            let (life, soon) = (self.hosts[number].life, self.soon());
            self.come(delay + soon, Coming::Request(number, life, Request::Look(op)));
        }
    }

    fn is_reachable(&self, number: usize) -> bool {
        self.hosts[number].cut_off.is_none() && self.now >= self.leaderless_until
    }

    fn arrive(&mut self, coming: Coming) {
        match coming {
            Coming::Request(number, life, request) => self.request(number, life, request),
            Coming::Answer(number, life, event) => {
                if let Some(after) = self.hosts[number].paused.filter(|paused| *paused > self.now) {
                    return self.come(after.since(self.now), Coming::Answer(number, life, event));
                }
                if self.hosts[number].life == life {
                    self.tell(number, event);
                }
            }
            Coming::Granted(number, life, turn) if self.hosts[number].life == life => {
                self.host_does(number, |host, now, whim| host.granted(now, turn, whim));
            }
            Coming::Lost(number, life, turn) if self.hosts[number].life == life => {
                self.host_does(number, |host, now, _| host.lost(now, turn));
            }
            Coming::Granted(..) | Coming::Lost(..) => {}
            Coming::Shown(number, life, shown) => {
                if self.hosts[number].life == life {
                    self.tell(number, Event::Shown(shown));
                }
            }
            Coming::Stand(number) => self.stand(number),
            Coming::Fault(fault) => self.fault(fault),
        }
    }

    /// How the catalog sees a host: its own word, or that its agent is gone.
    fn stand(&mut self, number: usize) {
        const SERF: Duration = Duration::from_secs(6);
        let host = &self.hosts[number];
        let member = host.member.clone();
        match host.cut_off {
            None if host.ready => self.consul.stand(&member, Standing::Passing),
            Some(since) if self.now.since(since) < SERF => {}
            _ => self.consul.stand(&member, Standing::NotPassing),
        }
    }

    fn request(&mut self, number: usize, life: u64, request: Request) {
        let member = self.hosts[number].member.clone();
        let reachable = self.is_reachable(number);
        // A write without an answer may have happened all the same.
        let half_way = !reachable && self.hosts[number].cut_off.is_none() && self.rng.bool();
        let ends = consul::end(self.now, TTL, &mut self.rng);
        let answer = match request {
            Request::Look(op) if reachable => {
                let (turn, soon) = (self.consul.look(&member).turn, self.soon());
                return self.come(soon, Coming::Request(number, life, Request::Rest(op, turn)));
            }
            Request::Rest(op, turn) if reachable => {
                Event::Seen(op, Box::new(Look { turn, ..self.consul.look(&member) }))
            }
            Request::Look(op) | Request::Rest(op, _) => Event::Blind(op, "no leader".into()),
            Request::Write(op, operations) => {
                let written = (reachable || half_way).then(|| self.consul.commit(&operations));
                let written = match written.filter(|_| reachable) {
                    Some(true) => Written::Done,
                    Some(false) => Written::Refused,
                    None => Written::Unknown("no leader".into()),
                };
                self.note(|| format!("host-{number} writes {operations:?}: {written:?}"));
                Event::Written(op, written)
            }
            Request::Open if reachable => Event::Opened(Session { id: self.consul.open(ends), node: member.node }),
            Request::Open => {
                if half_way {
                    self.consul.open(ends);
                }
                Event::NotOpened("no leader".into())
            }
            Request::Renew(id) if reachable => {
                if self.consul.renew(&id, ends) {
                    Event::Renewed
                } else {
                    Event::SessionGone
                }
            }
            Request::Renew(_) => Event::NotRenewed("no leader".into()),
            Request::Close(id) => {
                if reachable {
                    self.consul.close(&id);
                }
                return;
            }
        };
        let after = if reachable { self.soon() } else { Duration::from_millis(self.rng.u64(5..8_000)) };
        self.come(after, Coming::Answer(number, life, answer));
    }

    fn tell(&mut self, number: usize, event: Event) {
        let host = &mut self.hosts[number];
        let (life, now) = (host.life, self.now);
        let Some(turns) = &mut host.turns else { return };
        // A look is long: it takes more time to write than everything else.
        let is_told = !matches!(event, Event::Tick | Event::Seen(..) | Event::Renewed);
        let shown = is_told.then(|| format!("{event:?}"));
        let actions = turns.handle(now, event);
        if let Some(shown) = shown {
            self.note(|| format!("host-{number} {}", shown.get(..160).unwrap_or(&shown)));
        }
        for action in actions {
            let soon = self.soon();
            let ask = |world: &mut Self, request| world.come(soon, Coming::Request(number, life, request));
            match action {
                Action::Look { op, on, wait, delay, records: _ } => {
                    self.hosts[number].waiting = Some(Waiting { op, on, until: now + wait, delay });
                }
                Action::Write(op, operations) => {
                    self.hosts[number].waiting = None;
                    ask(self, Request::Write(op, operations));
                }
                Action::Record(op, operations) => ask(self, Request::Write(op, operations)),
                Action::Open => ask(self, Request::Open),
                Action::Renew(id) => ask(self, Request::Renew(id)),
                Action::Close(id) => ask(self, Request::Close(id)),
                Action::Grant(turn) => {
                    self.note(|| format!("host-{number} GRANTED {turn}"));
                    self.grants += 1;
                    let cut_off = self.hosts[number].cut_off.map_or(Duration::ZERO, |since| now.since(since));
                    assert!(cut_off < CUTOFF, "F5: a turn without Consul");
                    self.come(soon, Coming::Granted(number, life, turn));
                }
                Action::Lose(turn) => {
                    self.note(|| format!("host-{number} LOST {turn}"));
                    self.come(soon, Coming::Lost(number, life, turn));
                }
                Action::Refuse(turn, refusal) => {
                    self.note(|| format!("host-{number} refused: {refusal:?}"));
                    self.host_does(number, |host, now, _| host.refused(now, turn, &refusal));
                }
                Action::Show(_) => {}
                Action::Say(text) => self.note(|| format!("host-{number} says {text}")),
            }
        }
    }

    /// The stand-in does something; whatever changes is told to all who see it.
    fn host_does(&mut self, number: usize, does: impl FnOnce(&mut Host, Moment, u64) -> Vec<Event>) {
        let (now, whim) = (self.now, self.rng.u64(..));
        let host = &mut self.hosts[number];
        let (before, stood) = (host.shown(), host.stage);
        let events = does(host, now, whim);
        let (life, shown, stage) = (host.life, host.shown(), host.stage);
        if stage != stood {
            self.note(|| format!("host-{number} is {stage:?}"));
        }
        if shown != before {
            let (stand, show) = (self.rng.u64(5..50), self.rng.u64(0..20));
            self.come(Duration::from_millis(stand), Coming::Stand(number));
            self.come(Duration::from_millis(show), Coming::Shown(number, life, shown));
        }
        for event in events {
            self.tell(number, event);
        }
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        self.note(|| format!("=== {fault:?}"));
        let now = self.now;
        match fault {
            Fault::Wish(number, wish) => self.host_does(number, |host, now, _| host.wish(now, wish)),
            Fault::Kill(number) => self.hosts[number].kill(now),
            Fault::Revive(number) if self.hosts[number].turns.is_some() => {}
            Fault::Revive(number) => {
                let owner = format!("owner-{number}");
                let turns = Turns::new(self.rules.clone(), owner, self.rng.u64(..), now, 1_700_000_000_000);
                self.host_does(number, |host, now, whim| host.revive(now, turns, whim));
                let shown = self.hosts[number].shown();
                self.tell(number, Event::Shown(shown));
                self.host_does(number, |host, _, _| host.travel());
            }
            Fault::CutOff(number) => {
                self.hosts[number].cut_off.get_or_insert(now);
                self.come(Duration::from_secs(6), Coming::Stand(number));
            }
            Fault::Heal(number) => {
                self.hosts[number].cut_off = None;
                self.come(Duration::from_millis(100), Coming::Stand(number));
            }
            Fault::Pause(number, millis) => {
                self.hosts[number].paused = Some(now + Duration::from_millis(millis));
            }
            Fault::NoLeader(millis) => {
                self.leaderless_until = now + Duration::from_millis(millis);
                let ends = consul::end(self.leaderless_until, TTL, &mut self.rng);
                self.consul.new_leader(ends);
            }
            Fault::LoseRecord(number) => {
                let key = format!("{PREFIX}instances/{}", self.hosts[number].member.key());
                self.consul.delete(&key);
            }
            Fault::Scribble(kind) => {
                let keys = ["rollout/x", "instances/odd", "turn/odd", "rollout/y", "turn/"];
                self.consul.scribble(keys[usize::try_from(kind).unwrap() % keys.len()], b"\xff{");
            }
        }
    }

    /// On how many hosts each config was tried by a turn.
    pub(super) fn tried(&self) -> BTreeMap<Config, usize> {
        let mut tried: BTreeMap<Config, BTreeSet<usize>> = BTreeMap::new();
        for (number, host) in self.hosts.iter().enumerate() {
            for config in &host.tried {
                tried.entry(*config).or_default().insert(number);
            }
        }
        tried.into_iter().map(|(config, hosts)| (config, hosts.len())).collect()
    }

    /// Whether every host that lives has this config and rests.
    pub(super) fn is_at_rest_on(&self, config: Config) -> bool {
        let alive = self.hosts.iter().filter(|host| host.turns.is_some());
        alive.clone().all(|host| host.runs == config && host.stage == Stage::Serving && host.ready)
    }
}
