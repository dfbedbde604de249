//! The turns' hands: carries out what they say, and tells them, and the machine, what came of it.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;

use super::access::Access;
use super::change::Change;
use super::chronicler::{Chronicler, Seat};
use super::decision::Ask;
use super::details::Details;
use super::handle::{Fleet, Word};
use super::mark::{Key, Mark};
use super::reading::{Reading, ReadingShown};
use super::record::{DeploymentShown, Shown};
use super::rules::Rules;
use super::turns::{Action, Event, Turns};
use super::writes::{Op, Written};
use crate::consul::Client;
use crate::consul::transaction::Operation;
use crate::drain::DrainWatcher;
use crate::environment::Fingerprint;
use crate::machine::board::ConfigState;
use crate::machine::event::TurnRefusal;
use crate::machine::{self, Board, Moment};
use crate::revive::{caught, revived};

/// After the fleet's key could not be read.
const KEY_PAUSE: Duration = Duration::from_secs(2);

/// What is needed to take part in a fleet.
#[derive(Debug)]
pub struct Parts {
    /// Who asks Consul.
    pub client: Arc<Client>,
    /// What `fleet {}` says.
    pub rules: Rules,
    /// Tells this lictor from any other, over its restarts: this host and this state directory.
    pub owner: String,
    /// Now.
    pub clock: fn() -> Moment,
    /// Unix milliseconds at `Moment(0)`.
    pub epoch_unix_ms: u64,
    /// What the instance looks like.
    pub boards: watch::Receiver<Arc<Board>>,
    /// What its configuration reads.
    pub reading: watch::Receiver<Arc<Reading>>,
    /// Where the machine hears of its turns.
    pub inbox: mpsc::Sender<machine::Event>,
    /// Held until everything is given back.
    pub drain: DrainWatcher,
}

/// Takes part in the fleet until lictor ends.
pub fn spawn(tasks: &mut JoinSet<()>, parts: Parts) -> Fleet {
    let (words_tx, words_rx) = mpsc::unbounded_channel();
    let now = (parts.clock)();
    let owner = Mark::of_text(&parts.owner).as_str().to_owned();
    let turns = Turns::new(parts.rules.clone(), owner, fastrand::u64(..), now, parts.epoch_unix_ms);
    let access = Access::new(&parts.client, &parts.rules);
    let (seat_tx, seat_rx) = watch::channel(Seat::default());
    let chronicler = Chronicler {
        access: access.clone(),
        clock: parts.clock,
        epoch_unix_ms: parts.epoch_unix_ms,
        boards: parts.boards.clone(),
        seat: seat_rx,
    };
    let parted = (chronicler, parts.drain.clone());
    tasks.spawn(revived("the fleet's chronicle", parted, |(chronicler, drain)| Box::pin(chronicler.run(drain))));
    let task = Task {
        access,
        seat: seat_tx,
        turns,
        heard: VecDeque::new(),
        key: None,
        build: None,
        taken_back: None,
        config: None,
        work: JoinSet::new(),
        closing: JoinSet::new(),
        looking: JoinSet::new(),
        keys: JoinSet::new(),
        clock: parts.clock,
        boards: parts.boards,
        reading: parts.reading,
        read: None,
        inbox: parts.inbox,
    };
    let parts = (task, words_rx, parts.drain);
    tasks.spawn(revived("the fleet's turns", parts, |(task, heard, drain)| Box::pin(task.run(heard, drain))));
    Fleet { words: words_tx }
}

struct Task {
    access: Access,
    /// What the chronicle needs to know of the turns.
    seat: watch::Sender<Seat>,
    turns: Turns,
    /// What waits for the fleet's key.
    heard: VecDeque<Word>,
    key: Option<Arc<Key>>,
    /// The build that a turn was last asked for.
    build: Option<String>,
    /// What was last taken back, in case it was for nothing.
    taken_back: Option<(Fingerprint, Change)>,
    /// The mark of what runs.
    config: Option<(Fingerprint, Mark)>,
    work: JoinSet<Event>,
    /// Sessions whose end is on its way.
    closing: JoinSet<()>,
    looking: JoinSet<Event>,
    keys: JoinSet<Result<Arc<Key>, String>>,
    clock: fn() -> Moment,
    boards: watch::Receiver<Arc<Board>>,
    reading: watch::Receiver<Arc<Reading>>,
    /// What the record shows of it, for what runs.
    read: Option<Box<ReadingShown>>,
    inbox: mpsc::Sender<machine::Event>,
}

