//! Good and bad changes under load: no request fails, one host is out at a time, and a bad change reaches one host.
//!
//! `FLEET_HOSTS=8 FLEET_CHANGES=20 FLEET_RATE=400` makes it eight hosts and 45 changes at 400 requests a second.

use std::time::Duration;

use crate::seats;
use crate::stage::Cast;

fn number(name: &str, usual: u32) -> u32 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

#[test]
fn good_and_bad_changes_under_load_cost_no_request() {
    let _seat = seats::take();
    let hosts = usize::try_from(number("FLEET_HOSTS", 4)).unwrap();
    let changes = number("FLEET_CHANGES", 2);
    // Sick three seconds after it was good, which is while the others still wait.
    let (bake, watch) = (Duration::from_millis(4500), Duration::from_secs(10));
    let stage = Cast { bake, watch, ..Cast::of(hosts) }.enter(|_, setup| setup);
    let told = stage.under_load("good and bad changes", number("FLEET_RATE", 200), |stage| {
        for change in 1..=changes {
            let before = stage.starts();
            stage.good_change(&format!("good day {change}"));
            assert_eq!(stage.starts() - before, hosts, "each host was restarted once");
            let bad = match change % 4 {
                1 => vec![("EXIT_CODE", change.to_string()), ("SICK", change.to_string())],
                2 => vec![("SICK_AFTER", format!("{}ms", 4500 + change))],
                3 => vec![("DEAF", change.to_string())],
                _ => vec![("EXIT_CODE", (change % 200).to_string())],
            };
            for (name, value) in bad {
                stage.bad_change(name, &value);
            }
        }
    });
    assert_eq!(told.most_out(), (1, 1), "one at a time, by the marks and by the catalog");
}
