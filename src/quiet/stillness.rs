//! Since when nothing has come and nothing has moved: the rule, without the kernel.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::message::{Socket, State};

/// What was seen at the last look. Times are durations since any fixed moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stillness {
    peers: BTreeMap<(SocketAddr, SocketAddr), State>,
    since: Option<Duration>,
}

impl Stillness {
    /// Whether this connection was there at the last look, and is the same one.
    pub(super) fn knows(&self, socket: &Socket) -> bool {
        match self.peers.get(&(socket.local, socket.peer)) {
            // The same two ends once more, after they had closed.
            Some(State::Closed) => socket.state == State::Closed,
            Some(State::Open | State::Listen) => true,
            None => false,
        }
    }

    /// Takes down what is there now, and says for how long it has been still.
    pub(super) fn look(&mut self, now: Duration, sockets: &[Socket]) -> Duration {
        let before = self.since.unwrap_or(now);
        let came = sockets.iter().any(|socket| !self.knows(socket)).then_some(now);
        let moved = sockets.iter().filter_map(|socket| socket.moved).min().map(|ago| now.saturating_sub(ago));
        let since = [came, moved].into_iter().flatten().fold(before, Duration::max);
        self.since = Some(since);
        self.peers = sockets.iter().map(|socket| ((socket.local, socket.peer), socket.state)).collect();
        now.saturating_sub(since)
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

    #[test]
    fn it_counts_from_the_first_look_and_not_from_what_was_before() {
        let mut still = Stillness::default();
        assert_eq!(still.look(MS * 1000, &[]), Duration::ZERO);
        assert_eq!(still.look(MS * 1400, &[]), MS * 400);
        let mut idle = Stillness::default();
        assert_eq!(idle.look(MS * 1000, &[socket(1, State::Open, Some(60_000))]), Duration::ZERO);
        assert_eq!(idle.look(MS * 1500, &[socket(1, State::Open, Some(60_500))]), MS * 500);
    }

    #[test]
    fn a_new_peer_begins_it_anew_even_if_it_has_gone_already() {
        let mut still = Stillness::default();
        still.look(Duration::ZERO, &[]);
        assert_eq!(still.look(MS * 900, &[socket(1, State::Closed, None)]), Duration::ZERO);
        assert_eq!(still.look(MS * 1200, &[socket(1, State::Closed, None)]), MS * 300, "it is known by now");
        assert_eq!(still.look(MS * 1300, &[socket(1, State::Open, None)]), Duration::ZERO, "the same port once more");
        assert_eq!(still.look(MS * 1400, &[]), MS * 100, "that it goes away is no news");
    }

    #[test]
    fn what_moves_begins_it_anew_at_the_time_of_the_movement() {
        let mut still = Stillness::default();
        still.look(Duration::ZERO, &[socket(1, State::Open, Some(5000))]);
        assert_eq!(still.look(MS * 500, &[socket(1, State::Open, Some(30))]), MS * 30);
        assert_eq!(still.look(MS * 1000, &[socket(1, State::Open, Some(530))]), MS * 530);
    }
}
