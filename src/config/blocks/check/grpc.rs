//! `grpc {}` in a check.

use super::tls;
use crate::check::Grpc;
use crate::config::read::section::Section;
use crate::config::read::{address, value};
use crate::config::reference::{Attribute, Block, Type, attribute};

pub(super) static BLOCK: Block = Block::new("grpc", "Asks a server by gRPC's health protocol, `grpc.health.v1`.")
    .attributes(&[
        attribute("address", Type::HostPort, "127.0.0.1:9090", "Where the server is.").needed(),
        attribute("service", Type::Text, "billing.v1.Billing", "The full name of the service that is asked about.")
            .otherwise("the server as a whole"),
        attribute(
            "tls",
            Type::OneOf(&["disable", "verify-full"]),
            "verify-full",
            "Whether the connection is encrypted; with `ca`, `cert` or `server_name` it is.",
        )
        .default("disable"),
        over_tls(tls::CA),
        over_tls(tls::CERT),
        attribute("key", Type::Path, "/etc/billing/client.key", "The key of `cert`.")
            .with("tls = \"verify-full\"\ncert = \"/etc/billing/client.pem\""),
        over_tls(tls::SERVER_NAME),
    ]);

const fn over_tls(attribute: Attribute) -> Attribute {
    attribute.with("tls = \"verify-full\"")
}

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
