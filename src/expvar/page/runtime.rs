//! `memstats`: of the dozens of numbers in Go's `runtime.MemStats`, those that an operator looks at.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

/// How many pauses Go remembers.
const REMEMBERED: usize = 256;

/// The numbers of Go's runtime.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Runtime {
    /// Bytes of heap spans with something in them (`HeapInuse`).
    #[serde(rename = "HeapInuse", default)]
    pub heap_in_use: u64,
    /// Bytes obtained from the system (`Sys`).
    #[serde(rename = "Sys", default)]
    pub from_system: u64,
    /// Cycles of garbage collection since the process started (`NumGC`).
    #[serde(rename = "NumGC", default)]
    pub cycles: u64,
    /// All pauses since then, in nanoseconds (`PauseTotalNs`).
    #[serde(rename = "PauseTotalNs", default)]
    pub paused_ns: u64,
    /// The last 256 pauses in a ring: that of cycle n is at (n + 255) % 256.
    #[serde(rename = "PauseNs", default, deserialize_with = "ring")]
    pub pause_ns: Vec<u64>,
}

impl Runtime {
    /// The pauses of the cycles after this one, in nanoseconds, oldest first: as many as are remembered.
    pub fn pauses_after(&self, cycle: u64) -> impl Iterator<Item = u64> {
        let ring = self.pause_ns.len() as u64;
        let first = cycle.max(self.cycles.saturating_sub(ring));
        (first..self.cycles).filter_map(move |cycle| {
            let place = usize::try_from(cycle.checked_rem(ring)?).ok()?;
            self.pause_ns.get(place).copied()
        })
    }
}

/// Reads so many and passes over the rest.
fn ring<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    struct Ring;
    impl<'de> Visitor<'de> for Ring {
        type Value = Vec<u64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of pauses")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u64>, A::Error> {
            let mut pauses = Vec::with_capacity(REMEMBERED);
            while pauses.len() < REMEMBERED {
                match list.next_element()? {
                    Some(pause) => pauses.push(pause),
                    None => return Ok(pauses),
                }
            }
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(pauses)
        }
    }
    deserializer.deserialize_seq(Ring)
}

#[cfg(test)]
mod tests {
    use super::Runtime;

    #[test]
    fn the_pauses_of_the_newest_cycles() {
        // Of a ring of four: cycles 3, 4, 5, 6 are remembered; the next goes to place 2.
        let runtime = Runtime { cycles: 6, pause_ns: vec![50, 60, 30, 40], ..Runtime::default() };
        let after = |cycle| runtime.pauses_after(cycle).collect::<Vec<_>>();
        assert_eq!(after(4), [50, 60]);
        assert_eq!(after(0), [30, 40, 50, 60]);
        assert_eq!(after(6), [0; 0]);
        assert_eq!(after(9), [0; 0]);
        assert_eq!(Runtime { cycles: 6, ..Runtime::default() }.pauses_after(0).count(), 0);
    }
}
