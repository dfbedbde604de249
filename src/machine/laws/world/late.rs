//! Facts that come too late.

use std::time::Duration;

use super::World;
use super::nature::build;
use crate::machine::Version;
use crate::machine::event::{CheckVerdict, Event, Exit, ProbeResult, TrafficState, TurnRefusal};
use crate::machine::numbers::{CheckId, RunId, TurnId};

/// The last question of each kind that is over; a run is over when it is not live.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Over {
    pub(super) check: Option<CheckId>,
    pub(super) turn: Option<TurnId>,
}

impl World {
    /// Law 9: a fact about a run, check or turn that is over changes nothing.
    pub(super) fn late_fact(&mut self, kind: u8) {
        let Some(event) = self.late(kind) else { return };
        let before = self.machine.picture();
        assert_eq!(self.machine.handle(self.now, event.clone()), vec![], "{event:?} ordered something");
        assert_eq!(self.machine.picture(), before, "{event:?} changed the board");
        self.log.push((self.now, event));
    }

    /// Such a fact, if something is over.
    fn late(&self, kind: u8) -> Option<Event> {
        let run = || (1..=self.last_run.0).map(RunId).find(|run| !self.live.contains_key(run));
        Some(match kind {
            0 => Event::Started { run: run()?, pid: 7 },
            1 => Event::StartFailed { run: run()?, error: "late".into() },
            2 => Event::Exited { run: run()?, exit: Exit::Code(0) },
            3 => {
                Event::Probed { run: run()?, check: 0, outcome: ProbeResult::Fail("late".into()), took: Duration::ZERO }
            }
            4 => Event::Identified { run: run()?, build: build(9), version: Version::default() },
            5 => Event::Checked { check: self.over.check?, verdict: CheckVerdict::Refused { why: "late".into() } },
            6 => Event::ReloadFailed { run: run()?, error: "late".into() },
            7 => Event::TurnGranted { turn: self.over.turn? },
            8 => Event::TurnLost { turn: self.over.turn? },
            9 => Event::TurnRefused { turn: self.over.turn?, why: TurnRefusal::Waits("late".into()) },
            _ => Event::TrafficChanged { run: run()?, state: TrafficState::Out },
        })
    }
}
