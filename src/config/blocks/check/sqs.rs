//! `sqs {}` in a check.

use crate::check::Sqs;
use crate::config::read::section::Section;
use crate::config::read::{address, value};

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
