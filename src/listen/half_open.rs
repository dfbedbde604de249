//! Connections that are not complete yet, and who listens, out of the kernel's tables of TCP sockets.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The tables of this network namespace; they are readable for everybody.
const TABLES: [&str; 2] = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];

/// What the tables call a connection whose last packet of the handshake has not come yet, and a socket that listens.
const HALF_OPEN: &str = "03";
const LISTENING: &str = "0A";

/// Both ends of a connection.
pub(super) type Ends = (SocketAddr, SocketAddr);

/// The half-open connections to these ports. The handshake of each ends in the queue of the socket that took its first
/// packet, wherever new connections go by then. It takes milliseconds, and longer on a host with many connections.
///
/// # Errors
/// The tables cannot be read.
pub(super) fn half_open(ports: &BTreeSet<u16>) -> io::Result<BTreeSet<Ends>> {
    let mut found = BTreeSet::new();
    each(HALF_OPEN, |local, remote| {
        if ports.contains(&local.port()) {
            found.insert((local, remote));
        }
    })?;
    Ok(found)
}

/// How many sockets listen at exactly this address.
///
/// # Errors
/// The tables cannot be read.
pub(super) fn listeners(address: SocketAddr) -> io::Result<usize> {
    let mut count = 0;
    each(LISTENING, |local, _| count += usize::from(local == address))?;
    Ok(count)
}

fn each(state: &str, mut found: impl FnMut(SocketAddr, SocketAddr)) -> io::Result<()> {
    for table in TABLES {
        let file = match File::open(table) {
            // A kernel without IPv6.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened?,
        };
        let mut lines = BufReader::new(file);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            if let Some((local, remote)) = ends(&line, state) {
                found(local, remote);
            }
            line.clear();
        }
    }
    Ok(())
}

/// Both ends, if the line is about a socket in this state.
fn ends(line: &str, state: &str) -> Option<Ends> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let (local, remote) = (words.next()?, words.next()?);
    (words.next()? == state).then(|| Some((address(local)?, address(remote)?)))?
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

    use super::{HALF_OPEN, LISTENING, ends, listeners};

    #[test]
    #[cfg(target_endian = "little")]
    fn a_line_of_the_table() {
        let line =
            "   3: 0100007F:1F90 0200007F:C350 03 00000000:00000000 01:00000064 00000000     0        0 0 2 0 \n";
        let expected = ("127.0.0.1:8080".parse().unwrap(), "127.0.0.2:50000".parse().unwrap());
        assert_eq!(ends(line, HALF_OPEN), Some(expected));
        assert_eq!(ends(line, LISTENING), None);
        let six = " 0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0";
        assert_eq!(ends(six, LISTENING).unwrap().0, "[::1]:8080".parse().unwrap());
        for odd in
            ["", "  sl  local_address rem_address   st", "1: zz:1 00000000:0 03", "1: 00:1 00000000:0 03", "1: é"]
        {
            assert_eq!(ends(odd, HALF_OPEN), None, "{odd}");
        }
    }

    #[test]
    fn who_listens_is_counted_by_the_whole_address() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(listeners(address).unwrap(), 1);
        let other = std::net::SocketAddr::new("127.0.0.2".parse().unwrap(), address.port());
        assert_eq!(listeners(other).unwrap(), 0);
    }
}
