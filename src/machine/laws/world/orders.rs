//! Carries out orders, and checks the laws with each of them.

use super::nature::is_same_but_ignored;
use super::{Behaviour, Process, VIOLATING, World, behaviour, build};
use crate::environment::Environment;
use crate::machine::StopReason;
use crate::machine::event::{CheckVerdict, Event, Exit, Requester, TrafficState, Verb};
use crate::machine::ledger::Pair;
use crate::machine::numbers::{RequestId, RunId};
use crate::machine::order::{Order, Traffic};
use crate::machine::policy::{Handover, StepSetting};
use crate::machine::process::Life;

impl World {
    pub(super) fn carry_out(&mut self, order: Order) {
        match order {
            Order::Start { run, environment, .. } => self.start(run, &environment),
            Order::Stop { run } => {
                assert!(self.live.contains_key(&run), "a stop for no process");
                self.hold_to_turns(run);
                self.hold_to_traffic(run);
                self.hold_to_connections(run);
                let delay = if self.whim(9) == 0 { 5_000 } else { self.whim(400) };
                self.plan(delay, Event::Exited { run, exit: Exit::Code(0) });
            }
            Order::Kill { run } => self.plan(1, Event::Exited { run, exit: Exit::Signal(9) }),
            Order::Signal { run, .. } => assert!(self.live.contains_key(&run), "a signal for no process"),
            Order::Probe { run, pace, .. } => {
                if self.probing.insert(run, pace).is_none() {
                    self.plan_probes(run);
                }
            }
            Order::StopProbing { run } => {
                assert!(self.probing.remove(&run).is_some(), "{run} is not probed");
            }
            Order::Steer { run, share } => self.steer(run, share),
            Order::WriteFile { environment } => {
                let number = self.must_be_allowed(&environment);
                let reader = |process: &Process| {
                    process.environment == number || is_same_but_ignored(process.environment, number)
                };
                assert!(self.live.values().any(reader), "a file for nobody");
            }
            Order::Reload { run, environment } => self.tell_process(run, &environment),
            Order::Check { check, environment } => {
                self.must_be_allowed(&environment);
                let delay = self.whim(50);
                let verdict = match self.whim(19) {
                    _ if self.obliging => CheckVerdict::Passed,
                    0 => CheckVerdict::Unanswered { why: "killed".to_owned() },
                    1 | 2 => CheckVerdict::Refused { why: "refused".to_owned() },
                    _ => CheckVerdict::Passed,
                };
                self.plan(delay, Event::Checked { check, verdict });
            }
            Order::CancelCheck { check } => {
                self.coming.retain(|_, event| !matches!(event, Event::Checked { check: asked, .. } if *asked == check));
                self.over.check = Some(check);
            }
            Order::AskTurn { turn, .. } => {
                self.turns.insert(turn);
                let delay = self.whim(3_000);
                self.plan(delay, Event::TurnGranted { turn });
            }
            Order::ReturnTurn { turn, .. } => {
                assert!(self.turns.remove(&turn), "a turn given back twice");
                self.over.turn = Some(turn);
                self.granted = None;
            }
            Order::Halt { .. } | Order::EndHalt { .. } => {
                assert_eq!(self.policy.turn, StepSetting::Enabled, "a halt without a fleet");
            }
            Order::Traffic { run, level } => {
                assert_ne!(self.traffic, Some((run, level.clone())), "the level that was ordered already");
                let (delay, state) = match level {
                    Traffic::In => (50, TrafficState::In),
                    Traffic::Out { .. } if self.whim(9) == 0 => (30_000, TrafficState::Out),
                    Traffic::Out { .. } => (self.whim(3_000), TrafficState::Out),
                };
                self.out = None;
                self.left_in_turn = self.granted.is_some();
                self.leaving = matches!(level, Traffic::Out { .. }).then_some((run, self.now));
                self.traffic = Some((run, level));
                self.plan(delay, Event::TrafficChanged { run, state });
            }
            Order::KeepGood { good } => {
                let count = good.len();
                assert!(count <= 5, "five are kept");
                self.good = good.iter().map(|good| good.environment.fingerprint()).collect();
                assert_eq!(self.good.len(), count, "each environment once");
            }
            Order::KeepQuarantine { quarantine } => {
                assert!(self.good.len() + quarantine.len() > 0 || self.quarantine.len() > quarantine.len());
                assert!(quarantine.is_empty() || !self.good.is_empty(), "law 4: a quarantine without a good one");
                self.quarantine = quarantine;
            }
            Order::KeepHold { hold, .. } => self.hold = hold,
            Order::Answer { request, answer } => {
                assert_eq!(self.asked.take(), Some(request), "an answer to no question");
                self.answers.push(answer);
            }
            Order::Record { .. } => {}
        }
    }

