//! `check "Label" {}`: what is probed, how often, and what it means.

mod database;
mod grpc;
mod http;
mod kind;
mod sqs;
mod tcp;
mod tls;

use crate::config::reference::{Block, Type, attribute};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use crate::check::{Kind, Spec, TlsMode};
use crate::config::read::report::Finding;
use crate::config::read::section::Section;
use crate::config::read::tree::Node;
use crate::config::read::value;
use crate::listen;
use crate::machine::policy::{CheckRule, Role};

pub(crate) static BLOCK: Block = Block::new(
    "check",
    "A check of the service's health. Its label is its name in `/status`. Exactly one of the blocks below says what is probed.",
)
.labelled("Web")
.attributes(&[
    attribute("interval", Type::Duration, "10s", "The time from one probe to the next.").default("5s"),
    attribute("timeout", Type::Duration, "1s", "After this long a probe has failed.").default("2s"),
    attribute("rise", Type::Count("probes"), "2", "The check passes after this many good probes in a row.").default("1"),
    attribute("fall", Type::Count("probes"), "5", "The check fails after this many bad probes in a row.").default("3"),
    attribute(
        "role",
        Type::OneOf(&["startup", "readiness", "liveness", "info"]),
        "info",
        "What a failure means. `startup`: the service has not started yet. `readiness`: it is not ready, and a change on \
         trial does not become good. `liveness`: it is restarted. `info`: it is shown and changes nothing.",
    )
    .default("readiness"),
    attribute("good", Type::Text, "Good", "The word in `/status` while it passes.").default("Healthy"),
    attribute("bad", Type::Text, "Bad", "The word in `/status` while it fails.").default("Unhealthy"),
])
.choosing(&[
    &http::BLOCK,
    &tcp::BLOCK,
    &kind::COMMAND,
    &grpc::BLOCK,
    &database::POSTGRES,
    &database::MYSQL,
    &database::REDIS,
    &sqs::BLOCK,
]);

/// The fields of `/status` that a check may not be named like.
const RESERVED: &[&str] = &["version", "Config"];

/// The most checks: more than anybody can read on one page.
const MAX_CHECKS: usize = 256;

const ROLES: &[(&str, Role)] =
    &[("startup", Role::Startup), ("readiness", Role::Readiness), ("liveness", Role::Liveness), ("info", Role::Info)];

/// The shortest interval: more frequent probes would be a load test.
const LEAST_INTERVAL: Duration = Duration::from_millis(10);

/// Reads every check, in the order of writing.
pub(crate) fn read_all(root: &mut Section<'_>, held: &[listen::Spec]) -> Vec<Spec> {
    let mut checks = Vec::new();
    let mut labels = BTreeSet::new();
    root.each_labelled("check", |label, section| {
        if let Some(sentence) = unfit(label) {
            section.wrong(sentence);
        }
        if !labels.insert(label.to_owned()) {
            section.wrong("this label is used twice: each check needs its own");
        }
        if labels.len() == MAX_CHECKS + 1 {
            section.wrong(&format!("there are more than {MAX_CHECKS} checks"));
        }
        let check = read(label, section);
        if check.as_ref().is_some_and(|check| held.iter().any(|held| says_nothing_of(check, held))) {
            section.wrong(
                "it would always pass: lictor itself holds this address (`listen`), so connections come about without the \
                 service; use http or grpc, or have it `expect` something",
            );
        }
        checks.extend(check);
    });
    checks
}

fn read(label: &str, section: &mut Section<'_>) -> Option<Spec> {
    let kind = kind::read(section);
    let interval = section.read("interval", value::duration_from(LEAST_INTERVAL));
    let timeout = section.read("timeout", value::duration_from(Duration::from_millis(1)));
    let rule = CheckRule {
        name: label.to_owned(),
        role: section.read("role", value::one_of(ROLES)).unwrap_or(Role::Readiness),
        rise: section.read("rise", value::count(1)).unwrap_or(1),
        fall: section.read("fall", value::count(1)).unwrap_or(3),
        good: section.read("good", word).unwrap_or_else(|| "Healthy".to_owned()),
        bad: section.read("bad", word).unwrap_or_else(|| "Unhealthy".to_owned()),
    };
    if rule.good == rule.bad {
        section.wrong("`good` and `bad` are the same word: nobody could tell the two apart");
    }
    Some(Spec {
        rule,
        kind: kind?,
        interval: interval.unwrap_or(Duration::from_secs(5)),
        timeout: timeout.unwrap_or(Duration::from_secs(2)),
    })
}

/// Whether a check only opens a connection, and does so to a socket that lictor holds, which always accepts one.
fn says_nothing_of(check: &Spec, held: &listen::Spec) -> bool {
    let (Kind::Tcp(tcp), listen::Address::Tcp(held)) = (&check.kind, &held.address) else { return false };
    let Some((host, port)) = tcp.address.rsplit_once(':') else { return false };
    let there = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(host) => host == held.ip() || held.ip().is_unspecified(),
        Err(_) => held.ip().is_unspecified() || (host == "localhost" && held.ip().is_loopback()),
    };
    there && port.parse() == Ok(held.port()) && tcp.expect.is_none() && tcp.tls == TlsMode::Disable
}

fn unfit(label: &str) -> Option<&'static str> {
    if RESERVED.contains(&label) {
        return Some("this label is reserved: \"version\" and \"Config\" have their own line in /status");
    }
    (!shows_well(label)).then_some("a label is 1 to 64 printable characters")
}

/// A word for the status: short, and on one line.
fn word(node: &Node) -> Result<String, Finding> {
    let text = value::text(node)?;
    if shows_well(&text) { Ok(text) } else { Err(node.wrong("expected 1 to 64 printable characters")) }
}

fn shows_well(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= 64 && !text.chars().any(char::is_control)
}
