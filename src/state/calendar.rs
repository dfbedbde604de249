//! Whether a stored time can be believed. The wall clock of a machine that has just booted may be wrong by weeks until it is set.
//! Within one boot the elapsed time is known all the same. Across boots only the two wall clocks can be compared; if one of them may
//! not have been set yet, an age is unknown, and nothing is discarded for an unknown age.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::process::boot_id;
use crate::clock::Clock;

/// The file that systemd-timesyncd writes once it has set the clock.
const SET: &str = "/run/systemd/timesync/synchronized";
/// This long after the boot, the clock counts as set.
const SET_BY: Duration = Duration::from_hours(1);

/// A boot by the wall clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Calendar {
    boot: String,
    /// Unix time when it booted, in milliseconds.
    booted_unix_ms: u64,
    /// Missing in what an older lictor has stored.
    #[serde(default)]
    clock: WallClock,
}

/// Whether the wall clock may still be set to another time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WallClock {
    /// It may still be set to another time.
    #[default]
    MayBeWrong,
    /// It has been set, or nothing on this host sets it.
    Set,
}

impl WallClock {
    fn after(uptime: Duration, is_known_to_be_set: impl FnOnce() -> bool) -> Self {
        if uptime >= SET_BY || is_known_to_be_set() { Self::Set } else { Self::MayBeWrong }
    }
}

impl Calendar {
    /// The calendar of this moment. It reads from the disk.
    pub(super) fn now() -> Self {
        let uptime = Duration::from_millis(Clock.now().0);
        let clock = WallClock::after(uptime, || Path::new(SET).exists());
        Self { boot: boot_id(), booted_unix_ms: Clock.booted_unix_ms(), clock }
    }

    /// The calendar of this run of lictor, which does not change when the wall clock is set.
    pub(super) fn of_this_life() -> Self {
        Self { booted_unix_ms: Clock.epoch_unix_ms(), ..Self::now() }
    }

    /// Converts a time of this calendar to another one of this boot. A time of an earlier boot stays.
    pub(super) fn translate(&self, at_unix_ms: u64, to: &Self) -> u64 {
        match at_unix_ms.checked_sub(self.booted_unix_ms) {
            Some(since) if self.is_of_the_boot_of(to) => to.booted_unix_ms.saturating_add(since),
            _ => at_unix_ms,
        }
    }

    /// Converts a time that was stored by this calendar to the calendar of its reader. If nothing tells how long ago it was, it
    /// counts from the boot on.
    pub(super) fn read(&self, at_unix_ms: u64, by: &Self) -> u64 {
        // A time older than the boot in which it was stored was believed in that boot.
        let was_set = at_unix_ms < self.booted_unix_ms || self.clock == WallClock::Set;
        let is_known = self.is_of_the_boot_of(by) && at_unix_ms >= self.booted_unix_ms;
        if is_known || (was_set && by.clock == WallClock::Set) {
            self.translate(at_unix_ms, by)
        } else {
            at_unix_ms.max(by.booted_unix_ms)
        }
    }

    fn is_of_the_boot_of(&self, other: &Self) -> bool {
        self.boot == other.boot && !self.boot.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Calendar, WallClock};

    const DAY: u64 = 86_400_000;

    fn calendar(boot: &str, day: u64, clock: WallClock) -> Calendar {
        Calendar { boot: boot.to_owned(), booted_unix_ms: day * DAY, clock }
    }

    #[test]
    fn within_a_boot_only_the_time_since_it_counts() {
        let (wrong, right) = (calendar("one", 100, WallClock::MayBeWrong), calendar("one", 140, WallClock::Set));
        assert_eq!(wrong.translate(101 * DAY, &right), 141 * DAY, "promoted a day after the boot");
        assert_eq!(right.translate(141 * DAY, &wrong), 101 * DAY);
        assert_eq!(wrong.translate(99 * DAY, &right), 99 * DAY, "promoted in an earlier boot");
        assert_eq!(wrong.translate(101 * DAY, &calendar("two", 140, WallClock::Set)), 101 * DAY);
        assert_eq!(wrong.read(101 * DAY, &right), 141 * DAY, "however wrong it was");
        assert_eq!(right.read(141 * DAY, &wrong), 101 * DAY);
    }

    #[test]
    fn across_boots_an_age_counts_only_if_both_clocks_had_been_set() {
        use WallClock::{MayBeWrong, Set};
        let promoted = 141;
        for (kept_by, read_by, expected, why) in [
            (calendar("one", 140, Set), calendar("two", 180, Set), 141, "40 days are 40 days"),
            // 40 days behind when it was promoted, right after the reboot.
            (calendar("one", 140, MayBeWrong), calendar("two", 180, Set), 180, "it may have been yesterday"),
            // Right when it was promoted, 40 days ahead after the reboot.
            (calendar("one", 140, Set), calendar("two", 181, MayBeWrong), 181, "it may have been yesterday"),
            // 40 days behind after the reboot: from the future.
            (calendar("one", 140, Set), calendar("two", 101, MayBeWrong), 141, "it has no age"),
            (calendar("one", 140, MayBeWrong), calendar("two", 101, Set), 141, "it has no age"),
            // It was kept on by a lictor of a later boot, whose clock might have been wrong.
            (calendar("two", 170, MayBeWrong), calendar("three", 180, Set), 141, "it was believed before"),
            (calendar("two", 170, MayBeWrong), calendar("two", 170, MayBeWrong), 170, "it is not believed yet"),
            (
                calendar("", 140, MayBeWrong),
                calendar("", 180, MayBeWrong),
                180,
                "a kernel that does not tell its boots",
            ),
        ] {
            assert_eq!(kept_by.read(promoted * DAY, &read_by) / DAY, expected, "{why}: {kept_by:?} {read_by:?}");
        }
    }

    #[test]
    fn a_clock_is_set_once_somebody_has_done_it_or_nobody_will() {
        let (minute, hour) = (Duration::from_mins(1), Duration::from_hours(1));
        assert_eq!(WallClock::after(minute, || false), WallClock::MayBeWrong);
        assert_eq!(WallClock::after(minute, || true), WallClock::Set);
        assert_eq!(WallClock::after(hour, || false), WallClock::Set);
        let older: Calendar = serde_json::from_str("{\"boot\":\"b\",\"booted_unix_ms\":7}").unwrap();
        assert_eq!(older.clock, WallClock::MayBeWrong);
    }
}
