//! A blocking query as a pure state machine: what to ask next and when. No I/O and no clock of its own.
//!
//! Times are durations since any fixed moment. The loop around it ([`super::Pacer`]) is: wait until [`Watch::due`], send
//! what [`Watch::ask`] says, tell it what came ([`Watch::answered`] or [`Watch::failed`]).
//!
//! In short: an index is valid only for the agent and the connection that gave it, so any error, and any answer with a lower index,
//! drops it. Whether something has changed is decided by the content, never by the index. The watch never gives up, and it never
//! spins.

mod backoff;
mod limiter;
#[cfg(test)]
mod tests;

use std::time::Duration;

use backoff::Backoff;
use limiter::Limiter;

use super::Retry;
use super::error::Class;

/// How a watch behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long Consul may hold a query. It adds up to a sixteenth.
    pub wait: Duration,
    /// Waits after errors.
    pub retry: Retry,
    /// At least this often a query is sent without an index, whatever happens.
    pub reread: Duration,
}

impl Rules {
    /// 25 s: under the shortest write timeout of any Consul (30 s), and the longest that a change can go unseen behind
    /// an index that is too high.
    pub const WAIT: Duration = Duration::from_secs(25);
    /// Every five minutes.
    pub const REREAD: Duration = Duration::from_mins(5);
    /// Shorter waits would be a poll, longer ones Consul cuts itself.
    const WAITS: [Duration; 2] = [Duration::from_millis(100), Duration::from_mins(10)];
}

/// What to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// Wait for a change after this index; `None`: answer at once.
    pub blocking: Option<Blocking>,
    /// Who may answer.
    pub consistency: Consistency,
}

/// The blocking part of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocking {
    /// The index that the last answer had.
    pub index: u64,
    /// How long the server may wait for a larger one.
    pub wait: Duration,
}

/// Who may answer a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// The leader, as long as it believes that it leads.
    Default,
    /// The leader, after asking the others whether it still leads.
    Consistent,
}

impl Query {
    /// One that is answered at once.
    pub const PLAIN: Self = Self { blocking: None, consistency: Consistency::Default };

    /// After this long there will be no answer: the wait, its jitter, and 10 s for a server that holds requests while it
    /// looks for a leader.
    pub fn timeout(&self) -> Duration {
        let wait = self.blocking.map_or(Duration::ZERO, |blocking| blocking.wait);
        wait + wait / 16 + Duration::from_secs(10)
    }
}

/// An answer's content beside what was last accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing has changed.
    Same,
    /// Something has, or this is the first answer.
    Changed,
    /// It has, and half of the keys or more are gone: perhaps a server that does not know better.
    Fewer,
}

/// What to do with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Take it.
    Accept,
    /// Forget it: the next query asks again, consistently.
    Confirm,
}

/// The state of one watch.
#[derive(Clone, Debug)]
pub struct Watch {
    rules: Rules,
    next: Next,
    due: Duration,
    asked: Query,
    sent: Duration,
    read: Option<Duration>,
    backoff: Backoff,
    limiter: Limiter,
}

/// Which query comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Plain,
    Confirm,
    Blocking(u64),
}

impl Watch {
    /// A watch that has not asked yet. The seed is for the jitter; a wait outside of 100 ms to 10 min is moved inside.
    pub fn new(mut rules: Rules, seed: u64) -> Self {
        let [shortest, longest] = Rules::WAITS;
        rules.wait = rules.wait.clamp(shortest, longest);
        Self {
            rules,
            next: Next::Plain,
            due: Duration::ZERO,
            asked: Query::PLAIN,
            sent: Duration::ZERO,
            read: None,
            backoff: Backoff::new(rules.retry, seed),
            limiter: Limiter::default(),
        }
    }

    /// The next query is not to be sent before this.
    pub fn due(&self) -> Duration {
        self.due
    }

    /// What to send now.
    pub fn ask(&mut self, now: Duration) -> Query {
        let fresh = self.read.is_some_and(|read| now.saturating_sub(read) < self.rules.reread);
        self.asked = match self.next {
            Next::Blocking(index) if fresh => {
                Query { blocking: Some(Blocking { index, wait: self.rules.wait }), consistency: Consistency::Default }
            }
            Next::Blocking(_) | Next::Plain => Query::PLAIN,
            Next::Confirm => Query { blocking: None, consistency: Consistency::Consistent },
        };
        self.sent = now;
        self.asked
    }

    /// A 200 or 404 has come, whole and with nothing hidden, for the last query.
    pub fn answered(&mut self, now: Duration, index: u64, content: Content) -> Verdict {
        let index = index.max(1);
        self.backoff.reset();
        self.due = now;
        if self.asked.blocking.is_none() {
            self.read = Some(now);
        }
        if content == Content::Fewer && self.asked.consistency == Consistency::Default {
            self.next = Next::Confirm;
            return Verdict::Confirm;
        }
        let early = now.saturating_sub(self.sent) < self.rules.wait * 9 / 10;
        self.next = match self.asked.blocking {
            Some(blocking) if index < blocking.index => Next::Plain,
            Some(blocking) if index == blocking.index && early => Next::Plain,
            _ => Next::Blocking(index),
        };
        let woken_for_nothing = match self.asked {
            Query { blocking: Some(_), .. } => early,
            Query { blocking: None, consistency } => consistency == Consistency::Consistent,
        };
        if woken_for_nothing && content == Content::Same {
            self.due = self.limiter.pass(now);
        }
        Verdict::Accept
    }

    /// The last query came to nothing, for this reason.
    pub fn failed(&mut self, now: Duration, class: Class) {
        self.next = Next::Plain;
        self.due = now + self.backoff.next(class);
    }

    /// The token is another one: what was read with the old one says nothing, and there is no reason to wait.
    pub fn renewed(&mut self, now: Duration) {
        self.next = Next::Plain;
        self.backoff.reset();
        self.due = self.due.min(now);
    }
}
