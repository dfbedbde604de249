//! `lictor status`: what is live here, as a person reads it.

mod render;

use std::io::{self, Write};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::client::{Client, ClientError, NO};
use super::locate::Target;
use super::paint::Paint;
use crate::machine::{Board, Moment};
pub use render::render;

/// How long one answer may take beyond its wait.
const GRACE: Duration = Duration::from_secs(10);
/// Ages on a terminal are renewed this often.
const REFRESH: Duration = Duration::from_secs(2);
/// A pipe only hears of changes.
const PATIENCE: Duration = Duration::from_mins(1);
/// Home, and everything below gone.
const CLEAR: &str = "\u{1b}[H\u{1b}[J";

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Of whom.
    pub target: Target,
    /// `--json` or not.
    pub form: Form,
    /// `--watch` or not.
    pub follow: Follow,
}

/// How the board is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text(Paint),
    /// The board itself, one line.
    Json,
}

/// How often it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// Once.
    Once,
    /// At every change, until lictor or the reader goes away.
    Watch,
}

/// Shows the board. Returns the exit code: 0 healthy, 1 not, 69 no lictor answered; what went wrong goes to `err`.
pub async fn run(options: &Options, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match show(options, out).await {
        Ok(board) if board.healthy => 0,
        Ok(_) => NO,
        Err(error) => {
            let _ = writeln!(err, "lictor: {error}");
            error.exit_code()
        }
    }
}

/// Shows the board as often as asked and returns the last one.
async fn show(options: &Options, out: &mut dyn Write) -> Result<Board, ClientError> {
    let client = Client::find(&options.target).await?;
    let (mut board, mut raw) = read(&client, "/board", GRACE).await?;
    let wait = if options.form == Form::Text(Paint::Ansi) { REFRESH } else { PATIENCE };
    loop {
        // A reader that is gone ends it, as it does any program in a pipe.
        if write(options, &board, &raw, out).is_err() || options.follow == Follow::Once {
            return Ok(board);
        }
        let shown = board.index;
        while board.index == shown {
            let path = format!("/board?index={shown}&wait={}s", wait.as_secs());
            (board, raw) = read(&client, &path, wait + GRACE).await?;
            if wait == REFRESH {
                break;
            }
        }
    }
}

async fn read(client: &Client, path: &str, timeout: Duration) -> Result<(Board, Vec<u8>), ClientError> {
    let answer = client.get(path, timeout).await?;
    if answer.status != 200 {
        return Err(client.strange(&format!("status {} for {path}", answer.status)));
    }
    let board = serde_json::from_slice(&answer.body).map_err(|error| client.strange(&error))?;
    Ok((board, answer.body))
}

fn write(options: &Options, board: &Board, raw: &[u8], out: &mut dyn Write) -> io::Result<()> {
    match (options.form, options.follow) {
        (Form::Json, _) => {
            out.write_all(raw)?;
            out.write_all(b"\n")?;
        }
        (Form::Text(paint), Follow::Once) => out.write_all(render(board, now(), paint).as_bytes())?,
        (Form::Text(Paint::Ansi), Follow::Watch) => {
            write!(out, "{CLEAR}{}", render(board, now(), Paint::Ansi))?;
        }
        (Form::Text(Paint::Plain), Follow::Watch) => writeln!(out, "{}", render(board, now(), Paint::Plain))?,
    }
    out.flush()
}

/// The clock that the board's moments are of.
fn now() -> Moment {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let millis = u64::try_from(time.tv_nsec / 1_000_000).unwrap_or_default();
    Moment(seconds.saturating_mul(1000).saturating_add(millis))
}

#[cfg(test)]
mod tests;
