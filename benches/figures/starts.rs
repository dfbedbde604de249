//! From the start of lictor to the `main` of its child.

use crate::harness::consul::Consul;
use crate::sidecar::Sidecar;
use crate::statistics::{Sample, now};
use crate::{Row, bare};

const STARTS: usize = 50;

pub fn rows() -> Vec<Row> {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let mut sidecar = Sidecar::new(&consul, &["billing/".to_owned()], "");
    let started: Vec<i64> = (0..STARTS)
        .map(|number| {
            let before = now();
            sidecar.start();
            let main = sidecar.next_time("runs", number);
            sidecar.until("good", |board| board.healthy && board.config.settled);
            sidecar.stop();
            main - before
        })
        .collect();
    let (started, spawn) = (Sample::of_nanos(started), bare::spawns(STARTS));
    vec![Row {
        what: "lictor start → child's `main`, Consul up, less the child alone",
        measured: format!(
            "{:.2} ms median ({:.2} less {:.2})",
            started.median() - spawn.median(),
            started.median(),
            spawn.median()
        ),
        bar: "≤ 4 ms median",
    }]
}
