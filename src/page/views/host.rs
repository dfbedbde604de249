//! The page of one host, from its board.

use super::super::fleets::{sentence, shown};
use super::super::look::{self, Tone, Word, length, moment, since};
use super::super::node::{Element, classed, element, percent};
use super::facts::{self, Facts, cell, check_tone, on_its_way};
use super::{View, fact, notice, words};
use crate::line::{counted, listed};
use crate::machine::Board;
use crate::machine::board::{CheckPicture, ConfigState, Phase, StepName, words as board_words};
use crate::machine::history::Entry;
use crate::machine::moment::Moment;

/// The board as a page.
pub(in super::super) fn host(board: &Board) -> View {
    let name = shown(&board.service);
    let main = element("main")
        .with("id", "main")
        .child(element("h1").text(name.clone()))
        .child(classed("p", "lead").keyed("lead").text(lead(board)))
        .children(notices(board))
        .child(facts(board));
    let main = match candidate(board) {
        Some(candidate) => main.child(candidate),
        None => main,
    };
    let main = if board.checks.is_empty() { main } else { main.child(checks(board)) };
    let main = main.child(sources(board)).child(history(board));
    let root = classed("div", "page")
        .with("id", "page")
        .keyed("page")
        .child(
            classed("header", "top")
                .child(classed("span", "mark").text("lictor"))
                .child(element("nav").with("aria-label", "Also here").child(also())),
        )
        .child(main)
        .child(
            classed("footer", "foot").child(
                element("p").text("This host only; nothing can be changed here. ").child(
                    classed("span", "live")
                        .with("id", "live")
                        .with("role", "status")
                        .text("Reload to see what has changed."),
                ),
            ),
        );
    View { title: format!("{name} · lictor"), root }
}

/// The same for programs.
fn also() -> Element {
    let link = |path: &'static str| element("li").child(element("a").with("href", path).text(path));
    element("ul").children(["/status", "/health", "/board", "/env", "/metrics"].map(link))
}

fn unix(board: &Board, at: Moment) -> u64 {
    board.epoch_unix_ms.saturating_add(at.0)
}

fn lead(board: &Board) -> String {
    let version = board.build.running.version.as_deref().map_or_else(|| "an unknown version".to_owned(), shown);
    format!("{}; {version}; config {}.", board_words::service(board), board_words::config(board.config.state))
}

fn notices(board: &Board) -> Vec<Element> {
    let mut notices = Vec::new();
    let mut say = |key: &str, tone, text: &str| notices.push(notice(key, tone).text(sentence(text)));
    if let Some(message) = &board.config.message {
        let tone = config(board).tone.max(Tone::Waits);
        say("config", tone, message);
    }
    if board.build.outdated {
        let installed = board.build.installed.version.as_deref().unwrap_or("another build");
        say("build", Tone::Warn, &format!("{installed} is installed but not restarted"));
    }
    for (key, text) in [("disk", &board.disk), ("traffic", &board.traffic_trouble), ("sockets", &board.sockets)] {
        if let Some(text) = text {
            say(key, Tone::Warn, text);
        }
    }
    for (place, problem) in board.fleet.iter().enumerate() {
        say(&format!("fleet {place}"), Tone::Warn, problem);
    }
    for (place, violation) in board.config.violations.iter().take(20).enumerate() {
        say(&format!("violation {place}"), Tone::Warn, violation);
    }
    notices
}

fn health(board: &Board) -> Word {
    let tone = match board.phase {
        Phase::Up if board.healthy => Tone::Good,
        Phase::Up if board.ready => Tone::Warn,
        Phase::Up | Phase::BackingOff => Tone::Bad,
        Phase::Starting | Phase::Leaving | Phase::Stopping => Tone::Busy,
        Phase::Absent => Tone::Unknown,
    };
    Word::new(tone, board_words::service(board))
}

fn config(board: &Board) -> Word {
    let tone = match board.config.state {
        ConfigState::Good => Tone::Good,
        ConfigState::Waiting | ConfigState::Held => Tone::Waits,
        ConfigState::Pending | ConfigState::Trial => Tone::Busy,
        ConfigState::Rejected | ConfigState::Halted | ConfigState::Inconclusive => Tone::Warn,
        ConfigState::Reverted | ConfigState::BuildFailed | ConfigState::NoGood => Tone::Bad,
    };
    Word::new(tone, board_words::config(board.config.state))
}

fn facts(board: &Board) -> Element {
    let known = Facts {
        health: health(board),
        version: board.build.running.version.as_deref().map_or_else(|| "unknown".to_owned(), shown),
        config: config(board),
        runs_on: board.config.fingerprint.map(|fingerprint| fingerprint.to_string()),
        variables: board.config.variables,
        in_use_since: board.config.since.map(|since| unix(board, since)),
        pid: board.process.as_ref().and_then(|process| process.pid),
        started: board.process.as_ref().map(|process| unix(board, process.started)),
        restarts: board.restarts,
        traffic: board.traffic,
        last_exit: board.last_exit.as_ref().map(|exit| (sentence(&exit.text), unix(board, exit.at))),
    };
    let mut facts = known.drawn();
    if let Some(next) = board.next_start {
        facts = facts.child(fact("of", "Next start", moment(unix(board, next))));
    }
    if let Some(hold) = &board.hold {
        facts = facts.child(fact(
            "of",
            "Hold",
            words(if hold.reason.is_empty() {
                "by an operator, ".to_owned()
            } else {
                format!("{}, ", sentence(&hold.reason))
            })
            .child(moment(hold.since_unix_ms)),
        ));
    }
    if let Some(validation) = &board.deployment {
        let text =
            words(format!("{}: ", sentence(&validation.deployment.to_string()))).child(moment(validation.at_unix_ms));
        facts = facts.child(fact("of", "Deployment", text));
    }
    if !board.config.pending_restart.is_empty() {
        facts = facts.child(fact("of", "Next start has", words(listed(&board.config.pending_restart, 6))));
    }
    facts
}

