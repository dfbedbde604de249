//! The page of one story: its keys, who wrote them, and how long each step took on each host.

use std::fmt::Write as _;

use super::super::fleets::{Fleets, Service, sentence, shown};
use super::super::look::{self, Tone, Word, length, moment};
use super::super::node::{Element, classed, element, link, percent};
use super::super::story::{Story, Subject, stories};
use super::{View, fact, page, to_instance, to_service, words};
use crate::fleet::{Happening, InstanceEvent, Promotion, What, WrittenBy};
use crate::machine::board::StepName;

/// How many hosts are listed.
const HOSTS: usize = 1_000;

pub(super) fn change(fleets: &Fleets, name: &str, id: &str, now: u64) -> Option<View> {
    let service = fleets.services.get(name)?;
    let stories = stories(service, now);
    let story = stories.iter().find(|story| story.id == id)?;
    let title = story.title(service);
    let mut facts =
        element("dl").with("class", "facts").child(fact("story", "Verdict", story.verdict(service).badge()));
    facts = facts.child(fact("story", "Began", moment(story.from)));
    if story.to > story.from {
        facts = facts.child(fact("story", "Last news", moment(story.to))).child(fact(
            "story",
            "Took",
            words(length(story.to - story.from)),
        ));
    }
    let (keys, more) = story.keys();
    if !keys.is_empty() {
        let mut list = classed("ul", "keys")
            .children(keys.iter().map(|key| element("li").child(element("code").text(key.clone()))));
        if more > 0 {
            list = list.child(element("li").text(format!("and {more} more")));
        }
        facts = facts.child(fact("story", "Keys", list));
    }
    if let Some(Promotion { from, to, by, .. }) = story.promotion {
        for (title, text) in [("From", from), ("To", to), ("By", by)] {
            facts = facts.child(fact("story", title, words(shown(text))));
        }
    }
    let writers = story.writers();
    if !writers.is_empty() {
        let list = element("ul").children(writers.into_iter().map(writer));
        facts = facts.child(fact("story", "Written", list));
    }
    let mut main = element("main")
        .with("id", "main")
        .child(classed("p", "over").text(kind(story.subject)))
        .child(element("h1").text(title.clone()))
        .child(facts);
    if !story.told.is_empty() {
        main = main.child(hosts(name, service, story));
    }
    if matches!(story.subject, Subject::Change | Subject::Promotion) {
        main = main.child(classed("p", "quiet").text("Names only: no value of a variable is kept for this page."));
    }
    let trail = [(to_service(name), shown(name))];
    Some(View { title: format!("{title} · {} · lictor", shown(name)), root: page(fleets, &trail, main) })
}

fn kind(subject: Subject) -> &'static str {
    match subject {
        Subject::Deploy => "Deployment",
        Subject::Change => "Change of the config",
        Subject::Outage => "Outage",
        Subject::Promotion => "Promotion",
        Subject::Other => "Operator",
    }
}

/// Consul keeps no author, but what it keeps may show who it was.
fn writer(by: &WrittenBy) -> Element {
    let mut text = format!(" from {}, written at Consul's index {}", shown(&by.source), by.index);
    if by.flags > 0 {
        // Writing to a string does not fail.
        let _ = write!(text, ", flags {}", by.flags);
    }
    if let Some(session) = &by.session {
        let _ = write!(text, ", held by the session {}", shown(session));
    }
    element("li").child(element("code").text(shown(&by.key))).text(text)
}

/// The steps in the order of the road, with their words.
const STEPS: [(StepName, &str); 7] = [
    (StepName::Settling, "settled"),
    (StepName::Guarded, "guarded"),
    (StepName::Checked, "checked"),
    (StepName::Turn, "turn"),
    (StepName::Switched, "switched"),
    (StepName::Trial, "on trial"),
    (StepName::Reverting, "reverted"),
];

fn hosts(name: &str, service: &Service, story: &Story<'_>) -> Element {
    let longest = story.events().map(|(_, event)| took(event)).max().unwrap_or(0);
    let has_steps = story.events().any(|(_, event)| !event.steps.is_empty());
    let heads = if has_steps {
        &["Host", "When", "Outcome", "Steps", "Why"][..]
    } else {
        &["Host", "When", "Outcome", "Lasted", "Why"][..]
    };
    let head = element("tr").children(heads.iter().map(|head| element("th").with("scope", "col").text(*head)));
    let rows = story.events().take(HOSTS).enumerate().map(|(place, (key, event))| {
        let cell = |label: &'static str| element("td").with("data-label", label);
        let steps = if has_steps {
            cell("Steps").child(steps(event, longest))
        } else {
            cell("Lasted").text(match (event.what, event.took_ms) {
                (_, Some(took)) => length(took),
                (What::Instance(InstanceEvent::Outage), None) => "goes on".to_owned(),
                (_, None) => "\u{2013}".to_owned(),
            })
        };
        element("tr")
            .keyed(format!("told {key} {place}"))
            .child(element("th").with("scope", "row").child(link(to_instance(name, key), service.name_of(key))))
            .child(cell("When").child(moment(event.at)))
            .child(cell("Outcome").child(happened(event).badge()))
            .child(steps)
            .child(if event.why.is_empty() {
                classed("td", "note empty").with("data-label", "Why")
            } else {
                classed("td", "note").with("data-label", "Why").text(sentence(&event.why))
            })
    });
    element("section")
        .with("aria-labelledby", "hosts")
        .child(element("h2").with("id", "hosts").text("On each host"))
        .child(
            classed("table", "told")
                .child(classed("caption", "unseen").text("What happened on each host"))
                .child(element("thead").child(head))
                .child(element("tbody").keyed("told").children(rows)),
        )
}

fn took(event: &Happening) -> u64 {
    event.steps.iter().fold(0, |whole, (_, millis)| whole.saturating_add(millis))
}

/// A bar of the steps' lengths, and the same in words.
fn steps(event: &Happening, longest: u64) -> Element {
    let mut bar = classed("svg", "steps").with("aria-hidden", "true").with("width", "100%").with("height", "8");
    let (mut from, mut text) = (0, Vec::new());
    for (place, (step, word)) in STEPS.iter().enumerate() {
        let Some((_, millis)) = event.steps.iter().find(|(known, _)| known == step) else { continue };
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a rollout")]
        let part = element("rect")
            .with("class", format!("step step-{place}"))
            .with("x", percent(from as f64, longest as f64))
            .with("y", "0")
            .with("width", percent(millis as f64, longest as f64))
            .with("height", "8");
        bar = bar.child(part);
        from = millis.saturating_add(from);
        text.push(format!("{word} {}", length(millis)));
    }
    if text.is_empty() {
        return words("at once");
    }
    let text = text.join(", ");
    classed("div", "steps-box").child(bar).child(element("span").text(text))
}

/// What became of it there.
pub(super) fn happened(event: &Happening) -> Word {
    match event.what {
        What::Became(outcome) => look::outcome(outcome),
        What::Instance(InstanceEvent::Deployed) => Word::new(Tone::Good, "deployed"),
        What::Instance(InstanceEvent::Outage) if event.took_ms.is_none() => Word::new(Tone::Bad, "out, goes on"),
        What::Instance(InstanceEvent::Outage) => Word::new(Tone::Warn, "was out"),
        What::Instance(InstanceEvent::Unknown) => Word::new(Tone::Unknown, "an event of a newer lictor"),
    }
}
