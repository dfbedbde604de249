//! `/health` for Consul's HTTP check, and `/live` and `/ready` for one role each: text, one line for each check.
//!
//! Consul keeps the last 4096 bytes of a body, so the important lines are at the end.

use hyper::StatusCode;

use super::reply::{Answer, text};
use crate::line::{fitting, one_line};
use crate::machine::board::{Board, CheckPicture, CheckState, Phase, words};
use crate::machine::policy::Role;

/// The largest body, in bytes: Consul keeps one more.
const LARGEST: usize = 4095;
/// The longest line, in characters; with four bytes each it still fits.
const LONGEST_LINE: usize = 500;

/// `?warn`: how trouble is reported that leaves the service in traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Only in the text.
    Mentioned,
    /// By 429, which Consul counts as a warning.
    Warned,
}

/// The whole health: 200 while readiness holds, else 503.
pub(super) fn health(board: &Board, trouble: Trouble) -> Answer {
    let mut lines: Vec<String> = board.checks.iter().map(line).collect();
    if board.phase != Phase::Up || lines.is_empty() {
        lines.push(service_line(board));
    }
    lines.extend(board.config.message.as_ref().map(|message| format!("Config: {message}")));
    let troubled = board.config.message.is_some()
        || board.checks.iter().any(|check| check.role == Role::Info && check.state == CheckState::Failing);
    let status = match (board.ready, trouble) {
        (false, _) => StatusCode::SERVICE_UNAVAILABLE,
        (true, Trouble::Warned) if troubled => StatusCode::TOO_MANY_REQUESTS,
        (true, Trouble::Warned | Trouble::Mentioned) => StatusCode::OK,
    };
    page(status, &lines)
}

/// Whether the service should get traffic.
pub(super) fn ready(board: &Board) -> Answer {
    role(board, board.ready, &[Role::Startup, Role::Readiness])
}

/// Whether the service is alive.
pub(super) fn live(board: &Board) -> Answer {
    role(board, board.live, &[Role::Liveness])
}

fn role(board: &Board, holds: bool, roles: &[Role]) -> Answer {
    let mut lines: Vec<String> = board.checks.iter().filter(|check| roles.contains(&check.role)).map(line).collect();
    if board.phase != Phase::Up || lines.is_empty() {
        lines.push(service_line(board));
    }
    page(if holds { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &lines)
}

/// `Database: Bad (connection refused, 3ms)`.
fn line(check: &CheckPicture) -> String {
    let latency =
        check.latency_ms.map(|millis| if millis < 10.0 { format!("{millis:.1}ms") } else { format!("{millis:.0}ms") });
    let why = check.why.as_deref().map(|why| one_line(why, LONGEST_LINE / 2).into_owned());
    let details: Vec<String> = why.into_iter().chain(latency).collect();
    if details.is_empty() {
        format!("{}: {}", check.name, check.word)
    } else {
        format!("{}: {} ({})", check.name, check.word, details.join(", "))
    }
}

fn service_line(board: &Board) -> String {
    if board.phase == Phase::Up { "service: up".to_owned() } else { format!("service: {}", words::unhealthy(board)) }
}

fn page(status: StatusCode, lines: &[String]) -> Answer {
    let lines: Vec<String> = lines.iter().map(|line| one_line(line, LONGEST_LINE).into_owned()).collect();
    let first = lines.len() - fitting(&lines, LARGEST);
    let body: String = lines[first..].iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    text(status, body)
}
