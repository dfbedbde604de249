//! Reads from the query what a request asks for. A known parameter with a wrong value is refused, an unknown one is ignored.

use std::time::Duration;

use super::query::Query;
use crate::line::one_line;

/// The longest wait; a longer one is shortened to it, as Consul does.
const LONGEST_WAIT: Duration = Duration::from_mins(10);
/// How long a blocking `/board` waits if the request does not say: as in Consul.
const DEFAULT_BLOCK: Duration = Duration::from_mins(5);

/// The question to `/status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// The condition for a yes.
    pub(super) about: About,
    /// The service that is meant; a lictor of another one says no.
    pub(super) service: Option<String>,
    /// How long to wait for a yes or a sure no.
    pub(super) wait: Duration,
}

/// What must be so for a yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The service is healthy.
    Health,
    /// `settled`: the same, and its config is settled (`lictor validate` without a version asks this).
    Settled,
    /// `version=V`: the same, and the running build is exactly this version.
    Version(String),
}

/// A parameter has a wrong value; the answer is 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    #[error("version= is empty: name the version that should run, such as version=1.214")]
    NoVersion,
    #[error("service= is empty: name the service that is meant")]
    NoService,
    #[error("wait={0} is not a duration: write it like 150s, 2m or 1m30s")]
    Wait(String),
    #[error("index={0} is not a whole number: take it from X-Lictor-Index")]
    Index(String),
    #[error("{0} takes no other value than 1 or 0")]
    Flag(&'static str),
}

impl Question {
    /// Reads the question; `None`: the plain `/status` is asked for.
    pub(super) fn read(query: &Query<'_>) -> Result<Option<Self>, Wrong> {
        let wait = wait(query)?;
        let service = query.get("service").map(str::to_owned);
        if service.as_deref() == Some("") {
            return Err(Wrong::NoService);
        }
        let settled = flag(query, "settled")?;
        let about = match query.get_literal("version") {
            Some("") => return Err(Wrong::NoVersion),
            Some(version) => About::Version(version.to_owned()),
            None if settled => About::Settled,
            None => About::Health,
        };
        if about == About::Health && service.is_none() && wait.is_none() {
            return Ok(None);
        }
        Ok(Some(Self { about, service, wait: wait.unwrap_or_default() }))
    }
}

/// The condition that a blocking `/board` waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The index is larger than this.
    pub(super) index: u64,
    /// The longest wait.
    pub(super) wait: Duration,
}

impl Block {
    /// Reads `index` and `wait`; without an index the request does not block.
    pub(super) fn read(query: &Query<'_>) -> Result<Option<Self>, Wrong> {
        let wait = wait(query)?.unwrap_or(DEFAULT_BLOCK);
        let Some(text) = query.get("index") else { return Ok(None) };
        let index = text.parse().map_err(|_| Wrong::Index(shown(text)))?;
        Ok(Some(Self { index, wait }))
    }
}

/// Reads a parameter that is there or not: `warn`, `warn=1`.
pub(super) fn flag(query: &Query<'_>, name: &'static str) -> Result<bool, Wrong> {
    match query.get(name) {
        None | Some("0" | "false") => Ok(false),
        Some("" | "1" | "true") => Ok(true),
        Some(_) => Err(Wrong::Flag(name)),
    }
}

fn wait(query: &Query<'_>) -> Result<Option<Duration>, Wrong> {
    let Some(text) = query.get("wait") else { return Ok(None) };
    let wait = humantime::parse_duration(text).map_err(|_| Wrong::Wait(shown(text)))?;
    Ok(Some(wait.min(LONGEST_WAIT)))
}

fn shown(text: &str) -> String {
    one_line(text, 40).into_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{About, Block, Query, Question, Wrong, flag};

    fn question(raw: &str) -> Result<Option<Question>, Wrong> {
        Question::read(&Query::parse(Some(raw)).unwrap())
    }

    #[test]
    fn the_questions() {
        assert_eq!(question(""), Ok(None));
        assert_eq!(question("color=blue&settled=0"), Ok(None));
        let plain = Question { about: About::Health, service: None, wait: Duration::ZERO };
        assert_eq!(question("wait=0s"), Ok(Some(plain.clone())));
        assert_eq!(question("settled"), Ok(Some(Question { about: About::Settled, ..plain.clone() })));
        let version = Question { about: About::Version("1.214".to_owned()), ..plain.clone() };
        assert_eq!(question("version=1.214"), Ok(Some(version.clone())));
        assert_eq!(question("settled&version=1.214"), Ok(Some(version.clone())));
        let build = Question { about: About::Version("1.214+7".to_owned()), ..plain.clone() };
        assert_eq!(question("version=1.214+7"), Ok(Some(build)));
        let wait = |seconds| Duration::from_secs(seconds);
        assert_eq!(question("version=1.214&wait=150s"), Ok(Some(Question { wait: wait(150), ..version.clone() })));
        assert_eq!(question("version=1.214&wait=1m30s"), Ok(Some(Question { wait: wait(90), ..version.clone() })));
        assert_eq!(question("version=1.214&wait=2h"), Ok(Some(Question { wait: wait(600), ..version })));
        assert_eq!(question("service=billing"), Ok(Some(Question { service: Some("billing".to_owned()), ..plain })));
    }

    #[test]
    fn wrong_ones_are_refused() {
        assert_eq!(question("version="), Err(Wrong::NoVersion));
        assert_eq!(question("version"), Err(Wrong::NoVersion));
        assert_eq!(question("service="), Err(Wrong::NoService));
        assert_eq!(question("settled=maybe"), Err(Wrong::Flag("settled")));
        for wait in ["150", "-1s", "s", "", "1x", "99999999999999999999h", "1s\u{1}"] {
            assert!(matches!(question(&format!("version=1&wait={wait}")), Err(Wrong::Wait(_))), "{wait}");
        }
    }

    #[test]
    fn blocking_needs_an_index() {
        let block = |raw: &str| Block::read(&Query::parse(Some(raw)).unwrap());
        assert_eq!(block("wait=5s"), Ok(None));
        assert_eq!(block("index=7"), Ok(Some(Block { index: 7, wait: Duration::from_mins(5) })));
        assert_eq!(block("index=7&wait=1s"), Ok(Some(Block { index: 7, wait: Duration::from_secs(1) })));
        for index in ["", "-1", "1.5", "18446744073709551616", "abc"] {
            assert!(matches!(block(&format!("index={index}")), Err(Wrong::Index(_))), "{index}");
        }
    }

    #[test]
    fn flags() {
        let warn = |raw| flag(&Query::parse(Some(raw)).unwrap(), "warn");
        assert_eq!(
            (warn(""), warn("warn"), warn("warn=1"), warn("warn=0")),
            (Ok(false), Ok(true), Ok(true), Ok(false))
        );
        assert_eq!(warn("warn=x"), Err(Wrong::Flag("warn")));
    }
}
