//! Whether a kept time may be believed: the wall clock of a machine that has just booted may be wrong by weeks, until it is
//! set. In one boot the time since then is known all the same.

use serde::{Deserialize, Serialize};

use super::process::boot_id;
use crate::clock::Clock;

/// What the wall clock said of a boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Calendar {
    boot: String,
    /// Unix time when it booted, in milliseconds.
    booted_unix_ms: u64,
}

impl Calendar {
    /// As the clock stands now.
    pub(super) fn now() -> Self {
        Self { boot: boot_id(), booted_unix_ms: Clock.epoch_unix_ms() }
    }

    /// A time by this calendar, by another one. It is another time only if it lies in a boot that both are about.
    pub(super) fn translate(&self, at_unix_ms: u64, to: &Self) -> u64 {
        match at_unix_ms.checked_sub(self.booted_unix_ms) {
            Some(since) if self.boot == to.boot && !self.boot.is_empty() => to.booted_unix_ms.saturating_add(since),
            _ => at_unix_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Calendar;

    const DAY: u64 = 86_400_000;

    fn calendar(boot: &str, day: u64) -> Calendar {
        Calendar { boot: boot.to_owned(), booted_unix_ms: day * DAY }
    }

    #[test]
    fn within_a_boot_only_the_time_since_it_counts() {
        let (wrong, right) = (calendar("one", 100), calendar("one", 140));
        assert_eq!(wrong.translate(101 * DAY, &right), 141 * DAY, "promoted a day after the boot");
        assert_eq!(right.translate(141 * DAY, &wrong), 101 * DAY);
        assert_eq!(wrong.translate(99 * DAY, &right), 99 * DAY, "promoted in an earlier boot");
        assert_eq!(wrong.translate(101 * DAY, &calendar("two", 140)), 101 * DAY);
    }
}
