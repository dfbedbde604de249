//! Compares what is wanted with what is so and takes the next legal step, until there is none left.

use std::sync::Arc;
use std::time::Duration;

use super::event::TurnRefusal;
use super::health::{Health, Patience};
use super::history::Outcome;
use super::hold::Hold;
use super::life::{Life, ProcessOrigin, Slot, StopReason};
use super::order::{Order, Pace, TurnVerdict};
use super::road::checked::Judge;
use super::road::settled;
use super::road::switched::ApplyBy;
use super::road::turn::{self, Turn};
use super::road::{Decision, Journey, Step, checked, guarded};
use super::trial::{Judgement, Trial, TrialKind};
use super::{Base, Machine, Subject, Wish};
use crate::environment::{Environment, changed_names};

/// No event needs more steps than this: a loop that does is a bug, and it must not hang the service.
const STEPS: usize = 64;

impl Machine {
    pub(super) fn settle(&mut self) {
        let steps = (0..STEPS).take_while(|_| self.step()).count();
        debug_assert!(steps < STEPS, "the machine does not settle");
        self.set_traffic();
        self.give_back_turn();
        self.set_pace();
    }

    /// Takes one step; says whether it did.
    fn step(&mut self) -> bool {
        if self.shutdown {
            return self.wind_down();
        }
        self.compare_losses()
            || self.end_hold()
            || self.judge()
            || self.take_back_sickened()
            || self.restart_unresponsive()
            || self.stop_what_has_left()
            || self.travel()
            || self.grow_stale()
            || self.start()
    }

    fn wind_down(&mut self) -> bool {
        self.leave_road() || self.stop(StopReason::Shutdown) || self.stop_what_has_left()
    }

    fn judge(&mut self) -> bool {
        let (Life::Alive(run), Some(trial)) = (&self.life, &self.trial) else { return false };
        match trial.judge(self.now, run, &self.policy) {
            Judgement::Passed => self.passed(),
            Judgement::Failed(why) => self.failed(&why),
            Judgement::Open(_) => return false,
        }
        true
    }

    /// A liveness failure outside a trial restarts, under the crash backoff.
    fn restart_unresponsive(&mut self) -> bool {
        let Life::Alive(run) = &self.life else { return false };
        let Some(why) = run.health.dead(&self.policy.checks, Patience::Fall) else { return false };
        self.record(Outcome::Unresponsive, self.subject(), why);
        self.stop(StopReason::Unresponsive)
    }

    fn travel(&mut self) -> bool {
        match (&self.journey, self.wanted()) {
            (Some(journey), Some(wanted)) if journey.environment == wanted => self.advance(),
            (Some(_), _) => self.leave_road(),
            (None, Some(wanted)) => {
                self.journey = Some(Journey::new(wanted, self.now));
                true
            }
            (None, None) => self.resort_to_good(),
        }
    }

    /// The newest wish, if there is any reason to set out with it.
    fn wanted(&self) -> Option<Arc<Environment>> {
        let Wish::Environment(wish) = &self.wish else { return None };
        let build = &self.installed.0;
        let elsewhere = self.base.is_some() || self.ledger.fallback(wish, build).is_some();
        let barred = self.base.as_ref().is_some_and(|base| base.environment == *wish)
            || self.suspect.as_ref().is_some_and(|suspect| suspect.is(wish, build))
            || self.setback.as_ref().is_some_and(|setback| setback.bars(self.now, wish, build, &self.policy))
            || self.refused.as_ref().is_some_and(|refused| refused.bars(self.now, wish))
            || (elsewhere && self.ledger.quarantined(wish, build).is_some());
        (!barred).then(|| Arc::clone(wish))
    }

    /// With no way to go for the newest wish and nothing to run, the good environment runs: a config problem never
    /// keeps a service down, and neither do sources that stay silent.
    fn resort_to_good(&mut self) -> bool {
        if self.base.is_some() || self.in_grace() {
            return false;
        }
        // What an earlier lictor left running serves, whatever it runs on: silent sources are no reason to end it.
        if self.wish == Wish::Unheard && self.life.alive().is_some() {
            return false;
        }
        let Some(good) = self.ledger.resort(&self.installed.0) else { return false };
        self.base = Some(Base::of(good, self.now));
        self.stop(StopReason::Switch);
        true
    }

