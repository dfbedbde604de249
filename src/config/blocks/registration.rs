//! `registration {}`: how this instance is registered in Consul.

use crate::config::reference::{Attribute, Block, TakenUp, Type, attribute};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::config::read::report::Finding;
use crate::config::read::section::Section;
use crate::config::read::tree::{Node, Value};
use crate::config::read::{address, value};
use crate::registration::{Drain, Service, Settings};

pub(crate) static BLOCK: Block = Block::new(
    "registration",
    "How this instance is registered in Consul, and taken out of traffic before a stop. Without this block lictor does neither.",
)
.attributes(&[
    attribute("id", Type::Text, "payments-1", "The ID of the service at the local agent.").otherwise("`name`"),
    attribute("service", Type::Text, "payments", "The service's name in Consul's catalog.").otherwise("`name`"),
    attribute(
        "port",
        Type::Count("port"),
        "8080",
        "With a port, lictor registers the service, keeps it registered, and deregisters it at a stop. With 0, another program registers it, and lictor only takes it out of traffic and back.",
    )
    .default("0"),
    where_we_register(attribute("address", Type::Text, "10.0.0.5", "Where others reach the service."))
        .otherwise("the address of Consul's agent"),
    where_we_register(attribute("tags", Type::Texts, "[\"http\"]", "The tags of the service.")),
    where_we_register(attribute(
        "meta",
        Type::Pairs,
        "{ team = \"payments\" }",
        "Metadata of the service; `version` and `lictor` are added.",
    )),
    where_we_register(
        attribute("check_interval", Type::Duration, "5s", "How often Consul asks for lictor's `/health`.").default("1s"),
    ),
    where_we_register(
        attribute(
            "deregister_after",
            Type::Duration,
            "1h",
            "Consul deregisters an instance that has been critical for this long, at least `1m`; `0s`: never.",
        )
        .default("10m"),
    ),
])
.taken_up(TakenUp::ByStartOfLictor);

const fn where_we_register(attribute: Attribute) -> Attribute {
    attribute.with("port = 8080")
}

/// The shortest interval that Consul accepts.
const LEAST_INTERVAL: Duration = Duration::from_secs(1);
/// The shortest time that Consul accepts.
const LEAST_AFTER: Duration = Duration::from_mins(1);
/// Consul accepts 64 pairs, and lictor adds two.
const MOST_META: usize = 62;
/// In bytes.
const LONGEST_META: usize = 512;
/// The pairs that lictor adds.
const OURS: [&str; 2] = ["version", "lictor"];

pub(crate) fn read(section: &mut Section<'_>, name: Option<&str>, drain: Drain) -> Option<Settings> {
    let id = section.read("id", value::parsed(word)).or_else(|| name.map(str::to_owned));
    let service = section.read("service", value::parsed(word)).or_else(|| name.map(str::to_owned));
    let port = section.read("port", port).unwrap_or(0);
    if port == 0 {
        only_where_we_register(section);
    }
    let address = section.read("address", value::parsed(reachable)).unwrap_or_default();
    let tags = section.read("tags", value::texts).unwrap_or_default();
    let meta = meta(section);
    let check_interval = section.read("check_interval", value::duration_from(LEAST_INTERVAL)).unwrap_or(LEAST_INTERVAL);
    let deregister_after = section.read("deregister_after", deregister_after).unwrap_or(Some(Duration::from_mins(10)));
    let named = service.clone()?;
    let service = Service { name: service?, address, port, tags, meta, check_interval, deregister_after };
    Some(Settings { id: id?, name: named, service: Some(service).filter(|service| service.port > 0), drain })
}

/// Refuses settings that would have no effect.
fn only_where_we_register(section: &mut Section<'_>) {
    for word in ["address", "tags", "meta"] {
        if section.has(word) {
            let place = section.place_of(word);
            let sentence = format!(
                "{}: needs port: without it somebody else registers the service, and says this there",
                section.name(word)
            );
            section.error(&place, sentence);
        }
    }
}

/// Consul accepts any text; this is what DNS, URLs and filters accept as well.
fn word(text: &str) -> Result<String, &'static str> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':');
    if (1..=128).contains(&text.len()) && text.chars().all(fine) {
        Ok(text.to_owned())
    } else {
        Err("expected 1 to 128 letters, digits, `.`, `_`, `-` and `:`")
    }
}

fn port(node: &Node) -> Result<u16, Finding> {
    match node.value {
        Value::Integer(number) => u16::try_from(number).map_err(|_| node.wrong("expected a port from 0 to 65535")),
        _ => Err(node.unlike("a port, without quotes")),
    }
}

/// Where others reach the service: a host without a port.
fn reachable(text: &str) -> Result<String, &'static str> {
    if text.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified()) {
        return Err(
            "nobody can connect to this address: write the one that others reach this host by, or leave it out",
        );
    }
    if text.is_empty() || text.parse::<IpAddr>().is_ok() || address::host_port(&format!("{text}:1")).is_ok() {
        Ok(text.to_owned())
    } else {
        Err("expected an IP address or a host name, without a port")
    }
}

fn deregister_after(node: &Node) -> Result<Option<Duration>, Finding> {
    let after = value::duration(node)?;
    if after.is_zero() {
        return Ok(None);
    }
    if after < LEAST_AFTER {
        return Err(node.wrong("Consul takes at least \"1m\"; \"0s\": never"));
    }
    Ok(Some(after))
}

fn meta(section: &mut Section<'_>) -> BTreeMap<String, String> {
    let mut meta = BTreeMap::new();
    for (name, node) in section.pairs("meta") {
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || name.len() > 128 || !name.chars().all(fine) || OURS.contains(&name.as_str()) {
            section.error(
                &node.place,
                "registration.meta: a name is 1 to 128 letters, digits, `_` and `-`; `version` and `lictor` are lictor's own",
            );
            continue;
        }
        match value::text(&node) {
            Ok(value) if value.len() > LONGEST_META => {
                let sentence = format!("registration.meta.{name}: Consul takes at most {LONGEST_META} bytes");
                section.error(&node.place, sentence);
            }
            Ok(value) => drop(meta.insert(name, value)),
            Err(finding) => section.error(&finding.place, format!("registration.meta.{name}: {}", finding.sentence)),
        }
    }
    if meta.len() > MOST_META {
        section.wrong(&format!("Consul takes at most {MOST_META} pairs in meta beside lictor's own"));
    }
    meta
}
