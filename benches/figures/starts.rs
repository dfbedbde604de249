//! From the start of lictor to the `main` of its child.

use crate::bare::Spawns;
use crate::effort::Effort;
use crate::figure::{Bar, Figure, Unit};
use crate::harness::consul::Consul;
use crate::sidecar::Sidecar;
use crate::statistics::{Sample, now};

pub fn figures(effort: Effort) -> Vec<Figure> {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let mut sidecar = Sidecar::new(&consul, &["billing/".to_owned()], "");
    let mut spawns = Spawns::new();
    let one = |number| {
        spawns.one();
        let before = now();
        sidecar.start();
        let main = sidecar.next_time("runs", number);
        sidecar.until("good", |board| board.healthy && board.config.settled);
        sidecar.stop();
        main - before
    };
    let (started, spawn) = (Sample::of_nanos((0..effort.starts()).map(one)), spawns.sample());
    vec![Figure {
        what: "lictor start → child's `main`, Consul up, less the child alone: median",
        found: started.median() - spawn.median(),
        bar: Bar::AtMost(4.0, Unit::Milliseconds),
        beside: format!(
            "{:.2} less {:.2}; p99 {:.2} beside {:.2}",
            started.median(),
            spawn.median(),
            started.p99(),
            spawn.p99()
        ),
    }]
}
