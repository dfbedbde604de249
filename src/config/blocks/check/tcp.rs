//! `tcp {}` in a check.

use super::tls;
use crate::check::{Tcp, TlsMode};
use crate::config::read::section::Section;
use crate::config::read::{address, value};
use crate::config::reference::{Block, Type, attribute};

pub(super) static BLOCK: Block = Block::new("tcp", "Opens a connection, and may send a text and expect an answer.")
    .attributes(&[
        attribute("address", Type::HostPort, "127.0.0.1:9000", "Where to connect.").needed(),
        attribute("send", Type::Text, "PING\\r\\n", "The text that is sent once the connection is open."),
        attribute("expect", Type::Text, "PONG", "The text that must be in the beginning of the answer."),
        tls::MODE_BUT_PREFER.default("disable"),
        tls::CA,
        tls::SERVER_NAME,
    ]);

pub(super) fn read(section: &mut Section<'_>) -> Option<Tcp> {
    let address = section.needed("address", value::parsed(address::host_port));
    let (mode, ca) = tls::mode(section, tls::MODES_BUT_PREFER);
    let server_name = tls::server_name(section);
    let send = section.read("send", value::some_text);
    let expect = section.read("expect", value::some_text);
    Some(Tcp { address: address?, tls: mode.unwrap_or(TlsMode::Disable), ca, server_name, send, expect })
}
