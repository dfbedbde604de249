//! The laws of the fleet, held by many simulated hosts against a model of Consul: sessions that die, leaders that change,
//! partitions, clocks that stand still, lictors that are killed, records that are lost. Time is virtual; each seed is one
//! history.
//!
//! - F1 never more than `limit` instances out for config at a time, whoever dies (a silent one is forgotten after five
//!   minutes);
//! - F2 a config that fails on its first host is tried on at most `limit` hosts;
//! - F3 with an obliging world every host gets a good change;
//! - F4 no turn, session, mark or record outlives its reason;
//! - F5 with Consul away nothing restarts for config;
//! - F6 a lictor that dies at any point leaves a fleet that goes on.
//!
//! `FLEET_SEED=7` replays one seed with its log; `FLEET_SEEDS=100000` tries so many, which `make fuzz FUZZ=laws` does with
//! optimised code: a million take some five hours of one processor.

mod consul;
mod host;
mod machine;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use self::host::{Config, Mind, Nature};
use self::world::{Fault, World};

/// So many seeds, unless `FLEET_SEEDS` says otherwise: the machine itself takes ten times as long as its stand-in.
const SEEDS: [(Mind, u64); 3] = [(Mind::StandIn, 100), (Mind::Machine, 16), (Mind::Overlapping, 10)];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs a history for each seed, on as many processors as there are; one that breaks a law is printed with its log.
fn hold(mind: Mind, story: fn(u64, &mut World), world: impl Fn(u64) -> World + Sync) {
    let usual = SEEDS.iter().find(|(known, _)| *known == mind).map_or(1, |(_, seeds)| *seeds);
    let seeds = match number("FLEET_SEED") {
        Some(seed) => seed..seed + 1,
        // As many for the stand-in as are asked for, and for the machine by the same share as usual.
        None => 0..number("FLEET_SEEDS").map_or(usual, |seeds| (seeds * usual / SEEDS[0].1).max(1)),
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (seeds, world) = (seeds.clone().skip(thread).step_by(threads), &world);
            scope.spawn(move || tell(seeds, story, world));
        }
    });
}

fn tell(seeds: impl Iterator<Item = u64>, story: fn(u64, &mut World), world: impl Fn(u64) -> World) {
    for seed in seeds {
        let mut world = world(seed);
        let told = catch_unwind(AssertUnwindSafe(|| story(seed, &mut world)));
        if let Err(panic) = told {
            println!("{}\nFLEET_SEED={seed} breaks a law (the log above is its end)", world.log());
            resume_unwind(panic);
        }
    }
}

fn config(number: u32, nature: Nature) -> Config {
    Config { number, nature }
}

/// Everybody wishes for this, each at its own moment.
fn wish(world: &mut World, config: Config, rng: &mut fastrand::Rng) {
    for number in 0..world.hosts.len() {
        world.plan(Duration::from_millis(rng.u64(0..1_500)), Fault::Wish(number, config));
    }
}

/// The end of every history: nothing hinders any more, and a good config comes.
fn converge(world: &mut World, rng: &mut fastrand::Rng, goner: Option<usize>) {
    for number in (0..world.hosts.len()).filter(|number| Some(*number) != goner) {
        world.fault(Fault::Heal(number));
        world.fault(Fault::Revive(number));
    }
    let good = config(1_000, Nature::Good);
    wish(world, good, rng);
    world.pass(Duration::from_secs(2));
    for _ in 0..360 {
        if world.is_at_rest_on(good) {
            break;
        }
        world.pass(Duration::from_secs(5));
    }
    assert!(world.is_at_rest_on(good), "F3: not every host has the good config: {:#?}", world.hosts);
    world.pass(Duration::from_mins(3));
    assert!(world.is_at_rest_on(good));
    let alive = world.hosts.iter().filter(|host| host.turns.is_some()).count();
    let marks = world.consul.keys("out/");
    let theirs = |key: &String| world.hosts.iter().any(|host| host.turns.is_some() && host.member.key() == *key);
    assert!(!marks.iter().any(theirs), "F4: marks are left: {marks:?}");
    let holders: Vec<_> = world.consul.keys("turn/").into_iter().filter(|key| key.starts_with("session-")).collect();
    assert!(holders.is_empty(), "F4: holders are left: {holders:?}");
    assert_eq!(world.consul.sessions(), alive, "F4: sessions are left");
    let records = world.consul.keys("instances/").into_iter().filter(|key| key != "odd").count();
    assert_eq!(records, alive, "F4: records are left");
    assert!(world.consul.keys("rollout/").len() < 60, "F4: rollouts are left");
}

