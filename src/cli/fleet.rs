//! `lictor fleet`: all instances of a service, and what concerns all of them, from Consul alone.

use std::fmt::Write as _;
use std::io::Write;

use super::args::{Fleet, FleetVerb};
use crate::config::{self, Flags, Inputs};
use crate::consul::Connection;
use crate::exit;
use crate::fleet::layout::FleetHold;
use crate::fleet::operator::{Halt, Operator, Picture};

/// Where every host's agent is.
const ADDRESS: &str = "127.0.0.1:8500";

/// Shows the fleet, or does what is asked. Returns the exit code: 0; 1 if there was nothing to do; 2 for wrong usage; 69 if
/// Consul does not answer; 78 for a configuration that is wrong.
pub async fn run(options: &Fleet, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let (connection, prefix) = match place(options) {
        Ok(place) => place,
        Err((sentence, code)) => {
            let _ = writeln!(err, "{sentence}");
            return code;
        }
    };
    match perform(options, &connection, &prefix).await {
        Ok((text, code)) => {
            // A reader that is gone needs no answer.
            let _ = out.write_all(text.as_bytes());
            code
        }
        Err(error) => {
            let _ = writeln!(err, "lictor: {}", error.sentence());
            exit::UNAVAILABLE
        }
    }
}

/// Which Consul, and which folder of it.
fn place(options: &Fleet) -> Result<(Connection, String), (String, u8)> {
    let lookup = |name: &str| std::env::var(name).ok();
    let named = options.name.as_ref().or(options.service.as_ref()).map(|name| format!("lictor/{name}/"));
    let given = options.prefix.as_ref().map(|prefix| format!("{}/", prefix.trim_end_matches('/'))).or(named);
    if options.config.is_empty() {
        let usage =
            "lictor: say which fleet: its service's NAME, --prefix, or -c with a configuration that has fleet {}";
        let prefix = given.ok_or_else(|| (usage.to_owned(), exit::USAGE))?;
        let connection = Connection::from_env(Connection::at(ADDRESS), &lookup);
        let connection = connection.map_err(|error| (format!("lictor: {}", error.sentence()), exit::CONFIGURATION))?;
        return Ok((connection, prefix));
    }
    let inputs = Inputs { paths: &options.config, flags: &Flags::default(), command: &[], lookup: &lookup };
    let (settings, _) = config::load(inputs).map_err(|errors| (errors.to_string(), exit::CONFIGURATION))?;
    let without = "lictor: this configuration has no fleet {}";
    let prefix = given.or_else(|| settings.fleet.map(|fleet| fleet.prefix));
    Ok((settings.consul, prefix.ok_or_else(|| (without.to_owned(), exit::NO))?))
}

async fn perform(options: &Fleet, connection: &Connection, prefix: &str) -> Result<(String, u8), crate::consul::Error> {
    let operator = Operator::new(connection, prefix)?;
    Ok(match &options.verb {
        None => {
            let picture = operator.look().await?;
            let text = if options.json { json(&picture) } else { render(&picture, &operator.folder()) };
            (text, if picture.instances.is_empty() { exit::NO } else { exit::OK })
        }
        Some(FleetVerb::Hold { reason }) => {
            let by = std::env::var("USER").unwrap_or_default();
            operator.hold(&by, &reason.join(" ")).await?;
            ("the whole fleet is held: nobody restarts for config until `lictor fleet unhold`\n".to_owned(), exit::OK)
        }
        Some(FleetVerb::Unhold) => {
            operator.unhold().await?;
            ("the fleet's hold is over\n".to_owned(), exit::OK)
        }
        Some(FleetVerb::Release { change }) => {
            let released = operator.release(change.as_deref()).await?;
            let mut text = String::new();
            for halt in &released {
                // Writing to a string does not fail.
                let _ = writeln!(text, "released {}", shown(halt));
            }
            if released.is_empty() {
                text.push_str("nothing is halted\n");
            }
            (text, if released.is_empty() { exit::NO } else { exit::OK })
        }
    })
}

fn json(picture: &Picture) -> String {
    serde_json::to_string_pretty(picture).map(|text| text + "\n").unwrap_or_default()
}

fn render(picture: &Picture, folder: &str) -> String {
    let header = ["NODE", "ID", "VERSION", "PHASE", "CONFIG", "STATE", ""].map(str::to_owned);
    let row = |record: &crate::fleet::InstanceRecord| {
        let shown = &record.shown;
        let phase = if shown.healthy { shown.phase.clone() } else { format!("{}, not healthy", shown.phase) };
        [
            record.member.node.clone(),
            record.member.id.clone(),
            shown.version.clone().unwrap_or_else(|| "unknown".into()),
            phase,
            shown.config.as_ref().map_or_else(|| "-".into(), |mark| mark.as_str().to_owned()),
            shown.state.clone(),
            shown.note.clone().unwrap_or_default(),
        ]
        .map(|cell| cell.chars().filter(|character| !character.is_control()).collect::<String>())
    };
    let rows: Vec<[String; 7]> = std::iter::once(header).chain(picture.instances.iter().map(row)).collect();
    let mut text = String::new();
    for cells in &rows {
        let mut line = String::new();
        for (column, cell) in cells.iter().enumerate() {
            let width = rows.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
            // Writing to a string does not fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if picture.instances.is_empty() {
        text = format!("no instance has a record in {folder}\n");
    }
    for mark in &picture.out {
        let _ = writeln!(text, "out for config: {}", mark.member);
    }
    for halt in &picture.halts {
        let _ = writeln!(text, "halted: {}", shown(halt));
    }
    if let Some(FleetHold { reason, by, .. }) = &picture.hold {
        let by = if by.is_empty() { "an operator" } else { by };
        let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let _ = writeln!(text, "held as a whole by {by}{why}");
    }
    for key in &picture.foreign {
        let _ = writeln!(text, "no lictor wrote {folder}{key}");
    }
    text
}

fn shown(halt: &Halt) -> String {
    format!("change {}, taken back by {}: {}", halt.change, halt.by, halt.reason)
}
