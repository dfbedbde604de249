//! The messages of `sock_diag` as bytes (`linux/inet_diag.h`), in the order of this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

const HEADER: usize = 16;
/// `struct inet_diag_req_v2`.
const REQUEST: usize = 56;
/// `struct inet_diag_msg`.
const ANSWER: usize = 72;

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const DUMP: u16 = 0x301;
const IPPROTO_TCP: u8 = 6;
/// The attribute `struct tcp_info`.
const INFO: u16 = 2;
/// The offsets in it of the milliseconds since data was last sent, and since data was last received.
const LAST_SENT: usize = 44;
const LAST_RECEIVED: usize = 52;

/// IPv4 or IPv6. A connection over IPv4 to a socket for both is among those of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4 = 2,
    V6 = 10,
}

/// The states of a TCP connection, as far as they matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Listen,
    /// Data can flow, or could a moment ago.
    Open,
    /// `TIME_WAIT`: both ends have closed it.
    Closed,
}

impl State {
    const TIME_WAIT: u8 = 6;
    const CLOSE: u8 = 7;
    const LISTEN: u8 = 10;
    /// The largest number, `NEW_SYN_RECV`.
    const LAST: u8 = 12;

    fn of(number: u8) -> Self {
        match number {
            Self::LISTEN => Self::Listen,
            Self::TIME_WAIT => Self::Closed,
            _ => Self::Open,
        }
    }
}

/// The sockets to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All that listen.
    Listening,
    /// Connections of which our end has this port.
    Local(u16),
    /// Connections of which the other end has this port.
    Peer(u16),
}

/// One socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) state: State,
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    /// The inode number; 0: no process has the socket any more.
    pub(super) inode: u64,
    /// How long ago data was last received or sent; `None`: the kernel does not know (any more).
    pub(super) moved: Option<Duration>,
}

/// A request to list sockets.
pub(super) fn request(family: Family, wanted: Wanted) -> Vec<u8> {
    let listen = 1_u32 << State::LISTEN;
    let all = (1_u32 << (State::LAST + 1)) - 2;
    let (states, source, destination) = match wanted {
        Wanted::Listening => (listen, 0, 0),
        Wanted::Local(port) => (all & !listen & !(1 << State::CLOSE), port, 0),
        Wanted::Peer(port) => (all & !listen & !(1 << State::CLOSE), 0, port),
    };
    let mut bytes = Vec::with_capacity(HEADER + REQUEST);
    bytes.extend(u32::try_from(HEADER + REQUEST).unwrap_or_default().to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(DUMP.to_ne_bytes());
    // Sequence number and sender: the kernel copies the first and fills in the second.
    bytes.extend([0; 8]);
    bytes.extend([family as u8, IPPROTO_TCP, 1 << (INFO - 1), 0]);
    bytes.extend(states.to_ne_bytes());
    bytes.extend(source.to_be_bytes());
    bytes.extend(destination.to_be_bytes());
    bytes.resize(HEADER + REQUEST, 0);
    bytes
}

/// The contents of one datagram of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More is to come.
    More,
    /// That was all.
    Done,
    /// The kernel refuses, with this error number.
    Refused(i32),
}

/// Reads one datagram. Unknown parts are skipped: newer kernels add fields at the end.
pub(super) fn read(mut datagram: &[u8], sockets: &mut Vec<Socket>) -> Progress {
    while let Some(length) = u32_at(datagram, 0).and_then(|length| usize::try_from(length).ok()) {
        if length < HEADER || length > datagram.len() {
            break;
        }
        let (message, rest) = datagram.split_at(length);
        match u16_at(message, 4) {
            Some(NLMSG_DONE) => return Progress::Done,
            Some(NLMSG_ERROR) => {
                let number = u32_at(message, HEADER).map_or(0, |number| number.cast_signed().saturating_neg());
                return Progress::Refused(number);
            }
            Some(SOCK_DIAG_BY_FAMILY) => sockets.extend(socket(&message[HEADER..])),
            _ => {}
        }
        datagram = rest.get(length.next_multiple_of(4) - length..).unwrap_or_default();
    }
    Progress::More
}

fn socket(message: &[u8]) -> Option<Socket> {
    let (fixed, attributes) = message.split_at_checked(ANSWER)?;
    let address = |port: usize, host: usize| {
        let port = u16::from_be_bytes(fixed[port..port + 2].try_into().ok()?);
        let ip = match fixed[0] {
            2 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(&fixed[host..host + 4]).ok()?)),
            10 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(&fixed[host..host + 16]).ok()?)).to_canonical(),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    };
    Some(Socket {
        state: State::of(fixed[1]),
        local: address(4, 8)?,
        peer: address(6, 24)?,
        inode: u64::from(u32_at(fixed, 68)?),
        moved: moved(attributes),
    })
}

fn moved(mut attributes: &[u8]) -> Option<Duration> {
    loop {
        let length = usize::from(u16_at(attributes, 0)?);
        let kind = u16_at(attributes, 2)?;
        let payload = attributes.get(4..length)?;
        if kind == INFO {
            let ago = u32_at(payload, LAST_SENT)?.min(u32_at(payload, LAST_RECEIVED)?);
            return Some(Duration::from_millis(ago.into()));
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_refusal_says_which() {
        let mut bytes = 36_u32.to_ne_bytes().to_vec();
        bytes.extend(NLMSG_ERROR.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend((-2_i32).to_ne_bytes());
        bytes.resize(36, 0);
        assert_eq!(read(&bytes, &mut Vec::new()), Progress::Refused(2));
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_passed_over(bytes: Vec<u8>, lengths in prop::collection::vec(0_u32..200, 0..8)) {
            let mut sockets = Vec::new();
            let _ = read(&bytes, &mut sockets);
            let mut messages = Vec::new();
            for length in lengths {
                messages.extend(length.to_ne_bytes());
                messages.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
                messages.extend(bytes.iter().take(150));
            }
            let _ = read(&messages, &mut sockets);
            let _ = moved(&bytes);
        }
    }
}