/// The road of a change, with its present step.
fn candidate(board: &Board) -> Option<Element> {
    const STEPS: [(StepName, &str); 6] = [
        (StepName::Settling, "Settles"),
        (StepName::Guarded, "Guard"),
        (StepName::Checked, "Check"),
        (StepName::Turn, "Turn"),
        (StepName::Switched, "Switch"),
        (StepName::Trial, "Trial"),
    ];
    let candidate = board.candidate.as_ref()?;
    let at = if candidate.step == StepName::Reverting { StepName::Trial } else { candidate.step };
    let steps = STEPS.map(|(step, name)| {
        let (class, current) = match step.cmp(&at) {
            std::cmp::Ordering::Less => ("passed", None),
            std::cmp::Ordering::Equal if candidate.step == StepName::Reverting => ("failed", Some("step")),
            std::cmp::Ordering::Equal => ("current", Some("step")),
            std::cmp::Ordering::Greater => ("ahead", None),
        };
        let item = classed("li", class).text(name);
        match current {
            Some(current) => item.with("aria-current", current),
            None => item,
        }
    });
    let keys: Vec<String> = candidate.keys.iter().map(|key| shown(key)).collect();
    let what = element("p")
        .child(element("strong").text(listed(&keys, 6)))
        .text(format!(": {}, since ", board_words::step(candidate.step)))
        .child(since(unix(board, candidate.since)))
        .text(".");
    Some(on_its_way(what).child(classed("ol", "road").children(steps)))
}

fn checks(board: &Board) -> Element {
    let row = |(place, check): (usize, &CheckPicture)| {
        let tone = check_tone(check.state, check.role);
        element("tr")
            .keyed(format!("check {place}"))
            .child(element("th").with("scope", "row").text(shown(&check.name)))
            .child(cell("State").child(Word::new(tone, shown(&check.word)).badge()))
            .child(cell("Role").text(board_words::role(check.role)))
            .child(cell("Since").child(moment(unix(board, check.since))))
            .child(
                cell("Took")
                    .text(check.latency_ms.map_or_else(|| "\u{2013}".to_owned(), |took| format!("{took:.0} ms"))),
            )
            .child(match &check.why {
                Some(why) => classed("td", "note").with("data-label", "Why").text(sentence(why)),
                None => classed("td", "note empty").with("data-label", "Why"),
            })
    };
    facts::checks(&["Check", "State", "Role", "Since", "Took", "Why"], board.checks.iter().enumerate().map(row))
}

fn sources(board: &Board) -> Element {
    let item = |source: &crate::machine::event::SourceReport| {
        let word = match source.keys {
            Some(keys) => Word::new(Tone::Good, counted(keys as u64, "key")),
            None => Word::new(Tone::Waits, "has not answered yet"),
        };
        element("li").child(element("code").text(shown(&source.name))).text(" ").child(word.badge())
    };
    element("section")
        .with("aria-labelledby", "sources")
        .keyed("sources")
        .child(element("h2").with("id", "sources").text("Sources"))
        .child(classed("ul", "sources").children(board.sources.iter().map(item)))
}

fn history(board: &Board) -> Element {
    let section = element("section")
        .with("aria-labelledby", "history")
        .keyed("history")
        .child(element("h2").with("id", "history").text("History"));
    if board.history.is_empty() {
        return section.child(classed("p", "quiet").text("Nothing has happened since the start."));
    }
    let lines = board.history.iter().rev().map(|entry| {
        let keys: Vec<String> = entry.keys.iter().map(|key| shown(key)).collect();
        let mut text = listed(&keys, 4);
        if !entry.why.is_empty() {
            let why = sentence(&entry.why);
            text = if text.is_empty() { why } else { format!("{text}: {why}") };
        }
        element("li")
            .keyed(format!("entry {} {}", entry.at.0, look::outcome(entry.outcome).text))
            .child(moment(entry.at_unix_ms))
            .child(look::outcome(entry.outcome).badge())
            .child(took(entry, classed("span", "what").text(text)))
    });
    section.child(classed("ol", "stories own").keyed("entries").children(lines))
}

/// With the steps that took any time.
fn took(entry: &Entry, what: Element) -> Element {
    let whole: u64 = entry.steps.iter().fold(0, |whole, (_, millis)| whole.saturating_add(millis));
    if whole == 0 {
        return what;
    }
    let text: Vec<_> = entry
        .steps
        .iter()
        .map(|(step, millis)| format!("{} {}", board_words::step_done(step), length(millis)))
        .collect();
    let mut bar = classed("svg", "steps").with("aria-hidden", "true").with("width", "100%").with("height", "6");
    let mut from = 0;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a rollout")]
    for (step, millis) in entry.steps.iter() {
        let class = format!("step step-{}", step as u8);
        let part = element("rect").with("class", class).with("x", percent(from as f64, whole as f64)).with("y", "0");
        bar = bar.child(part.with("width", percent(millis as f64, whole as f64)).with("height", "6"));
        from = millis.saturating_add(from);
    }
    what.child(classed("span", "took").text(text.join(", "))).child(bar)
}
