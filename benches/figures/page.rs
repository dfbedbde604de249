//! The page of a large fleet: how soon it is drawn, and what it costs while it changes all the time.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::effort::Effort;
use crate::figure::{Bar, Figure, Unit};
use crate::harness::consul::Consul;
use crate::harness::wait::eventually;
use crate::tab::Tab;

const INSTANCES: usize = 1_000;
/// Changes of a record in a second.
const PACE: u32 = 20;
/// How long they go on.
const SECONDS: u32 = 10;

pub fn figures(_: Effort) -> Vec<Figure> {
    let consul = Consul::start();
    for number in 0..INSTANCES {
        put(&consul, number, "1.214");
    }
    let listing = above_the_answer(&consul);
    let server = Server::start(&consul);
    let mut tab = Tab::new();
    tab.follow(&format!("{}/service/billing", server.url));
    tab.until_text("1000 instances");
    // Once more, as it is when everything has been read: the first paint after the answer, and the tiles put in by the script.
    tab.follow(&format!("{}/service/billing", server.url));
    eventually("the browser has painted", || {
        (tab.ask("performance.getEntriesByName('first-contentful-paint').length") == 1).then_some(())
    });
    let paint = tab.ask(
        "performance.getEntriesByName('first-contentful-paint')[0].startTime - \
         performance.getEntriesByType('navigation')[0].responseStart",
    );
    tab.ask(
        "window.longest = 0; new PerformanceObserver(list => { for (const e of list.getEntries()) \
         longest = Math.max(longest, e.duration) }).observe({ type: 'longtask' })",
    );
    let (before, began) = (server.ticks(), Instant::now());
    for change in 0..PACE * SECONDS {
        let due = began + Duration::from_secs(1) / PACE * change;
        eventually("it is time for the next change", || (Instant::now() >= due).then_some(()));
        put(&consul, (change as usize * 37) % INSTANCES, &format!("1.215.{change}"));
    }
    let spent = server.ticks() - before;
    let took = began.elapsed().as_secs_f64();
    let last = format!("1.215.{}", PACE * SECONDS - 1);
    let changed = Instant::now();
    eventually("the last change is seen", || {
        let seen = tab.ask(&format!("document.body.textContent.includes({last:?})"));
        (seen == true).then_some(())
    });
    let behind = changed.elapsed();
    let longest = tab.ask("longest").as_f64().unwrap();
    #[expect(clippy::cast_precision_loss, reason = "a few ticks")]
    let cpu = spent as f64 / rustix::param::clock_ticks_per_second() as f64 / took * 100.0;
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let queries = server.connections(&consul) as f64;
    let figure = |what, found, bar, beside: &str| Figure { what, found, bar, beside: beside.to_owned() };
    let milliseconds = |limit| Bar::AtMost(limit, Unit::Milliseconds);
    vec![
        figure(
            "first paint after the answer",
            paint.as_f64().unwrap(),
            milliseconds(300.0),
            "1,000 instances as tiles",
        ),
        figure(
            "the page's server",
            cpu,
            Bar::AtMost(5.0, Unit::Percent),
            "of one processor; 1,000 instances, 20 changes/s",
        ),
        figure("queries at Consul", queries, Bar::AtMost(1.0, Unit::Pieces), "connections of the server to Consul"),
        figure("last change seen after", behind.as_secs_f64() * 1000.0, milliseconds(1000.0), "in the browser"),
        figure("longest task in the browser", longest, milliseconds(100.0), "0: none took 50 ms"),
        figure("`lictor fleet`", listing, milliseconds(100.0), "above Consul's answer; 1,000 instances"),
    ]
}

/// How much longer `lictor fleet` takes than Consul's answer with the same records: the median of a few, in milliseconds.
fn above_the_answer(consul: &Consul) -> f64 {
    let mut times: Vec<f64> = (0..5)
        .map(|_| {
            let began = Instant::now();
            consul.ask("GET", "/v1/kv/lictor/billing/instances/?recurse", b"");
            let answer = began.elapsed().as_secs_f64();
            let began = Instant::now();
            let mut command = Command::new(crate::lictor());
            command.args(["fleet", "billing"]).env("CONSUL_HTTP_ADDR", consul.address().to_string());
            let output = command.output().unwrap();
            let took = began.elapsed().as_secs_f64();
            assert!(String::from_utf8_lossy(&output.stdout).starts_with("1000 of 1000 on 1.214"), "{output:?}");
            (took - answer) * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn put(consul: &Consul, number: usize, version: &str) {
    let node = format!("web-{number:04}.example");
    let record = json!({
        "v": 1, "node": node, "id": "billing", "service": "billing", "owner": "0123456789abcdef", "limit": "1", "at": 1,
        "ready": true, "healthy": true, "phase": "up", "version": version, "settled": true, "state": "good",
        "config": "3fa9c0ffee12bead",
        "details": { "started": 1_790_000_000_000_u64, "in_use_since": 1_790_000_000_000_u64, "variables": 40, "restarts": 0,
            "checks": [
                { "name": "Database", "role": "readiness", "state": "passing", "since": 1_790_000_000_000_u64 },
                { "name": "Queue", "role": "readiness", "state": "passing", "since": 1_790_000_000_000_u64 },
            ] },
    });
    consul.put(&format!("lictor/billing/instances/{node},billing"), record.to_string());
}

/// `lictor fleet --serve`; killed when dropped.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(consul: &Consul) -> Self {
        let mut command = Command::new(crate::lictor());
        command.args(["fleet", "--serve", "127.0.0.1:0"]).env("CONSUL_HTTP_ADDR", consul.address().to_string());
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().rsplit(' ').next().unwrap().trim_end_matches('/').to_owned();
        Self { process, url }
    }

    /// The time that it has spent on a processor, in the kernel's ticks.
    fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    /// Its own connections to Consul: those among its descriptors.
    fn connections(&self, consul: &Consul) -> usize {
        let folder = format!("/proc/{}/fd", self.process.id());
        let links = fs::read_dir(folder).unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        let sockets: Vec<String> = links.map(|link| link.to_string_lossy().into_owned()).collect();
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let port = format!(":{:04X}", consul.address().port());
        let ours = |line: &&str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            fields.get(2).is_some_and(|remote| remote.ends_with(&port))
                && fields.get(9).is_some_and(|inode| sockets.contains(&format!("socket:[{inode}]")))
        };
        table.lines().filter(ours).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
