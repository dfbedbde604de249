//! Holds back wakes that bring nothing: other keys are written behind an empty prefix, say.

use std::time::Duration;

/// A token bucket: three at once, then one a second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limiter {
    /// When the bucket will be full again.
    full: Duration,
}

impl Limiter {
    const BURST: u32 = 3;
    const EVERY: Duration = Duration::from_secs(1);

    /// When the one that came at `now` may go on.
    pub(super) fn pass(&mut self, now: Duration) -> Duration {
        self.full = self.full.max(now) + Self::EVERY;
        now.max(self.full.saturating_sub(Self::EVERY * Self::BURST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_at_once_then_one_a_second() {
        let mut limiter = Limiter::default();
        let mut now = Duration::from_secs(100);
        let mut waits = Vec::new();
        for _ in 0..6 {
            let then = limiter.pass(now);
            waits.push(then.saturating_sub(now).as_secs());
            now = then;
        }
        assert_eq!(waits, [0, 0, 0, 1, 1, 1]);
        now += Duration::from_secs(10);
        assert_eq!(limiter.pass(now), now, "quiet fills the bucket again");
    }
}
