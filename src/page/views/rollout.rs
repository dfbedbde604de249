//! A change that is on its way: who has it, who is on trial, who waits, who took it back and why.

use std::collections::{BTreeMap, BTreeSet};

use super::super::fleets::{Service, sentence, shown};
use super::super::look::{Tone, shape};
use super::super::node::{Element, classed, element, link, percent};
use super::super::story::{Story, Subject};
use super::{to_change, to_instance};
use crate::fleet::layout::RolloutState;
use crate::fleet::{InstanceRecord, Mark, What};
use crate::line::listed;
use crate::machine::board::StepName;
use crate::machine::history::Outcome;

/// The most changes that are drawn.
const CHANGES: usize = 3;
/// The most hosts in a lane.
const HOSTS: usize = 60;

/// The state of a host in a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Waits,
    Trial,
    Has,
    TookBack,
    LeftAlone,
}

impl Lane {
    const ALL: [Self; 5] = [Self::Waits, Self::Trial, Self::Has, Self::TookBack, Self::LeftAlone];

    fn title(self) -> &'static str {
        match self {
            Self::Waits => "Waits",
            Self::Trial => "On trial",
            Self::Has => "Has it",
            Self::TookBack => "Took it back",
            Self::LeftAlone => "Halted, never tried",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Waits => Tone::Waits,
            Self::Trial => Tone::Busy,
            Self::Has => Tone::Good,
            Self::TookBack => Tone::Bad,
            Self::LeftAlone => Tone::Warn,
        }
    }
}

/// The changes that are on their way, or halted on some host; `None`: there are none.
pub(super) fn rollout(name: &str, service: &Service, stories: &[Story<'_>]) -> Option<Element> {
    let mut moving: BTreeMap<String, BTreeMap<&str, Lane>> = BTreeMap::new();
    for (key, record) in service.records() {
        let Some(candidate) = record.shown.details.as_ref().and_then(|details| details.candidate.as_ref()) else {
            continue;
        };
        let lane = match candidate.step {
            StepName::Trial | StepName::Switched => Lane::Trial,
            StepName::Reverting => Lane::TookBack,
            StepName::Settling | StepName::Guarded | StepName::Checked | StepName::Turn => {
                match record.shown.state.as_str() {
                    "halted" => Lane::LeftAlone,
                    _ => Lane::Waits,
                }
            }
        };
        if let Some(change) = &candidate.change {
            moving.entry(change.clone()).or_default().insert(key, lane);
        }
    }
    let stopped = |state: &str| matches!(state, "reverted" | "halted");
    for story in stories.iter().filter(|story| story.subject == Subject::Change) {
        let halted = service.rollout(&story.id);
        let halted = halted.is_some_and(|rollout| rollout.state == RolloutState::Halt)
            && service.records().any(|(key, record)| story.told.contains_key(&**key) && stopped(&record.shown.state));
        if !moving.contains_key(&story.id) && !halted {
            continue;
        }
        let lanes = moving.entry(story.id.clone()).or_default();
        for (key, events) in story.told.iter().filter(|(key, _)| service.instances.contains_key(**key)) {
            let lane = match events.last().map(|event| event.what) {
                Some(What::Became(Outcome::Applied)) => Lane::Has,
                Some(What::Became(Outcome::Reverted | Outcome::Inconclusive)) => Lane::TookBack,
                Some(What::Became(Outcome::Halted)) => Lane::LeftAlone,
                _ => continue,
            };
            lanes.entry(key).or_insert(lane);
        }
    }
    for (change, lanes) in &mut moving {
        add_those_that_run_it(service, change, lanes);
    }
    if moving.is_empty() {
        return None;
    }
    let mut section = element("section")
        .with("aria-labelledby", "rollout")
        .keyed("rollout")
        .child(element("h2").with("id", "rollout").text("Rollout"));
    for (id, lanes) in moving.iter().take(CHANGES) {
        let story = stories.iter().find(|story| story.id == *id);
        section = section.child(change(name, service, id, lanes, story));
    }
    Some(section)
}

/// A host that runs on the environment on trial has the change, even if its history does not show it yet.
fn add_those_that_run_it<'a>(service: &'a Service, change: &str, lanes: &mut BTreeMap<&'a str, Lane>) {
    let is_tried = |record: &&InstanceRecord| {
        let candidate = record.shown.details.as_ref().and_then(|details| details.candidate.as_ref());
        candidate
            .is_some_and(|candidate| candidate.step == StepName::Trial && candidate.change.as_deref() == Some(change))
    };
    let tried: BTreeSet<&Mark> = service
        .records()
        .map(|(_, record)| record)
        .filter(is_tried)
        .filter_map(|record| record.shown.config.as_ref())
        .collect();
    for (key, record) in service.records() {
        if record.shown.config.as_ref().is_some_and(|config| tried.contains(config)) {
            lanes.entry(key).or_insert(Lane::Has);
        }
    }
}