/// Several changes, good and bad, while everything goes wrong.
fn troubled(seed: u64, world: &mut World) {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0xf1ee7);
    let hosts = world.hosts.len();
    world.pass(Duration::from_secs(8));
    // Of fewer, too few others pass to go on without it: an operator has to say that it is gone.
    let goner = (hosts >= 5 && rng.u8(0..3) == 0).then(|| rng.usize(0..hosts));
    for change in 1..=rng.u32(1..5) {
        let nature = [Nature::Good, Nature::Exits, Nature::Sickens, Nature::Relapses][rng.usize(0..4)];
        wish(world, config(change, nature), &mut rng);
        for _ in 0..rng.u32(0..6) {
            let host = rng.usize(0..hosts);
            let at = Duration::from_millis(rng.u64(0..40_000));
            let length = rng.u64(100..45_000);
            let back = at + Duration::from_millis(length);
            match rng.u8(0..7) {
                0 | 1 => {
                    world.plan(at, Fault::Kill(host));
                    if Some(host) != goner {
                        world.plan(back, Fault::Revive(host));
                    }
                }
                2 => {
                    world.plan(at, Fault::CutOff(host));
                    world.plan(back, Fault::Heal(host));
                }
                3 => world.plan(at, Fault::Pause(host, length)),
                4 => world.plan(at, Fault::NoLeader(length / 3)),
                5 => world.plan(at, Fault::LoseRecord(host)),
                _ => world.plan(at, Fault::Scribble(length)),
            }
        }
        world.pass(Duration::from_millis(rng.u64(1_000..90_000)));
    }
    world.pass(Duration::from_mins(1));
    converge(world, &mut rng, goner);
}

fn any_world(seed: u64, mind: Mind) -> World {
    let mut rng = fastrand::Rng::with_seed(seed);
    let hosts = rng.usize(1..7);
    World::new(seed, mind, hosts, rng.usize(1..=2))
}

#[test]
fn whatever_fails_the_laws_hold_and_the_fleet_goes_on() {
    hold(Mind::StandIn, troubled, |seed| any_world(seed, Mind::StandIn));
}

#[test]
fn whatever_fails_the_laws_hold_with_the_machine_itself() {
    hold(Mind::Machine, troubled, |seed| any_world(seed, Mind::Machine));
}

/// With `handover = "overlap"` a turn is asked for all the same.
#[test]
fn whatever_fails_the_laws_hold_where_processes_overlap() {
    hold(Mind::Overlapping, troubled, |seed| any_world(seed, Mind::Overlapping));
}

/// Changes, good and bad, on hosts whose processes overlap: nobody is ever out for config.
fn undisturbed(seed: u64, world: &mut World) {
    bad_changes(seed, world);
    assert_eq!(world.most_out, 0, "somebody was out for config");
    assert!(world.grants > 0, "nobody had a turn");
}

#[test]
fn where_processes_overlap_no_change_takes_anybody_out() {
    hold(Mind::Overlapping, undisturbed, |seed| World::new(seed, Mind::Overlapping, 4, 1));
}

/// Several bad changes, and nothing else that goes wrong.
fn bad_changes(seed: u64, world: &mut World) {
    let mut rng = fastrand::Rng::with_seed(seed);
    world.pass(Duration::from_secs(10));
    for change in 1..4 {
        let nature = [Nature::Exits, Nature::Sickens, Nature::Relapses][rng.usize(0..3)];
        wish(world, config(change, nature), &mut rng);
        world.pass(Duration::from_secs(90));
    }
    for (config, hosts) in world.tried().into_iter().filter(|(config, _)| config.nature != Nature::Good) {
        assert_eq!(hosts, 1, "F2: {config:?} was tried on {hosts} hosts");
    }
    converge(world, &mut rng, None);
}

#[test]
fn a_bad_config_is_tried_on_as_many_hosts_as_the_limit_says_at_the_most() {
    for mind in [Mind::StandIn, Mind::Machine] {
        hold(mind, bad_changes, |seed| World::new(seed, mind, 5, 1 + usize::from(seed % 2 == 0)));
    }
}

#[test]
fn with_two_turns_at_a_time_two_are_used() {
    let mut world = World::new(1, Mind::StandIn, 6, 2);
    let mut rng = fastrand::Rng::with_seed(1);
    world.pass(Duration::from_secs(5));
    wish(&mut world, config(1, Nature::Good), &mut rng);
    world.pass(Duration::from_mins(2));
    assert_eq!((world.most_out, world.grants), (2, 6));
}