impl Task {
    async fn run(&mut self, words: &mut mpsc::UnboundedReceiver<Word>, drain: &mut DrainWatcher) {
        self.find_key(Duration::ZERO);
        self.show().await;
        let mut leaving = false;
        loop {
            let wake = self.turns.next_wake();
            let wait = wake.map(|wake| wake.since((self.clock)()));
            // Every arm is cancel-safe: it names what happened.
            let event = tokio::select! {
                biased;
                Some(word) = words.recv() => {
                    self.hear(word);
                    None
                }
                Some(found) = self.keys.join_next() => self.found_key(found).await,
                Some(done) = self.work.join_next() => event(done),
                Some(done) = self.looking.join_next() => event(done),
                Some(_) = self.closing.join_next() => None,
                Ok(()) = self.boards.changed() => Some(Event::Shown(self.shown())),
                Ok(()) = self.reading.changed() => {
                    // What runs is marked anew, by the folders that are read now.
                    self.config = None;
                    Some(Event::Shown(self.shown()))
                }
                () = drain.draining(), if !leaving => {
                    leaving = true;
                    Some(Event::Leave)
                }
                () = until(wait) => Some(Event::Tick),
            };
            if let Some(event) = event {
                self.tell(event).await;
            }
            while self.key.is_some()
                && let Some(word) = self.heard.pop_front()
            {
                self.take(word).await;
            }
            let member = self.turns.seat();
            self.seat.send_if_modified(|seat| std::mem::replace(&mut seat.member, member.clone()) != member);
            if leaving && self.turns.is_finished() && words.is_empty() {
                break;
            }
        }
        while self.closing.join_next().await.is_some() {}
    }

    /// A request is compared with the fleet's present key: emptying the folder makes a new one.
    fn hear(&mut self, word: Word) {
        if let Word::Ask { .. } = word {
            self.key = None;
            self.find_key(Duration::ZERO);
        }
        self.heard.push_back(word);
    }

    fn find_key(&mut self, after: Duration) {
        self.keys.abort_all();
        let access = self.access.clone();
        self.keys.spawn(async move {
            sleep(after).await;
            caught(access.key()).await.unwrap_or_else(|bug| Err(bug.to_string()))
        });
    }

    async fn found_key(&mut self, found: Result<Result<Arc<Key>, String>, JoinError>) -> Option<Event> {
        match found {
            Ok(Ok(key)) => {
                self.key = Some(key);
                self.config = None;
                return Some(Event::Shown(self.shown()));
            }
            Ok(Err(why)) => {
                let asked = self.heard.iter().rev().find_map(|word| match word {
                    Word::Ask { turn, .. } => Some(*turn),
                    _ => None,
                });
                if let Some(turn) = asked {
                    let why = TurnRefusal::Waits(format!("the fleet's key cannot be read: {why}"));
                    self.send(machine::Event::TurnRefused { turn, why }).await;
                }
                self.find_key(KEY_PAUSE);
            }
            // Replaced by a newer attempt.
            Err(_) => {}
        }
        None
    }

    async fn take(&mut self, word: Word) {
        let Some(key) = self.key.clone() else { return };
        let event = match word {
            Word::Ask { turn, wish, running, build } => {
                self.build = Some(build.0.clone());
                let running = running.map(|running| key.marks(&running)).unwrap_or_default();
                let wanted = key.marks(&wish);
                let change = Change::between(&running, &wanted, &build.0);
                self.seat.send_modify(|seat| seat.asked(wish.fingerprint(), change.id().to_owned()));
                Event::Ask(Ask { turn, wish: Arc::new(wanted), running: Arc::new(running), build: build.0 })
            }
            Word::Return { turn, verdict } => Event::Return(turn, verdict),
            Word::Halt { wish, good, reason } => {
                let build = self.build.clone();
                let change =
                    Change::between(&key.marks(&good), &key.marks(&wish), build.as_deref().unwrap_or_default());
                self.taken_back = Some((wish.fingerprint(), change.clone()));
                Event::Halt(change, build, reason)
            }
            Word::EndHalt { wish } => match self.taken_back.take() {
                Some((fingerprint, change)) if fingerprint == wish.fingerprint() => Event::EndHalt(change),
                other => {
                    self.taken_back = other;
                    return;
                }
            },
        };
        self.tell(event).await;
    }

