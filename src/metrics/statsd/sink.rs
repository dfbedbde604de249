//! One connected socket and the datagram that is being filled.
//!
//! cadence packs and sends; the counting is done here. On a connected UDP socket the next send reports that nobody
//! received the previous datagram: that one is counted as lost, and the present one is sent again at once.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use cadence::{BufferedUdpMetricSink, MetricSink};

/// The largest datagram, in bytes: what an Ethernet frame carries.
pub(super) const PACKET: usize = 1432;

/// Where lines go.
#[derive(Debug)]
pub(super) struct Sink {
    buffer: BufferedUdpMetricSink,
    /// Bytes and lines in the buffer.
    bytes: usize,
    lines: u64,
    /// Lines of the previous datagram, not yet known to be received or lost.
    sent: u64,
    report: Report,
}

/// What is known about lines that were sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// This many are known to be lost.
    pub(super) lost: u64,
    /// A datagram was sent and not refused before the next one.
    pub(super) received: bool,
}

/// The socket cannot be used any more.
#[derive(Debug)]
pub(super) struct Broken(pub(super) io::Error);

impl Sink {
    /// Nothing here ever waits: lines that the kernel does not accept at once are lost.
    pub(super) fn connect(address: SocketAddr) -> io::Result<Self> {
        let any = match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let socket = UdpSocket::bind((any, 0))?;
        socket.set_nonblocking(true)?;
        socket.connect(address)?;
        let buffer = BufferedUdpMetricSink::with_capacity(address, socket, PACKET).map_err(io::Error::other)?;
        Ok(Self { buffer, bytes: 0, lines: 0, sent: 0, report: Report::default() })
    }

    /// Puts a line into the datagram; one that is full goes out first.
    pub(super) fn put(&mut self, line: &str) -> Result<(), Broken> {
        let bytes = line.len() + "\n".len();
        if bytes > PACKET {
            self.report.lost += 1;
            return Ok(());
        }
        if self.bytes + bytes > PACKET {
            self.flush()?;
        }
        // There is room, so it is only copied.
        self.buffer.emit(line).map_err(Broken)?;
        self.bytes += bytes;
        self.lines += 1;
        Ok(())
    }

    /// Sends the datagram, if there is anything in it.
    pub(super) fn flush(&mut self) -> Result<(), Broken> {
        if self.lines == 0 {
            return Ok(());
        }
        let mut sent = self.buffer.flush();
        if sent.as_ref().is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused) {
            self.report.lost += std::mem::take(&mut self.sent);
            sent = self.buffer.flush();
        } else if self.sent > 0 {
            self.report.received = true;
        }
        sent.map_err(|error| {
            self.report.lost += std::mem::take(&mut self.lines);
            Broken(error)
        })?;
        self.sent = std::mem::take(&mut self.lines);
        self.bytes = 0;
        Ok(())
    }

    /// The news since the last call.
    pub(super) fn report(&mut self) -> Report {
        std::mem::take(&mut self.report)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, UdpSocket};
    use std::time::Duration;

    use super::{PACKET, Sink};

    fn receiver() -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    fn receive(socket: &UdpSocket) -> String {
        let mut buffer = vec![0; 65_536];
        let size = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..size].to_vec()).unwrap()
    }

    #[test]
    fn datagrams_are_filled_and_never_too_large() {
        let (socket, address) = receiver();
        let mut sink = Sink::connect(address).unwrap();
        let lines: Vec<String> =
            (0..100).map(|number| format!("lictor.test,service=billing,n={number:03}:123|g")).collect();
        assert_eq!(lines[0].len() + 1, 40, "35 of them fit");
        for line in &lines {
            sink.put(line).unwrap();
        }
        sink.flush().unwrap();
        let datagrams: Vec<String> = (0..3).map(|_| receive(&socket)).collect();
        assert!(datagrams.iter().all(|datagram| datagram.len() <= PACKET));
        assert_eq!(datagrams.concat().lines().collect::<Vec<_>>(), lines);
        assert_eq!(sink.report().lost, 0);
        sink.flush().unwrap();
        sink.put("last:1|g").unwrap();
        sink.flush().unwrap();
        assert_eq!(receive(&socket), "last:1|g\n", "nothing is sent twice, and no empty datagram");
    }

    #[test]
    fn every_line_that_nobody_received_is_counted_and_none_that_somebody_did() {
        let (socket, address) = receiver();
        let mut sink = Sink::connect(address).unwrap();
        drop(socket);
        for number in 0..5 {
            for _ in 0..=number {
                sink.put("away:1|g").unwrap();
            }
            sink.flush().unwrap();
        }
        // On the loopback the refusal is there before the next send.
        assert_eq!(sink.report().lost, 1 + 2 + 3 + 4, "the fate of the last is not known yet");

        let socket = UdpSocket::bind(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        sink.put("back:1|g").unwrap();
        sink.flush().unwrap();
        assert_eq!(receive(&socket), "back:1|g\n");
        assert_eq!(sink.report().lost, 5);
        sink.put("again:1|g").unwrap();
        sink.flush().unwrap();
        assert_eq!((receive(&socket).as_str(), sink.report().lost), ("again:1|g\n", 0));
    }

    #[test]
    fn a_line_that_fits_no_datagram_is_lost_alone() {
        let (socket, address) = receiver();
        let mut sink = Sink::connect(address).unwrap();
        sink.put("a:1|g").unwrap();
        sink.put(&"x".repeat(PACKET)).unwrap();
        sink.put("b:1|g").unwrap();
        sink.flush().unwrap();
        assert_eq!((receive(&socket).as_str(), sink.report().lost), ("a:1|g\nb:1|g\n", 1));
    }

    #[test]
    fn version_6_works_too() {
        let socket = UdpSocket::bind("[::1]:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut sink = Sink::connect(socket.local_addr().unwrap()).unwrap();
        sink.put("a:1|g").unwrap();
        sink.flush().unwrap();
        assert_eq!(receive(&socket), "a:1|g\n");
    }
}
