//! lictor is killed at random moments while the service it holds a socket for is under load. `LICTOR_KILLS` says how often
//! (a few times by itself, since each takes a second), `LICTOR_SEED` throws the same dice again.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::Request;
use crate::listen::{Load, go_program};
use crate::rig::{Rig, UNIT};
use crate::wait::eventually;

/// So often unless it is said otherwise.
const KILLS: usize = 7;
/// The board is right again within a second of a new lictor's start; but all tests may share one processor.
const RIGHT_AGAIN: Duration = Duration::from_secs(10);

const CONFIG: &str = r#"
directory {
  path = "/srv/conf.d"
}
wait {
  min = "10ms"
  max = "100ms"
}
exec {
  command      = ["/usr/local/bin/shop", "-addr", "127.0.0.1:8080", "-linger", "300ms"]
  kill_timeout = "5s"
}
listen "http" {
  address = "127.0.0.1:8080"
}
apply {
  min_healthy = "200ms"
  deadline    = "5s"
  handover    = "HANDOVER"
}
check "Web" {
  http {
    url = "http://127.0.0.1:8080/healthz"
  }
  interval = "50ms"
  timeout  = "1s"
}
"#;

/// What goes on when lictor is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// Nothing.
    Quiet,
    /// A new value is on its way through all its steps.
    Change,
    /// A value that the service ends on.
    BadChange,
    /// `lictor restart`.
    Restart,
    /// lictor reads its own configuration again.
    Reload,
    /// A hold begins, and a value comes that has to wait.
    Hold,
    /// lictor begins anew from its file.
    Reexec,
}

const MOMENTS: [Moment; 7] =
    [Moment::Quiet, Moment::Change, Moment::BadChange, Moment::Restart, Moment::Reload, Moment::Hold, Moment::Reexec];

/// The shop, held and under load.
struct Shop {
    rig: Rig,
    /// How long each board took to be right again.
    took: Vec<Duration>,
}

impl Shop {
    fn open(handover: &str) -> Self {
        let (load, shop) = (go_program("tests/listen/load"), go_program("examples/billing"));
        let rig = Rig::bare(&[("load", &load), ("shop", &shop)]);
        fs::create_dir(rig.path("/srv/conf.d")).unwrap();
        rig.write("/etc/lictor/svc.hcl", &CONFIG.replace("HANDOVER", handover));
        rig.drop_in("RestartSec=50ms\n");
        rig.write("/srv/conf.d/GREETING", "hello");
        rig.done(&format!("systemctl start {UNIT}"));
        rig.until("StatusText", "good", |status| status.contains(" up, healthy") && status.ends_with(" good"));
        Self { rig, took: Vec::new() }
    }

    /// What lictor answers, if there is one.
    fn board(&self) -> Option<Value> {
        let answer = Request::get("/board").unix(&self.rig.path("/run/lictor/svc/svc.sock")).ok()?;
        (answer.code == 200).then(|| answer.json())
    }

    fn lictor(&self) -> Option<u32> {
        self.rig.property("MainPID").parse().ok().filter(|pid| *pid != 0)
    }

    /// Every process of the service.
    fn processes(&self) -> Vec<u32> {
        self.rig.running("/usr/local/bin/shop")
    }

    fn begin(&self, moment: Moment, round: usize) {
        let ask = |words: &str| self.rig.spawn(&format!("lictor {words} --socket /run/lictor/svc/svc.sock"));
        match moment {
            Moment::Quiet => {}
            Moment::Change => self.rig.set("GREETING", &format!("hello {round}")),
            // Not a number, which the shop ends on.
            Moment::BadChange => self.rig.set("WORKERS", "many"),
            Moment::Restart => ask("restart"),
            Moment::Reload => drop(self.rig.run(&format!("systemctl reload --no-block {UNIT}"))),
            Moment::Hold => {
                ask("hold");
                self.rig.set("GREETING", &format!("held {round}"));
            }
            Moment::Reexec => ask("reexec"),
        }
    }

