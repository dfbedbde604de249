//! The fleet as a person reads it: the total first, then a line for each instance.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::super::paint::{Cell, Paint, Tone, cell, plain, table};
use super::super::status::span;
use crate::fleet::InstanceRecord;
use crate::fleet::layout::FleetHold;
use crate::fleet::operator::{Halt, Picture};
use crate::line::one_line;
use crate::machine::board::{ConfigState, words};
use crate::machine::deployment::Verdict;

/// So many digits of a mark are enough to tell the configurations of one fleet apart.
const DIGITS: usize = 4;
/// The longest word of a record in a total.
const WORD: usize = 60;

/// The picture, for a terminal or a pipe.
pub(super) fn render(picture: &Picture, folder: &str, paint: Paint) -> String {
    let mut text = String::new();
    if picture.instances.is_empty() {
        let _ = writeln!(text, "no instance has a record in {folder}");
    } else {
        paint.write(&mut text, &cell(total(picture), Tone::Strong));
        text.push_str("\n\n");
        let header = ["INSTANCE", "HOST", "VERSION", "CONFIG", "HEALTH", "DEPLOYMENT", ""];
        let mut rows = vec![header.map(|title| cell(title, Tone::Dim)).to_vec()];
        rows.extend(picture.instances.iter().map(row));
        table(&mut text, paint, "", &rows);
    }
    // Writing to a string does not fail.
    for mark in &picture.out {
        let _ = writeln!(text, "out for config: {}", mark.member);
    }
    for halt in &picture.halts {
        let _ = writeln!(text, "halted: {}", halted(halt));
    }
    if let Some(FleetHold { reason, by, .. }) = &picture.hold {
        let by = if by.is_empty() { "an operator" } else { by };
        let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let _ = writeln!(text, "{}", one_line(&format!("held as a whole by {by}{why}"), 300));
    }
    for key in &picture.foreign {
        let _ = writeln!(text, "{folder}{key} was not written by a lictor that this one understands");
    }
    text
}

/// A halt in one line.
pub(super) fn halted(halt: &Halt) -> String {
    one_line(&format!("change {}, taken back by {}: {}", halt.change, halt.by, halt.reason), 400).into_owned()
}

/// `7 of 8 on 1.215, 1 on 1.214 (1.215 is installed, not restarted); config 3fa9: 6 good, 1 on trial; halted: no`.
pub(super) fn total(picture: &Picture) -> String {
    let instances = &picture.instances;
    let version = |record: &InstanceRecord| {
        let runs = short(record.shown.version.as_deref().unwrap_or("an unknown version"));
        match record.shown.installed.as_deref() {
            Some(installed) if record.shown.version.as_deref() != Some(installed) => {
                format!("{runs} ({} is installed, not restarted)", short(installed))
            }
            _ => runs,
        }
    };
    let versions = counted(instances.iter().map(version));
    let mut versions = versions.iter().enumerate().map(|(place, (version, count))| match place {
        0 => format!("{count} of {} on {version}", instances.len()),
        _ => format!("{count} on {version}"),
    });
    let mut parts = vec![versions.by_ref().collect::<Vec<_>>().join(", ")];
    let states = |of: &dyn Fn(&InstanceRecord) -> bool| {
        let states =
            counted(instances.iter().filter(|record| of(record)).map(|record| state_word(&record.shown.state)));
        states.into_iter().map(|(state, count)| format!("{count} {state}")).collect::<Vec<_>>().join(", ")
    };
    let configs = counted(instances.iter().map(config_digits));
    if configs.len() > 1 && configs.len() == instances.len() {
        // Hosts with variables of their own: their marks differ and say nothing together.
        parts.push(format!("config: {}", states(&|_| true)));
    } else {
        let one = |(config, _): &(String, usize)| {
            format!("config {config}: {}", states(&|record| config_digits(record) == *config))
        };
        parts.extend(configs.iter().map(one));
    }
    let halts = picture.halts.len();
    parts.push(if halts == 0 { "halted: no".to_owned() } else { format!("halted: {halts}") });
    parts.join("; ")
}

