//! What an idle lictor costs: memory, processor, threads.

use std::fs;
use std::time::Duration;

use tokio::time::Instant;

use crate::Row;
use crate::harness::client::Request;
use crate::harness::consul::Consul;
use crate::sidecar::Sidecar;

const PREFIXES: usize = 5;
const KEYS: usize = 10;
const IDLE: Duration = Duration::from_mins(1);

/// Kilobytes.
#[derive(Clone, Copy)]
struct Memory {
    resident: u64,
    dirty: u64,
}

pub fn rows() -> Vec<Row> {
    let consul = Consul::start();
    for prefix in 0..PREFIXES * 3 {
        (0..KEYS).for_each(|key| consul.put(&format!("p{prefix}/KEY_{prefix}_{key}"), "a value as long as most are"));
    }
    let mut sidecar = idle_sidecar(&consul, PREFIXES);
    let before = memory(sidecar.pid());
    let cpu = processor_share(sidecar.pid());
    let threads = fs::read_dir(format!("/proc/{}/task", sidecar.pid())).unwrap().count();
    load(&sidecar);
    let after = memory(sidecar.pid());
    sidecar.stop();
    let wide = memory(idle_sidecar(&consul, PREFIXES * 3).pid());
    let further = wide.dirty.saturating_sub(before.dirty) / (PREFIXES as u64 * 2);
    vec![
        Row {
            what: "idle with 50 keys in 5 prefixes, everything on: RSS before and after 2 s of load",
            measured: format!("{} and {} KB", before.resident, after.resident),
            bar: "≤ 7 MB",
        },
        Row {
            what: "... private dirty",
            measured: format!("{} and {} KB", before.dirty, after.dirty),
            bar: "≤ 1.2 MB",
        },
        Row { what: "... processor over 60 s", measured: format!("{cpu:.3} %"), bar: "≤ 0.05 %" },
        Row { what: "... threads", measured: threads.to_string(), bar: "≤ 4" },
        Row { what: "... private dirty of a further prefix", measured: format!("{further} KB"), bar: "≤ 40 KB" },
    ]
}

fn idle_sidecar(consul: &Consul, prefixes: usize) -> Sidecar {
    let prefixes: Vec<String> = (0..prefixes).map(|prefix| format!("p{prefix}/")).collect();
    let mut sidecar = Sidecar::new(consul, &prefixes, "");
    sidecar.start();
    sidecar.until("good", |board| board.healthy && board.config.settled);
    sidecar
}

fn memory(pid: u32) -> Memory {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let field = |name: &str| -> u64 {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    Memory { resident: field("Rss:"), dirty: field("Private_Dirty:") }
}

/// In percent of one processor.
#[expect(clippy::disallowed_methods, reason = "the time over which the processor is measured")]
fn processor_share(pid: u32) -> f64 {
    let (before, begun) = (processor_nanos(pid), Instant::now());
    std::thread::sleep(IDLE);
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
