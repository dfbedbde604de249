//! How long it may take.

use std::time::Duration;

/// `BENCH_QUICK=1` is for a first look; the figures that count are those of the full effort.
#[derive(Clone, Copy)]
pub enum Effort {
    Quick,
    Full,
}

impl Effort {
    /// What the environment asks for.
    pub fn asked() -> Self {
        match std::env::var("BENCH_QUICK").as_deref() {
            Err(_) | Ok("" | "0") => Self::Full,
            Ok(_) => Self::Quick,
        }
    }

    /// How often everything is measured. Twice, because one number says nothing about how much it varies.
    pub fn runs(self) -> usize {
        self.of(1, 2)
    }

    /// Changes of a key.
    pub fn puts(self) -> usize {
        self.of(40, 200)
    }

    /// Changes of one key among very many.
    pub fn large_puts(self) -> usize {
        self.of(10, 50)
    }

    /// Restarts under load of a service that takes long to start.
    pub fn held_restarts(self) -> usize {
        self.of(5, 30)
    }

    /// Changes over a fleet at an everyday pace.
    pub fn rollouts(self) -> usize {
        self.of(2, 3)
    }

    /// Changes over a fleet at a quick pace, good ones and as many bad ones: `BENCH_CHANGES=100` is the full size, which
    /// takes half an hour.
    pub fn changes(self) -> usize {
        let asked = std::env::var("BENCH_CHANGES").ok();
        asked.map_or(self.of(2, 5), |asked| asked.parse().expect("BENCH_CHANGES is a number"))
    }

    /// Starts of lictor.
    pub fn starts(self) -> usize {
        self.of(15, 50)
    }

    /// Deployments, each on a host of its own.
    pub fn deployments(self) -> usize {
        self.of(2, 5)
    }

    /// How long lictor is watched while nothing happens.
    pub fn idle(self) -> Duration {
        self.of(Duration::from_secs(10), Duration::from_mins(1))
    }

    /// Rounds with each server.
    pub fn rounds(self) -> usize {
        self.of(3, 5)
    }

    fn of<T>(self, quick: T, full: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}