    /// Kills lictor, and waits until its successor's board is right.
    fn kill(&mut self) -> Duration {
        let Some(before) = self.lictor() else { return Duration::ZERO };
        self.rig.run(&format!("kill -KILL {before}"));
        eventually("another lictor is started", || self.lictor().filter(|pid| *pid != before));
        let started = Instant::now();
        eventually("its board says what runs", || {
            let board = self.board()?;
            let shown =
                ["process", "beside"].map(|part| board[part]["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()));
            let mut shown: Vec<u32> = shown.into_iter().flatten().collect();
            shown.sort_unstable();
            let run = self.processes();
            assert!(run.len() <= 2, "never more than two: {run:?}");
            (shown == run).then_some(())
        });
        let took = started.elapsed();
        self.took.push(took);
        took
    }

    /// All is well again, with one process.
    fn arrives(&self) {
        // Not every moment has set it.
        let _ = fs::remove_file(self.rig.path("/srv/conf.d/WORKERS"));
        eventually("the hold is over", || {
            let told = self.rig.run("lictor unhold --socket /run/lictor/svc/svc.sock");
            matches!(told.status.code(), Some(0 | 1)).then_some(())
        });
        self.rig.until("StatusText", "good", |status| status.contains(" up, healthy") && status.ends_with(" good"));
        eventually("one process", || (self.processes().len() == 1).then_some(()));
    }
}

#[test]
fn whenever_lictor_is_killed_no_request_is_lost_where_a_change_is_a_restart() {
    no_request_is_lost("restart");
}

#[test]
fn whenever_lictor_is_killed_no_request_is_lost_where_a_change_is_started_beside() {
    no_request_is_lost("overlap");
}

#[expect(clippy::print_stdout, reason = "the seed and the figures, for whoever runs it with --nocapture")]
fn no_request_is_lost(handover: &str) {
    let kills = std::env::var("LICTOR_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let seed = std::env::var("LICTOR_SEED").map_or(11, |seed| seed.parse().unwrap());
    println!("LICTOR_SEED={seed} LICTOR_KILLS={kills}");
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut shop = Shop::open(handover);
    let mut lost = Vec::new();
    let mut sent = 0;
    for round in 0..kills {
        let moment = MOMENTS[if round < MOMENTS.len() { round } else { dice.usize(..MOMENTS.len()) }];
        let load = Load::begin(&shop.rig, "http://127.0.0.1:8080/", ["200", "50", "50"]);
        shop.begin(moment, round);
        let wait = Duration::from_millis(dice.u64(0..700));
        pause(wait);
        let took = shop.kill();
        println!("round {round}: {moment:?}, killed after {wait:?}, right again after {took:?}");
        shop.arrives();
        let outcome = load.end();
        for kind in ["new", "get", "post"] {
            sent += outcome[kind]["sent"].as_u64().unwrap();
            if outcome[kind]["failed"] != 0 {
                println!("round {round}, {moment:?} after {wait:?}: {kind} {}", outcome[kind]);
                lost.push((round, moment, wait));
            }
        }
    }
    shop.took.sort_unstable();
    let part =
        |part: usize| shop.took.get(shop.took.len() * part / 100).or(shop.took.last()).copied().unwrap_or_default();
    let (median, most, longest) = (part(50), part(90), part(100));
    let within = shop.took.iter().filter(|took| **took <= Duration::from_secs(1)).count();
    println!(
        "{kills} kills, {sent} requests; the board was right again after {median:?} (median), {most:?} (p90), {longest:?} at \
         most, within a second {within} times of {}",
        shop.took.len()
    );
    assert!(lost.is_empty(), "{lost:?}\n{}", shop.rig.journal());
    assert!(longest < RIGHT_AGAIN, "{longest:?}");
    assert_eq!(shop.rig.property("NFileDescriptorStore"), "2", "no more sockets are kept than there are");
    shop.rig.done(&format!("systemctl stop {UNIT}"));
    assert_eq!(shop.processes(), [0; 0]);
}

#[expect(clippy::disallowed_methods, reason = "a kill at a random time is what this is about")]
fn pause(length: Duration) {
    std::thread::sleep(length);
}
