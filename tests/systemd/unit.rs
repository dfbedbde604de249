//! The unit itself: systemd finds nothing to say about it, and a wrong configuration does not make it start for ever.

use crate::rig::{Rig, UNIT, is_good};

#[test]
fn systemd_has_nothing_to_say_about_the_unit_and_its_exposure_is_low() {
    let rig = Rig::boot("");
    let verified = rig.run("systemd-analyze verify lictor@svc.service");
    assert!(verified.status.success() && verified.stdout.is_empty() && verified.stderr.is_empty(), "{verified:?}");
    rig.done("systemd-analyze security --offline=true --threshold=30 /etc/systemd/system/lictor@.service");
}

#[test]
fn systemd_has_nothing_to_say_about_the_unit_of_the_page_and_its_exposure_is_low() {
    let rig = Rig::boot("");
    let unit = "/etc/systemd/system/lictor-fleet.service";
    rig.write(unit, include_str!("../../systemd/lictor-fleet.service"));
    let verified = rig.run("systemd-analyze verify lictor-fleet.service");
    assert!(verified.status.success() && verified.stdout.is_empty() && verified.stderr.is_empty(), "{verified:?}");
    rig.done(&format!("systemd-analyze security --offline=true --threshold=20 {unit}"));
}

#[test]
fn a_wrong_configuration_fails_the_start_for_good() {
    let rig = Rig::boot("nonsense = 1\n");
    let started = rig.run(&format!("systemctl start {UNIT}"));
    assert!(!started.status.success());
    assert_eq!(rig.property("ActiveState"), "failed");
    assert_eq!((rig.property("ExecMainStatus"), rig.property("NRestarts")), ("78".into(), "0".into()));
    let journal = rig.journal();
    assert!(journal.contains("/etc/lictor/svc.hcl:") && journal.contains("nonsense"), "{journal}");
}

#[test]
fn a_plan_with_the_unit_s_configuration_asks_the_lictor_of_the_unit() {
    let rig = Rig::boot("name = \"svc\"\n");
    rig.done(&format!("systemctl start {UNIT}"));
    rig.until("StatusText", "good", is_good);
    let plan = rig.done("lictor plan -c /etc/lictor/svc.hcl --exit-code");
    assert!(plan.contains("no changes") && !plan.contains("no lictor runs"), "{plan}");
}
