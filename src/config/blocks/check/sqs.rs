//! `sqs {}` in a check.

use crate::check::Sqs;
use crate::config::read::section::Section;
use crate::config::read::{address, value};
use crate::config::reference::{Block, Type, attribute};

pub(super) static BLOCK: Block = Block::new(
    "sqs",
    "Asks AWS for the attributes of a queue, with the credentials that AWS's SDK would find for the service.",
)
.attributes(&[
    attribute("queue_url", Type::Anew, "env_of_service(\"QUEUE_URL\")", "The queue.").needed(),
    attribute("region", Type::Text, "eu-west-1", "The region.")
        .otherwise("what `queue_url`, else the environment says"),
    attribute("endpoint", Type::Url, "http://127.0.0.1:4566", "The address of SQS.").otherwise("AWS's own address"),
    attribute("max_messages", Type::Count("messages"), "10000", "The check fails if more messages wait than this.")
        .otherwise("any number"),
    attribute("ca", Type::Path, "/etc/billing/ca.pem", "A file of certificates, the only ones that are trusted.")
        .otherwise("the system's certificates"),
]);

pub(super) fn read(section: &mut Section<'_>) -> Option<Sqs> {
    let queue_url = section.needed("queue_url", value::anew(|text| address::http(text).map(drop)));
    Some(Sqs {
        region: section.read("region", value::parsed(region)),
        endpoint: section.read("endpoint", value::parsed(address::http)),
        max_messages: section.read("max_messages", value::count(0)).map(u64::from),
        ca: section.read("ca", value::path),
        queue_url: queue_url?,
    })
}

fn region(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !text.is_empty() && text.len() <= 64 && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("expected a region, as in \"eu-west-1\"")
    }
}
