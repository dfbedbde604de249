//! One instance: what its record says, for people.

use super::super::fleets::{Fleets, sentence, shown};
use super::super::look::{self, Tone, Word, moment};
use super::super::node::{Element, classed, element, link};
use super::super::story::{is_of_the_last_day, stories};
use super::facts::{self, Facts, cell, check_tone, on_its_way};
use super::{View, change, fact, notice, page, to_change, to_service, words};
use crate::fleet::{Details, InstanceRecord};
use crate::line::listed;
use crate::machine::board::{CheckState, words as board};
use crate::machine::deployment::Verdict;

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
            let word = change::happened(event);
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
        day.child(classed("p", "quiet").text("There are no records of the last day."))
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
    let known = Facts {
        health: look::health(record),
        version: look::version(record),
        config: look::config(record),
        runs_on: shown_.config.as_ref().map(|mark| mark.as_str().to_owned()),
        variables: details.variables,
        in_use_since: details.in_use_since,
        pid: None,
        started: details.started,
        restarts: details.restarts,
        traffic: details.traffic,
        last_exit: details.last_exit.as_ref().map(|exit| (shown(&exit.text), exit.at)),
    };
    let mut facts = known.drawn();
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
        let what = element("p")
            .child(Word::new(look::config(record).tone, text).badge())
            .text(" since ")
            .child(look::since(candidate.since));
        main = main.child(on_its_way(what));
    }
    if !details.checks.is_empty() {
        main = main.child(checks(details));
    }
    main
}

fn checks(details: &Details) -> Element {
    let rows = details.checks.iter().enumerate().map(|(place, check)| {
        let word = match check.state {
            CheckState::Passing => "passes",
            CheckState::Failing => "fails",
            CheckState::Unknown => "not run yet",
        };
        element("tr")
            .keyed(format!("check {place}"))
            .child(element("th").with("scope", "row").text(shown(&check.name)))
            .child(cell("State").child(Word::new(check_tone(check.state, check.role), word).badge()))
            .child(cell("Role").text(board::role(check.role)))
            .child(cell("Since").child(moment(check.since)))
    });
    let section = facts::checks(&["Check", "State", "Role", "Since"], rows);
    if details.more_checks == 0 {
        section
    } else {
        section.child(classed("p", "quiet").text(format!("and {} more", details.more_checks)))
    }
}