    async fn show(&mut self) {
        let shown = self.shown();
        self.tell(Event::Shown(shown)).await;
    }

    fn shown(&mut self) -> Shown {
        let board = Arc::clone(&self.boards.borrow_and_update());
        if let (Some(environment), Some(key)) = (&board.environment, &self.key)
            && self.config.as_ref().is_none_or(|(fingerprint, _)| *fingerprint != environment.fingerprint())
        {
            self.config = Some((environment.fingerprint(), key.marks(environment).whole()));
            let reading = self.reading.borrow_and_update().shown(Some((key, environment)));
            self.read = Some(Box::new(reading));
        }
        let wanted = board.candidate.as_ref().map(|candidate| candidate.fingerprint);
        let change = wanted.and_then(|wanted| self.seat.borrow().change(wanted));
        Shown {
            ready: board.ready,
            healthy: board.healthy,
            on_trial: board.config.state == ConfigState::Trial,
            phase: word(board.phase),
            version: board.build.running.version.clone(),
            installed: board.build.installed.version.clone(),
            settled: board.config.settled,
            deployment: board.deployment.as_ref().map(|validation| DeploymentShown {
                id: validation.deployment.id.clone(),
                verdict: validation.verdict,
            }),
            state: word(board.config.state),
            config: self.config.as_ref().filter(|_| board.environment.is_some()).map(|(_, mark)| mark.clone()),
            // How long it has waited for whom changes by the second and is no news to the others.
            note: board.config.message.clone().filter(|_| board.config.state != ConfigState::Pending),
            reading: self.read.clone().filter(|_| board.environment.is_some()),
            details: Some(Box::new(Details::of(&board, change))),
        }
    }

    async fn tell(&mut self, event: Event) {
        for action in self.turns.handle((self.clock)(), event) {
            self.act(action).await;
        }
    }

    async fn act(&mut self, action: Action) {
        let access = self.access.clone();
        match action {
            Action::Look { op, on, wait, delay, records } => {
                self.looking.abort_all();
                let look = access.look(op, self.turns.member().clone(), (on, wait, delay), records);
                self.looking.spawn(answered(look, move |bug| Event::Blind(op, bug)));
            }
            Action::Write(op, operations) => {
                self.looking.abort_all();
                self.write(op, operations);
            }
            Action::Record(op, operations) => self.write(op, operations),
            Action::Open => drop(self.work.spawn(answered(access.open(), Event::NotOpened))),
            Action::Renew(session) => drop(self.work.spawn(answered(access.renew(session), Event::NotRenewed))),
            Action::Close(session) => drop(self.closing.spawn(access.close(session))),
            Action::Grant(turn) => self.send(machine::Event::TurnGranted { turn }).await,
            Action::Lose(turn) => self.send(machine::Event::TurnLost { turn }).await,
            Action::Refuse(turn, why) => self.send(machine::Event::TurnRefused { turn, why }).await,
            Action::Say(text) => tracing::warn!("{text}"),
            Action::Show(problems) => self.send(machine::Event::FleetProblems { problems }).await,
        }
    }

    fn write(&mut self, op: Op, operations: Vec<Operation>) {
        let unknown = move |bug| Event::Written(op, Written::Unknown(bug));
        self.work.spawn(answered(self.access.clone().write(op, operations), unknown));
    }

    async fn send(&self, event: machine::Event) {
        // The loop has ended: nothing is stopped for config any more.
        let _ = self.inbox.send(event).await;
    }
}

/// The word that the board has for it.
fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// A piece of work that always comes to something: the turns wait for it.
fn answered(work: impl Future<Output = Event>, otherwise: impl FnOnce(String) -> Event) -> impl Future<Output = Event> {
    caught(work).map(|done| done.unwrap_or_else(|bug| otherwise(bug.to_string())))
}

/// What came of a piece of work; one that was replaced has come to nothing.
fn event(done: Result<Event, JoinError>) -> Option<Event> {
    done.ok()
}

async fn until(wait: Option<Duration>) {
    match wait {
        Some(wait) => sleep(wait).await,
        None => pending().await,
    }
}