    fn advance(&mut self) -> bool {
        let Some(journey) = &self.journey else { return false };
        let step = journey.step;
        let held = self.holding().is_some() && !matches!(step, Step::Settled | Step::Guarded);
        if held || self.is_losing(step) {
            return self.back_to_guarded();
        }
        match self.decide(step) {
            Decision::Wait(_) if step == Step::Guarded => {
                self.tell_losses() || self.tell_held() || self.resort_to_good()
            }
            Decision::Wait(_) if step == Step::Turn => self.tell_halted(),
            Decision::Wait(_) => false,
            Decision::Back => {
                if let Some(journey) = &mut self.journey {
                    journey.go(Step::Turn, self.now);
                }
                true
            }
            Decision::Ask => self.ask(),
            Decision::Reject(reason) => self.reject(reason, Judge::Schema),
            Decision::Pass if step == Step::Switched => self.switch(),
            Decision::Pass => {
                self.cancel_check();
                if step == Step::Guarded {
                    self.tell_losses();
                }
                if let Some(journey) = &mut self.journey {
                    journey.go(step.next(), self.now);
                }
                true
            }
        }
    }

    pub(super) fn decide(&self, step: Step) -> Decision {
        match (step, self.edits) {
            (Step::Settled, Some(edits)) if self.base.is_some() => {
                settled::decide(self.now, edits, self.rest(), &self.policy)
            }
            (Step::Settled, _) => Decision::Pass,
            (Step::Guarded, _) => guarded::decide(self.holding(), self.guard.losses()),
            (Step::Checked(asked), _) => checked::decide(&self.violations, self.policy.check_command, asked),
            (Step::Turn, _) => match self.way() {
                ApplyBy::Restart => turn::decide(self.policy.turn, &self.turn, &self.life),
                ApplyBy::Wait(_) | ApplyBy::Reload | ApplyBy::Ignore => Decision::Pass,
            },
            (Step::Switched, _) => match self.way() {
                // Nothing starts while a process is on its way out for another reason; the newest wish wins then.
                ApplyBy::Restart => match turn::decide(self.policy.turn, &self.turn, &self.life) {
                    Decision::Pass => Decision::Pass,
                    _ => Decision::Back,
                },
                ApplyBy::Wait(at) => Decision::Wait(at),
                ApplyBy::Reload | ApplyBy::Ignore => Decision::Pass,
            },
        }
    }

    /// How long the newest wish rests, so that the trial that it would end comes to its verdict.
    fn rest(&self) -> Duration {
        let on_trial = self.life.alive().is_some() && self.on_trial();
        if on_trial { settled::rest(self.superseded, &self.policy) } else { Duration::ZERO }
    }

    /// The operator's hold, unless there is nothing else to run: a first start is not held.
    pub(super) fn holding(&self) -> Option<&Hold> {
        let elsewhere = self.base.is_some() || self.ledger.newest().is_some();
        self.hold.as_ref().filter(|_| elsewhere)
    }

    fn ask(&mut self) -> bool {
        let Some(journey) = &mut self.journey else { return false };
        let order = match journey.step {
            Step::Checked(_) => {
                self.numbers.check = self.numbers.check.next();
                journey.step = Step::Checked(Some(self.numbers.check));
                Order::Check { check: self.numbers.check, environment: Arc::clone(&journey.environment) }
            }
            Step::Turn => {
                self.numbers.turn = self.numbers.turn.next();
                self.turn = Turn::Asked(self.numbers.turn, None);
                self.turn_verdict = TurnVerdict::Withdrawn;
                Order::AskTurn {
                    turn: self.numbers.turn,
                    wish: Arc::clone(&journey.environment),
                    running: self.base.as_ref().map(|base| Arc::clone(&base.environment)),
                    build: self.installed.0.clone(),
                }
            }
            Step::Settled | Step::Guarded | Step::Switched => return false,
        };
        self.order(order);
        true
    }

