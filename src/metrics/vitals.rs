//! What the service's process and lictor use, from tick to tick.

use super::process::{self, Reading, Subject};
use super::{Board, Moment};

/// Both processes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Vitals {
    /// The service's, if it runs and may be looked at.
    pub(super) service: Option<Usage>,
    /// lictor's.
    pub(super) own: Option<Usage>,
}

/// What one process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Usage {
    /// Of one processor, since the reading before; since its start if there is none.
    pub(super) cpu_percent: f64,
    pub(super) cpu_seconds: f64,
    pub(super) rss_bytes: u64,
    pub(super) open_fds: Option<u64>,
    pub(super) fd_limit: Option<u64>,
    pub(super) threads: u64,
}

/// Takes the readings and remembers the last ones.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    service: Option<Mark>,
    own: Option<Mark>,
}

/// A process's processor time at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    start_ticks: u64,
    cpu_ticks: u64,
    at: Moment,
}

impl Sampler {
    /// Looks at both processes.
    pub(super) fn sample(&mut self, board: &Board, now: Moment) -> Vitals {
        let pid = board.process.as_ref().and_then(|process| process.pid);
        let look = |subject, mark: &mut Option<Mark>| {
            let reading = process::read(subject).ok();
            let usage = reading.map(|reading| usage(&reading, *mark, now, Units::of_this_machine()));
            *mark = reading.map(|reading| Mark::of(&reading, now));
            usage
        };
        let service = match pid {
            Some(pid) => look(Subject::Pid(pid), &mut self.service),
            None => None,
        };
        Vitals { service, own: look(Subject::Own, &mut self.own) }
    }
}

impl Mark {
    fn of(reading: &Reading, at: Moment) -> Self {
        Self { start_ticks: reading.start_ticks, cpu_ticks: reading.cpu_ticks, at }
    }
}

/// What `/proc` counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Units {
    ticks_a_second: u64,
    page_bytes: u64,
}

impl Units {
    fn of_this_machine() -> Self {
        let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
        Self { ticks_a_second: rustix::param::clock_ticks_per_second().max(1), page_bytes: page }
    }

    #[expect(clippy::cast_precision_loss, reason = "exact for far longer than a process lives")]
    fn seconds(self, ticks: u64) -> f64 {
        ticks as f64 / self.ticks_a_second as f64
    }
}

/// A PID may be used again, but not with the same start time.
fn usage(reading: &Reading, before: Option<Mark>, now: Moment, units: Units) -> Usage {
    let (ticks, seconds) = match before.filter(|before| before.start_ticks == reading.start_ticks) {
        Some(before) => (reading.cpu_ticks.saturating_sub(before.cpu_ticks), (now - before.at).as_secs_f64()),
        // Both count from the boot of the host.
        None => (reading.cpu_ticks, (now - Moment(0)).as_secs_f64() - units.seconds(reading.start_ticks)),
    };
    let busy = units.seconds(ticks);
    Usage {
        cpu_percent: if seconds > 0.0 { 100.0 * busy / seconds } else { 0.0 },
        cpu_seconds: units.seconds(reading.cpu_ticks),
        rss_bytes: reading.pages.saturating_mul(units.page_bytes),
        open_fds: reading.open_fds,
        fd_limit: reading.fd_limit,
        threads: reading.threads,
    }
}

#[cfg(test)]
mod tests {
    use super::{Mark, Moment, Reading, Sampler, Units, usage};
    use crate::metrics::sample;

    const UNITS: Units = Units { ticks_a_second: 100, page_bytes: 4096 };

    fn reading(start_ticks: u64, cpu_ticks: u64) -> Reading {
        Reading { cpu_ticks, threads: 5, start_ticks, pages: 10, open_fds: Some(7), fd_limit: None }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "these numbers are exact")]
    fn the_share_of_a_processor_is_that_since_the_reading_before() {
        let before = Mark::of(&reading(1_000, 300), Moment(20_000));
        let later = usage(&reading(1_000, 450), Some(before), Moment(22_000), UNITS);
        assert_eq!((later.cpu_percent, later.cpu_seconds, later.rss_bytes), (75.0, 4.5, 40_960));

        let first = usage(&reading(1_000, 300), None, Moment(20_000), UNITS);
        assert_eq!(first.cpu_percent, 30.0, "3 s in the 10 s since its start");
        let another = usage(&reading(1_900, 50), Some(before), Moment(20_000), UNITS);
        assert_eq!(another.cpu_percent, 50.0, "the same number, another process");
        let at_once = usage(&reading(1_000, 300), Some(before), Moment(20_000), UNITS);
        assert_eq!(at_once.cpu_percent, 0.0, "no time has passed");
    }

    #[test]
    fn without_a_process_there_is_only_ourselves() {
        let mut board = sample::quiet();
        let mut sampler = Sampler::default();
        let now = Moment(u64::MAX / 2);
        board.process = None;
        let vitals = sampler.sample(&board, now);
        assert!(vitals.service.is_none() && vitals.own.unwrap().rss_bytes > 0);

        let mut board = sample::quiet();
        board.process.as_mut().unwrap().pid = Some(std::process::id());
        let vitals = sampler.sample(&board, now);
        assert_eq!(vitals.service.unwrap().fd_limit, vitals.own.unwrap().fd_limit);
        board.process.as_mut().unwrap().pid = Some(u32::MAX);
        assert!(sampler.sample(&board, now).service.is_none());
    }
}
