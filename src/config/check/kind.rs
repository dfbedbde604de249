//! The kinds of check, each its own block inside `check {}`.

use super::http;
use crate::check::{Command, Kind, Tcp};
use crate::config::section::Section;
use crate::config::{address, exec, value};

/// Every kind that has a name, served or not.
const KINDS: [&str; 8] = ["http", "tcp", "command", "grpc", "postgres", "mysql", "redis", "sqs"];

/// Reads the one kind that is given.
pub(super) fn read(section: &mut Section<'_>) -> Option<Kind> {
    match KINDS.iter().filter(|kind| section.has(kind)).count() {
        0 => section.wrong("has nothing to probe: write an http {}, tcp {} or command {} block in it"),
        1 => {}
        _ => section.wrong("probes two things: write a check for each"),
    }
    let http = section.within("http", http::read).flatten();
    let tcp = section.within("tcp", tcp).flatten();
    let command = section.within("command", command).flatten();
    http.or(tcp).or(command)
}

fn tcp(section: &mut Section<'_>) -> Option<Kind> {
    section.needed("address", value::parsed(address::host_port)).map(|address| Kind::Tcp(Tcp { address }))
}

fn command(section: &mut Section<'_>) -> Option<Kind> {
    let (program, arguments) = exec::program(section.needed("command", exec::words)?);
    Some(Kind::Command(Command { program, arguments }))
}