    /// Stops the process if one runs, out of traffic first; says whether there was anything to do.
    pub(super) fn stop(&mut self, reason: StopReason) -> bool {
        let leaves_until = self.leaves_until();
        match std::mem::replace(&mut self.life, Life::Absent { not_before: None }) {
            Life::Alive(run) => {
                self.life = if let Some(until) = leaves_until {
                    Life::Leaving(run, reason, until)
                } else {
                    self.order(Order::Stop { run: run.id });
                    Life::Stopping(run, reason)
                };
                self.life_since = self.now;
                true
            }
            // It leaves already: the end of lictor is the reason that counts.
            Life::Leaving(run, before, until) if reason == StopReason::Shutdown && before != reason => {
                self.life = Life::Leaving(run, reason, until);
                true
            }
            other => {
                self.life = other;
                false
            }
        }
    }

    /// The first time that the fleet halts this wish is a line of history; says whether this is it.
    fn tell_halted(&mut self) -> bool {
        let Some(TurnRefusal::Halted { by, why }) = self.turn.refusal() else { return false };
        let reason = format!("taken back by {by}: {why}");
        let Some(environment) = self.journey.as_ref().map(|journey| Arc::clone(&journey.environment)) else {
            return false;
        };
        if self.told_halted == Some(environment.fingerprint()) {
            return false;
        }
        self.told_halted = Some(environment.fingerprint());
        let keys = self.base.as_ref().map(|base| changed_names(&base.environment, &environment)).unwrap_or_default();
        let subject = Subject { environment: Some(environment), keys, took: self.journey_took(), ..self.subject() };
        self.record(Outcome::Halted, subject, reason);
        true
    }

    fn start(&mut self) -> bool {
        let Life::Absent { not_before } = self.life else { return false };
        let build = self.installed.0.clone();
        if not_before.is_some_and(|at| at > self.now) {
            return false;
        }
        if self.overtaken_in_a_moment() {
            return false;
        }
        self.give_way_to_good();
        let kind = self.kind_of_start();
        let Some(base) = &mut self.base else { return false };
        if base.build.as_ref().is_some_and(|before| *before != build) {
            self.numbers.generation = self.numbers.generation.next();
            base.generation = self.numbers.generation;
            self.streak = super::Streak::default();
        }
        base.build = Some(build.clone());
        self.numbers.run = self.numbers.run.next();
        let (run, generation, environment) = (self.numbers.run, base.generation, Arc::clone(&base.environment));
        if run.0 > 1 {
            self.totals.restarted(self.reason);
        }
        self.take_up();
        self.life = Life::Alive(Slot {
            id: run,
            generation,
            started_with: Arc::clone(&environment),
            environment: Arc::clone(&environment),
            build: build.clone(),
            pid: None,
            started: self.now,
            health: Health::new(self.now, &self.policy.checks),
            been_ready: false,
            origin: ProcessOrigin::Started,
        });
        self.life_since = self.now;
        self.trial = Some(Trial::new(kind));
        self.order(Order::Start { run, generation, environment, build });
        true
    }

    /// The process is probed while it runs, and faster while it is on trial. The probes know what it runs on: a reload
    /// changes that for the same run.
    fn set_pace(&mut self) {
        let probing = match (&self.life, &self.trial) {
            // What leaves traffic still serves.
            (Life::Leaving(run, ..), _) => Some((run.id, Pace::Normal, run.environment.fingerprint())),
            (Life::Alive(run), trial) if run.pid.is_some() => {
                let on_trial =
                    trial.as_ref().is_some_and(|trial| trial.kind != TrialKind::Proven && trial.overdue.is_none());
                let pace = if on_trial { Pace::Trial } else { Pace::Normal };
                Some((run.id, pace, run.environment.fingerprint()))
            }
            _ => None,
        };
        if probing != self.probing {
            self.probing = probing;
            let environment = self.life.run().map(|run| Arc::clone(&run.environment));
            self.order(match (probing, environment) {
                (Some((run, pace, _)), Some(environment)) => Order::Probe { run, pace, environment },
                _ => Order::StopProbing,
            });
        }
    }
}
