//! The page of one service: its hold, the changes on their way, its instances, and its last day.

use std::sync::Arc;

use super::super::fleets::{Fleets, Read, Service, sentence, shown};
use super::super::look::{self, Tone, Word, moment, shape};
use super::super::memo::{Memo, Piece};
use super::super::node::{Element, Node, classed, element, link};
use super::super::story::stories;
use super::overview::{config, spread, versions, worst};
use super::{Form, View, notice, page, rollout, timeline, to_change, to_instance, to_service};
use crate::fleet::layout::RolloutState;
use crate::fleet::{HistoryRecord, InstanceRecord, Promotions};
use crate::line::counted;

/// More instances than this are tiles, unless somebody asks for the table.
const ROWS: usize = 40;
/// So many histories that cannot be read are named.
const UNREADABLE: usize = 5;
/// An instance with its key.
type Instance<'a> = (&'a Arc<str>, &'a Read<InstanceRecord>);

/// How many tiles make one list, which a browser draws only while it is visible. The page is up to six tiles wide, and every
/// number up to six divides this.
const TOGETHER: usize = 60;

pub(super) fn service(fleets: &Fleets, name: &str, form: Form, now: u64, memo: &mut Memo) -> Option<View> {
    let service = fleets.services.get(name)?;
    let versions = versions(service);
    let stories = stories(service, now);
    let mut main = element("main")
        .with("id", "main")
        .child(element("h1").text(shown(name)))
        .child(classed("p", "lead").keyed("lead").text(summary(service, &versions)))
        .children(notices(name, service))
        .child(spread(name, &versions));
    if let Some(moving) = rollout::rollout(name, service, &stories) {
        main = main.child(moving);
    }
    let main = main.child(instances(name, service, form, memo)).child(timeline::timeline(name, service, &stories, now));
    Some(View { title: format!("{} · lictor", shown(name)), root: page(fleets, &[], main) })
}

fn summary(service: &Service, versions: &[(String, usize)]) -> String {
    let all: usize = versions.iter().map(|(_, count)| count).sum();
    let running = match versions {
        [] => String::new(),
        [(version, 1)] => format!("on {version}"),
        [(version, _)] => format!("all {all} on {version}"),
        [(version, count), rest @ ..] => {
            let rest: Vec<_> = rest.iter().take(3).map(|(version, count)| format!("{count} on {version}")).collect();
            format!("{count} of {all} on {version}, {}", rest.join(", "))
        }
    };
    let instances = counted(service.instances.len() as u64, "instance");
    let parts = [instances, running, format!("config: {}", config(service).text), worst(service).text.into_owned()];
    parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("; ") + "."
}

fn notices(name: &str, service: &Service) -> Vec<Element> {
    let mut notices = Vec::new();
    if let Some(hold) = &service.hold {
        let by = if hold.by.is_empty() { "an operator".to_owned() } else { shown(&hold.by) };
        let mut notice = notice("hold", Tone::Waits)
            .child(element("strong").text("The whole fleet is held "))
            .text(format!("by {by}"));
        if hold.at > 0 {
            notice = notice.text(" since ").child(look::since(hold.at));
        }
        if let Some(until) = hold.until {
            notice = notice.text(" until ").child(look::since(until));
        }
        notices.push(notice.text(if hold.reason.is_empty() {
            ".".to_owned()
        } else {
            format!(": {}", sentence(&hold.reason))
        }));
    }
    for (id, read) in &service.rollouts {
        let notice = match &read.record {
            Ok(rollout) if rollout.state == RolloutState::Halt => notice(&format!("halt {id}"), Tone::Bad)
                .child(element("strong").text("A change is halted. "))
                .text(format!("{} took it back ", shown(&rollout.by.node)))
                .child(moment(rollout.at))
                .text(format!(": {} ", sentence(&rollout.reason)))
                .child(link(to_change(name, id), "What it changed")),
            Ok(_) => continue,
            Err(why) => notice(&format!("halt {id}"), Tone::Unknown)
                .text(format!("The record of the change {} cannot be read: {why}.", shown(id))),
        };
        notices.push(notice);
    }
    notices.extend(unreadable(service));
    notices
}

/// What of the past cannot be read: of instances that are here, their own pages say it too.
fn unreadable(service: &Service) -> Vec<Element> {
    let line = |key: String, text: String| notice(&key, Tone::Unknown).text(text);
    let history = |(key, read): (&Arc<str>, &Read<HistoryRecord>)| {
        let why = read.record.as_ref().err()?;
        Some(line(format!("history {key}"), format!("The history of {} cannot be read: {why}.", service.name_of(key))))
    };
    let promotions = service.promotions().map_or(0, Promotions::unreadable) as u64;
    let promoted = (promotions > 0).then(|| {
        let what = counted(promotions, "promotion record");
        line("promotions".to_owned(), format!("{what} cannot be read: a newer lictor wrote it, or none did."))
    });
    let mut histories: Vec<Element> = service.histories.iter().filter_map(history).collect();
    if histories.len() > UNREADABLE {
        let more = histories.len() - UNREADABLE;
        histories.truncate(UNREADABLE);
        histories.push(line("histories".to_owned(), format!("{more} more histories cannot be read.")));
    }
    histories.into_iter().chain(promoted).collect()
}

