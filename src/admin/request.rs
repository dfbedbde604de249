//! Reads a request for a verb, from the last part of its path and a small JSON object. Pure and total: any bytes give a request
//! or an error.

use std::time::Duration;

use serde::Deserialize;

use crate::line::one_line;
use crate::machine::deployment::{Deployment, Verdict};
use crate::machine::event::Verb;
use crate::{environment, signal};

/// How long lictor waits for an effect unless the request says otherwise ...
const TIMEOUT: Duration = Duration::from_mins(1);
/// ... and at most.
const LONGEST_TIMEOUT: Duration = Duration::from_mins(10);
/// The longest hold.
const LONGEST_HOLD: Duration = Duration::from_hours(24 * 365);
/// The longest reason, in characters.
const LONGEST_REASON: usize = 200;
/// The longest name of a deployment, its group or its event, in characters.
const LONGEST_NAME: usize = 100;

/// A verb with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The verb itself.
    pub what: What,
    /// How long to wait for its effect.
    pub timeout: Duration,
}

/// Which part of lictor carries it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The machine.
    Verb(Verb),
    /// The reload of our own configuration.
    Reload,
    /// The reexec from lictor's file.
    Reexec,
}

/// The members of a body; a verb ignores those of other verbs.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Words {
    reason: String,
    r#for: Option<String>,
    fingerprint: Option<String>,
    signal: Option<String>,
    timeout: Option<String>,
    alone: bool,
    deployment: Option<String>,
    group: String,
    event: String,
    verdict: Option<Verdict>,
}

/// How the members for one verb are read.
type Reader = fn(&Words) -> Result<What, String>;

/// The reader for each verb; `None` for any other word.
const VERBS: [(&str, Reader); 10] = [
    ("restart", |_| Ok(What::Verb(Verb::Restart))),
    ("reload", |_| Ok(What::Reload)),
    ("reexec", |_| Ok(What::Reexec)),
    ("signal", |words| Ok(What::Verb(Verb::Signal { signal: number(words.signal.as_deref())? }))),
    ("hold", |words| Ok(What::Verb(hold(words)?))),
    ("unhold", |_| Ok(What::Verb(Verb::Unhold))),
    ("release", |words| Ok(What::Verb(Verb::Release { fingerprint: fingerprint(words)? }))),
    ("retry", |words| Ok(What::Verb(retry(words)?))),
    ("revert", |_| Ok(What::Verb(Verb::Revert))),
    ("validated", |words| Ok(What::Verb(validated(words)?))),
];

/// Reads a request; an error is a sentence for the operator. `None`: there is no such verb.
pub fn read(verb: &str, body: &[u8]) -> Option<Result<Request, String>> {
    let (_, what) = VERBS.iter().find(|(known, _)| *known == verb)?;
    let request = || {
        let words = words(body)?;
        let timeout = duration("timeout", words.timeout.as_deref())?.unwrap_or(TIMEOUT).min(LONGEST_TIMEOUT);
        Ok(Request { what: what(&words)?, timeout })
    };
    Some(request())
}

fn retry(words: &Words) -> Result<Verb, String> {
    let fingerprint = fingerprint(words)?;
    Ok(if words.alone { Verb::RetryAlone { fingerprint } } else { Verb::Retry { fingerprint } })
}

fn hold(words: &Words) -> Result<Verb, String> {
    Ok(Verb::Hold {
        reason: one_line(words.reason.trim(), LONGEST_REASON).into_owned(),
        length: duration("for", words.r#for.as_deref())?.map(|length| length.min(LONGEST_HOLD)),
    })
}

fn validated(words: &Words) -> Result<Verb, String> {
    let short = |text: &str| one_line(text.trim(), LONGEST_NAME).into_owned();
    let id = words.deployment.as_deref().map(short).filter(|id| !id.is_empty());
    let id = id.ok_or("the deployment is missing: name it, as DEPLOYMENT_ID does")?;
    let verdict = words.verdict.ok_or("verdict is missing: it is \"yes\" or \"no\"")?;
    let deployment = Deployment { id, group: short(&words.group), event: short(&words.event) };
    let reason = one_line(words.reason.trim(), LONGEST_REASON).into_owned();
    Ok(Verb::Validated { deployment, verdict, reason })
}

fn words(body: &[u8]) -> Result<Words, String> {
    if body.trim_ascii().is_empty() {
        return Ok(Words::default());
    }
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err("the body is not a JSON object".to_owned());
    }
    let wrong = |error: serde_json::Error| {
        // The error repeats a word of the body.
        let why = error.to_string();
        format!("the body is not a JSON object of known words: {}", one_line(&why, LONGEST_REASON))
    };
    serde_json::from_slice(body).map_err(wrong)
}

fn duration(word: &str, text: Option<&str>) -> Result<Option<Duration>, String> {
    let Some(text) = text else { return Ok(None) };
    let wrong = || format!("{word}: {:?} is not a duration: write it like 90s, 30m or 24h", one_line(text, 40));
    let length = humantime::parse_duration(text).map_err(|_| wrong())?;
    if length.is_zero() { Err(wrong()) } else { Ok(Some(length)) }
}

