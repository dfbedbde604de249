//! What an idle lictor costs: memory, processor, threads.

use std::fs;
use std::time::Duration;

use tokio::time::Instant;

use crate::effort::Effort;
use crate::figure::{Bar, Figure, Unit};
use crate::harness::client::Request;
use crate::harness::consul::Consul;
use crate::sidecar::Sidecar;

const PREFIXES: usize = 5;
const KEYS: usize = 10;

/// Of each cheap kind one, at their usual interval; a command costs what it runs.
const CHECKS: &str = r#"
check "Web" {
  http { url = "http://HOST:8080/healthz" }
}
check "Port" {
  tcp { address = "HOST:8080" }
}
"#;

/// Kilobytes.
#[derive(Clone, Copy)]
struct Memory {
    resident: f64,
    dirty: f64,
}

pub fn figures(effort: Effort) -> Vec<Figure> {
    let consul = Consul::start();
    for prefix in 0..PREFIXES * 3 {
        (0..KEYS).for_each(|key| consul.put(&format!("p{prefix}/KEY_{prefix}_{key}"), "a value as long as most are"));
    }
    settle_program();
    let mut sidecar = idle_sidecar(&consul, PREFIXES);
    let cpu = processor_share(sidecar.pid(), effort.idle());
    let before = memory(sidecar.pid());
    let threads = fs::read_dir(format!("/proc/{}/task", sidecar.pid())).unwrap().count();
    load(&sidecar);
    let after = memory(sidecar.pid());
    sidecar.stop();
    let narrow = memory(idle_sidecar(&consul, PREFIXES).pid());
    let wide = memory(idle_sidecar(&consul, PREFIXES * 3).pid());
    let figure = |what, found, bar, beside: &str| Figure { what, found, bar, beside: beside.to_owned() };
    // Of the resident pages 2 MB are for the drivers of databases, queue and gRPC: clean pages of the program's file, which
    // `--no-default-features` leaves out.
    let resident = Bar::AtMost((7.0 + 2.0) * 1024.0, Unit::Kilobytes);
    let dirty = Bar::AtMost(1.2 * 1024.0, Unit::Kilobytes);
    vec![
        figure("idle with 50 keys in 5 prefixes, everything on: RSS", before.resident, resident, ""),
        figure("... after 2 s of load", after.resident, resident, ""),
        figure("... private dirty", before.dirty, dirty, ""),
        figure("... after 2 s of load", after.dirty, dirty, ""),
        figure("... processor", cpu, Bar::AtMost(0.05, Unit::Percent), &format!("over {:?}", effort.idle())),
        figure("... threads", count(threads), Bar::AtMost(4.0, Unit::Pieces), ""),
        figure(
            "... private dirty of a further prefix",
            (wide.dirty - narrow.dirty) / count(PREFIXES * 2),
            Bar::AtMost(40.0, Unit::Kilobytes),
            &format!("{:.0} less {:.0}, of {}", wide.dirty, narrow.dirty, PREFIXES * 2),
        ),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "a handful")]
fn count(number: usize) -> f64 {
    number as f64
}

/// The pages of a program that has just been linked are dirty until they are on disk, and the kernel would count them as
/// the process's own.
fn settle_program() {
    fs::File::open(crate::lictor()).unwrap().sync_all().unwrap();
}

fn idle_sidecar(consul: &Consul, prefixes: usize) -> Sidecar {
    let prefixes: Vec<String> = (0..prefixes).map(|prefix| format!("p{prefix}/")).collect();
    let mut sidecar = Sidecar::new(consul, &prefixes, CHECKS);
    sidecar.start();
    sidecar.until("good", |board| board.healthy && board.config.settled);
    sidecar
}

/// What is resident of a process, in kilobytes.
pub fn resident(pid: u32) -> f64 {
    memory(pid).resident
}

/// Its private dirty pages, in kilobytes.
pub fn dirty(pid: u32) -> f64 {
    memory(pid).dirty
}

fn memory(pid: u32) -> Memory {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let field = |name: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    Memory { resident: field("Rss:"), dirty: field("Private_Dirty:") }
}

/// In percent of one processor.
#[expect(clippy::disallowed_methods, reason = "the time over which the processor is measured")]
pub fn processor_share(pid: u32, over: Duration) -> f64 {
    let (before, begun) = (processor_nanos(pid), Instant::now());
    std::thread::sleep(over);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 ns")]
    let used = (processor_nanos(pid) - before) as f64 / 1e9;
    100.0 * used / begun.elapsed().as_secs_f64()
}

fn processor_nanos(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of = |task: std::io::Result<fs::DirEntry>| -> Option<u64> {
        fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    tasks.filter_map(of).sum()
}

fn load(sidecar: &Sidecar) {
    let end = Instant::now() + Duration::from_secs(2);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while Instant::now() < end {
                    Request::get("/status").tcp((sidecar.host, 8127).into()).unwrap();
                }
            });
        }
    });
}
