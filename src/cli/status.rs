//! `lictor status`: what runs here, for people.

mod render;

use std::io::Write;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;

use super::client::{Client, ClientError};
use super::follow::{self, Follow, GRACE, Options};
use super::locate::{NotLocated, Target};
use super::paint::Form;
use crate::exit;
use crate::machine::{Board, Moment};
pub(super) use render::{render, span};

/// How long the status port may take.
const SOON: Duration = Duration::from_secs(2);
/// How often ages are refreshed on a terminal.
const REFRESH: Duration = Duration::from_secs(2);
/// In a pipe, only changes are shown.
const PATIENCE: Duration = Duration::from_mins(1);

/// The part of a board that the exit code and the next request need; a newer lictor may have added more.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Gist {
    index: u64,
    healthy: bool,
}

#[derive(Debug, Deserialize)]
struct Named {
    service: String,
}

/// Shows the board. Returns the exit code: 0 healthy, 1 not, 69 no lictor answered; what went wrong goes to `err`.
pub(super) async fn run(options: &Options, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match show(options, out, err).await {
        Ok(Gist { healthy: true, .. }) => exit::OK,
        Ok(_) => exit::NO,
        Err(error) => {
            let _ = writeln!(err, "lictor: {error}");
            error.exit_code()
        }
    }
}

/// Shows the board as often as asked and returns the last one.
async fn show(options: &Options, out: &mut dyn Write, err: &mut dyn Write) -> Result<Gist, ClientError> {
    let (client, mut body) = first(&options.target, err).await?;
    let mut shown = None;
    let redraws = matches!(options.form, Form::Text(paint) if paint.is_ansi());
    let wait = if redraws { REFRESH } else { PATIENCE };
    loop {
        let board: Gist = serde_json::from_slice(&body).map_err(|error| client.strange(&error))?;
        // If the wait ends without a change, there is nothing new for a pipe.
        if wait == REFRESH || shown != Some(board.index) {
            let text = text(options, body).map_err(|error| client.strange(&error))?;
            let written = out.write_all(&text).and_then(|()| out.flush());
            // If the output is closed, it ends, like any program in a pipe.
            if written.is_err() || options.follow == Follow::Once {
                return Ok(board);
            }
        }
        shown = Some(board.index);
        let path = format!("/board?index={}&wait={}s", board.index, wait.as_secs());
        body = match client.read(&path, wait + GRACE).await {
            Err(error) if error.may_pass() => {
                // The next lictor numbers its boards from the beginning.
                shown = None;
                follow::again(&client, "/board", &error, err).await?
            }
            answered => answered?,
        };
    }
}

/// The first answer, and the lictor that gave it. A user who may not use the socket is answered by the status port, if
/// that has its default address.
async fn first(target: &Target, err: &mut dyn Write) -> Result<(Client, Vec<u8>), ClientError> {
    let asked = async {
        let client = Client::find(target).await?;
        let body = client.read("/board", GRACE).await?;
        Ok((client, body))
    };
    let denied = match asked.await {
        Err(error) if target.socket.is_none() => error,
        answered => return answered,
    };
    let meant = match &denied {
        ClientError::Denied { socket } => socket.file_stem().map(|name| name.to_string_lossy().into_owned()),
        ClientError::NotLocated(NotLocated::None { .. } | NotLocated::NoneOf { .. }) => target.name.clone(),
        _ => return Err(denied),
    };
    let port = async {
        let client = Client::of_port(target.port)?;
        let body = client.read("/board", SOON).await?;
        let board: Named = serde_json::from_slice(&body).map_err(|error| client.strange(&error))?;
        let is_meant = meant.is_none_or(|meant| meant == board.service);
        if is_meant { Ok((client, body)) } else { Err(client.strange(&"it is the lictor of another service")) }
    };
    let Ok(answered) = port.await else { return Err(denied) };
    let _ = writeln!(
        err,
        "lictor: {denied}; the status port {} answers in its place: verbs, history and plan are not served there",
        target.port
    );
    Ok(answered)
}

fn text(options: &Options, body: Vec<u8>) -> Result<Vec<u8>, serde_json::Error> {
    let Form::Text(paint) = options.form else { return Ok([body, b"\n".to_vec()].concat()) };
    let board: Board = serde_json::from_slice(&body)?;
    Ok(follow::page(render(&board, now(), paint.resized()), options.follow, paint).into_bytes())
}

/// The present time by the clock of the board's moments.
fn now() -> Moment {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let millis = u64::try_from(time.tv_nsec / 1_000_000).unwrap_or_default();
    Moment(seconds.saturating_mul(1000).saturating_add(millis))
}

#[cfg(test)]
mod tests;
