//! Changes over a fleet behind a load balancer, under load: what clients lose, how long a rollout takes, and how long a turn
//! takes to go over. Beside it the same service, restarted as soon as each host notices the change.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

use tokio::time::Instant;

use crate::abrupt::Abrupt;
use crate::effort::Effort;
use crate::figure::{Bar, Figure, Unit};
use crate::harness::client::Request;
use crate::statistics::median;
use crate::theatre::cluster::Cluster;
use crate::theatre::history::Told;
use crate::theatre::load::Tally;
use crate::theatre::stage::Cast;

const HOSTS: usize = 8;
/// Requests a second.
const RATE: u32 = 500;
/// What the service takes to start, and how long it has to be quiet before it is stopped; see the cast.
const START: Duration = Duration::from_millis(800);
const QUIET: Duration = Duration::from_millis(300);
/// How many instances may be out at a time where very many changes are made.
const LIMIT: usize = 2;

/// Rollouts at an everyday pace, then many changes, good and bad, at a quick one. `BENCH_CHANGES=100` makes it a hundred of
/// each.
pub fn rollouts(effort: Effort) -> Vec<Figure> {
    let mut figures = paced(effort);
    figures.extend(many(effort));
    figures
}

/// One after the other, at the pace of the bar.
fn paced(effort: Effort) -> Vec<Figure> {
    let second = Duration::from_secs(1);
    let cast = Cast { bake: second, drain: second, min_healthy: second, ..Cast::of(HOSTS) };
    let stage = cast.enter(|_, setup| setup);
    let mut rollouts = Vec::new();
    let (tally, told) = stage.watched(RATE, |stage| {
        for change in 1..=effort.rollouts() {
            let began = Instant::now();
            stage.good_change(&format!("good-{change}"));
            rollouts.push(began.elapsed().as_secs_f64());
        }
    });
    let parts = (cast.drain + QUIET + START + cast.min_healthy).as_secs_f64() * count(HOSTS) + cast.bake.as_secs_f64();
    let changes = rollouts.len();
    let took = median(rollouts);
    let wake = wake(&stage.cluster, 20);
    let mut figures = vec![
        Figure {
            what: "a rollout over 8 instances at 500/s, beside the sum of its parts",
            found: took / parts,
            bar: Bar::AtMost(1.25, Unit::Times),
            beside: format!(
                "{took:.1} s, of {parts:.1} s: 8 × (drain 1 s + quiet 0.3 s + start 0.8 s + min_healthy 1 s) + bake 1 s"
            ),
        },
        failed("... failed requests", &tally, changes),
    ];
    figures.extend(handover(&told, wake));
    figures
}

/// How long a turn takes to go over.
fn handover(told: &Told, wake: f64) -> Option<Figure> {
    let (_, gaps) = told.turns();
    // Between two changes nobody is out either, for as long as the bake and the wish take.
    let next: Vec<f64> =
        gaps.iter().map(|gap| count(usize::try_from(*gap).unwrap())).filter(|gap| *gap < 400.0).collect();
    if next.is_empty() {
        return None;
    }
    let (turns, gap) = (next.len(), median(next));
    Some(Figure {
        what: "... a turn given back → the next one acquired, above Consul's own wake: median",
        found: gap - wake,
        bar: Bar::AtMost(20.0, Unit::Milliseconds),
        beside: format!("{gap:.1} ms less {wake:.1} ms from a put to the eight that wait for it; of {turns} turns"),
    })
}

/// How long Consul takes from a put to those who wait for it, one at each agent: the median over all of them.
#[expect(clippy::disallowed_methods, reason = "until queries that nobody can see have reached the servers")]
fn wake(cluster: &Cluster, puts: usize) -> f64 {
    const KEY: &str = "bench/wake";
    cluster.put(KEY, "0");
    let mut took = Vec::new();
    for number in 1..=puts {
        let (waits, waiting) = mpsc::channel();
        let woken: Vec<Instant> = std::thread::scope(|scope| {
            let wait = |host: usize| {
                let (agent, waits) = (cluster.client(host).address(), waits.clone());
                scope.spawn(move || {
                    let index = &Request::get(&format!("/v1/kv/{KEY}")).tcp(agent).unwrap().headers["x-consul-index"];
                    waits.send(()).unwrap();
                    Request::get(&format!("/v1/kv/{KEY}?index={index}&wait=10s")).tcp(agent).unwrap();
                    Instant::now()
                })
            };
            let waiters: Vec<_> = (0..HOSTS).map(wait).collect();
            (0..HOSTS).for_each(|_| waiting.recv().unwrap());
            // Their queries are on their way to the servers.
            std::thread::sleep(Duration::from_millis(50));
            let put = Instant::now();
            cluster.put(KEY, &number.to_string());
            let ends = waiters.into_iter().map(|waiter| waiter.join().unwrap());
            let ends: Vec<Instant> = ends.collect();
            took.extend(ends.iter().map(|end| (*end - put).as_secs_f64() * 1000.0));
            ends
        });
        assert_eq!(woken.len(), HOSTS);
    }
    median(took)
}

/// Very many changes, two instances at a time, so that it ends today; and what the same changes cost without turns.
fn many(effort: Effort) -> Vec<Figure> {
    let changes = effort.changes();
    let quick = Duration::from_millis(200);
    let cast = Cast {
        bake: Duration::ZERO,
        watch: Duration::from_secs(3),
        min_healthy: quick,
        deadline: Duration::from_secs(3),
        limit: LIMIT,
        ..Cast::of(HOSTS)
    };
    let stage = cast.enter(|_, setup| setup);
    let (good, told) = stage.watched(RATE, |stage| {
        (1..=changes).for_each(|change| stage.good_change(&format!("good-{change}")));
    });
    let (bad, bad_told) = stage.watched(RATE, |stage| {
        (1..=changes).for_each(|change| stage.bad_change(["EXIT_CODE", "SICK"][change % 2], &change.to_string()));
    });
    drop(stage);
    let out = |told: &Told| told.most_out().0.max(told.most_out().1);
    let abrupt = Abrupt::over(HOSTS).changes(RATE, changes.min(5));
    vec![
        failed(
            "good changes over 8 instances at 500/s, new connections and keep-alive: failed requests",
            &good,
            changes,
        ),
        failed("... bad changes", &bad, changes),
        Figure {
            what: "... instances out of traffic at a time, with a limit of 2",
            found: count(out(&told).max(out(&bad_told))),
            bar: Bar::AtMost(count(LIMIT), Unit::Pieces),
            beside: format!("good {}, bad {}", out(&told), out(&bad_told)),
        },
        Figure {
            what: "... without turns: failed requests a change",
            found: count(usize::try_from(abrupt.failed).unwrap()) / count(changes.min(5)),
            bar: Bar::AtMost(f64::INFINITY, Unit::Pieces),
            beside: format!(
                "of {} over {} changes: consul-template -exec on each host, which restarts as envconsul does; envconsul's \
                 own module is not to be had from every Go proxy",
                abrupt.sent,
                changes.min(5)
            ),
        },
    ]
}

fn failed(what: &'static str, tally: &Tally, changes: usize) -> Figure {
    let Tally { sent, failed, worst_ms, errors, .. } = tally;
    let errors: BTreeMap<_, _> = errors.iter().collect();
    Figure {
        what,
        found: count(usize::try_from(*failed).unwrap()),
        bar: Bar::AtMost(0.0, Unit::Pieces),
        beside: format!("of {sent} over {changes} changes, worst {worst_ms:.0} ms; {errors:?}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn count(number: usize) -> f64 {
    number as f64
}
