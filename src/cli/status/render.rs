//! The board as text. Pure: the time is passed in.

use std::time::Duration;

use crate::cli::paint::{Cell, Paint, Tone, cell, plain, table};
use crate::line::{counted, listed};
use crate::machine::Moment;
use crate::machine::board::{Board, CheckPicture, CheckState, ConfigState, Phase, words};
use crate::machine::build::Version;
use crate::machine::deployment::Verdict;
use crate::machine::event::{SourceReport, TrafficState};
use crate::machine::policy::Role;

/// Names of changed variables that are shown; the rest is counted.
const MOST_KEYS: usize = 5;
/// Errors of our own configuration that are shown; `lictor check` shows them all.
const MOST_ERRORS: usize = 5;

/// The whole picture, a few aligned blocks.
pub(in super::super) fn render(board: &Board, now: Moment, paint: Paint) -> String {
    let mut out = String::new();
    table(&mut out, paint, "", &[headline(board, now)]);
    let parts = [
        process(board, now),
        version(board),
        deployment(board, now),
        config(board, now),
        hold(board, now),
        traffic(board),
        disk(board),
        sockets(board),
        fleet(board),
    ];
    let rows: Vec<Vec<Cell>> = parts.into_iter().chain([candidate(board, now), reload(board, now)]).flatten().collect();
    table(&mut out, paint, "  ", &rows);
    block(&mut out, paint, "checks", board.checks.iter().map(|check| check_row(check, now)));
    let now_unix_ms = board.epoch_unix_ms.saturating_add(now.0);
    block(&mut out, paint, "sources", board.sources.iter().map(|source| source_row(source, now_unix_ms)));
    out
}

fn block(out: &mut String, paint: Paint, title: &str, rows: impl Iterator<Item = Vec<Cell>>) {
    let rows: Vec<Vec<Cell>> = rows.collect();
    if !rows.is_empty() {
        table(out, paint, "", &[vec![cell(title, Tone::Strong)]]);
        table(out, paint, "  ", &rows);
    }
}

fn headline(board: &Board, now: Moment) -> Vec<Cell> {
    let tone = match board.phase {
        Phase::Up if board.healthy => Tone::Good,
        Phase::Absent | Phase::BackingOff | Phase::Up => Tone::Bad,
        Phase::Starting | Phase::Leaving | Phase::Stopping => Tone::Warn,
    };
    let since = format!("for {}", span(now.since(board.phase_since)));
    let ending = if board.stopping { "lictor is stopping" } else { "" };
    vec![cell(&board.service, Tone::Strong), cell(words::service(board), tone), plain(since), cell(ending, Tone::Warn)]
}

fn process(board: &Board, now: Moment) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    if let Some(process) = &board.process {
        let pid = process.pid.map_or_else(|| "no pid yet".to_owned(), |pid| format!("pid {pid}"));
        let started = span(now.since(process.started));
        let restarts = counted(board.restarts, "restart");
        rows.push(titled("process", plain(format!("{pid}, started {started} ago, {restarts}"))));
    }
    if let Some(beside) = words::beside(board) {
        rows.push(titled("beside", cell(beside, Tone::Warn)));
    }
    if let Some(exit) = &board.last_exit {
        let ago = span(now.since(exit.at));
        let tone = if board.process.is_none() { Tone::Bad } else { Tone::Dim };
        rows.push(titled("last exit", cell(format!("{}, {ago} ago", exit.text), tone)));
    }
    if let Some(next) = board.next_start {
        rows.push(titled("next start", plain(format!("in {}", span(next.since(now))))));
    }
    rows
}

/// Whether the service is in traffic, if lictor steers that.
fn traffic(board: &Board) -> Vec<Vec<Cell>> {
    let seen = board.traffic.map(|state| match state {
        TrafficState::In => plain("in"),
        TrafficState::Out => cell("out", Tone::Warn),
    });
    let trouble = board.traffic_trouble.as_ref().map(|trouble| cell(trouble, Tone::Bad));
    trouble.or(seen).map(|cell| titled("traffic", cell)).into_iter().collect()
}

fn version(board: &Board) -> Vec<Vec<Cell>> {
    let mut rows = vec![titled("version", plain(version_text(&board.build.running)))];
    let running = board.build.running_build.as_ref();
    if running.is_none_or(|running| *running != board.build.installed_build) {
        rows.push(titled("on disk", cell(version_text(&board.build.installed), Tone::Warn)));
    }
    rows
}

