//! `grpc {}` in a check.

use super::tls;
use crate::check::Grpc;
use crate::config::read::section::Section;
use crate::config::read::{address, value};

/// Whether the connection is encrypted, by the words that the other kinds have for it.
#[derive(Clone, Copy)]
enum Mode {
    Disable,
    VerifyFull,
}

const MODES: &[(&str, Mode)] = &[("disable", Mode::Disable), ("verify-full", Mode::VerifyFull)];

pub(super) fn read(section: &mut Section<'_>) -> Option<Grpc> {
    let address = section.needed("address", value::parsed(address::host_port));
    let service = section.read("service", value::parsed(service)).unwrap_or_default();
    let mode = section.read("tls", value::one_of(MODES));
    let words = tls::certificates(section);
    let tls = match mode {
        None | Some(Mode::Disable) if words.is_default() => None,
        None | Some(Mode::VerifyFull) => Some(words),
        Some(Mode::Disable) => {
            section.wrong("`ca`, `cert`, `key` and `server_name` are of no use with tls = \"disable\"");
            None
        }
    };
    Some(Grpc { address: address?, service, tls })
}

fn service(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    if text.len() <= 255 && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("expected the full name of a service, as in \"billing.v1.Billing\"")
    }
}
