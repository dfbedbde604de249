//! What has been announced to the manager, and what there is to announce now. Pure.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use super::line::line;
use super::reload::Progress;
use crate::machine::Board;

/// How much more time is asked for while the service starts or stops ...
const EXTENSION: Duration = Duration::from_secs(30);
/// ... and how often; a loop that has stopped turning gets no more.
const EXTEND_EVERY: Duration = Duration::from_secs(5);

/// What the manager and the configuration ask for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// The manager expects pings at most this far apart.
    pub(super) watchdog: Option<Duration>,
    /// How often a pulse comes while the loop turns.
    pub(super) period: Duration,
    /// The start counts as over by then, healthy or not.
    pub(super) deadline: Duration,
}

/// Why the announcements are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// The driver's loop turns.
    Pulse,
    /// Something else has changed: that does not prove that the loop turns.
    News,
}

/// How things stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    /// Since the start of lictor.
    pub(super) after: Duration,
    /// The same moment in microseconds of `CLOCK_MONOTONIC`.
    pub(super) monotonic_usec: u64,
    pub(super) sign: Sign,
    pub(super) board: &'a Board,
    pub(super) reloads: Progress,
}

/// What has been announced to the manager so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Announced {
    ready: bool,
    stopping: bool,
    status: String,
    reloads: Progress,
    pinged: Option<Duration>,
    extended: Option<Duration>,
}

impl Announced {
    /// Whether the start is over, as the manager knows it.
    pub(super) fn ready(&self) -> bool {
        self.ready
    }

    /// The messages that are due, in order, and what will have been announced once they are sent.
    pub(super) fn news(&self, terms: &Terms, seen: &Seen<'_>) -> (Self, Vec<String>) {
        let mut next = self.clone();
        let mut message = Message::default();
        next.life(terms, seen, &mut message);
        next.status(seen.board, &mut message);
        if seen.sign == Sign::Pulse {
            next.ping(terms, seen.after, &mut message);
            next.extend(seen.after, &mut message);
        }
        let mut messages: Vec<_> = message.text().into_iter().collect();
        next.reloads(seen, &mut messages);
        (next, messages)
    }

    fn life(&mut self, terms: &Terms, seen: &Seen<'_>, message: &mut Message) {
        if seen.board.stopping && !self.stopping {
            message.add("STOPPING", 1);
            self.stopping = true;
            // What was asked for the start is spent; and only a loop that turned can have said so.
            self.extended = None;
            self.extend(seen.after, message);
        } else if !self.ready && !self.stopping && (seen.board.healthy || seen.after >= terms.deadline) {
            message.add("READY", 1);
            self.ready = true;
        }
    }

    fn status(&mut self, board: &Board, message: &mut Message) {
        let status = line(board);
        if status != self.status {
            message.add("STATUS", &status);
            self.status = status;
        }
    }

    fn ping(&mut self, terms: &Terms, now: Duration, message: &mut Message) {
        let Some(interval) = terms.watchdog else { return };
        // A pulse later it would be more than half the interval.
        if is_due(self.pinged, (interval / 2).saturating_sub(terms.period), now) {
            message.add("WATCHDOG", 1);
            self.pinged = Some(now);
        }
    }

    fn extend(&mut self, now: Duration, message: &mut Message) {
        if (!self.ready || self.stopping) && is_due(self.extended, EXTEND_EVERY, now) {
            message.add("EXTEND_TIMEOUT_USEC", EXTENSION.as_micros());
            self.extended = Some(now);
        }
    }

    /// Each in a message of its own: one that says both would be taken for one of them.
    fn reloads(&mut self, seen: &Seen<'_>, messages: &mut Vec<String>) {
        let now = seen.reloads;
        if !self.ready || self.stopping {
            // The manager knows no reload of what has not started, and the end of one must not look like readiness.
            self.reloads = Progress { begun: now.begun, ended: now.begun };
            return;
        }
        if now.begun > self.reloads.begun {
            messages.push(format!("RELOADING=1\nMONOTONIC_USEC={}\n", seen.monotonic_usec));
            self.reloads.begun = now.begun;
        }
        if now.ended == now.begun && now.ended > self.reloads.ended {
            messages.push("READY=1\n".to_owned());
            self.reloads.ended = now.ended;
        }
    }
}

/// One datagram that grows: lines of `KEY=VALUE`.
#[derive(Debug, Default)]
struct Message(String);

impl Message {
    /// Adds a line; the value must be one line itself.
    fn add(&mut self, key: &str, value: impl Display) {
        // Writing to memory cannot fail.
        let _ = writeln!(self.0, "{key}={value}");
    }

    /// The text to be sent, if there is any.
    fn text(self) -> Option<String> {
        (!self.0.is_empty()).then_some(self.0)
    }
}

fn is_due(last: Option<Duration>, every: Duration, now: Duration) -> bool {
    last.is_none_or(|last| now >= last + every)
}

#[cfg(test)]
mod tests;
