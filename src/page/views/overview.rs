//! The front page: a card for each service, with the versions that run, the state of the config, and the worst instance's state.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::super::fleets::{Fleets, Service, shown};
use super::super::look::{self, Tone, Word};
use super::super::node::{Element, classed, element, percent};
use super::{View, page, to_service};
use crate::fleet::layout::RolloutState;
use crate::line::counted;

/// So many versions have a colour and a line of their own.
const NAMED: usize = 4;

pub(super) fn overview(fleets: &Fleets) -> View {
    let bad =
        fleets.services.values().filter(|service| worst(service).tone.max(config(service).tone) >= Tone::Warn).count();
    let count = fleets.services.len();
    let line = match (count, bad) {
        (0, _) => "No fleet has records in Consul.".to_owned(),
        (_, 0) => format!("{}, nothing to look at.", counted(count as u64, "service")),
        _ => format!("{}, {bad} to look at.", counted(count as u64, "service")),
    };
    let cards = classed("ul", "cards")
        .keyed("cards")
        .children(fleets.services.iter().map(|(name, service)| card(name, service)));
    let main = element("main")
        .with("id", "main")
        .child(element("h1").text("Services"))
        .child(classed("p", "lead").text(line))
        .child(cards);
    View { title: "Services · lictor".to_owned(), root: page(fleets, &[], main) }
}

fn card(name: &str, service: &Service) -> Element {
    let worst = worst(service);
    let count = service.instances.len() as u64;
    let config = config(service);
    classed("li", format!("card {}", worst.tone.max(config.tone).class()))
        .keyed(format!("card {name}"))
        .child(element("h2").child(element("a").with("href", to_service(name)).text(shown(name))))
        .child(classed("p", "count").text(counted(count, "instance")))
        .child(spread(name, &versions(service)))
        .child(element("dl").child(line("Config", &config)).child(line("Health", &worst)))
}

fn line(name: &'static str, word: &Word) -> Element {
    element("div").child(element("dt").text(name)).child(element("dd").child(word.badge()))
}

/// How many run each version, as one bar, the most first; the words below it say the same.
pub(super) fn spread(name: &str, versions: &[(String, usize)]) -> Element {
    let whole: usize = versions.iter().map(|(_, count)| count).sum();
    let mut bar = classed("svg", "spread").with("aria-hidden", "true").with("width", "100%").with("height", "12");
    // Those that have no colour of their own are one part.
    let rest: usize = versions.iter().skip(NAMED).map(|(_, count)| count).sum();
    let parts = versions.iter().take(NAMED).map(|(_, count)| *count).chain((rest > 0).then_some(rest));
    let mut from = 0;
    #[expect(clippy::cast_precision_loss, reason = "nobody has so many instances")]
    for (place, count) in parts.enumerate() {
        let part = element("rect")
            .with("class", format!("part part-{place}"))
            .with("x", percent(from as f64, whole as f64))
            .with("y", "0")
            .with("width", percent(count as f64, whole as f64))
            .with("height", "12");
        bar = bar.child(part);
        from += count;
    }
    let mut legend = classed("ul", "legend");
    for (place, (version, count)) in versions.iter().take(NAMED).enumerate() {
        legend = legend.child(
            element("li")
                .child(classed("span", format!("swatch part-{place}")).with("aria-hidden", "true"))
                .child(classed("span", "name").text(version.clone()))
                .text(format!(" \u{d7}\u{202f}{count}")),
        );
    }
    if versions.len() > NAMED {
        legend = legend.child(
            element("li")
                .child(classed("span", format!("swatch part-{NAMED}")).with("aria-hidden", "true"))
                .text(format!("{} more versions", versions.len() - NAMED)),
        );
    }
    classed("div", "versions").keyed(format!("versions {name}")).child(bar).child(legend)
}

/// Which versions run, and on how many instances, the most first.
pub(super) fn versions(service: &Service) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, record) in service.records() {
        *counts.entry(record.shown.version.as_deref().unwrap_or("unknown")).or_default() += 1;
    }
    let mut versions: Vec<_> = counts.into_iter().map(|(version, count)| (shown(version), count)).collect();
    versions.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| other.0.cmp(&one.0)));
    versions
}

/// The state of the config on all instances, in one line.
pub(super) fn config(service: &Service) -> Word {
    let halted =
        service.rollouts.values().filter_map(|read| read.get()).any(|rollout| rollout.state == RolloutState::Halt);
    let mut counts: BTreeMap<(Reverse<Tone>, Cow<'static, str>), usize> = BTreeMap::new();
    for (_, record) in service.records() {
        let word = look::config(record);
        *counts.entry((Reverse(word.tone), word.text)).or_default() += 1;
    }
    let tone = counts.keys().map(|(tone, _)| tone.0).max().unwrap_or(Tone::Unknown);
    let mut parts: Vec<String> = counts.iter().map(|((_, text), count)| format!("{count} {text}")).take(4).collect();
    if service.hold.is_some() {
        parts.insert(0, "held as a whole".to_owned());
    } else if halted {
        parts.insert(0, "a change is halted".to_owned());
    }
    let tone = if halted { tone.max(Tone::Warn) } else { tone };
    Word::new(tone, if parts.is_empty() { "nothing known".to_owned() } else { parts.join(", ") })
}

/// The state of the worst instance.
pub(super) fn worst(service: &Service) -> Word {
    let unreadable = service.instances.values().filter(|read| read.get().is_none()).count();
    let worst = service.records().map(|(_, record)| look::health(record)).max_by_key(|word| word.tone);
    let Some(worst) = worst else { return Word::new(Tone::Unknown, "no instance can be read") };
    let same = service.records().filter(|(_, record)| look::health(record).text == worst.text).count();
    if worst.tone == Tone::Good && unreadable > 0 {
        return Word::new(Tone::Unknown, format!("{} cannot be read", counted(unreadable as u64, "record")));
    }
    match (worst.tone, service.instances.len()) {
        (Tone::Good, 1) => worst,
        (Tone::Good, all) => Word::new(Tone::Good, format!("all {all} healthy")),
        (tone, _) => Word::new(tone, format!("{same} {}", worst.text)),
    }
}