fn deployment(board: &Board, now: Moment) -> Vec<Vec<Cell>> {
    let Some(validation) = &board.deployment else { return Vec::new() };
    let now_unix_ms = board.epoch_unix_ms.saturating_add(now.0);
    let ago = span(Duration::from_millis(now_unix_ms.saturating_sub(validation.at_unix_ms)));
    let (word, tone) = match validation.verdict {
        Verdict::Yes => ("validated", Tone::Plain),
        Verdict::No => ("not validated", Tone::Bad),
    };
    let deployment = format!("{} {word} {ago} ago", validation.deployment);
    let mut rows = vec![titled("deployment", cell(deployment, tone))];
    if validation.verdict == Verdict::No {
        rows.push(titled("", cell(&validation.reason, tone)));
    }
    rows
}

fn version_text(version: &Version) -> String {
    let name = version.version.as_deref().unwrap_or("unknown");
    let source = version.source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
    let commit = version.revision.as_ref().map(|revision| {
        let short: String = revision.chars().take(12).collect();
        let modified = if version.modified == Some(true) { ", modified" } else { "" };
        format!(", commit {short}{modified}")
    });
    let go = version.go.as_ref().map(|go| format!(", {go}"));
    format!("{name}{source}{}{}", commit.unwrap_or_default(), go.unwrap_or_default())
}

fn config(board: &Board, now: Moment) -> Vec<Vec<Cell>> {
    let config = &board.config;
    let tone = match config.state {
        ConfigState::Good => Tone::Good,
        ConfigState::Reverted | ConfigState::Rejected | ConfigState::Inconclusive | ConfigState::BuildFailed => {
            Tone::Bad
        }
        ConfigState::Waiting
        | ConfigState::Pending
        | ConfigState::Trial
        | ConfigState::Held
        | ConfigState::Halted
        | ConfigState::NoGood => Tone::Warn,
    };
    let mut rows = vec![titled("config", cell(words::config(config.state), tone))];
    if let Some(message) = &config.message {
        rows.push(titled("", cell(message, tone)));
    }
    if let Some(fingerprint) = config.fingerprint {
        let variables = counted(config.variables as u64, "variable");
        let since = config.since.map(|since| format!(", for {}", span(now.since(since)))).unwrap_or_default();
        rows.push(titled(
            "runs on",
            plain(format!("{fingerprint}, generation {}, {variables}{since}", config.generation)),
        ));
    }
    if let Some(newest) = config.wish.filter(|newest| Some(*newest) != config.fingerprint) {
        rows.push(titled("newest", plain(newest.to_string())));
    }
    if !config.pending_restart.is_empty() {
        let pending = format!("{}: from the next start on", listed(&config.pending_restart, MOST_KEYS));
        rows.push(titled("pending", cell(pending, Tone::Warn)));
    }
    if !config.quarantine.is_empty() {
        rows.push(titled("quarantine", plain(counted(config.quarantine.len() as u64, "failed change"))));
    }
    rows
}

fn hold(board: &Board, now: Moment) -> Vec<Vec<Cell>> {
    let Some(hold) = &board.hold else { return Vec::new() };
    let now_unix_ms = board.epoch_unix_ms.saturating_add(now.0);
    let since = span(Duration::from_millis(now_unix_ms.saturating_sub(hold.since_unix_ms)));
    let left = hold.until_unix_ms.map(|until| span(Duration::from_millis(until.saturating_sub(now_unix_ms))));
    let left = left.map(|left| format!(", {left} left")).unwrap_or_default();
    let who = hold.who.map(|who| format!(", by uid {who}")).unwrap_or_default();
    vec![titled("hold", cell(format!("{}{who}, for {since}{left}", hold.reason), Tone::Warn))]
}

/// Why the state cannot be kept on the disk.
fn disk(board: &Board) -> Vec<Vec<Cell>> {
    board.disk.iter().map(|problem| titled("disk", cell(problem, Tone::Bad))).collect()
}

/// Why a restart may refuse connections.
fn sockets(board: &Board) -> Vec<Vec<Cell>> {
    board.sockets.iter().map(|problem| titled("sockets", cell(problem, Tone::Warn))).collect()
}

