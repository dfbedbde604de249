//! One instance: what its record says, for people.

use super::super::fleets::{Fleets, sentence, shown};
use super::super::look::{self, Tone, Word, moment};
use super::super::node::{Element, classed, element, link};
use super::super::story::{is_of_the_last_day, stories};
use super::{View, change, fact, notice, page, to_change, to_service, words};
use crate::fleet::{Details, InstanceRecord};
use crate::line::{counted, listed};
use crate::machine::board::{CheckState, words as board};
use crate::machine::deployment::Verdict;
use crate::machine::event::TrafficState;

pub(super) fn instance(fleets: &Fleets, name: &str, key: &str, now: u64) -> Option<View> {
    let service = fleets.services.get(name)?;
    let read = service.instances.get(key);
    let history = service.histories.get(key);
    if read.is_none() && history.is_none() {
        return None;
    }
    let host = service.name_of(key);
    let mut main = element("main").with("id", "main").child(element("h1").text(host.clone()));
    main = match read.map(|read| &read.record) {
        Some(Ok(record)) => described(main, record),
        Some(Err(why)) => {
            main.child(notice("unreadable", Tone::Unknown).text(format!("Its record cannot be read: {why}.")))
        }
        None => main.child(
            notice("gone", Tone::Unknown).text("Its lictor is not running, or Consul has not heard of it for a while."),
        ),
    };
    let stories = stories(service, now);
    let events = history.and_then(|read| read.get()).map(|history| history.events.as_slice()).unwrap_or_default();
    let lines =
        events.iter().enumerate().rev().filter(|(_, event)| is_of_the_last_day(event, now)).map(|(place, event)| {
            let story = stories.iter().find(|story| story.told.get(key).is_some_and(|told| told.contains(&event)));
            let title = if event.keys.is_empty() {
                event.version.as_deref().or(event.deployment.as_deref()).map_or_else(|| sentence(&event.why), shown)
            } else {
                listed(&event.keys.iter().map(|key| shown(key)).collect::<Vec<_>>(), 3)
            };
            let title = if title.is_empty() { "All of it".to_owned() } else { title };
            let what = match story {
                Some(story) => link(to_change(name, &story.id), title),
                None => words(title),
            };
            let word = change::outcome(event);
            element("li")
                .keyed(format!("event {place} {}", event.at))
                .child(moment(event.at))
                .child(word.badge())
                .child(classed("span", "what").child(what))
        });
    let lines: Vec<Element> = lines.collect();
    let day =
        element("section").with("aria-labelledby", "day").child(element("h2").with("id", "day").text("The last day"));
    let day = if lines.is_empty() {
        day.child(classed("p", "quiet").text("Nothing has been told of the last day."))
    } else {
        day.child(classed("ol", "stories own").keyed("stories").children(lines))
    };
    let trail = [(to_service(name), shown(name))];
    Some(View { title: format!("{host} · {} · lictor", shown(name)), root: page(fleets, &trail, main.child(day)) })
}

fn described(main: Element, record: &InstanceRecord) -> Element {
    let shown_ = &record.shown;
    let nothing = Details::default();
    let details = shown_.details.as_deref().unwrap_or(&nothing);
    let mut main = main;
    if let Some(note) = &shown_.note {
        main = main.child(notice("note", look::config(record).tone.max(Tone::Waits)).text(sentence(note)));
    }
    let mut facts = classed("dl", "facts")
        .child(fact("of", "Health", look::health(record).badge()))
        .child(fact("of", "Version", words(look::version(record))))
        .child(fact("of", "Config", look::config(record).badge()));
    if let Some(mark) = &shown_.config {
        let mark = words("")
            .child(element("code").text(mark.as_str().to_owned()))
            .text(format!(", {}", counted(details.variables as u64, "variable")));
        facts = facts.child(fact("of", "Runs on", mark));
    }
    if let Some(since) = details.in_use_since {
        facts = facts.child(fact("of", "In use since", moment(since)));
    }
    if let Some(started) = details.started {
        facts = facts.child(fact("of", "Started", moment(started)));
    }
    if details.restarts > 0 {
        facts = facts.child(fact("of", "Restarts", words(details.restarts.to_string())));
    }
    if let Some(traffic) = details.traffic {
        let word = match traffic {
            TrafficState::In => Word::new(Tone::Good, "gets requests"),
            TrafficState::Out => Word::new(Tone::Warn, "gets no requests"),
        };
        facts = facts.child(fact("of", "Traffic", word.badge()));
    }
    if let Some(exit) = &details.last_exit {
        let text = words(format!("{}, ", shown(&exit.text))).child(moment(exit.at));
        facts = facts.child(fact("of", "Last exit", text));
    }
    if let Some(deployment) = &shown_.deployment {
        let word = match deployment.verdict {
            Verdict::Yes => Word::new(Tone::Good, format!("{}, validated", shown(&deployment.id))),
            Verdict::No => Word::new(Tone::Bad, format!("{}, not validated", shown(&deployment.id))),
        };
        facts = facts.child(fact("of", "Deployment", word.badge()));
    }
    facts = facts.child(fact("of", "Service id", words(shown(&record.member.id))));
    main = main.child(facts);
    if let Some(candidate) = &details.candidate {
        let keys: Vec<String> = candidate.keys.iter().map(|key| shown(key)).collect();
        let text = format!("{}: {}", listed(&keys, 6), board::step(candidate.step));
        main = main.child(
            element("section")
                .keyed("candidate")
                .with("aria-labelledby", "candidate")
                .child(element("h2").with("id", "candidate").text("On its way"))
                .child(
                    element("p")
                        .child(Word::new(look::config(record).tone, text).badge())
                        .text(" since ")
                        .child(look::since(candidate.since)),
                ),
        );
    }
    if !details.checks.is_empty() {
        main = main.child(checks(details));
    }
    main
}

fn checks(details: &Details) -> Element {
    let rows = details.checks.iter().enumerate().map(|(place, check)| {
        let word = match check.state {
            CheckState::Passing => Word::new(Tone::Good, "passes"),
            CheckState::Failing => Word::new(Tone::Bad, "fails"),
            CheckState::Unknown => Word::new(Tone::Unknown, "not run yet"),
        };
        let cell = |label: &'static str| element("td").with("data-label", label);
        element("tr")
            .keyed(format!("check {place}"))
            .child(element("th").with("scope", "row").text(shown(&check.name)))
            .child(cell("State").child(word.badge()))
            .child(cell("Role").text(board::role(check.role)))
            .child(cell("Since").child(moment(check.since)))
    });
    let head = element("tr")
        .children(["Check", "State", "Role", "Since"].map(|head| element("th").with("scope", "col").text(head)));
    let table = classed("table", "checks")
        .child(classed("caption", "unseen").text("Its checks"))
        .child(element("thead").child(head))
        .child(element("tbody").keyed("checks").children(rows));
    let section = element("section")
        .with("aria-labelledby", "checks")
        .child(element("h2").with("id", "checks").text("Checks"))
        .child(table);
    if details.more_checks == 0 {
        section
    } else {
        section.child(classed("p", "quiet").text(format!("and {} more", details.more_checks)))
    }
}
