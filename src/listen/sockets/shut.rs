//! The service shares its sockets with lictor, and can shut them down for both (`shutdown(2)`). They are made to listen
//! again at once, so that no connection is refused until the service is started again.

use super::super::found;
use super::super::pair::Pair;
use super::super::sides::Side;
use super::{Sockets, named};

impl Sockets {
    /// Waits until the service has shut down a socket; then [`revive`](Self::revive) has to be called. Cancel-safe.
    pub async fn shut_down(&mut self) {
        self.watch.shut(self.pairs.iter().flat_map(Pair::sockets).map(|(_, socket)| socket)).await;
    }

    /// Lets every socket listen again that the service has shut down, so that connections wait for the next run instead
    /// of being refused.
    pub fn revive(&mut self) {
        let steering = self.steering();
        self.dead = None;
        for number in 0..self.pairs.len() {
            let pair = &mut self.pairs[number];
            match pair.revive(steering) {
                Ok(sides) if sides.is_empty() => {}
                Ok(sides) => self.was_shut(number, &sides),
                Err(error) => {
                    let name = pair.name();
                    self.dead = Some(format!(
                        "the service has shut down the socket of listen {name:?}, which it shares with lictor, and it \
                         cannot listen again: {error}; restart the unit"
                    ));
                }
            }
        }
    }

    fn was_shut(&mut self, number: usize, sides: &[Side]) {
        let pair = &self.pairs[number];
        tracing::warn!("{}", sentence(pair.name()));
        if let Some(keeper) = &self.keeper {
            // It releases a socket that is shut down, and the order of the two may have changed.
            keeper.tell(&found::names(pair.name()), &named(pair).collect::<Vec<_>>());
        }
        let name = pair.name().to_owned();
        for side in sides {
            if let Some(run) = self.sides.run(*side) {
                self.shut_by = Some((run, name.clone()));
            } else if self.idle[side.index()].is_some() {
                self.carry_on(*side);
            }
        }
    }
}

/// What happens because a socket was shut down.
pub(super) fn sentence(name: &str) -> String {
    format!(
        "the service has shut down the socket of listen {name:?}, which it shares with lictor: what waited there was \
         reset. lictor has it listen again, and who connects waits for the next start of the service, which must close its \
         listener instead of calling shutdown(2) on it"
    )
}
