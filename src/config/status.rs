//! `status {}`: the status port.

use std::net::{Ipv4Addr, SocketAddr};

use super::section::Section;
use super::{address, value};

/// `status {}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether somebody asked for this address (if so, its being taken is an error).
    pub chosen: bool,
}

impl Default for Status {
    fn default() -> Self {
        Self { address: (Ipv4Addr::LOCALHOST, 8127).into(), chosen: false }
    }
}

pub(crate) fn read(section: &mut Section<'_>) -> Status {
    let address = section.read("address", value::parsed(address::listening));
    address.map_or_else(Status::default, |address| Status { address, chosen: true })
}
