//! By a paused clock: the probes are in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Plan, Prober, Round};
use crate::check::Spec;
use crate::check::round::Finding;
use crate::check::startup::Startup;
use crate::check::tests::spec;
use crate::machine::event::ProbeResult;
use crate::machine::order::Pace;
use crate::machine::policy::Role;
use crate::machine::{Event, RunId};

/// Finds by the time since the round began: bad before, good from then on.
struct GoodFrom {
    begun: Instant,
    from: BTreeMap<usize, Duration>,
    takes: Duration,
}

impl Prober for GoodFrom {
    async fn probe(&self, check: usize) -> Finding {
        tokio::time::sleep(self.takes).await;
        match self.from.get(&check) {
            Some(from) if self.begun.elapsed() >= *from => Finding::Good,
            Some(_) => Finding::Bad("not yet".to_owned()),
            None => panic!("there is no such check"),
        }
    }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn good_from(from: &[u64], takes: u64) -> GoodFrom {
    let from = from.iter().enumerate().map(|(check, millis)| (check, ms(*millis))).collect();
    GoodFrom { begun: Instant::now(), from, takes: ms(takes) }
}

fn begin(specs: Vec<Spec>, pace: Pace, prober: impl Prober) -> (Round, mpsc::Receiver<Event>) {
    let (inbox, events) = mpsc::channel(8);
    let plan = Plan { run: RunId(7), specs: specs.into(), min_healthy: ms(900) };
    let startup = Startup::of(&plan.specs);
    (Round::begin(plan, startup, pace, prober, &inbox), events)
}

/// The next finding: when it was sent, of which check, and whether it passed.
async fn next(events: &mut mpsc::Receiver<Event>, begun: Instant) -> (u128, usize, bool) {
    match events.recv().await {
        Some(Event::Probed { run: RunId(7), check, outcome, .. }) => {
            (begun.elapsed().as_millis(), check, outcome == ProbeResult::Pass)
        }
        other => panic!("not a finding of this run: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn at_once_then_quick_then_steady() {
    let begun = Instant::now();
    let (_round, mut events) = begin(vec![spec("a", Role::Readiness)], Pace::Normal, good_from(&[250], 0));
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push(next(&mut events, begun).await);
    }
    let expected = [(0, 0, false), (100, 0, false), (300, 0, true), (1000, 0, true), (2000, 0, true), (3000, 0, true)];
    assert_eq!(seen, expected);
}

#[tokio::test(start_paused = true)]
async fn the_pace_changes_without_waiting_for_the_old_one() {
    let begun = Instant::now();
    let (round, mut events) = begin(vec![spec("a", Role::Readiness)], Pace::Normal, good_from(&[0], 0));
    assert_eq!(next(&mut events, begun).await, (0, 0, true));
    tokio::time::sleep(ms(10)).await;
    round.set_pace(Pace::Trial);
    assert_eq!(next(&mut events, begun).await, (300, 0, true));
    assert_eq!(next(&mut events, begun).await, (600, 0, true));
    round.set_pace(Pace::Normal);
    assert_eq!(next(&mut events, begun).await.0, 1300, "on the way to its place in the longer interval");
    assert_eq!(next(&mut events, begun).await.0, 2000);
}

#[tokio::test(start_paused = true)]
async fn one_probe_at_a_time() {
    let begun = Instant::now();
    let (_round, mut events) = begin(vec![spec("a", Role::Readiness)], Pace::Normal, good_from(&[0], 1500));
    for expected in [1500, 3000, 4500] {
        assert_eq!(next(&mut events, begun).await.0, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn the_others_wait_for_startup() {
    let begun = Instant::now();
    let specs = vec![spec("live", Role::Liveness), spec("start", Role::Startup), spec("info", Role::Info)];
    let (_round, mut events) = begin(specs, Pace::Normal, good_from(&[0, 300, 0], 0));
    for expected in [(0, 1, false), (100, 1, false), (300, 1, true)] {
        assert_eq!(next(&mut events, begun).await, expected);
    }
    let mut others = [next(&mut events, begun).await, next(&mut events, begun).await];
    others.sort_unstable();
    assert_eq!(others, [(300, 0, true), (300, 2, true)]);
}

#[tokio::test(start_paused = true)]
async fn a_full_inbox_loses_nothing() {
    let specs: Vec<Spec> = (0..50).map(|_| spec("a", Role::Readiness)).collect();
    let (_round, mut events) = begin(specs, Pace::Normal, good_from(&[0; 50], 0));
    tokio::time::sleep(ms(5000)).await;
    let mut seen = BTreeMap::<usize, u32>::new();
    let begun = Instant::now();
    while seen.len() < 50 {
        *seen.entry(next(&mut events, begun).await.1).or_default() += 1;
    }
    assert!(begun.elapsed() < ms(1), "every one of them was waiting to be heard");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_round_sends_nothing_more() {
    let specs: Vec<Spec> = (0..50).map(|_| spec("a", Role::Readiness)).collect();
    let (round, mut events) = begin(specs, Pace::Normal, good_from(&[0; 50], 0));
    next(&mut events, Instant::now()).await;
    drop(round);
    let mut left = 0;
    while events.recv().await.is_some() {
        left += 1;
    }
    assert!(left <= 8, "only what was in the inbox already: {left}");
}

#[tokio::test(start_paused = true)]
async fn a_bug_in_a_probe_is_a_failure_and_not_silence() {
    let begun = Instant::now();
    let (_round, mut events) = begin(vec![spec("a", Role::Readiness)], Pace::Normal, good_from(&[], 0));
    assert_eq!(next(&mut events, begun).await, (0, 0, false));
    assert_eq!(next(&mut events, begun).await, (100, 0, false));
}

#[test]
fn a_warning_is_said_once() {
    let mut last = None;
    super::tell_warning("a", &Finding::Warning("hm".to_owned()), &mut last);
    assert_eq!(last.as_deref(), Some("hm"));
    super::tell_warning("a", &Finding::Good, &mut last);
    assert_eq!(last, None);
}

#[test]
fn the_same_checks_are_known_by_being_the_same() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let specs: Arc<[Spec]> = vec![spec("a", Role::Info)].into();
        let (inbox, _events) = mpsc::channel(8);
        let plan = Plan { run: RunId(7), specs: Arc::clone(&specs), min_healthy: ms(1) };
        let round = Round::begin(plan, Startup::default(), Pace::Normal, good_from(&[0], 0), &inbox);
        assert!(round.is_by(&specs));
        assert!(!round.is_by(&specs.iter().cloned().collect()));
    });
}
