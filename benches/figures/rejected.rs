//! What a wish that breaks the schema costs: nothing but a moment until the board says so.

use lictor::machine::Board;
use lictor::machine::board::ConfigState;

use crate::effort::Effort;
use crate::figure::{Bar, Figure, Unit};
use crate::harness::client::Request;
use crate::harness::consul::Consul;
use crate::sidecar::Sidecar;
use crate::statistics::{Sample, now};

const SCHEMA: &str = "key \"PORT\" {\n  type = \"port\"\n}\n";

pub fn figures(effort: Effort) -> Vec<Figure> {
    let consul = Consul::start();
    consul.put("billing/PORT", "8080");
    let mut sidecar = Sidecar::new(&consul, &["billing/".to_owned()], SCHEMA);
    sidecar.start();
    let good = |board: &Board| board.healthy && board.config.settled && board.config.state == ConfigState::Good;
    let before = sidecar.until("good", good).process;
    let one = |number| {
        let index = sidecar.until("good again", good).index;
        let put = now();
        consul.put("billing/PORT", format!("no port {number}"));
        let told = until_rejected(&sidecar, index);
        consul.put("billing/PORT", "8080");
        told - put
    };
    let told = Sample::of_nanos((0..effort.puts()).map(one));
    let after = sidecar.until("good", good).process;
    assert_eq!(pid(after.as_ref()), pid(before.as_ref()), "the service was touched");
    vec![Figure {
        what: "KV put of a wish that is rejected → on the board, `wait` being 0; same pid: p99",
        found: told.p99(),
        bar: Bar::AtMost(10.0, Unit::Milliseconds),
        beside: format!("median {:.2}", told.median()),
    }]
}

fn pid(process: Option<&lictor::machine::board::ProcessPicture>) -> Option<u32> {
    process.and_then(|process| process.pid)
}

/// Waits as a client does, by the board's index.
fn until_rejected(sidecar: &Sidecar, mut index: u64) -> i64 {
    loop {
        let answer = Request::get(&format!("/board?index={index}&wait=10s")).unix(&sidecar.path("admin.sock")).unwrap();
        let told = now();
        let board: Board = serde_json::from_slice(&answer.body).unwrap();
        if board.config.state == ConfigState::Rejected {
            return told;
        }
        index = board.index;
    }
}
