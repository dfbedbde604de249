//! From a write to Consul to the signal, and from the old child's end to the new one's `main`.

use crate::bare::{self, Spawns};
use crate::effort::Effort;
use crate::figure::{Bar, Figure, Unit};
use crate::harness::client::Request;
use crate::harness::consul::Consul;
use crate::sidecar::Sidecar;
use crate::statistics::{Sample, now};

/// What one put did, in nanoseconds.
struct Times {
    put: i64,
    query: i64,
    signal: i64,
    end: i64,
    main: i64,
}

pub fn figures(effort: Effort) -> Vec<Figure> {
    let consul = Consul::start();
    consul.put("billing/GREETING", "0");
    let mut sidecar = Sidecar::new(&consul, &["billing/".to_owned()], "");
    let mut spawns = Spawns::new();
    sidecar.start();
    let one = |number| {
        // A spawn from rest, as lictor's is: a processor that has just been busy is quicker.
        idle();
        spawns.one();
        one(&consul, &sidecar, number)
    };
    let all: Vec<Times> = (0..effort.puts()).map(one).collect();

    let spawn = spawns.sample();
    let query = Sample::of_nanos(all.iter().map(|times| times.query - times.put));
    // As the child sees it: its Go runtime needs a moment to hand a signal over.
    let signal = Sample::of_nanos(all.iter().map(|times| times.signal - times.put));
    let over = Sample::of_nanos(all.iter().map(|times| times.signal - times.query));
    let start = Sample::of_nanos(all.iter().map(|times| times.main - times.end));
    vec![
        Figure {
            what: "KV put → the old child's signal, less a bare blocking query's return: median",
            found: signal.median() - query.median(),
            bar: Bar::AtMost(0.4, Unit::Milliseconds),
            beside: format!("{:.2} less {:.2}", signal.median(), query.median()),
        },
        Figure {
            what: "... p99",
            found: signal.p99() - query.p99(),
            bar: Bar::AtMost(2.0, Unit::Milliseconds),
            beside: format!(
                "{:.2} less {:.2}; of the differences, put by put, {:.2}",
                signal.p99(),
                query.p99(),
                over.p99()
            ),
        },
        Figure {
            what: "old child's exit → first line of the new child's `main`, less a bare posix_spawn of it: median",
            found: start.median() - spawn.median(),
            bar: Bar::AtMost(0.4, Unit::Milliseconds),
            beside: format!(
                "{:.2} less {:.2}; p99 {:.2} beside {:.2}",
                start.median(),
                spawn.median(),
                start.p99(),
                spawn.p99()
            ),
        },
    ]
}

fn one(consul: &Consul, sidecar: &Sidecar, number: usize) -> Times {
    let board = sidecar.until("good", |board| {
        board.healthy && board.config.settled && board.process.as_ref().is_some_and(|process| process.pid.is_some())
    });
    let pid = board.process.unwrap().pid.unwrap();
    let (runs, terms) = (sidecar.times("runs").len(), sidecar.times("terms").len());
    let index = consul.index("billing/");
    std::thread::scope(|scope| {
        let end = scope.spawn(|| bare::end_of(pid));
        let query = scope.spawn(|| {
            let path = format!("/v1/kv/billing/?recurse&index={index}&wait=25s");
            Request::get(&path).tcp(consul.address()).unwrap();
            now()
        });
        idle();
        let put = now();
        consul.put("billing/GREETING", format!("{}", number + 1));
        let main = sidecar.next_time("runs", runs);
        let signal = sidecar.next_time("terms", terms);
        Times { put, query: query.join().unwrap(), signal, end: end.join().unwrap(), main }
    })
}

/// So that what came before (a written state file, say) is over and all who wait do wait.
#[expect(clippy::disallowed_methods, reason = "the pace of a benchmark; nothing is awaited by it")]
fn idle() {
    std::thread::sleep(std::time::Duration::from_millis(40));
}
