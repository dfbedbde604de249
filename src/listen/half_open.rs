//! Half-open connections and listening sockets, by netlink; if that is not allowed, from the kernel's tables of TCP
//! sockets in `/proc`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::diag::{self, Found, State};

/// The tables of this network namespace, which every user may read.
const TABLES: [&str; 2] = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];

/// Both ends of a connection.
pub(super) type Ends = (SocketAddr, SocketAddr);

/// The half-open connections to these ports. Each will be queued at the socket that got its first packet, wherever new
/// connections go by then. It takes milliseconds.
///
/// # Errors
/// Neither netlink nor the tables can be read.
pub(super) fn half_open(ports: &BTreeSet<u16>) -> io::Result<BTreeSet<Ends>> {
    let all = all(State::HalfOpen)?;
    let ends = |socket: Found| (socket.local, socket.remote);
    Ok(all.into_iter().filter(|socket| ports.contains(&socket.local.port())).map(ends).collect())
}

/// How many sockets listen at exactly this address.
///
/// # Errors
/// Neither netlink nor the tables can be read.
pub(super) fn listeners(address: SocketAddr) -> io::Result<usize> {
    let there = all(State::Listening)?;
    // A table that changes while it is read may name a socket twice.
    let distinct: BTreeSet<u32> =
        there.iter().filter(|socket| socket.local == address).map(|socket| socket.inode).collect();
    Ok(distinct.len())
}

fn all(state: State) -> io::Result<Vec<Found>> {
    match diag::sockets(state) {
        Ok(sockets) => Ok(sockets),
        Err(error) => {
            tracing::debug!(%error, "netlink does not tell of sockets; /proc/net/tcp does");
            in_tables(state)
        }
    }
}

fn in_tables(state: State) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for table in TABLES {
        let file = match File::open(table) {
            // A kernel without IPv6.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened?,
        };
        let mut lines = BufReader::new(file);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            found.extend(socket_in(&line, state));
            line.clear();
        }
    }
    Ok(found)
}

/// The socket of a line, if it is in this state.
fn socket_in(line: &str, state: State) -> Option<Found> {
    let state = match state {
        State::HalfOpen => "03",
        State::Listening => "0A",
    };
    let mut words = line.split_ascii_whitespace().skip(1);
    let (local, remote) = (words.next()?, words.next()?);
    if words.next()? != state {
        return None;
    }
    // Between them are its queues, timers and owner.
    let inode = words.nth(5)?.parse().ok()?;
    Some(Found { local: address(local)?, remote: address(remote)?, inode })
}

/// `0100007F:1F90`: words of four bytes in the order of this machine, and a port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| u32::from_str_radix(ip.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip: IpAddr = match ip.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let mut bytes = [0; 16];
            for (place, at) in bytes.chunks_exact_mut(4).zip([0, 8, 16, 24]) {
                place.copy_from_slice(&word(at)?);
            }
            Ipv6Addr::from(bytes).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::{Found, State, in_tables, listeners, socket_in};

    #[test]
    #[cfg(target_endian = "little")]
    fn a_line_of_the_table() {
        let line =
            "   3: 0100007F:1F90 0200007F:C350 03 00000000:00000000 01:00000064 00000000     0        0 4711 2 0 \n";
        let (local, remote) = ("127.0.0.1:8080".parse().unwrap(), "127.0.0.2:50000".parse().unwrap());
        let expected = Found { local, remote, inode: 4711 };
        assert_eq!(socket_in(line, State::HalfOpen), Some(expected));
        assert_eq!(socket_in(line, State::Listening), None);
        let six = " 0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 9";
        assert_eq!(socket_in(six, State::Listening).unwrap().local, "[::1]:8080".parse().unwrap());
        for odd in
            ["", "  sl  local_address rem_address   st", "1: zz:1 00000000:0 03", "1: 00:1 00000000:0 03", "1: é"]
        {
            assert_eq!(socket_in(odd, State::HalfOpen), None, "{odd}");
        }
    }

    #[test]
    fn who_listens_is_counted_by_the_whole_address() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(listeners(address).unwrap(), 1);
        let other = std::net::SocketAddr::new("127.0.0.2".parse().unwrap(), address.port());
        assert_eq!(listeners(other).unwrap(), 0);
        let told = in_tables(State::Listening).unwrap();
        assert_eq!(told.iter().filter(|socket| socket.local == address).count(), 1, "the tables tell the same");
    }
}
