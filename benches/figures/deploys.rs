//! What a deployment costs besides the service itself: the hooks of the example's first deployment, and the validation.

use std::process::{Command, Stdio};

use crate::bundle;
use crate::effort::Effort;
use crate::figure::{Bar, Figure, Unit};
use crate::harness::consul::Consul;
use crate::host::Host;
use crate::sidecar::Sidecar;
use crate::statistics::{Sample, now};

pub fn figures(effort: Effort) -> Vec<Figure> {
    vec![deployment(effort), validation(effort)]
}

fn deployment(effort: Effort) -> Figure {
    let mut totals = Vec::new();
    let one = |_| {
        let host = Host::new();
        let (agent, bundle) = (host.agent(), bundle::old());
        let before = now();
        agent.deploy(&bundle).succeeded();
        let took = now() - before;
        totals.push(took);
        // From the start of its process until it had been healthy for `min_healthy`, the service was waited for.
        let board = host.board();
        let applied = board["history"].as_array().unwrap().iter().find(|entry| entry["outcome"] == "applied");
        let trial = applied.unwrap()["at"].as_i64().unwrap() - board["process"]["started"].as_i64().unwrap();
        took - trial * 1_000_000
    };
    let hooks = Sample::of_nanos((0..effort.deployments()).map(one));
    Figure {
        what: "first deployment → \"validated\", less the service's start and trial: median",
        found: hooks.median(),
        bar: Bar::AtMost(3000.0, Unit::Milliseconds),
        beside: format!("of {:.0} in all; longest {:.0}", Sample::of_nanos(totals).median(), hooks.max()),
    }
}

fn validation(effort: Effort) -> Figure {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let mut sidecar = Sidecar::new(&consul, &["billing/".to_owned()], "");
    sidecar.start();
    sidecar.until("good", |board| board.healthy && board.config.settled);
    let one = |_| {
        let mut command = Command::new(crate::lictor());
        command.args(["validate", "--version", "1.214", "--socket"]).arg(sidecar.path("admin.sock"));
        command.env("DEPLOYMENT_ID", "d-1").stdin(Stdio::null()).stdout(Stdio::null());
        let before = now();
        assert!(command.status().unwrap().success());
        now() - before
    };
    let took = Sample::of_nanos((0..effort.starts()).map(one));
    Figure {
        what: "`lictor validate` on a healthy service, kept in history: median",
        found: took.median(),
        bar: Bar::AtMost(20.0, Unit::Milliseconds),
        beside: format!("p99 {:.2}", took.p99()),
    }
}