    /// Asks as an operator; the answer comes at once.
    pub(super) fn ask(&mut self, verb: Verb) {
        self.count += 1;
        let by = Requester { request: RequestId(self.count), uid: Some(7) };
        self.asked = Some(by.request);
        self.tell(Event::Operator { verb, by });
        assert_eq!(self.asked, None, "an operator without an answer");
    }

    /// A wish that breaks the schema never reaches the service.
    fn must_be_allowed(&self, environment: &Environment) -> usize {
        let number = self.environments.iter().position(|known| **known == *environment).expect("a known environment");
        assert_ne!(number, VIOLATING, "what was rejected is used");
        number
    }

    fn tell_process(&mut self, run: RunId, environment: &Environment) {
        let number = self.must_be_allowed(environment);
        let fails = !self.obliging && self.whim(9) == 0;
        let process = self.live.get_mut(&run).expect("a reload of no process");
        let pair = Pair { environment: environment.fingerprint(), build: build(process.build) };
        let installed = process.build == self.installed;
        assert!(
            !(installed && self.quarantine.iter().any(|held| held.pair == pair)),
            "law 4: {pair:?} is in quarantine"
        );
        assert!(self.machine.holds.operator().is_none(), "a reload while held");
        if fails {
            self.plan(0, Event::ReloadFailed { run, error: "disk full".into() });
            return;
        }
        process.environment = number;
        if let Behaviour::Exits(after) = behaviour(number, process.build) {
            self.plan(after, Event::Exited { run, exit: Exit::Code(1) });
        }
    }

    fn start(&mut self, run: RunId, environment: &Environment) {
        assert!(self.live.is_empty() || self.policy.handover != Handover::Restart, "law 1: two live runs");
        assert!(self.live.len() < 2, "law 1: three live runs");
        assert!(!self.shut_down, "law 2: a start after shutdown");
        assert!(run > self.last_run, "run numbers only grow");
        self.last_run = run;
        let fingerprint = environment.fingerprint();
        let good = self.good.contains(&fingerprint);
        assert!(good || self.startable.contains(&fingerprint), "law 4: back to what was never good");
        assert!(
            good || self.good.is_empty() || self.machine.holds.operator().is_none(),
            "a start of what is not good while held"
        );
        self.startable = [Some(fingerprint), self.wish].into_iter().flatten().collect();
        let pair = Pair { environment: fingerprint, build: build(self.installed) };
        let elsewhere = self.good.iter().any(|good| *good != fingerprint);
        let quarantined = self.quarantine.iter().any(|held| held.pair == pair);
        assert!(!(quarantined && elsewhere), "law 4: {pair:?} is in quarantine");

        let number = self.must_be_allowed(environment);
        let behaviour = behaviour(number, self.installed);
        if behaviour == Behaviour::CannotStart {
            self.plan(0, Event::StartFailed { run, error: "permission denied".into() });
        } else {
            self.plan(0, Event::Started { run, pid: 4 });
        }
        if let Behaviour::Exits(after) = behaviour {
            self.plan(after, Event::Exited { run, exit: Exit::Code(1) });
        }
        self.live.insert(run, Process { environment: number, build: self.installed, started: self.now });
        self.connections.begin(run, self.live.len());
    }

    /// A process that is in traffic is stopped once it is out of it, or has had its time to get out.
    fn hold_to_traffic(&self, run: RunId) {
        let Some(max) = self.policy.drain_max.filter(|_| !self.shut_down) else { return };
        let was_in = self.traffic == Some((run, Traffic::In));
        assert!(!was_in, "a stop of a process that is in traffic");
        let in_time = self.leaving.is_some_and(|(leaves, since)| leaves == run && self.now >= since + max);
        let left = self.traffic.as_ref().is_none_or(|(ordered, _)| *ordered != run) || self.out == Some(run);
        assert!(left || in_time, "a stop of a process that still leaves traffic");
    }

    /// A process that serves is stopped for another environment only in our turn.
    fn hold_to_turns(&self, run: RunId) {
        if self.others_live(run) {
            // The other one serves.
            return;
        }
        let switching =
            matches!(self.machine.process.life(), Life::Stopping(_, StopReason::Switch)) && self.last_run != RunId(1);
        if switching && self.policy.turn == StepSetting::Enabled {
            assert!(self.granted.is_some() || self.left_in_turn, "a restart for config without a turn");
        }
    }
}
