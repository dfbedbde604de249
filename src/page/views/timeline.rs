//! The last day as a picture and as a list: deployments, changes, halts and outages.

use super::super::fleets::Service;
use super::super::look::{Tone, moment, shape};
use super::super::node::{Element, classed, element, link, percent};
use super::super::story::{DAY_MS, Story, Subject};
use super::to_change;
use crate::fleet::layout::RolloutState;

/// How many stories are listed, and how many are drawn.
const LISTED: usize = 40;
const DRAWN: usize = 200;
const HOUR_MS: u64 = 60 * 60 * 1_000;

pub(super) fn timeline(name: &str, service: &Service, stories: &[Story<'_>], now: u64) -> Element {
    let section = element("section")
        .with("aria-labelledby", "day")
        .keyed("day")
        .child(element("h2").with("id", "day").text("The last day"));
    if stories.is_empty() {
        return section.child(classed("p", "quiet").text("There are no records of the last day."));
    }
    // Whole hours, so that the picture moves only once an hour.
    let end = (now / HOUR_MS + 1) * HOUR_MS;
    let begin = end - DAY_MS - HOUR_MS;
    let lanes = [("Deploys", Subject::Deploy), ("Config", Subject::Change), ("Outages", Subject::Outage)];
    let mut picture =
        classed("div", "day").keyed("picture").with("role", "group").with("aria-label", "The last day, drawn");
    for (title, subject) in lanes {
        picture = picture
            .child(classed("span", "title").text(title))
            .child(lane(name, service, stories, subject, begin, end));
    }
    let hours = (0..=4).map(|quarter| {
        let at = begin + (end - begin) * quarter / 4;
        classed("span", "hour").child(moment(at - at % HOUR_MS).with("data-form", "clock"))
    });
    let picture = picture.child(element("span")).child(classed("div", "hours").children(hours));
    let list = classed("ol", "stories")
        .keyed("stories")
        .children(stories.iter().take(LISTED).map(|story| line(name, service, story)));
    let mut section = section.child(picture).child(list);
    if stories.len() > LISTED {
        section = section.child(classed("p", "quiet").text(format!("and {} earlier ones", stories.len() - LISTED)));
    }
    section
}

fn lane(name: &str, service: &Service, stories: &[Story<'_>], subject: Subject, begin: u64, end: u64) -> Element {
    let mut svg = classed("svg", "marks").with("width", "100%").with("height", "28");
    svg = svg.child(
        element("line").with("class", "axis").with("x1", "0").with("x2", "100%").with("y1", "14").with("y2", "14"),
    );
    #[expect(clippy::cast_precision_loss, reason = "a day in milliseconds")]
    let place = |at: u64| percent(at.saturating_sub(begin) as f64, (end - begin) as f64);
    // A promotion is a change of the config that no instance has told of yet.
    let is_here = |story: &&Story<'_>| match story.subject {
        Subject::Promotion => subject == Subject::Change,
        other => other == subject,
    };
    let drawn = stories.iter().filter(is_here).take(DRAWN);
    for story in drawn {
        let verdict = story.verdict(service);
        let label = format!("{}: {}", story.title(service), verdict.text);
        let class = format!("event {}", verdict.tone.class());
        let mut mark = element("a")
            .with("href", to_change(name, &story.id))
            .with("class", class)
            .with("aria-label", label.clone())
            .keyed(format!("event {}", story.id))
            .child(element("title").text(label));
        #[expect(clippy::cast_precision_loss, reason = "a day in milliseconds")]
        let width = percent(story.to.saturating_sub(story.from.max(begin)) as f64, (end - begin) as f64);
        mark = mark.child(
            element("rect")
                .with("class", "span")
                .with("x", place(story.from))
                .with("y", "11")
                .with("width", width)
                .with("height", "6"),
        );
        // A symbol cannot be placed by percent but within an svg of its own.
        let symbol = element("svg")
            .with("x", place(story.from))
            .with("y", "4")
            .with("overflow", "visible")
            .child(symbol(verdict.tone));
        svg = svg.child(mark.child(symbol));
    }
    svg
}

/// The same shapes as everywhere.
fn symbol(tone: Tone) -> Element {
    match tone {
        Tone::Good => element("circle").with("cx", "0").with("cy", "10").with("r", "6"),
        Tone::Bad => element("path").with("d", "M0 2 L8 10 L0 18 L-8 10 Z"),
        Tone::Warn => element("path").with("d", "M0 3 L8 17 L-8 17 Z"),
        Tone::Busy => {
            element("path").with("d", "M-6 10 A6 6 0 0 1 6 10 Z M-6 10 A6 6 0 0 0 6 10").with("class", "half")
        }
        Tone::Waits | Tone::Unknown => {
            element("circle").with("cx", "0").with("cy", "10").with("r", "5").with("class", "ring")
        }
    }
}

fn line(name: &str, service: &Service, story: &Story<'_>) -> Element {
    let verdict = story.verdict(service);
    let kind = match story.subject {
        Subject::Deploy => "Deploy",
        Subject::Change if is_halted(service, story) => "Halt",
        Subject::Change => "Config",
        Subject::Outage => "Outage",
        Subject::Promotion => "Promotion",
        Subject::Other => "Operator",
    };
    element("li")
        .keyed(format!("story {}", story.id))
        .child(moment(story.from))
        .child(classed("span", "kind").text(kind))
        .child(classed("span", "what").child(link(to_change(name, &story.id), story.title(service))))
        .child(classed("span", format!("badge {}", verdict.tone.class())).child(shape(verdict.tone)).text(verdict.text))
}

fn is_halted(service: &Service, story: &Story<'_>) -> bool {
    service.rollout(&story.id).is_some_and(|rollout| rollout.state == RolloutState::Halt)
}
