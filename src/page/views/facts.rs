//! What is shown of one process and its checks, whether a board says it or an instance's record.

use super::super::look::{Tone, Word, moment};
use super::super::node::{Element, classed, element};
use super::{fact, words};
use crate::line::counted;
use crate::machine::board::CheckState;
use crate::machine::event::TrafficState;
use crate::machine::policy::Role;

/// What there is to be said; moments in Unix milliseconds.
pub(super) struct Facts {
    pub(super) health: Word,
    pub(super) version: String,
    pub(super) config: Word,
    /// What names the environment that it runs on.
    pub(super) runs_on: Option<String>,
    pub(super) variables: usize,
    pub(super) in_use_since: Option<u64>,
    pub(super) pid: Option<u32>,
    pub(super) started: Option<u64>,
    pub(super) restarts: u64,
    pub(super) traffic: Option<TrafficState>,
    /// How the last process ended, and when.
    pub(super) last_exit: Option<(String, u64)>,
}

impl Facts {
    /// As a list of terms.
    pub(super) fn drawn(self) -> Element {
        let term = |name, value| fact("of", name, value);
        let rows = [
            Some(term("Health", self.health.badge())),
            Some(term("Version", words(self.version))),
            Some(term("Config", self.config.badge())),
            self.runs_on.map(|name| {
                let text = format!(", {}", counted(self.variables as u64, "variable"));
                term("Runs on", words("").child(element("code").text(name)).text(text))
            }),
            self.in_use_since.map(|since| term("In use since", moment(since))),
            self.started.map(|started| {
                let pid = self.pid.map_or_else(String::new, |pid| format!("PID {pid}, "));
                term("Started", words(pid).child(moment(started)))
            }),
            (self.restarts > 0).then(|| term("Restarts", words(self.restarts.to_string()))),
            self.traffic.map(|traffic| {
                let word = match traffic {
                    TrafficState::In => Word::new(Tone::Good, "gets requests"),
                    TrafficState::Out => Word::new(Tone::Warn, "gets no requests"),
                };
                term("Traffic", word.badge())
            }),
            self.last_exit.map(|(text, at)| term("Last exit", words(format!("{text}, ")).child(moment(at)))),
        ];
        classed("dl", "facts").keyed("facts").children(rows.into_iter().flatten())
    }
}

/// The section about a change that is on its way.
pub(super) fn on_its_way(what: Element) -> Element {
    element("section")
        .keyed("candidate")
        .with("aria-labelledby", "candidate")
        .child(element("h2").with("id", "candidate").text("On its way"))
        .child(what)
}

/// How the state of a check looks: one that only informs asks nobody to act.
pub(super) fn check_tone(state: CheckState, role: Role) -> Tone {
    match (state, role) {
        (CheckState::Passing, _) => Tone::Good,
        (CheckState::Failing, Role::Info) => Tone::Warn,
        (CheckState::Failing, _) => Tone::Bad,
        (CheckState::Unknown, _) => Tone::Unknown,
    }
}

/// The section with the table of checks.
pub(super) fn checks(heads: &[&'static str], rows: impl Iterator<Item = Element>) -> Element {
    let head = element("tr").children(heads.iter().map(|head| element("th").with("scope", "col").text(*head)));
    let table = classed("table", "checks")
        .child(classed("caption", "unseen").text("The checks of the service"))
        .child(element("thead").child(head))
        .child(element("tbody").keyed("check rows").children(rows));
    element("section")
        .with("aria-labelledby", "checks")
        .keyed("checks")
        .child(element("h2").with("id", "checks").text("Checks"))
        .child(table)
}

/// A cell of that table, which says on a narrow screen what it is about.
pub(super) fn cell(label: &'static str) -> Element {
    element("td").with("data-label", label)
}
