//! The kinds of check, each its own block inside `check {}`.

use super::{http, sqs};
use crate::check::{Command, Kind, Tcp};
use crate::config::section::Section;
use crate::config::{address, exec, value};

/// Every kind that has a name, served or not.
const KINDS: [&str; 8] = ["http", "tcp", "command", "grpc", "postgres", "mysql", "redis", "sqs"];

/// Kinds that may be left out when lictor is built, by their features.
const FEATURES: [(&str, Built); 2] = [
    ("sqs", if cfg!(feature = "sqs") { Built::In } else { Built::Out }),
    ("grpc", if cfg!(feature = "grpc") { Built::In } else { Built::Out }),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Built {
    In,
    Out,
}

/// Reads the one kind that is given.
pub(super) fn read(section: &mut Section<'_>) -> Option<Kind> {
    match KINDS.iter().filter(|kind| section.has(kind)).count() {
        0 => section.wrong("has nothing to probe: write an http {}, tcp {} or command {} block in it"),
        1 => {}
        _ => section.wrong("probes two things: write a check for each"),
    }
    for (kind, built) in FEATURES {
        if built == Built::Out && section.has(kind) {
            section.wrong(&format!("this lictor is built without `{kind}`: build it with the cargo feature {kind}"));
        }
    }
    let http = section.within("http", http::read).flatten();
    let tcp = section.within("tcp", tcp).flatten();
    let command = section.within("command", command).flatten();
    let sqs = section.within("sqs", sqs::read).flatten();
    http.or(tcp).or(command).or(sqs)
}

fn tcp(section: &mut Section<'_>) -> Option<Kind> {
    section.needed("address", value::parsed(address::host_port)).map(|address| Kind::Tcp(Tcp { address }))
}

fn command(section: &mut Section<'_>) -> Option<Kind> {
    let (program, arguments) = exec::program(section.needed("command", exec::words)?);
    Some(Kind::Command(Command { program, arguments }))
}
