//! `tcp {}`: where, and what is said.

use super::tls;
use crate::check::{Tcp, TlsMode};
use crate::config::read::section::Section;
use crate::config::read::{address, value};

pub(super) fn read(section: &mut Section<'_>) -> Option<Tcp> {
    let address = section.needed("address", value::parsed(address::host_port));
    let (mode, ca) = tls::mode(section, tls::MODES_BUT_PREFER);
    let server_name = tls::server_name(section);
    let send = section.read("send", value::some_text);
    let expect = section.read("expect", value::some_text);
    Some(Tcp { address: address?, tls: mode.unwrap_or(TlsMode::Disable), ca, server_name, send, expect })
}
