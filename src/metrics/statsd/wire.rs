//! Sends to the receiver, or counts what is lost while there is none.

use super::address::{Address, Doubt};
use super::sink::{Broken, Report, Sink};

/// Sends lines, or counts what it could not send.
#[derive(Debug)]
pub(super) struct Wire {
    address: Address,
    sink: Option<Sink>,
    dropped: u64,
    state: State,
}

/// What was logged about the receiver last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Fine,
    Losing,
}

impl Wire {
    pub(super) fn new(address: &str) -> Self {
        Self { address: Address::new(address), sink: None, dropped: 0, state: State::Fine }
    }

    /// Whether lines can be sent; opens the socket if need be.
    pub(super) fn is_open(&mut self) -> bool {
        if self.sink.is_none() {
            self.sink = self.connect();
        }
        self.sink.is_some()
    }

    /// Lines known to be lost.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Counts lines that are not even written.
    pub(super) fn give_up(&mut self, lines: u64) {
        self.dropped += lines;
    }

    /// Sends this line with the next datagram.
    pub(super) fn put(&mut self, line: &str) {
        let Some(sink) = &mut self.sink else {
            self.dropped += 1;
            return;
        };
        let put = sink.put(line);
        let broken = put.is_err();
        self.after(&put);
        self.dropped += u64::from(broken);
    }

    /// Sends what waits.
    pub(super) fn flush(&mut self) {
        if let Some(sink) = &mut self.sink {
            let sent = sink.flush();
            self.after(&sent);
        }
    }

    /// Returns when a look-up has ended; never while there is none. Cancel-safe.
    pub(super) async fn settled(&mut self) {
        self.address.looked_up().await;
    }

    fn connect(&mut self) -> Option<Sink> {
        let address = self.address.get()?;
        let report =
            |error: &std::io::Error| tracing::debug!(%address, %error, "no socket for statsd; it is tried again");
        Sink::connect(address).inspect_err(report).ok()
    }

    /// Counts the losses that a send has reported, and drops a socket that cannot be used any more.
    fn after(&mut self, sent: &Result<(), Broken>) {
        let Report { lost, received } = self.sink.as_mut().map(Sink::report).unwrap_or_default();
        self.dropped += lost;
        let address = self.address.text();
        match (sent, lost, self.state) {
            (Err(Broken(error)), ..) => tracing::debug!(address, %error, "a datagram for statsd is lost"),
            (Ok(()), 1.., State::Fine) => {
                self.state = State::Losing;
                tracing::info!(
                    address,
                    "nothing receives statsd at this address at the moment; lost metrics are counted"
                );
            }
            (Ok(()), 0, State::Losing) if received => {
                self.state = State::Fine;
                tracing::info!(address, dropped = self.dropped, "statsd is received again");
            }
            _ => {}
        }
        if sent.is_err() || (lost > 0 && self.address.doubt() == Doubt::Shared) {
            self.sink = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Wire;

    #[test]
    fn an_address_that_cannot_be_used_costs_lines_and_nothing_else() {
        // The kernel refuses to send to the broadcast address from a plain socket.
        let mut wire = Wire::new("255.255.255.255:8125");
        for _ in 0..3 {
            assert!(!wire.is_open());
            wire.put("a:1|g");
            wire.flush();
        }
        wire.give_up(4);
        assert_eq!(wire.dropped(), 3 + 4);
    }
}
