//! The kinds of check, each its own block inside `check {}`.

use super::{grpc, http, redis, sql, sqs, tcp};
use crate::check::{Command, Kind};
use crate::config::exec;
use crate::config::section::Section;

/// Every kind that has a name, served or not.
const KINDS: [&str; 8] = ["http", "tcp", "command", "grpc", "postgres", "mysql", "redis", "sqs"];

/// Kinds that are there only if they are built in.
const FEATURES: &[(&str, bool)] = &[
    ("postgres", cfg!(feature = "postgres")),
    ("mysql", cfg!(feature = "mysql")),
    ("redis", cfg!(feature = "redis")),
    ("sqs", cfg!(feature = "sqs")),
    ("grpc", cfg!(feature = "grpc")),
];

/// Reads the one kind that is given.
pub(super) fn read(section: &mut Section<'_>) -> Option<Kind> {
    match KINDS.iter().filter(|kind| section.has(kind)).count() {
        0 => section.wrong("has nothing to probe: write an http {}, tcp {}, postgres {} or another such block in it"),
        1 => {}
        _ => section.wrong("probes two things: write a check for each"),
    }
    for (kind, built_in) in FEATURES {
        if !built_in && section.has(kind) {
            section.wrong(&format!("this lictor was built without {kind} {{}}: build it with `--features {kind}`"));
        }
    }
    let http = section.within("http", http::read).flatten();
    let tcp = section.within("tcp", tcp::read).flatten().map(Kind::Tcp);
    let command = section.within("command", command).flatten();
    let postgres = section.within("postgres", sql::postgres).flatten().map(Kind::Postgres);
    let mysql = section.within("mysql", sql::mysql).flatten().map(Kind::Mysql);
    let redis = section.within("redis", redis::read).flatten().map(Kind::Redis);
    let sqs = section.within("sqs", sqs::read).flatten().map(Kind::Sqs);
    let grpc = section.within("grpc", grpc::read).flatten().map(Kind::Grpc);
    http.or(tcp).or(command).or(postgres).or(mysql).or(redis).or(sqs).or(grpc)
}

fn command(section: &mut Section<'_>) -> Option<Kind> {
    let (program, arguments) = exec::program(section.needed("command", exec::words)?);
    Some(Kind::Command(Command { program, arguments }))
}
