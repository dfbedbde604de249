//! `lictor fleet history`: what became of each change on every host, and what was promoted, merged by time.

use std::time::{Duration, UNIX_EPOCH};

use super::super::history;
use super::super::paint::{Cell, Paint, Tone, cell, plain, table};
use crate::fleet::{Happening, HistoryRecord, InstanceEvent, Promotion, Promotions, What};
use crate::line::{counted, listed};

/// So many names of variables are shown.
const NAMED: usize = 5;

/// What the fleet's folder keeps of the past.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    /// The histories of its instances.
    pub(super) records: Vec<HistoryRecord>,
    /// The keys of the histories that cannot be read.
    pub(super) foreign: Vec<String>,
    /// The last promotions to it.
    pub(super) promotions: Promotions,
}

/// One line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line<'a> {
    /// What an instance tells.
    Told(&'a HistoryRecord, &'a Happening),
    /// What was promoted to the fleet.
    Promoted(&'a Promotion),
    /// The key of a record that cannot be read.
    Unreadable(&'a str),
}

impl Line<'_> {
    fn at(&self) -> u64 {
        match self {
            Self::Told(_, event) => event.at,
            Self::Promoted(promotion) => promotion.at,
            Self::Unreadable(_) => u64::MAX,
        }
    }

    /// As JSON, on one line.
    pub(super) fn object(&self) -> String {
        let object = match self {
            Self::Told(record, event) => {
                let mut object = serde_json::to_value(event).unwrap_or_default();
                object["node"] = record.member.node.clone().into();
                object["id"] = record.member.id.clone().into();
                object
            }
            Self::Promoted(Promotion { from, to, by, at, unproved, keys, .. }) => serde_json::json!({
                "at": at, "what": "promoted", "from": from, "to": to, "by": by, "unproved": unproved,
                "keys": keys.keys().collect::<Vec<_>>(),
            }),
            Self::Unreadable(key) => serde_json::json!({ "what": "unreadable", "key": key }),
        };
        object.to_string()
    }
}

/// The newest `most` lines, the newest last; below them, whatever their number, what cannot be read.
pub(super) fn merged(kept: &Kept, most: Option<usize>) -> Vec<Line<'_>> {
    let events = |record| move |event| Line::Told(record, event);
    let told = kept.records.iter().flat_map(|record| record.events.iter().map(events(record)));
    let mut all: Vec<_> = kept.promotions.known().iter().map(Line::Promoted).chain(told).collect();
    all.sort_by_key(|line| {
        let member = match line {
            Line::Told(record, _) => Some(&record.member),
            Line::Promoted(_) | Line::Unreadable(_) => None,
        };
        (line.at(), member)
    });
    let skipped = most.map_or(0, |most| all.len().saturating_sub(most));
    let mut lines = all.split_off(skipped);
    lines.extend(kept.foreign.iter().map(|key| Line::Unreadable(key)));
    lines.extend((kept.promotions.unreadable() > 0).then_some(Line::Unreadable("promotion")));
    lines
}

/// The lines for a person.
pub(super) fn render(lines: &[Line<'_>], paint: Paint) -> String {
    let row = |line: &Line<'_>| match line {
        Line::Told(record, event) => row(record, event),
        Line::Promoted(promotion) => promoted(promotion),
        Line::Unreadable(key) => unreadable(key),
    };
    let rows: Vec<Vec<Cell>> = lines.iter().map(row).collect();
    let mut text = String::new();
    table(&mut text, paint, "", &rows);
    text
}

/// What others wrote may be any number: beyond the calendar it is shown as the epoch.
fn date(unix_ms: u64) -> Cell {
    const LAST: u64 = 253_402_300_799_000;
    let at = UNIX_EPOCH + Duration::from_millis(if unix_ms > LAST { 0 } else { unix_ms });
    plain(humantime::format_rfc3339_seconds(at).to_string())
}

fn promoted(promotion: &Promotion) -> Vec<Cell> {
    let Promotion { from, to, by, at, unproved, keys, .. } = promotion;
    let origin = if promotion.is_undo() { "as before the last promotion".to_owned() } else { format!("from {from}") };
    let by = if by.is_empty() { "an operator" } else { by };
    let names: Vec<&String> = keys.keys().collect();
    let what = format!("{} {origin}: {}", counted(names.len() as u64, "key"), listed(&names, NAMED));
    let why = unproved.as_ref().map(|why| format!("; not proved there: {why}")).unwrap_or_default();
    let tone = if unproved.is_none() { Tone::Strong } else { Tone::Warn };
    vec![date(*at), plain(format!("{by} to {to}")), cell("promoted", tone), plain(""), plain(format!("{what}{why}"))]
}

fn unreadable(key: &str) -> Vec<Cell> {
    let why = "it cannot be read: no lictor wrote it, or a newer one";
    vec![plain(""), plain(key), cell("unreadable", Tone::Warn), plain(""), plain(why)]
}

