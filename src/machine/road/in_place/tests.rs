//! Wishes that are rejected, reloaded or ignored, as stories.

mod rejected;
mod reloaded;

use std::sync::Arc;
use std::time::Duration;

use crate::environment::glob::Glob;
use crate::environment::{Environment, Variable, Visibility};
use crate::machine::board::{Board, ConfigState, Phase};
use crate::machine::event::{Event, Exit, ProbeResult, Requester, Verb};
use crate::machine::history::Outcome;
use crate::machine::ledger::Good;
use crate::machine::order::Order;
use crate::machine::policy::{CheckRule, KeyRule, OnChange, Policy, Role, StepSetting};
use crate::machine::{Build, GenerationId, Machine, Moment, Restored, RunId, Version};

const HEALTHY: u64 = 2_000;

struct Scene {
    machine: Machine,
    now: u64,
}

fn environment(pairs: &[(&str, &str)]) -> Arc<Environment> {
    let variable = |(name, value): &(&str, &str)| {
        let variable = Variable::new((*value).into(), "test".into(), Visibility::Secret);
        ((*name).to_owned(), variable)
    };
    Arc::new(Environment::new(pairs.iter().map(variable).collect()))
}

/// `DATA` asks for a restart, `LEVEL` for a reload, `NOTE` for nothing.
fn wanted(data: &str, level: &str, note: &str) -> Arc<Environment> {
    environment(&[("DATA", data), ("LEVEL", level), ("NOTE", note)])
}

fn policy() -> Policy {
    let rule = |label: &str, on_change| KeyRule { label: Glob::parse(label).unwrap(), on_change };
    Policy {
        quiet_min: Duration::ZERO,
        min_healthy: Duration::from_millis(HEALTHY),
        deadline: Duration::from_secs(10),
        on_change: vec![rule("LEVEL", OnChange::Reload), rule("NOTE", OnChange::Ignore)],
        ..Policy::new("billing")
    }
}

fn checked() -> Policy {
    let web = CheckRule {
        name: "Web".into(),
        role: Role::Readiness,
        rise: 1,
        fall: 3,
        good: "Good".into(),
        bad: "Bad".into(),
    };
    Policy { checks: vec![web], ..policy() }
}

impl Scene {
    fn new(policy: Policy, restored: Restored) -> Self {
        let mut scene = Self { machine: Machine::new(policy, restored, 1, Moment(0), 0), now: 0 };
        scene.tell(Event::Installed { build: Build("go:1".into()), version: Version::default() });
        scene
    }

    /// The service is good on this.
    fn good_on(policy: Policy, environment: &Arc<Environment>) -> Self {
        let mut scene = Self::new(policy, Restored::default());
        scene.wish(environment);
        scene.prove();
        assert_eq!(scene.board().config.state, ConfigState::Good);
        scene
    }

    /// Its orders without lines of history; a start is carried out at once.
    fn tell(&mut self, event: Event) -> Vec<Order> {
        let mut orders = self.machine.handle(Moment(self.now), event);
        if let Some(Order::Start { run, .. }) = orders.iter().find(|order| matches!(order, Order::Start { .. })) {
            let started = Event::Started { run: *run, pid: 7 };
            orders.extend(self.tell(started));
        }
        orders.retain(|order| !matches!(order, Order::Record { .. }));
        orders
    }

    fn wish(&mut self, environment: &Arc<Environment>) -> Vec<Order> {
        self.tell(Event::Wish { environment: Arc::clone(environment), violations: Vec::new() })
    }

    fn wish_for_broken(&mut self, environment: &Arc<Environment>) -> Vec<Order> {
        let violations = vec!["DATA is not a number".to_owned(), "PORT is required".to_owned()];
        self.tell(Event::Wish { environment: Arc::clone(environment), violations })
    }

    fn run(&self) -> RunId {
        self.machine.process.slot().expect("a run").id
    }

    fn probe(&mut self, outcome: ProbeResult) -> Vec<Order> {
        let run = self.run();
        self.tell(Event::Probed { run, check: 0, outcome, took: Duration::ZERO })
    }

    fn exit(&mut self) -> Vec<Order> {
        let run = self.run();
        self.tell(Event::Exited { run, exit: Exit::Code(1) })
    }

    fn pass(&mut self, millis: u64) -> Vec<Order> {
        self.now += millis;
        self.tell(Event::Tick)
    }

    /// The run is healthy for long enough.
    fn prove(&mut self) -> Vec<Order> {
        let mut orders = Vec::new();
        for _ in 0..4 {
            orders.extend(self.probe(ProbeResult::Pass));
            orders.extend(self.pass(HEALTHY / 2));
        }
        orders
    }

    fn board(&self) -> Board {
        self.machine.picture()
    }

    fn outcomes(&self) -> Vec<Outcome> {
        self.board().history.iter().map(|entry| entry.outcome).collect()
    }
}

fn disturbs(orders: &[Order]) -> bool {
    orders.iter().any(|order| matches!(order, Order::Stop { .. } | Order::Start { .. } | Order::Kill { .. }))
}

fn reloads(orders: &[Order]) -> usize {
    orders.iter().filter(|order| matches!(order, Order::Reload { .. })).count()
}

fn kept(orders: &[Order]) -> Vec<Vec<Good>> {
    let lists = orders.iter().filter_map(|order| match order {
        Order::KeepGood { good } => Some(good.clone()),
        _ => None,
    });
    lists.collect()
}