fn change(name: &str, service: &Service, id: &str, lanes: &BTreeMap<&str, Lane>, story: Option<&Story<'_>>) -> Element {
    let keys = service.records().find_map(|(_, record)| {
        let candidate = record.shown.details.as_ref()?.candidate.as_ref()?;
        (candidate.change.as_deref() == Some(id)).then(|| candidate.keys.iter().map(|key| shown(key)).collect())
    });
    let keys: Vec<String> = keys.or_else(|| Some(story?.keys().0)).unwrap_or_default();
    let title = if keys.is_empty() { "A change".to_owned() } else { listed(&keys, 4) };
    let mut bar = classed("svg", "progress").with("aria-hidden", "true").with("width", "100%").with("height", "8");
    let mut from = 0;
    let ordered = [Lane::Has, Lane::Trial, Lane::TookBack, Lane::LeftAlone, Lane::Waits];
    #[expect(clippy::cast_precision_loss, reason = "nobody has so many instances")]
    for lane in ordered {
        let count = lanes.values().filter(|known| **known == lane).count();
        bar = bar.child(
            element("rect")
                .keyed(format!("progress {id} {}", lane.title()))
                .with("class", format!("lane {}", lane.tone().class()))
                .with("x", percent(from as f64, lanes.len() as f64))
                .with("y", "0")
                .with("width", percent(count as f64, lanes.len() as f64))
                .with("height", "8"),
        );
        from += count;
    }
    let shown_lanes = Lane::ALL.map(|lane| {
        let hosts: Vec<&str> = lanes.iter().filter(|(_, known)| **known == lane).map(|(key, _)| *key).collect();
        self::lane(name, service, id, lane, &hosts)
    });
    let mut drawn = classed("div", "rollout")
        .keyed(format!("rollout {id}"))
        .child(element("h3").child(link(to_change(name, id), title)))
        .child(bar)
        .child(classed("div", "lanes").children(shown_lanes));
    let why =
        story.into_iter().flat_map(Story::events).find(|(_, event)| event.what == What::Became(Outcome::Reverted));
    if let Some((key, event)) = why.filter(|(_, event)| !event.why.is_empty()) {
        let text = format!("{} took it back: {}", service.name_of(key), sentence(&event.why));
        drawn = drawn.child(classed("p", "why").child(shape(Tone::Bad)).text(text));
    }
    drawn
}

fn lane(name: &str, service: &Service, id: &str, lane: Lane, hosts: &[&str]) -> Element {
    let tone = lane.tone();
    let chip = |key: &&str| {
        classed("li", format!("chip {}", tone.class()))
            .with("data-moves", "")
            .keyed(format!("chip {id} {key}"))
            .child(link(to_instance(name, key), service.name_of(key)))
    };
    let mut list =
        element("ul").keyed(format!("lane {id} {}", lane.title())).children(hosts.iter().take(HOSTS).map(chip));
    if hosts.len() > HOSTS {
        list = list.child(classed("li", "more").text(format!("and {} more", hosts.len() - HOSTS)));
    }
    let empty = if hosts.is_empty() { " empty" } else { "" };
    let head = element("h4")
        .child(shape(tone))
        .text(format!("{} ", lane.title()))
        .child(classed("span", "number").text(hosts.len().to_string()));
    let lane = classed("div", format!("lane-box {}{empty}", tone.class())).child(head);
    // An empty list is left out.
    if hosts.is_empty() { lane } else { lane.child(list) }
}
