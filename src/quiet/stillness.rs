//! The rule for how long connections have been quiet, without the kernel. Times are durations since some fixed moment.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::message::{Socket, State};

/// The longest time between the report of a probe and the first sight of its connection, in either order.
const LAG: Duration = Duration::from_millis(300);

/// The owner of a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Another program.
    Other,
    /// Unknown, because it has closed already: it may have been a probe of ours.
    Unclear,
}

/// The observations so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stillness {
    peers: BTreeMap<(SocketAddr, SocketAddr), State>,
    since: Option<Duration>,
    /// When each connection that may have been a probe was first seen.
    unclear: Vec<Duration>,
    /// How many probes there have been.
    probes: Option<u64>,
    /// When each of the latest probes was reported, except those that already explain a connection.
    unseen: Vec<Duration>,
}

impl Stillness {
    /// Whether this connection is the same one as at the last look.
    pub(super) fn knows(&self, socket: &Socket) -> bool {
        match self.peers.get(&(socket.local, socket.peer)) {
            // Otherwise the same two ends have connected again.
            Some(State::Closed) => socket.state == State::Closed,
            Some(State::Open | State::Listen) => true,
            None => false,
        }
    }

    /// Records the present connections and the number of probes; returns how long it has been quiet.
    pub(super) fn look(&mut self, now: Duration, sockets: &[(Socket, Owner)], probes: u64) -> Duration {
        let mut since = self.since.unwrap_or(now);
        for (socket, owner) in sockets {
            match owner {
                _ if self.knows(socket) => {}
                Owner::Other => since = now,
                Owner::Unclear => self.unclear.push(now),
            }
            if let Some(ago) = socket.moved.filter(|_| *owner == Owner::Other || self.knows(socket)) {
                since = since.max(now.saturating_sub(ago));
            }
        }
        self.peers = sockets.iter().map(|(socket, _)| ((socket.local, socket.peer), socket.state)).collect();
        since = since.max(self.explain(now, probes));
        self.since = Some(since);
        now.saturating_sub(self.unclear.iter().copied().fold(since, Duration::max))
    }

    /// Matches each probe with one connection; returns when the last connection without a probe was first seen.
    fn explain(&mut self, now: Duration, probes: u64) -> Duration {
        let news = probes.saturating_sub(self.probes.replace(probes).unwrap_or(probes));
        self.unseen.extend((0..news).map(|_| now));
        self.unseen.retain(|told| now.saturating_sub(*told) <= LAG);
        let unseen = &mut self.unseen;
        self.unclear.retain(|seen| match unseen.iter().position(|told| told.abs_diff(*seen) <= LAG) {
            Some(probe) => {
                unseen.remove(probe);
                false
            }
            None => true,
        });
        let mut unexplained = Duration::ZERO;
        self.unclear.retain(|seen| {
            let is_over = now.saturating_sub(*seen) > LAG;
            if is_over {
                unexplained = unexplained.max(*seen);
            }
            !is_over
        });
        unexplained
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn socket(port: u16, state: State, moved: Option<u32>) -> Socket {
        let local = "10.0.0.1:8080".parse().unwrap();
        let peer = SocketAddr::from(([10, 0, 0, 9], port));
        Socket { state, local, peer, inode: 0, moved: moved.map(|ago| MS * ago) }
    }

    fn other(port: u16, state: State, moved: Option<u32>) -> (Socket, Owner) {
        (socket(port, state, moved), Owner::Other)
    }

    fn unclear(port: u16) -> (Socket, Owner) {
        (socket(port, State::Open, Some(0)), Owner::Unclear)
    }

    #[test]
    fn it_counts_from_the_first_look_and_not_from_what_was_before() {
        let mut still = Stillness::default();
        assert_eq!(still.look(MS * 1000, &[], 0), Duration::ZERO);
        assert_eq!(still.look(MS * 1400, &[], 0), MS * 400);
        let mut idle = Stillness::default();
        assert_eq!(idle.look(MS * 1000, &[other(1, State::Open, Some(60_000))], 0), Duration::ZERO);
        assert_eq!(idle.look(MS * 1500, &[other(1, State::Open, Some(60_500))], 0), MS * 500);
    }

    #[test]
    fn a_new_peer_begins_it_anew_even_if_it_has_gone_already() {
        let mut still = Stillness::default();
        still.look(Duration::ZERO, &[], 0);
        assert_eq!(still.look(MS * 900, &[other(1, State::Closed, None)], 0), Duration::ZERO);
        assert_eq!(still.look(MS * 1200, &[other(1, State::Closed, None)], 0), MS * 300, "it is known by now");
        assert_eq!(still.look(MS * 1300, &[other(1, State::Open, None)], 0), Duration::ZERO, "the same port once more");
        assert_eq!(still.look(MS * 1400, &[], 0), MS * 100, "that it goes away is no news");
    }

    #[test]
    fn what_moves_begins_it_anew_at_the_time_of_the_movement() {
        let mut still = Stillness::default();
        still.look(Duration::ZERO, &[other(1, State::Open, Some(5000))], 0);
        assert_eq!(still.look(MS * 500, &[other(1, State::Open, Some(30))], 0), MS * 30);
        assert_eq!(still.look(MS * 1000, &[other(1, State::Open, Some(530))], 0), MS * 530);
    }

    #[test]
    fn each_probe_explains_one_connection_told_before_or_after_it_is_seen() {
        let mut still = Stillness::default();
        still.look(Duration::ZERO, &[], 7);
        assert_eq!(still.look(MS * 500, &[unclear(1)], 7), Duration::ZERO, "not known yet");
        assert_eq!(still.look(MS * 550, &[], 8), MS * 550, "it was a probe");
        assert_eq!(still.look(MS * 600, &[], 9), MS * 600);
        assert_eq!(still.look(MS * 620, &[unclear(2)], 9), MS * 620, "told before it is seen");
        assert_eq!(still.look(MS * 640, &[unclear(3), unclear(4)], 10), Duration::ZERO, "one of them was none");
        assert_eq!(still.look(MS * 900, &[], 10), MS * 260);
        assert_eq!(still.look(MS * 1000, &[], 11), MS * 360, "too late for it");
    }
}
