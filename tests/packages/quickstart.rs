//! `examples/quickstart`: a unit that ran its service under envconsul, with one line changed.

use std::fs;
use std::path::Path;

use crate::deb::machine;
use crate::rig::Rig;
use crate::wait::eventually;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart");

#[test]
fn a_unit_is_moved_from_envconsul_by_one_line_and_runs() {
    let unit = |name: &str| fs::read_to_string(format!("{EXAMPLE}/{name}.service")).unwrap();
    let (before, after) = (unit("before"), unit("after"));
    assert_eq!(before.lines().count(), after.lines().count());
    let changed: Vec<(&str, &str)> = before.lines().zip(after.lines()).filter(|(old, new)| old != new).collect();
    assert_eq!(changed.len(), 1, "{changed:?}");

    let consul = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/consul");
    assert!(consul.exists(), "Consul is not built: run `make peers`");
    let rig = machine(Rig::bare(&[("consul", &consul)]));
    rig.done("dpkg --no-triggers --install /srv/old.deb");
    rig.done("useradd --system billing");
    rig.done("install -D /usr/local/bin/billing /opt/billing/billing");
    rig.write("/etc/systemd/system/billing.service", &after);
    rig.done("systemctl daemon-reload");
    rig.done("systemd-run --quiet --unit consul consul agent -dev -log-level warn");
    eventually("Consul takes keys", || rig.run("consul kv put billing/greet-ing hello").status.success().then_some(()));
    rig.done("systemctl start billing");
    let sees = |value: &str| {
        eventually("the service sees the value", || {
            let page = rig.run("curl -s http://127.0.0.1:8080/env").stdout;
            String::from_utf8(page).unwrap().contains(value).then_some(())
        });
    };
    sees("\"GREET_ING\":\"hello\"");
    rig.done("consul kv put billing/greet-ing welcome");
    sees("\"GREET_ING\":\"welcome\"");
    assert!(rig.done("curl -sf http://127.0.0.1:8127/status").contains("\"version\":\"1.214\""));
    rig.done("systemctl stop billing");
}