fn instances(name: &str, service: &Service, form: Form, memo: &mut Memo) -> Element {
    let count = service.instances.len();
    let is_table = match form {
        Form::Fitting => count <= ROWS,
        Form::Table => true,
        Form::Tiles => false,
    };
    let (other, word) = if is_table { ("tiles", "Show as tiles") } else { ("table", "Show as a table") };
    let head = classed("div", "head")
        .child(element("h2").with("id", "instances").text("Instances"))
        .child(link(format!("{}?as={other}#instances", to_service(name)), word));
    let section = element("section").with("aria-labelledby", "instances").keyed("instances").child(head);
    if count == 0 {
        return section.child(classed("p", "quiet").text("No lictor of this fleet is running."));
    }
    if is_table { section.child(table(name, service, memo)) } else { section.children(tiles(name, service, memo)) }
}

fn table(name: &str, service: &Service, memo: &mut Memo) -> Element {
    let heads = ["Host", "Version", "Health", "Config", "Since", "Note"];
    let head = element("tr").children(heads.map(|head| element("th").with("scope", "col").text(head)));
    let rows = service
        .instances
        .iter()
        .map(|(key, read)| remembered(memo, service, key, read, (Piece::Row, &|| row(name, service, key, read))));
    classed("table", "instances")
        .child(classed("caption", "unseen").text("The instances and their state"))
        .child(element("thead").child(head))
        .child(element("tbody").keyed("rows").nodes(rows))
}

fn row(name: &str, service: &Service, key: &str, read: &Read<InstanceRecord>) -> Element {
    let row = element("tr").keyed(format!("row {key}"));
    let head = |text: String| element("th").with("scope", "row").child(link(to_instance(name, key), text));
    let cell = |label: &'static str| element("td").with("data-label", label);
    match &read.record {
        Ok(record) => {
            let since = record.shown.details.as_ref().and_then(|details| details.in_use_since);
            let mut state = element("span").child(look::config(record).badge());
            if let Some(config) = &record.shown.config {
                let mark = config.as_str().get(..6).unwrap_or_default().to_owned();
                state = state.text(" ").child(classed("code", "mark").text(mark));
            }
            row.child(head(service.name_of(key)))
                .child(cell("Version").child(classed("span", "name").text(look::version(record))))
                .child(cell("Health").child(look::health(record).badge()))
                .child(cell("Config").child(state))
                .child(match since {
                    Some(since) => cell("Since").child(moment(since)),
                    None => cell("Since").text("\u{2013}"),
                })
                .child(match &record.shown.note {
                    Some(note) => classed("td", "note").with("data-label", "Note").text(sentence(note)),
                    None => classed("td", "note empty").with("data-label", "Note"),
                })
        }
        Err(why) => row.with("class", "unreadable").child(head(shown(key))).child(
            element("td")
                .with("colspan", "5")
                .child(Word::new(Tone::Unknown, format!("This record cannot be read: {why}.")).badge()),
        ),
    }
}

/// The instance as it was drawn before, if nothing of it has changed.
fn remembered(
    memo: &mut Memo,
    service: &Service,
    key: &Arc<str>,
    read: &Read<InstanceRecord>,
    (piece, draw): (Piece, &dyn Fn() -> Element),
) -> Node {
    match &read.record {
        Ok(record) => Node::Shared(memo.drawn(key, record, (piece, service.naming(&record.member.node)), draw)),
        Err(_) => Node::Element(draw()),
    }
}

fn tiles(name: &str, service: &Service, memo: &mut Memo) -> Vec<Element> {
    let all: Vec<Instance<'_>> = service.instances.iter().collect();
    let list = |(place, some): (usize, &[Instance<'_>])| {
        classed("ul", "tiles")
            .with("aria-label", format!("Instances {} to {}", place * TOGETHER + 1, place * TOGETHER + some.len()))
            .keyed(format!("tiles {place}"))
            .nodes(some.iter().map(|(key, read)| {
                remembered(memo, service, key, read, (Piece::Tile, &|| tile(name, service, key, read)))
            }))
    };
    all.chunks(TOGETHER).enumerate().map(list).collect()
}

/// The worse of the two words decides the colour; both can be read.
fn tile(name: &str, service: &Service, key: &str, read: &Read<InstanceRecord>) -> Element {
    let (host, tone, line) = match &read.record {
        Ok(record) => {
            let (health, config) = (look::health(record), look::config(record));
            let worse = if config.tone > health.tone { &config } else { &health };
            let line = format!("{} \u{b7} {}", look::version(record), worse.text);
            (service.name_of(key), worse.tone, line)
        }
        Err(_) => (shown(key), Tone::Unknown, "cannot be read".to_owned()),
    };
    let inside = element("a")
        .with("href", to_instance(name, key))
        .child(shape(tone))
        .child(classed("span", "host").text(host))
        .child(classed("span", "line").text(line));
    classed("li", format!("tile {}", tone.class())).keyed(format!("tile {key}")).child(inside)
}
