//! The task that sends: gauges at each tick, what happens when it happens.

mod address;
mod line;
mod safe;
mod sink;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::changes::{Change, Urgency, changes, urgency};
use super::gauges::gauges;
use super::published::{Baseline, Growth};
use super::series::{Labels, Series};
use super::vitals::Sampler;
use super::{Board, Clock, Latest, Statsd, names};
use crate::drain::DrainWatcher;
use crate::expvar::{Published, SentAs};
use line::Writer;
use wire::Wire;

/// How long lines that can wait are collected.
const BATCH: Duration = Duration::from_secs(1);
/// At most so many lines are sent for one timer between two boards; only after a long silence are there more.
const TIMED_LINES: u64 = 64;

/// Sends to `StatsD` what the boards say.
#[derive(Debug)]
pub struct Meter {
    boards: watch::Receiver<Arc<Board>>,
    clock: Clock,
    interval: Duration,
    writer: Writer,
    wire: Wire,
    sampler: Sampler,
    found: watch::Sender<Latest>,
    /// The board whose totals have been sent.
    sent: Arc<Board>,
    /// What the service publishes, and what of it has been sent.
    published: Published,
    baseline: Baseline,
    /// When the lines that wait have to go.
    due: Option<Instant>,
    /// Changed settings arrive here; `None`: they never change.
    settings: Option<watch::Receiver<Statsd>>,
}

impl Meter {
    pub(super) fn new(
        settings: &Statsd,
        boards: watch::Receiver<Arc<Board>>,
        published: Published,
        clock: Clock,
        found: watch::Sender<Latest>,
    ) -> Self {
        let sent = Arc::clone(&boards.borrow());
        Self {
            boards,
            clock,
            interval: settings.interval,
            writer: Writer::new(settings, &sent.service),
            wire: Wire::new(&settings.address),
            sampler: Sampler::default(),
            found,
            sent,
            published,
            baseline: Baseline::default(),
            due: None,
            settings: None,
        }
    }

    /// With settings that may change while it runs.
    #[must_use]
    pub fn following(self, settings: watch::Receiver<Statsd>) -> Self {
        Self { settings: Some(settings), ..self }
    }

    /// Sends until draining begins; what happened last still goes out.
    pub async fn run(&mut self, drain: &mut DrainWatcher) {
        let mut ticks = interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = drain.draining() => break,
                _ = ticks.tick() => self.tick(),
                () = until(self.due) => self.flush(),
                () = self.wire.settled() => {}
                settings = changed(&mut self.settings) => {
                    self.take(&settings);
                    ticks = interval(self.interval);
                    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                }
                changed = self.boards.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    self.send_events();
                }
            }
        }
        self.send_events();
        self.send_growth();
        self.flush();
    }

    /// Takes other settings; what waits is still sent to the old address.
    fn take(&mut self, settings: &Statsd) {
        self.send_events();
        self.flush();
        let dropped = self.wire.dropped();
        self.interval = settings.interval;
        self.writer = Writer::new(settings, &self.sent.service);
        self.wire = Wire::new(&settings.address);
        self.wire.give_up(dropped);
    }

    /// Looks at everything and sends it.
    fn tick(&mut self) {
        self.send_events();
        self.send_growth();
        let (board, now) = (Arc::clone(&self.boards.borrow()), (self.clock)());
        let latest = Latest {
            vitals: self.sampler.sample(&board, now),
            dropped: self.wire.dropped(),
            published: Arc::clone(&self.published.borrow()),
        };
        for Series { metric, labels, value } in gauges(&board, &latest, now) {
            self.wire.put(self.writer.gauge(metric, labels, value));
        }
        for number in latest.published.numbers.iter().filter(|number| number.sent_as == SentAs::Gauge) {
            self.wire.put(self.writer.own_gauge(&number.name, number.value));
        }
        self.flush();
        self.found.send_replace(Latest { dropped: self.wire.dropped(), ..latest });
    }

    /// Sends what has happened since the last time. Until the receiver's address is known it is kept, so no event is lost.
    fn send_events(&mut self) {
        let board = Arc::clone(&self.boards.borrow_and_update());
        if !self.wire.is_open() {
            return;
        }
        let mut waits = None;
        for series in changes(&self.sent, &board) {
            let Series { metric, labels, value } = series;
            match value {
                Change::Events(count) => self.wire.put(self.writer.counter(metric, labels, count)),
                Change::Timed { count, millis } => {
                    for _ in 0..count.min(TIMED_LINES) {
                        self.wire.put(self.writer.timer(metric, labels, millis));
                    }
                    self.wire.give_up(count.saturating_sub(TIMED_LINES));
                }
            }
            waits = waits.max(Some(urgency(&series)));
        }
        self.sent = board;
        match waits {
            Some(Urgency::Now) => self.flush(),
            Some(Urgency::Batched) => self.due = self.due.or_else(|| Some(Instant::now() + BATCH)),
            None => {}
        }
    }

    /// Sends what the service has counted since the last time, by the same rule.
    fn send_growth(&mut self) {
        if !self.wire.is_open() {
            return;
        }
        let now = Arc::clone(&self.published.borrow());
        let Growth { cycles, pauses, counters } = self.baseline.growth(&now);
        if cycles > 0 {
            self.wire.put(self.writer.counter(&names::GO_CYCLES, Labels::NONE, cycles));
        }
        for millis in pauses {
            self.wire.put(self.writer.timer(&names::GO_PAUSE, Labels::NONE, millis));
        }
        for (name, more) in counters {
            self.wire.put(self.writer.own_counter(name, more));
        }
    }

    fn flush(&mut self) {
        self.wire.flush();
        self.due = None;
    }
}

/// The next settings; never, if there will be none.
async fn changed(settings: &mut Option<watch::Receiver<Statsd>>) -> Statsd {
    if let Some(receiver) = settings
        && receiver.changed().await.is_ok()
    {
        return receiver.borrow_and_update().clone();
    }
    *settings = None;
    std::future::pending().await
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
