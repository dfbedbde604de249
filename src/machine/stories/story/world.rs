//! The world around the machine: time passes, and orders are carried out and answered.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Nature, Part, Process, Story, Weather, build, name_of, pair_name};
use crate::machine::event::{CheckVerdict, Event, Exit, ProbeResult, TrafficState};
use crate::machine::laws::replay::Logged;
use crate::machine::order::{Order, Traffic};

impl Story {
    /// Time passes: probes come back once a second, the machine is woken when it asks for it.
    pub(in crate::machine) fn passes(&mut self, millis: u64) {
        let until = self.now + Duration::from_millis(millis);
        loop {
            let wake = self.machine.next_wake();
            let probe = (!self.probing.is_empty()).then_some(self.probe_at);
            let death = self.processes().filter_map(|process| process.dies_at).min();
            let Some(next) = [wake, probe, death].into_iter().flatten().min().filter(|at| *at <= until) else { break };
            self.now = self.now.max(next);
            if death == Some(next) {
                let dies = self.processes().find(|process| process.dies_at == death).map(|process| process.run);
                self.ends(dies.expect("one dies"), Exit::Code(1));
            } else if probe == Some(next) {
                self.probe_all();
            } else {
                self.tell(Event::Tick);
                assert!(self.machine.next_wake().is_none_or(|at| at > self.now), "the machine spins");
            }
        }
        self.now = until;
    }

    fn probe_all(&mut self) {
        self.probe_at = self.now + Duration::from_secs(1);
        let probed: Vec<_> = self.processes().map(|process| process.run).collect();
        let checks = self.weather.len();
        for (run, check) in probed.into_iter().flat_map(|run| (0..checks).map(move |check| (run, check))) {
            let Some(process) = self.processes().find(|process| process.run == run) else { continue };
            if !self.probing.iter().any(|(probed, _)| *probed == run) {
                continue;
            }
            let sick = match self.nature_of(&process.pair) {
                Some(Nature::Sick) => true,
                Some(Nature::SickensInTraffic) => self.connected == Some(run),
                _ => false,
            };
            let outcome = match self.weather[check] {
                Weather::Silent => continue,
                Weather::Passing if !sick => ProbeResult::Pass,
                _ => ProbeResult::Fail("503".into()),
            };
            self.tell(Event::Probed { run, check, outcome, took: Duration::from_millis(2) });
        }
    }

    pub(super) fn tell(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let orders = self.machine.handle(self.now, event.clone());
            self.log.push(Logged::new(self.now, event, &orders));
            for order in orders {
                self.note(&order);
                events.extend(self.carry_out(order));
            }
        }
    }

    fn note(&mut self, order: &Order) {
        let word = match order {
            Order::Start { environment, .. } => format!("start {}", name_of(environment.fingerprint())),
            Order::Stop { .. } => "stop".into(),
            Order::Kill { .. } => "kill".into(),
            Order::Signal { signal, .. } => format!("signal {signal}"),
            Order::Reload { environment, .. } => format!("reload {}", name_of(environment.fingerprint())),
            Order::Check { environment, .. } => format!("check {}", name_of(environment.fingerprint())),
            Order::CancelCheck { .. } => "cancel check".into(),
            Order::AskTurn { .. } => "ask turn".into(),
            Order::ReturnTurn { .. } => "return turn".into(),
            Order::Halt { wish, .. } => format!("halt {}", name_of(wish.fingerprint())),
            Order::EndHalt { wish } => format!("end halt {}", name_of(wish.fingerprint())),
            Order::Steer { run, share } => {
                let name = self.processes().find(|process| process.run == *run).map_or("?", |process| &process.pair);
                let name = name.split(' ').next().unwrap_or_default();
                if *share == 100 { format!("steer to {name}") } else { format!("steer {share}% to {name}") }
            }
            Order::WriteFile { environment } => format!("write {}", name_of(environment.fingerprint())),
            Order::Traffic { level: Traffic::In, .. } => "in".into(),
            Order::Traffic { level: Traffic::Out { .. }, .. } => "out".into(),
            _ => return,
        };
        self.did.push(word);
    }

    /// The answer, if it comes at once.
    fn carry_out(&mut self, order: Order) -> Option<Event> {
        let at_once = |part| !self.by_hand.contains(&part);
        match order {
            Order::Start { run, environment, .. } => {
                assert!(self.process.is_none() || self.overlaps(), "two live processes");
                assert!(self.beside.is_none(), "three live processes");
                let pair = pair_name(&name_of(environment.fingerprint()), &build(&self.build));
                self.starts.push(pair.clone());
                self.started_at = self.now;
                let nature = self.nature_of(&pair);
                if nature == Some(Nature::Refuses) {
                    return Some(Event::StartFailed { run, error: "permission denied".into() });
                }
                let answer = at_once(Part::Start).then_some(Event::Started { run, pid: 7 });
                let dies_at = (nature == Some(Nature::Dies)).then(|| self.now + Duration::from_secs(1));
                self.beside = self.process.replace(Process { run, pair, dies_at });
                if self.beside.is_none() {
                    self.connected = Some(run);
                }
                answer
            }
            Order::Stop { run } if at_once(Part::Stop) => {
                self.remove(run);
                Some(Event::Exited { run, exit: Exit::Code(0) })
            }
            Order::Probe { run, pace, .. } => {
                if self.probing.is_empty() {
                    self.probe_at = self.now + Duration::from_secs(1);
                }
                self.probing.retain(|(probed, _)| *probed != run);
                self.probing.push((run, pace));
                None
            }
            Order::StopProbing { run } => {
                self.probing.retain(|(probed, _)| *probed != run);
                None
            }
            Order::Steer { run, .. } => {
                self.connected = Some(run);
                at_once(Part::Steer).then_some(Event::Steered { run })
            }
            Order::Check { check, .. } => {
                let answer = at_once(Part::Check).then_some(Event::Checked { check, verdict: CheckVerdict::Passed });
                self.check = Some(check);
                answer
            }
            Order::CancelCheck { .. } => {
                self.check = None;
                None
            }
            Order::AskTurn { turn, .. } => {
                let answer = at_once(Part::Turn).then_some(Event::TurnGranted { turn });
                assert!(self.turn.replace(turn).is_none(), "two turns");
                answer
            }
            Order::ReturnTurn { .. } => {
                self.turn.take().expect("a turn is given back once");
                None
            }
            Order::Traffic { run, level } => {
                let state = match level {
                    Traffic::In => TrafficState::In,
                    Traffic::Out { .. } => TrafficState::Out,
                };
                self.leaving = (state == TrafficState::Out).then_some(run);
                at_once(Part::Traffic).then_some(Event::TrafficChanged { run, state })
            }
            Order::KeepGood { good } => {
                self.good = good.iter().map(|good| name_of(good.environment.fingerprint())).collect();
                None
            }
            Order::Record { entry } => {
                self.records.push(entry.outcome);
                None
            }
            Order::Stop { .. }
            | Order::Halt { .. }
            | Order::EndHalt { .. }
            | Order::Kill { .. }
            | Order::Signal { .. }
            | Order::WriteFile { .. }
            | Order::Reload { .. }
            | Order::KeepQuarantine { .. }
            | Order::KeepHold { .. }
            | Order::Answer { .. } => None,
        }
    }

    fn nature_of(&self, pair: &str) -> Option<Nature> {
        self.natures.iter().find(|(words, _)| pair.contains(words.as_str())).map(|(_, nature)| *nature)
    }
}
