//! Decides what to announce to the manager, from what has been announced before. Pure.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use super::line::line;
use super::reload::Progress;
use crate::machine::Board;

/// How much more time lictor asks for while the service starts or stops ...
const EXTENSION: Duration = Duration::from_secs(30);
/// ... and how often; a loop that no longer turns does not ask again.
const EXTEND_EVERY: Duration = Duration::from_secs(5);

/// The times that the manager and the configuration set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// The longest time between two pings that the manager allows.
    pub(super) watchdog: Option<Duration>,
    /// How often a pulse comes while the loop turns.
    pub(super) period: Duration,
    /// When the start counts as over, healthy or not.
    pub(super) deadline: Duration,
}

/// Why it is time to look for announcements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// The driver's loop turns.
    Pulse,
    /// Something else has changed: that does not prove that the loop turns.
    News,
}

/// The present state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    /// The time since the start of lictor.
    pub(super) after: Duration,
    /// The same moment in microseconds of `CLOCK_MONOTONIC`.
    pub(super) monotonic_usec: u64,
    pub(super) sign: Sign,
    pub(super) board: &'a Board,
    pub(super) reloads: Progress,
}

/// The announcements that the manager has received so far.
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

    /// The messages that are due, in order, and the state of the announcements once they are sent.
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
            // The time that was asked for the start is used up; and only a loop that turned can have asked for it.
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
        // At the next pulse, more than half of the interval would be over.
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

    /// Each is a message of its own, because systemd would take a message with both for one of them.
    fn reloads(&mut self, seen: &Seen<'_>, messages: &mut Vec<String>) {
        let now = seen.reloads;
        if !self.ready || self.stopping {
            // For the manager, a unit that has not started cannot reload, and the end of a reload must not look like readiness.
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
