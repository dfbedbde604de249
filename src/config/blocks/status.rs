//! `status {}`: the status port.

use crate::config::reference::{Block, TakenUp, Type, attribute};
use std::net::{Ipv4Addr, SocketAddr};

use crate::config::read::section::Section;
use crate::config::read::{address, value};

pub(crate) static BLOCK: Block = Block::new("status", "The status port: plain HTTP, and read-only.")
    .attributes(&[
        attribute(
            "address",
            Type::Listening,
            "127.0.0.1:8128",
            "Where it listens. If the default is taken, lictor warns and runs without the port; if a written address is \
             taken, lictor ends with 75.",
        )
        .default("127.0.0.1:8127"),
        attribute(
            "hosts",
            Type::Texts,
            "[\"billing.internal\"]",
            "Names that requests may use besides addresses, `localhost` and this machine's own name.",
        ),
    ])
    .taken_up(TakenUp::ByStartOfLictor);

/// `status {}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether this address was configured: then it is an error if it is taken.
    pub chosen: bool,
    /// The host names that clients may use, besides addresses, `localhost` and this host's own name.
    pub hosts: Vec<String>,
}

const EXPOSED: &str = "everybody who reaches this address can read the status: checks, versions, and the variables' names \
                       and fingerprints; a loopback address is enough for Consul's agent and for hooks on this host";

/// The default address of the status port.
pub fn default_address() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 8127).into()
}

impl Default for Status {
    fn default() -> Self {
        Self { address: default_address(), chosen: false, hosts: Vec::new() }
    }
}

pub(crate) fn read(section: &mut Section<'_>) -> Status {
    let place = section.place_of("address");
    let address = section.read("address", value::parsed(address::listening));
    let hosts = section.read("hosts", value::texts).unwrap_or_default();
    if address.is_some_and(|address| !address.ip().is_loopback()) {
        section.warning(&place, "address", EXPOSED);
    }
    let (address, chosen) = address.map_or((Status::default().address, false), |address| (address, true));
    Status { address, chosen, hosts }
}
