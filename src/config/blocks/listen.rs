//! `listen "name" {}`: sockets that lictor holds and passes on.

use crate::config::read::section::Section;
use crate::config::read::{address, value};
use crate::config::reference::{Block, TakenUp, Type, attribute};
use crate::listen::{Address, Spec};

pub(crate) static BLOCK: Block = Block::new(
    "listen",
    "A socket that lictor holds and passes to the service as systemd does, so that connections wait while it restarts. Its \
     label is its name in `LISTEN_FDNAMES`.",
)
.labelled("http")
.attributes(&[
    attribute("address", Type::Text, "0.0.0.0:8080", "Where it listens: an IP address and a port, or a path.").needed(),
])
.taken_up(TakenUp::ByStartOfLictor);

/// Longer names would not fit into `LISTEN_FDNAMES` and systemd's descriptor store.
const LONGEST_NAME: usize = 64;

/// The longest path, in bytes: with the suffix that is added it must fit into the kernel's socket address.
const LONGEST_PATH: usize = 100;

pub(crate) fn read_all(root: &mut Section<'_>) -> Vec<Spec> {
    let mut sockets: Vec<Spec> = Vec::new();
    root.each_labelled("listen", |label, section| {
        let fits = |c: char| c.is_ascii_graphic() && c != ':';
        if label.is_empty() || label.len() > LONGEST_NAME || !label.chars().all(fits) {
            section.wrong("a label is 1 to 64 letters, digits and signs without a colon: it is passed to the service in LISTEN_FDNAMES");
        }
        if sockets.iter().any(|socket| socket.name == label) {
            section.wrong("this label is used twice: each socket needs its own");
        }
        let place = section.place_of("address");
        if let Some(address) = section.needed("address", value::parsed(parse)) {
            if sockets.iter().any(|socket| socket.address == address) {
                let sentence = format!("{}: another listen has this address", section.name("address"));
                section.error(&place, sentence);
            }
            sockets.push(Spec { name: label.to_owned(), address });
        }
    });
    sockets
}

/// An IP address with a port, or a path.
fn parse(text: &str) -> Result<Address, &'static str> {
    match text {
        path if path.starts_with('/') && path.len() > LONGEST_PATH => Err("a path of a socket has at most 100 bytes"),
        path if path.starts_with('/') && path.ends_with('/') => Err("a path of a socket does not end with a slash"),
        path if path.starts_with('/') => Ok(Address::Unix(path.into())),
        address => address::listening(address).map(Address::Tcp),
    }
}
