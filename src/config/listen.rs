//! `listen "name" {}`: sockets that lictor holds and passes on.

use std::net::SocketAddr;

use super::section::Section;
use super::{address, value};

/// `listen "name" {}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The label: its name in `LISTEN_FDNAMES`.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
}

pub(crate) fn read_all(root: &mut Section<'_>) -> Vec<Listen> {
    let mut sockets: Vec<Listen> = Vec::new();
    root.each_labelled("listen", |label, section| {
        if label.is_empty() || label.contains(':') || label.chars().any(char::is_control) {
            section.wrong("a label is a name without colons");
        }
        if sockets.iter().any(|socket| socket.name == label) {
            section.wrong("this label is used twice: each socket needs its own");
        }
        let address = section.needed("address", value::parsed(address::listening));
        sockets.extend(address.map(|address| Listen { name: label.to_owned(), address }));
    });
    sockets
}
