//! What taking part in a fleet costs while nothing happens, and very many lictors on one agent.

use std::fs;
use std::time::Duration;

use lictor::machine::Board;
use lictor::machine::board::ConfigState;
use tokio::time::Instant;

use crate::effort::Effort;
use crate::figure::{Bar, Figure, Unit};
use crate::footprint::{dirty, processor_share, resident};
use crate::harness::consul::Consul;
use crate::harness::wait::within;
use crate::sidecar::Sidecar;

const FLEET: &str = "registration {\n  port = 8080\n  address = \"HOST\"\n}\nfleet {\n}\n";

/// What `registration {}` and `fleet {}` add.
pub fn idle(effort: Effort) -> Vec<Figure> {
    let consul = Consul::start();
    consul.put("billing/GREETING", "0");
    let one = |more: &str| {
        let mut sidecar = Sidecar::new(&consul, &["billing/".to_owned()], more);
        sidecar.start();
        sidecar.until("good", |board| board.healthy && board.config.settled);
        let cpu = processor_share(sidecar.pid(), effort.idle());
        (resident(sidecar.pid()), dirty(sidecar.pid()), cpu, connections(&sidecar))
    };
    let (plain, fleet) = (one(""), one(FLEET));
    let figure = |what, found: f64, bar, unit: Unit, with: f64, without: f64| Figure {
        what,
        found,
        bar: Bar::AtMost(bar, unit),
        beside: format!("{} less {}", unit.write(with), unit.write(without)),
    };
    vec![
        figure("registration and fleet, idle: RSS", fleet.0 - plain.0, 600.0, Unit::Kilobytes, fleet.0, plain.0),
        figure("... private dirty", fleet.1 - plain.1, 150.0, Unit::Kilobytes, fleet.1, plain.1),
        figure("... processor", fleet.2 - plain.2, 0.02, Unit::Percent, fleet.2, plain.2),
        figure("... connections to Consul", fleet.3 - plain.3, 3.0, Unit::Pieces, fleet.3, plain.3),
    ]
}

/// Established connections of a lictor to the agent.
fn connections(sidecar: &Sidecar) -> f64 {
    let inodes: Vec<String> = fs::read_dir(format!("/proc/{}/fd", sidecar.pid()))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.trim_end_matches(']').to_owned()))
        .collect();
    // 8500, and 01: established.
    let is_one = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let remote = fields.get(2).is_some_and(|remote| remote.ends_with(":2134"));
        remote
            && fields.get(3) == Some(&"01")
            && fields.get(9).is_some_and(|inode| inodes.iter().any(|own| own == inode))
    };
    count(fs::read_to_string("/proc/net/tcp").unwrap().lines().filter(is_one).count())
}

const MANY: usize = 200;

/// Very many lictors on one agent.
pub fn many(_: Effort) -> Vec<Figure> {
    let consul = Consul::start();
    consul.put("billing/GREETING", "0");
    let sidecars: Vec<Sidecar> = (0..MANY)
        .map(|number| {
            // The checks of two hundred on one agent are not what is measured.
            let more = format!(
                "registration {{\n  id = \"bench-{number}\"\n  service = \"bench\"\n  port = 8080\n  \
                 address = \"HOST\"\n  check_interval = \"30s\"\n}}\n\
                 drain {{\n  wait = \"0s\"\n  quiet = \"0s\"\n}}\n\
                 fleet {{\n  prefix = \"lictor/bench/\"\n  limit = \"25%\"\n  bake = \"0s\"\n}}\n"
            );
            let mut sidecar = Sidecar::new(&consul, &["billing/".to_owned()], &more);
            // Of each instance its own, by which it is known in the fleet.
            let text = fs::read_to_string(sidecar.path("lictor.hcl")).unwrap();
            let named = text.replace("name = \"bench\"", &format!("name = \"bench-{number}\""));
            fs::write(sidecar.path("lictor.hcl"), named).unwrap();
            sidecar.start();
            sidecar
        })
        .collect();
    let patience = Duration::from_mins(5);
    let all = |what: &str, predicate: &dyn Fn(&Board) -> bool| {
        let mut left: Vec<&Sidecar> = sidecars.iter().collect();
        within(patience, what, || {
            left.retain(|sidecar| !sidecar.board().is_some_and(|board| predicate(&board)));
            left.is_empty().then_some(())
        });
    };
    all("all are good", &|board| board.healthy && board.config.settled);
    within(patience, "all are in the fleet", || {
        let keys = consul.ask("GET", "/v1/kv/lictor/bench/instances/?keys", b"");
        (keys.code == 200 && keys.json().as_array().unwrap().len() == MANY).then_some(())
    });
    let before = sidecars[0].board().unwrap().config.fingerprint;
    let began = Instant::now();
    consul.put("billing/GREETING", "1");
    all("all have seen it", &|board| board.config.wish != before);
    let seen = began.elapsed().as_secs_f64();
    all("all are good on it", &|board| board.config.state == ConfigState::Good && board.config.fingerprint != before);
    let good = began.elapsed().as_secs_f64();
    let figure = |what, found: f64, beside: &str| Figure {
        what,
        found: found * 1000.0,
        bar: Bar::AtMost(f64::INFINITY, Unit::Milliseconds),
        beside: beside.to_owned(),
    };
    vec![
        figure(
            "200 lictors on one agent: one put → all have seen it",
            seen,
            "asked one after the other; 0.1.0 had restarted all after 310 to 344 ms",
        ),
        figure("... all good with a limit of a quarter", good, "the fleet's own turns; 0.1.0 had none"),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn count(number: usize) -> f64 {
    number as f64
}
