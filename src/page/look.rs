//! How a state is shown: always by a word, with a shape and a colour that mean the same.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use super::node::{Element, classed, element};
use crate::fleet::InstanceRecord;
use crate::machine::board::StepName;
use crate::machine::history::Outcome;

/// What a word asks of the reader, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tone {
    /// All is well.
    Good,
    /// Nothing to do: it waits for others.
    Waits,
    /// Nothing to do: it is under way.
    Busy,
    /// The state is unknown.
    Unknown,
    /// Somebody should look.
    Warn,
    /// Somebody has to look.
    Bad,
}

impl Tone {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Waits => "waits",
            Self::Busy => "busy",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// A word and how it looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) tone: Tone,
    pub(super) text: Cow<'static, str>,
}

impl Word {
    pub(super) fn new(tone: Tone, text: impl Into<Cow<'static, str>>) -> Self {
        Self { tone, text: text.into() }
    }

    /// With its shape before it.
    pub(super) fn badge(&self) -> Element {
        classed("span", format!("badge {}", self.tone.class())).child(shape(self.tone)).text(self.text.clone())
    }
}

/// The shape alone, for where the word stands beside it already.
pub(super) fn shape(tone: Tone) -> Element {
    classed("span", format!("shape {}", tone.class())).with("aria-hidden", "true")
}

/// The state of an instance.
pub(super) fn health(record: &InstanceRecord) -> Word {
    let shown = &record.shown;
    match (shown.ready, shown.healthy, shown.phase.as_str()) {
        (true, true, _) => Word::new(Tone::Good, "healthy"),
        (true, false, _) => Word::new(Tone::Warn, "ready, but a check fails"),
        (false, _, "up") => Word::new(Tone::Bad, "not ready"),
        (false, _, "starting") => Word::new(Tone::Busy, "starting"),
        (false, _, "leaving") => Word::new(Tone::Busy, "leaving traffic"),
        (false, _, "stopping") => Word::new(Tone::Busy, "stopping"),
        (false, _, "backing_off") => Word::new(Tone::Bad, "down, starts again soon"),
        (false, _, "absent") => Word::new(Tone::Bad, "down"),
        (false, _, other) => Word::new(Tone::Unknown, super::fleets::shown(other)),
    }
}

/// The state of its config.
pub(super) fn config(record: &InstanceRecord) -> Word {
    let candidate = record.shown.details.as_ref().and_then(|details| details.candidate.as_ref());
    match (record.shown.state.as_str(), candidate.map(|candidate| candidate.step)) {
        ("good", _) => Word::new(Tone::Good, "good"),
        ("trial", Some(StepName::Reverting)) => Word::new(Tone::Bad, "takes it back"),
        ("trial" | "pending", Some(StepName::Switched)) => Word::new(Tone::Busy, "restarts"),
        ("trial", _) => Word::new(Tone::Busy, "on trial"),
        ("pending", Some(StepName::Turn)) => Word::new(Tone::Waits, "waits for its turn"),
        ("pending", _) => Word::new(Tone::Busy, "on its way"),
        ("waiting", _) => Word::new(Tone::Waits, "waits for its sources"),
        ("held", _) => Word::new(Tone::Waits, "held"),
        ("halted", _) => Word::new(Tone::Warn, "halted"),
        ("reverted", _) => Word::new(Tone::Bad, "took it back"),
        ("rejected", _) => Word::new(Tone::Warn, "rejected"),
        ("inconclusive", _) => Word::new(Tone::Warn, "no verdict"),
        ("build_failed", _) => Word::new(Tone::Bad, "the build failed"),
        ("no_good", _) => Word::new(Tone::Bad, "nothing good yet"),
        ("", _) => Word::new(Tone::Unknown, "unknown"),
        (other, _) => Word::new(Tone::Unknown, super::fleets::shown(other)),
    }
}

/// What became of a change, a deployment or a process.
pub(super) fn outcome(outcome: Outcome) -> Word {
    match outcome {
        Outcome::Applied => Word::new(Tone::Good, "good"),
        Outcome::Reverted => Word::new(Tone::Bad, "taken back"),
        Outcome::Superseded => Word::new(Tone::Unknown, "overtaken by a newer one"),
        Outcome::Inconclusive => Word::new(Tone::Warn, "no verdict"),
        Outcome::BuildFailed => Word::new(Tone::Bad, "the build failed"),
        Outcome::Held => Word::new(Tone::Waits, "held"),
        Outcome::Halted => Word::new(Tone::Warn, "halted, never tried"),
        Outcome::Rejected => Word::new(Tone::Warn, "rejected"),
        Outcome::Reloaded => Word::new(Tone::Good, "reloaded"),
        Outcome::Ignored => Word::new(Tone::Good, "counts from the next start on"),
        Outcome::Exited => Word::new(Tone::Bad, "exited"),
        Outcome::Unresponsive => Word::new(Tone::Bad, "unresponsive"),
        Outcome::Operator => Word::new(Tone::Unknown, "operator"),
        Outcome::Validated => Word::new(Tone::Good, "validated"),
        Outcome::NotValidated => Word::new(Tone::Bad, "not validated"),
    }
}

/// The version, and the one that is installed if that is another.
pub(super) fn version(record: &InstanceRecord) -> String {
    let outdated = record.shown.details.as_ref().is_some_and(|details| details.outdated);
    let running = record.shown.version.as_deref().map_or_else(|| "unknown".to_owned(), super::fleets::shown);
    match record.shown.installed.as_deref().filter(|installed| Some(*installed) != record.shown.version.as_deref()) {
        Some(installed) => format!("{running}, {} is installed", super::fleets::shown(installed)),
        None if outdated => format!("{running}, another build is installed"),
        None => running,
    }
}

/// A moment, in Unix milliseconds: as UTC, and in a browser as how long ago it was.
pub(super) fn moment(at: u64) -> Element {
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(at / 1_000)).unwrap_or(UNIX_EPOCH);
    // Nothing of our time has more digits, whatever a record says.
    let time = if at > 32_503_680_000_000 { UNIX_EPOCH } else { time };
    let text = humantime::format_rfc3339_seconds(time).to_string();
    let words = text.trim_end_matches('Z').replace('T', " ");
    element("time").with("datetime", text).text(format!("{words} UTC"))
}

/// The same behind the word "since": in a browser the time of day.
pub(super) fn since(at: u64) -> Element {
    moment(at).with("data-form", "since")
}

/// A length of time as a person says it.
pub(super) fn length(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", millis / 60_000, millis / 1_000 % 60),
        _ => format!("{} h {} min", millis / 3_600_000, millis / 60_000 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{Tone, health, length, moment};
    use crate::fleet::{InstanceRecord, Shown};

    #[test]
    fn moments_and_lengths_of_any_size_are_said() {
        let said: Vec<_> = [7, 1_234, 83_000, 7_380_000].map(length).to_vec();
        assert_eq!(said, ["7 ms", "1.2 s", "1 min 23 s", "2 h 3 min"]);
        let mut html = String::new();
        moment(1_790_000_000_123).write_html(&mut html);
        assert_eq!(html, "<time datetime=\"2026-09-21T14:13:20Z\">2026-09-21 14:13:20 UTC</time>");
        moment(u64::MAX).write_html(&mut html);
    }

    #[test]
    fn a_word_of_a_newer_lictor_is_shown_as_it_is() {
        let shown = Shown { phase: "levitating".to_owned(), ..Shown::default() };
        let record = InstanceRecord { shown, ..InstanceRecord::default() };
        assert_eq!((health(&record).tone, health(&record).text.as_ref()), (Tone::Unknown, "levitating"));
    }
}
