//! TCP sockets, read from the kernel by netlink (`sock_diag(7)`), which sends only those that were asked for. Reading
//! `/proc/net/tcp` takes ten times as long on a host with many closed connections.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with, sockopt,
};

/// The state of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The last packet of the handshake has not arrived yet.
    HalfOpen,
    /// It listens.
    Listening,
}

/// One socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    /// Its inode number, which `/proc/PID/fd` shows.
    pub(super) inode: u32,
}

/// The timeout: the kernel answers at once, or not at all.
const PATIENCE: Duration = Duration::from_secs(1);

// From linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h.
const HEADER: usize = 16;
const BY_FAMILY: u16 = 20;
const REQUEST_DUMP: u16 = 0x301;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const INET: u8 = 2;
const INET6: u8 = 10;
const TCP: u8 = 6;
/// A socket in an answer, after the header.
const MESSAGE: usize = 72;

/// Every TCP socket of this network namespace in this state.
///
/// # Errors
/// The kernel does not answer: netlink is not allowed, or the kernel has no `inet_diag`.
pub(super) fn sockets(state: State) -> io::Result<Vec<Found>> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(netlink::SOCK_DIAG))?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(PATIENCE))?;
    let mut found = Vec::new();
    for family in [INET, INET6] {
        send(&socket, &request(family, state), SendFlags::empty())?;
        read(&socket, &mut found)?;
    }
    Ok(found)
}

fn request(family: u8, state: State) -> Vec<u8> {
    let states: u32 = match state {
        State::HalfOpen => 1 << 3,
        State::Listening => 1 << 10,
    };
    let mut request = Vec::with_capacity(HEADER + 56);
    request.extend(72_u32.to_ne_bytes());
    request.extend(BY_FAMILY.to_ne_bytes());
    request.extend(REQUEST_DUMP.to_ne_bytes());
    request.extend([0; 8]);
    request.extend([family, TCP, 0, 0]);
    request.extend(states.to_ne_bytes());
    // For any ports, addresses and device, and without a cookie.
    request.extend([0; 40]);
    request.extend([0xff; 8]);
    request
}

/// Reads one answer to its end.
fn read(socket: &OwnedFd, found: &mut Vec<Found>) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let (length, _) = recv(socket, buffer.as_mut_slice(), RecvFlags::empty())?;
        let mut rest = buffer.get(..length).unwrap_or_default();
        while let Some((kind, body, after)) = message(rest) {
            match kind {
                DONE => return Ok(()),
                ERROR => {
                    let number = body.first_chunk().map_or(0, |number| i32::from_ne_bytes(*number));
                    return Err(io::Error::from_raw_os_error(number.saturating_neg()));
                }
                _ => found.extend(socket_in(body)),
            }
            rest = after;
        }
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// The first message: its type, its payload, and the rest of the bytes.
fn message(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::try_from(u32::from_ne_bytes(*bytes.first_chunk()?)).ok()?;
    let kind = u16::from_ne_bytes(*bytes.get(4..)?.first_chunk()?);
    let body = bytes.get(HEADER..length)?;
    Some((kind, body, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

fn socket_in(body: &[u8]) -> Option<Found> {
    let body = body.first_chunk::<MESSAGE>()?;
    let port = |at: usize| Some(u16::from_be_bytes(*body.get(at..)?.first_chunk()?));
    let ip = |at: usize| -> Option<IpAddr> {
        let bytes = body.get(at..)?;
        match body[0] {
            INET => Some(Ipv4Addr::from(*bytes.first_chunk::<4>()?).into()),
            INET6 => Some(Ipv6Addr::from(*bytes.first_chunk::<16>()?).into()),
            _ => None,
        }
    };
    Some(Found {
        local: SocketAddr::new(ip(8)?, port(4)?),
        remote: SocketAddr::new(ip(24)?, port(6)?),
        inode: u32::from_ne_bytes(*body.last_chunk()?),
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::fd::AsFd;

    use super::{State, message, request, socket_in, sockets};

    #[test]
    fn who_listens_is_found_with_its_address_and_its_number() {
        for address in ["127.0.0.1:0", "[::1]:0", "0.0.0.0:0"] {
            let listener = TcpListener::bind(address).unwrap();
            let local = listener.local_addr().unwrap();
            let found = sockets(State::Listening).unwrap();
            let it = found.iter().find(|socket| socket.local == local).unwrap();
            assert_eq!(u64::from(it.inode), rustix::fs::fstat(listener.as_fd()).unwrap().st_ino);
            assert_eq!(it.remote.port(), 0);
            assert!(!sockets(State::HalfOpen).unwrap().iter().any(|socket| socket.local == local));
        }
    }

    #[test]
    fn an_answer_that_is_cut_off_is_no_socket() {
        assert_eq!(request(2, State::Listening).len(), 72);
        for length in 0..16 {
            assert_eq!(message(&vec![0xff; length]), None, "{length}");
        }
        assert_eq!(message(&[8, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None, "shorter than its header");
        for length in 0..72 {
            assert_eq!(socket_in(&vec![2; length]), None, "{length}");
        }
        assert!(socket_in(&[2; 72]).is_some());
        assert_eq!(socket_in(&[1; 72]), None, "of another family");
    }
}
