//! Why a turn has not been granted yet, as a sentence with how long that has been so.

use std::time::Duration;

/// Why a turn may not begin yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// A fixed sentence.
    Plain(String),
    /// Others come first.
    Queue(Queue),
}

/// The instances that block a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Queue {
    /// How many of them have to finish before it can begin.
    pub(super) before: usize,
    /// All blocking instances.
    pub(super) blockers: Vec<Blocker>,
}

/// An instance that blocks a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Blocker {
    /// Its name for people.
    pub(super) who: String,
    /// How it blocks.
    pub(super) what: Blocking,
}

/// How an instance blocks a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocking {
    /// It has a turn, since this time in Unix milliseconds if that is known.
    Turn { since: Option<u64> },
    /// It does not pass in Consul's catalog.
    NotPassing,
}

/// How many are named.
const NAMED: usize = 3;
const SECOND_MS: u64 = 1000;
const MINUTE_MS: u64 = 60 * SECOND_MS;

impl Default for Reason {
    fn default() -> Self {
        Self::Plain(String::new())
    }
}

impl Reason {
    /// The sentence at this Unix time in milliseconds.
    pub(super) fn text(&self, at: u64) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Queue(queue) => queue.text(at),
        }
    }

    /// How long the sentence stays the same, if it changes with time.
    pub(super) fn holds(&self, at: u64) -> Option<Duration> {
        let Self::Queue(queue) = self else { return None };
        let ages = queue.named().filter_map(|blocker| match blocker.what {
            Blocking::Turn { since } => since.map(|since| at.saturating_sub(since)),
            Blocking::NotPassing => None,
        });
        let holds =
            ages.map(|age| if age < MINUTE_MS { SECOND_MS - age % SECOND_MS } else { MINUTE_MS - age % MINUTE_MS });
        holds.min().map(Duration::from_millis)
    }
}

impl Queue {
    fn named(&self) -> impl Iterator<Item = &Blocker> {
        self.blockers.iter().take(NAMED)
    }

    fn text(&self, at: u64) -> String {
        let told: Vec<_> = self.named().map(|blocker| blocker.text(at)).collect();
        let told = told.join(", ");
        let told = match self.blockers.len().saturating_sub(NAMED) {
            0 => told,
            more => format!("{told}, and {more} more"),
        };
        if self.blockers.iter().any(|blocker| blocker.what != Blocking::NotPassing) {
            format!("for its turn: {} before it; {told}", self.before)
        } else {
            told
        }
    }
}

impl Blocker {
    fn text(&self, at: u64) -> String {
        let Self { who, what } = self;
        match what {
            Blocking::NotPassing => format!("{who} does not pass in Consul's catalog"),
            Blocking::Turn { since: None } => format!("{who} has it"),
            Blocking::Turn { since: Some(since) } => format!("{who} has it for {}", span(at.saturating_sub(*since))),
        }
    }
}

/// Seconds below a minute, then minutes.
fn span(ms: u64) -> String {
    match ms {
        0..MINUTE_MS => format!("{}s", ms / SECOND_MS),
        _ => format!("{}m", ms / MINUTE_MS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_it(who: &str, since: u64) -> Blocker {
        Blocker { who: who.into(), what: Blocking::Turn { since: Some(since) } }
    }

    #[test]
    fn it_says_how_many_come_first_and_who_has_it_for_how_long() {
        let blockers = vec![has_it("host-b", 1_000), has_it("host-c", 6_500)];
        let queue = Reason::Queue(Queue { before: 2, blockers });
        assert_eq!(queue.text(9_400), "for its turn: 2 before it; host-b has it for 8s, host-c has it for 2s");
        assert_eq!(queue.holds(9_400), Some(Duration::from_millis(100)), "until host-c's third second");
        assert_eq!(queue.text(200_000), "for its turn: 2 before it; host-b has it for 3m, host-c has it for 3m");
        assert_eq!(queue.holds(200_000), Some(Duration::from_secs(41)));
        assert_eq!(
            queue.text(0),
            "for its turn: 2 before it; host-b has it for 0s, host-c has it for 0s",
            "its clock is ahead"
        );
    }

    #[test]
    fn whoever_only_does_not_pass_is_in_no_queue() {
        let sick = Blocker { who: "host-b".into(), what: Blocking::NotPassing };
        let queue = Reason::Queue(Queue { before: 1, blockers: vec![sick.clone()] });
        assert_eq!((queue.text(0), queue.holds(0)), ("host-b does not pass in Consul's catalog".into(), None));
        let many = vec![has_it("a", 0), has_it("b", 0), sick, has_it("d", 0), has_it("e", 0)];
        let text = Reason::Queue(Queue { before: 5, blockers: many }).text(1_000);
        assert!(
            text.starts_with("for its turn: 5 before it; a has it for 1s") && text.ends_with(", and 2 more"),
            "{text}"
        );
    }
}
