//! The kinds of check, each its own block inside `check {}`.

use super::{database, grpc, http, sqs, tcp};
use crate::check::{Command, Kind};
use crate::config::blocks::exec;
use crate::config::read::section::Section;
use crate::config::reference::{Block, Type, attribute};

pub(super) static COMMAND: Block = Block::new(
    "command",
    "Runs a program as the service's user. Exit status 0 passes, 1 is a warning and passes too, and any other fails.",
)
.attributes(&[attribute(
    "command",
    Type::Command,
    "[\"/usr/local/bin/check_disk\", \"/var\"]",
    "The program and its arguments; no shell is involved.",
)
.needed()]);

/// How the block of one kind is read.
type Read = fn(&mut Section<'_>) -> Option<Kind>;

/// Whether a kind is built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Built {
    In,
    Out,
}

const fn feature(is_on: bool) -> Built {
    if is_on { Built::In } else { Built::Out }
}

/// Every kind: its word, whether it is built in, and how it is read.
const KINDS: [(&str, Built, Read); 8] = [
    ("http", Built::In, |section| http::read(section).map(Box::new).map(Kind::Http)),
    ("tcp", Built::In, |section| tcp::read(section).map(Kind::Tcp)),
    ("command", Built::In, |section| command(section).map(Kind::Command)),
    ("postgres", feature(cfg!(feature = "postgres")), |section| database::postgres(section).map(Kind::Postgres)),
    ("mysql", feature(cfg!(feature = "mysql")), |section| database::mysql(section).map(Kind::Mysql)),
    ("redis", feature(cfg!(feature = "redis")), |section| database::redis(section).map(Kind::Redis)),
    ("sqs", feature(cfg!(feature = "sqs")), |section| sqs::read(section).map(Kind::Sqs)),
    ("grpc", feature(cfg!(feature = "grpc")), |section| grpc::read(section).map(Kind::Grpc)),
];

/// Reads the one kind that is given.
pub(super) fn read(section: &mut Section<'_>) -> Option<Kind> {
    match KINDS.iter().filter(|(word, ..)| section.has(word)).count() {
        0 => section.wrong("has nothing to probe: write an http {}, tcp {}, postgres {} or another such block in it"),
        1 => {}
        _ => section.wrong("probes two things: write a check for each"),
    }
    let mut kind = None;
    for (word, built, read) in KINDS {
        if built == Built::Out && section.has(word) {
            section.wrong(&format!("this lictor was built without {word} {{}}: build it with `--features {word}`"));
        }
        let given = section.within(word, read).flatten();
        kind = kind.or(given);
    }
    kind
}

fn command(section: &mut Section<'_>) -> Option<Command> {
    let (program, arguments) = exec::program(section.needed("command", exec::words)?);
    Some(Command { program, arguments })
}