/// What a person should look at in the fleet.
fn fleet(board: &Board) -> Vec<Vec<Cell>> {
    let title = |place| if place == 0 { "fleet" } else { "" };
    let problems = board.fleet.iter().enumerate();
    problems.map(|(place, problem)| titled(title(place), cell(problem, Tone::Warn))).collect()
}

/// What our own configuration waits for, and why it was refused.
fn reload(board: &Board, now: Moment) -> Vec<Vec<Cell>> {
    let Some(reload) = &board.reload else { return Vec::new() };
    let mut rows = Vec::new();
    if !reload.errors.is_empty() {
        let ago = span(now.since(reload.at));
        rows.push(titled("reload", cell(format!("refused {ago} ago; nothing was changed"), Tone::Bad)));
    }
    rows.extend(reload.errors.iter().take(MOST_ERRORS).map(|error| titled("", cell(error, Tone::Bad))));
    for (words, what) in [(&reload.pending.service, "the service"), (&reload.pending.lictor, "lictor")] {
        if !words.is_empty() {
            let words = words.join(", ");
            rows.push(titled("pending", cell(format!("{words}: at the next start of {what}"), Tone::Warn)));
        }
    }
    rows
}

fn candidate(board: &Board, now: Moment) -> Vec<Vec<Cell>> {
    let Some(candidate) = &board.candidate else { return Vec::new() };
    let step = words::step(candidate.step);
    let since = span(now.since(candidate.since));
    let deadline =
        candidate.deadline.map(|deadline| format!(", {} left", span(deadline.since(now)))).unwrap_or_default();
    let mut rows = vec![titled("candidate", plain(format!("{} {step}, for {since}{deadline}", candidate.fingerprint)))];
    if !candidate.keys.is_empty() {
        rows.push(titled("changes", plain(listed(&candidate.keys, MOST_KEYS))));
    }
    rows
}

fn check_row(check: &CheckPicture, now: Moment) -> Vec<Cell> {
    let tone = match (check.state, check.role) {
        (CheckState::Passing, _) => Tone::Good,
        (CheckState::Failing, Role::Startup | Role::Readiness | Role::Liveness) => Tone::Bad,
        (CheckState::Failing, Role::Info) | (CheckState::Unknown, _) => Tone::Warn,
    };
    let latency = check.latency_ms.map_or_else(|| "-".to_owned(), |millis| format!("{millis:.1}ms"));
    vec![
        plain(&check.name),
        cell(&check.word, tone),
        cell(words::role(check.role), Tone::Dim),
        plain(format!("for {}", span(now.since(check.since)))),
        plain(latency),
        cell(check.why.as_deref().unwrap_or_default(), tone),
    ]
}

fn source_row(source: &SourceReport, now_unix_ms: u64) -> Vec<Cell> {
    let freshness = &source.freshness;
    let age = |unix_ms: u64| span(Duration::from_millis(now_unix_ms.saturating_sub(unix_ms)));
    let keys = source.keys.map_or_else(|| "no answer yet".to_owned(), |keys| counted(keys as u64, "key"));
    let heard = freshness.contact_unix_ms.map(|heard| format!("heard {} ago", age(heard))).unwrap_or_default();
    let (trouble, tone) = match (freshness.failing_since_unix_ms, freshness.warnings.first()) {
        (Some(since), _) => {
            let why = freshness.error.as_deref().unwrap_or("unknown error");
            (format!("failing for {}: {why}", age(since)), Tone::Bad)
        }
        (None, Some(warning)) => (warning.clone(), Tone::Warn),
        (None, None) => (String::new(), Tone::Plain),
    };
    vec![plain(&source.name), plain(keys), plain(heard), cell(trouble, tone)]
}

fn titled(title: &str, content: Cell) -> Vec<Cell> {
    vec![cell(title, Tone::Dim), content]
}

/// A length of time in its two largest units: `3d 4h`, `5m 2s`, `450ms`.
pub(in super::super) fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes, seconds % 60) {
        (0, 0, 0, 0) => format!("{}ms", length.as_millis()),
        (0, 0, 0, seconds) => format!("{seconds}s"),
        (0, 0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (0, hours, minutes, _) => format!("{hours}h {minutes}m"),
        (days, hours, ..) => format!("{days}d {hours}h"),
    }
}