fn row(record: &HistoryRecord, event: &Happening) -> Vec<Cell> {
    let (word, tone) = word(event.what);
    let mut details = Vec::new();
    if !event.keys.is_empty() {
        let more = if event.more_keys == 0 { String::new() } else { format!(" and {} more", event.more_keys) };
        details.push(format!("{}{more}", listed(&event.keys, NAMED)));
    }
    details.extend(event.version.as_ref().map(|version| format!("version {version}")));
    details.extend(event.deployment.as_ref().map(|deployment| format!("deployment {deployment}")));
    if event.what == What::Instance(InstanceEvent::Outage) {
        let lasted = event.took_ms.map(|took| humantime::format_duration(Duration::from_secs(took / 1000)));
        details.push(lasted.map_or_else(|| "it goes on".into(), |lasted| format!("it lasted {lasted}")));
    }
    details.extend(Some(event.why.clone()).filter(|why| !why.is_empty()));
    vec![
        date(event.at),
        plain(record.member.to_string()),
        cell(word, tone),
        plain(event.change.as_deref().unwrap_or_default()),
        plain(details.join(": ")),
    ]
}

fn word(what: What) -> (&'static str, Tone) {
    match what {
        What::Became(outcome) => history::word(outcome),
        What::Instance(InstanceEvent::Deployed) => ("deployed", Tone::Good),
        What::Instance(InstanceEvent::Outage) => ("outage", Tone::Bad),
        What::Instance(InstanceEvent::Unknown) => ("of a newer lictor", Tone::Dim),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Kept, merged, render};
    use crate::cli::paint::Paint;
    use crate::fleet::{HistoryRecord, Promotions};

    #[test]
    fn the_hosts_lines_are_one_story() {
        let record = |node: &str, events: serde_json::Value| -> HistoryRecord {
            serde_json::from_value(json!({ "v": 1, "node": node, "id": "billing", "events": events })).unwrap()
        };
        let records = vec![
            record(
                "a",
                json!([{ "at": 1000, "what": "reverted", "change": "c1", "keys": ["A"], "why": "it\u{1b} exited" },
                               { "at": u64::MAX, "what": "tomorrow's" }]),
            ),
            record(
                "b",
                json!([{ "at": 2000, "what": "halted", "change": "c1", "keys": ["A"] },
                               { "at": 3000, "what": "outage", "took_ms": 4000 }]),
            ),
        ];
        let mut kept = Kept { records, ..Kept::default() };
        let text = render(&merged(&kept, Some(3)), Paint::PLAIN);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(
            lines[0].starts_with("1970-01-01T00:00:02Z  billing on b  halted") && lines[0].ends_with('A'),
            "{text}"
        );
        assert!(lines[1].ends_with("it lasted 4s") && lines[2].contains("of a newer lictor"), "{text}");
        let whole = render(&merged(&kept, None), Paint::PLAIN);
        assert!(whole.lines().next().unwrap().ends_with("A: it  exited"), "{whole}");

        let promotion = json!({
            "v": 1, "from": "billing/ at http://test:8500", "to": "billing/", "by": "ada\u{1b}", "at": 1500,
            "keys": { "A": 7, "B": 0 }, "earlier": [{ "v": 1, "from": "x", "to": "billing/", "at": 2500, "keys": { "C": 1 } }],
        });
        kept.promotions = Promotions::parse(promotion.to_string().as_bytes());
        let lines = merged(&kept, None);
        let with = render(&lines, Paint::PLAIN);
        let line = with.lines().nth(1).unwrap();
        assert!(
            line.contains("ada  to billing/ ")
                && line.contains("  promoted  ")
                && line.ends_with("http://test:8500: A, B"),
            "{with}"
        );
        let object: serde_json::Value = serde_json::from_str(&lines[1].object()).unwrap();
        assert_eq!((object["what"].as_str(), object["keys"][1].as_str()), (Some("promoted"), Some("B")));
        assert!(with.lines().nth(3).unwrap().ends_with("1 key from x: C"), "each promotion is a line: {with}");
    }

    #[test]
    fn what_cannot_be_read_is_a_line_that_says_so() {
        let kept = Kept {
            foreign: vec!["history/odd\u{1b}".to_owned()],
            promotions: Promotions::parse(b"rubbish"),
            ..Kept::default()
        };
        let lines = merged(&kept, Some(0));
        let text = render(&lines, Paint::PLAIN);
        let all: Vec<&str> = text.lines().collect();
        assert!(all.len() == 2 && all.iter().all(|line| line.contains("unreadable  ")), "{text}");
        assert!(all[0].contains("history/odd ") && all[1].contains("promotion"), "{text}");
        assert_eq!(lines[1].object(), r#"{"what":"unreadable","key":"promotion"}"#);
    }
}
