//! `lictor fleet`: all instances of a service, and what concerns all of them, from Consul alone.

mod history;
mod render;
mod validate;

use std::fmt::Write as _;
use std::io::Write;
use std::time::Duration;

use super::args::{Fleet, FleetVerb};
use super::follow::{self, Follow};
use super::paint::{Form, Paint};
use super::status::span;
use crate::config::{self, Flags, Inputs};
use crate::consul::{Connection, Error};
use crate::exit;
use crate::fleet::operator::{Operator, Picture};
use render::{halted, render, total};

/// Where every host's agent is.
const ADDRESS: &str = "127.0.0.1:8500";
/// On a terminal, ages are renewed this often.
const REFRESH: Duration = Duration::from_secs(2);
/// In a pipe, only changes are shown.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which fleet is meant.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) connection: Connection,
    /// Its folder; `None`: every fleet that has one.
    pub(super) prefix: Option<String>,
    /// The service's name in the catalog, as far as it was said.
    service: Option<String>,
}

/// Shows the fleet, or does what is asked. Returns the exit code: 0; 1 if there was nothing to do; 2 for wrong usage; 69 if
/// Consul does not answer; 78 for a configuration that is wrong.
pub(super) async fn run(options: &Fleet, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let done = match place(options) {
        Ok(place) => perform(options, &place, out, err).await,
        Err((sentence, code)) => {
            let _ = writeln!(err, "{sentence}");
            return code;
        }
    };
    done.unwrap_or_else(|error| {
        let _ = writeln!(err, "lictor: {}", error.sentence());
        exit::UNAVAILABLE
    })
}

/// Which Consul, and which folder of it.
pub(super) fn place(options: &Fleet) -> Result<Place, (String, u8)> {
    let lookup = |name: &str| std::env::var(name).ok();
    let service = options.name.as_ref().or(options.service.as_ref());
    let named = service.map(|name| format!("lictor/{name}/"));
    let given = options.prefix.as_ref().map(|prefix| format!("{}/", prefix.trim_end_matches('/'))).or(named);
    if options.config.is_empty() {
        let connection = Connection::from_env(Connection::at(ADDRESS), &lookup);
        let connection = connection.map_err(|error| (format!("lictor: {}", error.sentence()), exit::CONFIGURATION))?;
        return Ok(Place { connection, prefix: given, service: service.cloned() });
    }
    let inputs = Inputs { paths: &options.config, flags: &Flags::default(), command: &[], lookup: &lookup };
    let (settings, _) = config::load(inputs).map_err(|errors| (errors.to_string(), exit::CONFIGURATION))?;
    let without = "lictor: this configuration has no fleet {}";
    let of_fleet = settings.fleet.as_ref();
    let service = service.cloned().or_else(|| of_fleet.map(|fleet| fleet.service.clone()));
    let prefix = given.or_else(|| of_fleet.map(|fleet| fleet.prefix.clone()));
    let prefix = Some(prefix.ok_or_else(|| (without.to_owned(), exit::NO))?);
    Ok(Place { connection: settings.consul, prefix, service })
}

async fn perform(options: &Fleet, place: &Place, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let Some(prefix) = &place.prefix else {
        if options.verb.is_some() {
            let which =
                "lictor: say which fleet: its service's NAME, --prefix, or -c with a configuration that has fleet {}";
            let _ = writeln!(err, "{which}");
            return Ok(exit::USAGE);
        }
        return all(options, &place.connection, out).await;
    };
    let operator = Operator::new(&place.connection, prefix)?;
    let (text, code) = match &options.verb {
        None => return show(options, &operator, out).await,
        Some(FleetVerb::Hold { reason, length }) => {
            let by = std::env::var("USER").unwrap_or_default();
            operator.hold(&by, &reason.join(" "), *length).await?;
            let end = length.map_or_else(String::new, |length| format!(", or until {} are over", span(length)));
            let held = "the whole fleet is held: no instance restarts for config until `lictor fleet unhold`";
            (format!("{held}{end}\n"), exit::OK)
        }
        Some(FleetVerb::Unhold) => {
            operator.unhold().await?;
            ("the fleet's hold is over\n".to_owned(), exit::OK)
        }
        Some(FleetVerb::Release { change }) => released(&operator, change.as_deref()).await?,
        Some(FleetVerb::History { number, json }) => {
            let form = if *json { Form::Json } else { Form::Text(Paint::for_screen()) };
            let (records, foreign) = operator.histories().await?;
            happened(&history::Kept { records, foreign, promotions: operator.promotions().await? }, *number, form)
        }
        Some(FleetVerb::Validate { version, expect, timeout }) => {
            let last = |prefix: &str| prefix.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
            let question = validate::Question {
                service: place.service.clone().unwrap_or_else(|| last(prefix)),
                version: version.clone(),
                expect: *expect,
            };
            return Ok(validate::run(&operator, &question, *timeout, out).await);
        }
    };
    // A reader that is gone needs no answer.
    let _ = out.write_all(text.as_bytes());
    Ok(code)
}