fn fingerprint(words: &Words) -> Result<Option<environment::Fingerprint>, String> {
    let Some(text) = &words.fingerprint else { return Ok(None) };
    text.parse().map(Some).map_err(|error| format!("{:?}: {error}", one_line(text, 40)))
}

fn number(name: Option<&str>) -> Result<i32, String> {
    let Some(name) = name else { return Err("the signal is missing: name one, such as HUP or USR1".to_owned()) };
    let plain = name.parse().ok().filter(|&number| signal::exists(number));
    plain.or_else(|| signal::number(name)).ok_or_else(|| {
        format!("{:?} is not a signal of this system: name one, such as HUP or USR1", one_line(name, 40))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Request, VERBS, What, read};
    use crate::machine::deployment::{Deployment, Verdict};
    use crate::machine::event::Verb;

    fn verb(name: &str, body: &str) -> Result<Verb, String> {
        match read(name, body.as_bytes()).expect("a known verb") {
            Ok(Request { what: What::Verb(verb), .. }) => Ok(verb),
            Ok(other) => panic!("{other:?}"),
            Err(sentence) => Err(sentence),
        }
    }

    #[test]
    fn the_verbs() {
        let hold = |reason: &str, hours: Option<u64>| Verb::Hold {
            reason: reason.to_owned(),
            length: hours.map(Duration::from_hours),
        };
        let print = "3f9a0c12be77".parse().unwrap();
        let deployment = Deployment { id: "d-1".to_owned(), group: "prod".to_owned(), event: String::new() };
        let validated = Verb::Validated { deployment, verdict: Verdict::No, reason: "sick".to_owned() };
        for (name, body, expected) in [
            ("restart", "", Verb::Restart),
            ("restart", "{}", Verb::Restart),
            ("signal", r#"{"signal":"HUP"}"#, Verb::Signal { signal: 1 }),
            ("signal", r#"{"signal":"sigusr1"}"#, Verb::Signal { signal: 10 }),
            ("signal", r#"{"signal":"40"}"#, Verb::Signal { signal: 40 }),
            ("hold", "", hold("", None)),
            ("hold", r#"{"reason":" night\nshift ","for":"24h"}"#, hold("night shift", Some(24))),
            ("hold", r#"{"for":"100y"}"#, hold("", Some(24 * 365))),
            ("unhold", "", Verb::Unhold),
            ("release", "", Verb::Release { fingerprint: None }),
            ("retry", r#"{"fingerprint":"3f9a0c12be77"}"#, Verb::Retry { fingerprint: Some(print) }),
            ("retry", r#"{"alone":true}"#, Verb::RetryAlone { fingerprint: None }),
            ("revert", "", Verb::Revert),
            ("validated", r#"{"deployment":"d-1","group":"prod","verdict":"no","reason":"sick"}"#, validated),
        ] {
            assert_eq!(verb(name, body), Ok(expected), "{name} {body}");
        }
        let reload = read("reload", br#"{"timeout":"5s"}"#).unwrap().unwrap();
        assert_eq!(reload, Request { what: What::Reload, timeout: Duration::from_secs(5) });
        assert_eq!(read("reexec", b"").unwrap().unwrap().what, What::Reexec);
        assert_eq!(read("reboot", b""), None);
    }

    #[test]
    fn no_verb_does_what_another_one_does() {
        let body = br#"{"signal":"HUP","deployment":"d-1","verdict":"no"}"#;
        let meant = |name: &str| read(name, body).expect("it is in the list").expect(name).what;
        let meanings: Vec<What> = VERBS.iter().map(|(name, _)| meant(name)).collect();
        for (at, meaning) in meanings.iter().enumerate() {
            assert!(!meanings[..at].contains(meaning), "{} does what another verb does", VERBS[at].0);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        for (name, body, word) in [
            ("signal", "", "signal is missing"),
            ("signal", r#"{"signal":"STOPP"}"#, "STOPP"),
            ("signal", r#"{"signal":"0"}"#, "not a signal"),
            ("hold", r#"{"for":"24"}"#, "24h"),
            ("hold", r#"{"for":"0s"}"#, "duration"),
            ("retry", r#"{"fingerprint":"xyz"}"#, "twelve"),
            ("restart", "[]", "JSON"),
            ("restart", r#"{"colour":1}"#, "colour"),
            // A find of the fuzzer: the sentence repeated the line break.
            ("restart", r#"{"de\nck":1}"#, "unknown field"),
            ("restart", r#"{"timeout":"soon"}"#, "timeout"),
            ("validated", r#"{"verdict":"yes"}"#, "deployment is missing"),
            ("validated", r#"{"deployment":"d-1"}"#, "verdict"),
            ("validated", r#"{"deployment":"d-1","verdict":"maybe"}"#, "maybe"),
        ] {
            let sentence = verb(name, body).expect_err(body);
            assert!(sentence.contains(word) && !sentence.contains('\n'), "{sentence}");
        }
    }

    proptest! {
        #[test]
        fn any_body_is_answered(verb in "(restart|reload|signal|hold|retry|validated)", body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&verb, &body);
        }
    }
}
