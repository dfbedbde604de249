//! Restarts of a service whose socket is held, under an open load of new connections.

use crate::effort::Effort;
use crate::figure::{Bar, Figure, Unit};
use crate::harness::consul::Consul;
use crate::load::Load;
use crate::sidecar::Sidecar;

/// What the service takes to start, in milliseconds.
const START: f64 = 800.0;

const CONFIG: &str = r#"
listen "http" {
  address = "HOST:8080"
}
check "Web" {
  http {
    url = "http://HOST:8080/healthz"
  }
  interval = "100ms"
}
"#;

pub fn figures(effort: Effort) -> Vec<Figure> {
    let consul = Consul::start();
    for (key, value) in [("SLOW_START", "800ms"), ("GRACEFUL", "1"), ("GREETING", "0")] {
        consul.put(&format!("billing/{key}"), value);
    }
    let mut sidecar = Sidecar::new(&consul, &["billing/".to_owned()], CONFIG);
    sidecar.start();
    let good = |sidecar: &Sidecar| sidecar.until("good", |board| board.healthy && board.config.settled);
    good(&sidecar);
    let url = format!("http://{}:8080/healthz", sidecar.host);
    let load = Load::begin(&["-url", &url, "-new", "500", "-get", "0", "-post", "0"]);
    for number in 1..=effort.held_restarts() {
        let run = good(&sidecar).process.map(|process| process.run);
        consul.put("billing/GREETING", number.to_string());
        sidecar.until("restarted", |board| board.process.as_ref().map(|process| process.run) > run);
    }
    good(&sidecar);
    let [new, ..] = load.end();
    sidecar.stop();
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let failed = new.failed as f64;
    vec![
        Figure {
            what: "restarts with a held socket under 500 new connections/s: failed",
            found: failed,
            bar: Bar::AtMost(0.0, Unit::Pieces),
            beside: format!("of {}, {}", new.sent, new.whole["errors"]),
        },
        Figure {
            what: "... the slowest of them, less the service's start of 800 ms",
            found: new.worst_ms - START,
            bar: Bar::AtMost(100.0, Unit::Milliseconds),
            beside: format!(
                "{:.0} less {START:.0}; p50 {:.2}",
                new.worst_ms,
                new.whole["p50_ms"].as_f64().unwrap_or(0.0)
            ),
        },
    ]
}