/// What happened on every host, and what was promoted: lines for people, or an object for each.
fn happened(kept: &history::Kept, most: Option<usize>, form: Form) -> (String, u8) {
    let lines = history::merged(kept, most);
    let text = match form {
        Form::Json => lines.iter().map(|line| line.object() + "\n").collect(),
        Form::Text(_) if lines.is_empty() => "no instance has kept a history here\n".to_owned(),
        Form::Text(paint) => history::render(&lines, paint),
    };
    (text, if lines.is_empty() { exit::NO } else { exit::OK })
}

async fn released(operator: &Operator, change: Option<&str>) -> Result<(String, u8), Error> {
    let released = operator.release(change).await?;
    let mut text = String::new();
    for halt in &released {
        // Writing to a string does not fail.
        let _ = writeln!(text, "released {}", halted(halt));
    }
    if released.is_empty() {
        text.push_str("nothing is halted\n");
    }
    Ok((text, if released.is_empty() { exit::NO } else { exit::OK }))
}

/// One fleet, once or for as long as somebody reads.
async fn show(options: &Fleet, operator: &Operator, out: &mut dyn Write) -> Result<u8, Error> {
    let form = if options.json { Form::Json } else { Form::Text(Paint::for_screen()) };
    let follow = if options.watch { Follow::On } else { Follow::Once };
    let redraws = matches!(form, Form::Text(paint) if paint.is_ansi());
    let wait = if redraws { REFRESH } else { PATIENCE };
    let mut picture = operator.look().await?;
    let mut shown = None;
    loop {
        if wait == REFRESH || shown.as_ref() != Some(&picture) {
            let text = match (form, follow) {
                (Form::Json, Follow::Once) => pretty(&picture),
                (Form::Json, Follow::On) => serde_json::to_string(&picture).unwrap_or_default() + "\n",
                (Form::Text(paint), follow) => {
                    follow::page(render(&picture, &operator.folder(), paint.resized()), follow, paint)
                }
            };
            // A reader that has gone away ends it, as it does any program in a pipe.
            if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() || follow == Follow::Once {
                return Ok(if picture.instances.is_empty() { exit::NO } else { exit::OK });
            }
        }
        let next = again(operator, &picture, wait).await;
        shown = Some(std::mem::replace(&mut picture, next));
    }
}

/// The fleet at the next change: an answer that does not come is waited for.
async fn again(operator: &Operator, picture: &Picture, wait: Duration) -> Picture {
    let mut since = picture.clone();
    loop {
        if let Ok(next) = operator.changed(&since, wait).await {
            return next;
        }
        // The next agent counts anew.
        since.index = 1;
        tokio::time::sleep(REFRESH).await;
    }
}

/// A line for each fleet that has a folder.
async fn all(options: &Fleet, connection: &Connection, out: &mut dyn Write) -> Result<u8, Error> {
    let mut fleets = serde_json::Map::new();
    let mut text = String::new();
    for name in Operator::fleets(connection).await? {
        let picture = Operator::new(connection, &format!("lictor/{name}/"))?.look().await?;
        if picture.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{}: {}", crate::line::one_line(&name, 60), total(&picture));
        fleets.insert(name, serde_json::to_value(&picture).unwrap_or_default());
    }
    let code = if fleets.is_empty() { exit::NO } else { exit::OK };
    if options.json {
        text = pretty(&fleets);
    } else if fleets.is_empty() {
        "no fleet has a record below lictor/; one that has its folder elsewhere is shown by --prefix\n"
            .clone_into(&mut text);
    }
    let _ = out.write_all(text.as_bytes());
    Ok(code)
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).map(|text| text + "\n").unwrap_or_default()
}
