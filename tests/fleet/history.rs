//! What Consul's own store has shown from beginning to end: who had an out-mark, and who did not pass in the catalog.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::harness::client::{Answer, Request};

/// The states of one list, each with the time at which it was seen.
type States = Vec<(u64, BTreeSet<String>)>;

/// Writes down every state that a blocking query tells.
#[derive(Debug)]
pub struct History {
    over: Arc<AtomicBool>,
    marks: JoinHandle<States>,
    away: JoinHandle<States>,
}

/// What it came to.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "shown when a test fails")]
pub struct Told {
    /// Whose out-mark stood.
    pub marks: States,
    /// Which nodes did not pass.
    pub away: States,
}

impl History {
    /// Of the service "svc", told by whichever of these agents answers.
    pub fn of(agents: &[SocketAddr]) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let follow = |path: &'static str, read: fn(&Answer) -> BTreeSet<String>| {
            let (agents, over) = (agents.to_vec(), Arc::clone(&over));
            std::thread::spawn(move || follow(&agents, path, read, &over))
        };
        let marks = follow("/v1/kv/lictor/svc/out/?keys", keys);
        let away = follow("/v1/health/service/svc", not_passing);
        Self { over, marks, away }
    }

    /// Ends it.
    pub fn end(self) -> Told {
        self.over.store(true, Ordering::Relaxed);
        Told { marks: self.marks.join().unwrap(), away: self.away.join().unwrap() }
    }
}

impl Told {
    /// How long each was out, by its mark, and how long it took from there to the next one, in milliseconds; with one at a
    /// time.
    #[allow(dead_code, reason = "`make bench` measures with it")]
    pub fn turns(&self) -> (Vec<u64>, Vec<u64>) {
        let (mut lengths, mut gaps) = (Vec::new(), Vec::new());
        for two in self.marks.windows(2) {
            let took = two[1].0 - two[0].0;
            if two[0].1.is_empty() { gaps.push(took) } else { lengths.push(took) }
        }
        // Before the first one nobody was out.
        gaps.drain(..usize::from(self.marks.first().is_some_and(|(_, marks)| marks.is_empty()) && !gaps.is_empty()));
        (lengths, gaps)
    }

    /// The largest number of instances that were out at a time, by their marks and by the catalog.
    pub fn most_out(&self) -> (usize, usize) {
        let most = |states: &States| states.iter().map(|(_, out)| out.len()).max().unwrap_or(0);
        (most(&self.marks), most(&self.away))
    }
}

fn follow(agents: &[SocketAddr], path: &str, read: fn(&Answer) -> BTreeSet<String>, over: &AtomicBool) -> States {
    let (mut states, mut index) = (States::new(), 0_u64);
    let mut agents = agents.iter().cycle();
    let mut agent = agents.next().unwrap();
    while !over.load(Ordering::Relaxed) {
        let joint = if path.contains('?') { '&' } else { '?' };
        let told = Request::get(&format!("{path}{joint}index={index}&wait=1s")).tcp(*agent).ok();
        let told = told.filter(|answer| matches!(answer.code, 200 | 404));
        let next = told.as_ref().and_then(|answer| answer.headers.get("x-consul-index")?.parse().ok());
        let (Some(answer), Some(next)) = (told, next) else {
            agent = agents.next().unwrap();
            index = 0;
            continue;
        };
        index = if next < index { 0 } else { next };
        let state = read(&answer);
        if states.last().is_none_or(|(_, before)| *before != state) {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            states.push((u64::try_from(now.as_millis()).unwrap(), state));
        }
    }
    states
}

fn keys(answer: &Answer) -> BTreeSet<String> {
    if answer.code == 404 {
        return BTreeSet::new();
    }
    let keys: Value = answer.json();
    keys.as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned()).collect()
}

fn not_passing(answer: &Answer) -> BTreeSet<String> {
    let instances: Value = answer.json();
    let sick = instances
        .as_array()
        .unwrap()
        .iter()
        .filter(|instance| instance["Checks"].as_array().unwrap().iter().any(|check| check["Status"] != "passing"));
    sick.map(|instance| instance["Node"]["Node"].as_str().unwrap().to_owned()).collect()
}