fn row(record: &InstanceRecord) -> Vec<Cell> {
    let shown = &record.shown;
    let version = match (shown.version.as_deref(), shown.installed.as_deref()) {
        (Some(version), Some(installed)) if version != installed => {
            cell(format!("{version} → {installed}"), Tone::Warn)
        }
        (Some(version), _) => plain(version),
        (None, _) => cell("unknown", Tone::Warn),
    };
    let tone = match shown.state.as_str() {
        "good" => Tone::Good,
        "reverted" | "rejected" | "inconclusive" | "build_failed" | "no_good" => Tone::Bad,
        _ => Tone::Warn,
    };
    let config = format!("{} {} {}", config_digits(record), state_word(&shown.state), since(record.at));
    let health = match (shown.healthy, shown.phase.as_str()) {
        (true, _) => cell("healthy", Tone::Good),
        (false, "up") => cell("not healthy", Tone::Bad),
        (false, phase) => cell(phase, Tone::Warn),
    };
    let deployment = match &shown.deployment {
        Some(deployment) => match deployment.verdict {
            Verdict::Yes => cell(format!("{} yes", deployment.id), Tone::Good),
            Verdict::No => cell(format!("{} no", deployment.id), Tone::Bad),
        },
        None => cell("-", Tone::Dim),
    };
    vec![
        plain(&record.member.id),
        plain(&record.member.node),
        version,
        cell(config, tone),
        health,
        deployment,
        cell(shown.note.as_deref().unwrap_or_default(), Tone::Dim),
    ]
}

fn config_digits(record: &InstanceRecord) -> String {
    record.shown.config.as_ref().map_or_else(|| "-".into(), |mark| mark.as_str().chars().take(DIGITS).collect())
}

/// The word for people; the word of a newer lictor as it is.
fn state_word(state: &str) -> String {
    match serde_json::from_value::<ConfigState>(state.into()) {
        Ok(state) => words::config(state).to_owned(),
        Err(_) => short(state),
    }
}

fn short(text: &str) -> String {
    one_line(text, WORD).into_owned()
}

/// How long ago this was, by this host's clock and that of the instance.
fn since(unix_ms: u64) -> String {
    let then = UNIX_EPOCH + Duration::from_millis(unix_ms);
    let ago = SystemTime::now().duration_since(then).unwrap_or_default();
    format!("for {}", span(Duration::from_secs(ago.as_secs())).replace("0ms", "0s"))
}

/// How often each word occurs, the most frequent one first.
fn counted(words: impl Iterator<Item = String>) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for word in words {
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{render, total};
    use crate::cli::paint::Paint;
    use crate::fleet::operator::{Halt, Picture};

    fn picture(instances: &[(&str, &str, &str, &str)]) -> Picture {
        let record = |(place, (runs, installed, config, state)): (usize, &(&str, &str, &str, &str))| {
            serde_json::from_value(json!({
                "v": 1, "node": format!("host-{place}"), "id": "billing", "at": 0, "healthy": true, "phase": "up",
                "version": runs, "installed": installed, "config": config, "state": state,
            }))
            .unwrap()
        };
        Picture { instances: instances.iter().enumerate().map(record).collect(), ..Picture::default() }
    }

    #[test]
    fn the_total_says_who_runs_what() {
        let mut fleet = picture(&[
            ("1.214", "1.215", "3fa97b", "good"),
            ("1.215", "1.215", "3fa97b", "good"),
            ("1.215", "1.215", "3fa97b", "trial"),
            ("1.215", "1.215", "77aa00", "pending"),
        ]);
        assert_eq!(
            total(&fleet),
            "3 of 4 on 1.215, 1 on 1.214 (1.215 is installed, not restarted); config 3fa9: 2 good, 1 on trial; \
             config 77aa: 1 a change is on its way; halted: no"
        );
        fleet.halts.push(Halt { change: "c".into(), by: "host-1".into(), reason: "it exited".into(), at: 0 });
        assert!(total(&fleet).ends_with("halted: 1"));
    }

    #[test]
    fn what_others_wrote_is_text_and_stays_on_its_line() {
        let fleet = picture(&[("1\u{1b}[31m\n2", "1", "x", "a state of tomorrow")]);
        let text = render(&fleet, "lictor/billing/", Paint::PLAIN);
        assert!(!text.contains('\u{1b}') && text.contains("a state of tomorrow"), "{text}");
        assert_eq!(text.lines().count(), 4, "{text}");
    }
}
