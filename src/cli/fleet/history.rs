//! `lictor fleet history`: what became of each change on every host, merged by time.

use std::time::{Duration, UNIX_EPOCH};

use super::super::history;
use super::super::paint::{Cell, Paint, Tone, cell, plain, table};
use crate::fleet::{Happening, HistoryRecord, InstanceEvent, What};
use crate::line::listed;

/// So many names of variables are shown.
const NAMED: usize = 5;

/// The newest `most` lines of all hosts, the newest last.
pub(super) fn merged(records: &[HistoryRecord], most: Option<usize>) -> Vec<(&HistoryRecord, &Happening)> {
    let mut all: Vec<_> =
        records.iter().flat_map(|record| record.events.iter().map(move |event| (record, event))).collect();
    all.sort_by_key(|(record, event)| (event.at, &record.member));
    let skipped = most.map_or(0, |most| all.len().saturating_sub(most));
    all.split_off(skipped)
}

/// The lines for a person.
pub(super) fn render(lines: &[(&HistoryRecord, &Happening)], paint: Paint) -> String {
    let rows: Vec<Vec<Cell>> = lines.iter().map(|(record, event)| row(record, event)).collect();
    let mut text = String::new();
    table(&mut text, paint, "", &rows);
    text
}

fn row(record: &HistoryRecord, event: &Happening) -> Vec<Cell> {
    // What others wrote may be any number: beyond the calendar it is shown as the epoch.
    const LAST: u64 = 253_402_300_799_000;
    let at = UNIX_EPOCH + Duration::from_millis(if event.at > LAST { 0 } else { event.at });
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
        plain(humantime::format_rfc3339_seconds(at).to_string()),
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

    use super::{merged, render};
    use crate::cli::paint::Paint;
    use crate::fleet::HistoryRecord;

    #[test]
    fn the_hosts_lines_are_one_story() {
        let record = |node: &str, events: serde_json::Value| -> HistoryRecord {
            serde_json::from_value(json!({ "v": 1, "node": node, "id": "billing", "events": events })).unwrap()
        };
        let records = [
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
        let text = render(&merged(&records, Some(3)), Paint::PLAIN);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(
            lines[0].starts_with("1970-01-01T00:00:02Z  billing on b  halted") && lines[0].ends_with('A'),
            "{text}"
        );
        assert!(lines[1].ends_with("it lasted 4s") && lines[2].contains("of a newer lictor"), "{text}");
        let whole = render(&merged(&records, None), Paint::PLAIN);
        assert!(whole.lines().next().unwrap().ends_with("A: it  exited"), "{whole}");
    }
}
