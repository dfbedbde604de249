//! `lictor doctor` about a unit: what systemd itself says of it, against what lictor needs.

use std::fs;
use std::process::Output;

use crate::rig::{Rig, UNIT};

const LISTEN: &str = "listen \"http\" {\n  address = \"127.0.0.1:8080\"\n}\n";

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The lines about the unit, with their grade.
fn about_the_unit(text: &str) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(words).filter(|line| line.split(' ').nth(1) == Some("unit")).collect()
}

#[test]
fn the_shipped_unit_is_as_it_should_be_and_each_fault_of_another_is_named() {
    let rig = Rig::boot(LISTEN);
    let asked = format!("lictor doctor /etc/lictor/svc.hcl --unit {UNIT}");
    let shipped = rig.run(&asked);
    assert_eq!(about_the_unit(&text(&shipped)), [format!("ok unit {UNIT} is set as lictor needs it")], "{shipped:?}");

    rig.drop_in(
        "Type=simple\nKillMode=control-group\nRestart=no\nRestartPreventExitStatus=\nTimeoutStopSec=5s\n\
         ExecReload=\nFileDescriptorStoreMax=1\nLimitNOFILE=256\nOOMPolicy=stop\nOOMScoreAdjust=0\nRuntimeDirectory=\n\
         StateDirectory=\n[Unit]\nStartLimitIntervalSec=10s\n",
    );
    let faulty = rig.run(&asked);
    let lines = about_the_unit(&text(&faulty));
    assert_eq!((faulty.status.code(), lines.len()), (Some(1), 13), "{lines:#?}");
    for (grade, fault, remedy) in [
        ("wrong", "Type=simple:", "set Type=notify"),
        ("wrong", "KillMode=control-group:", "set KillMode=process"),
        ("wrong", "Restart=no:", "set Restart=always"),
        ("mind", "RestartPreventExitStatus=:", "set RestartPreventExitStatus=78"),
        ("mind", "TimeoutStopSec=5s:", "set TimeoutStopSec=30s or more"),
        ("mind", "ExecReload=:", "set ExecReload=lictor reload --name %i"),
        ("wrong", "FileDescriptorStoreMax=1:", "set FileDescriptorStoreMax=64"),
        ("mind", "LimitNOFILE=256:", "set LimitNOFILE=524288"),
        ("mind", "OOMPolicy=stop:", "set OOMPolicy=continue"),
        ("mind", "OOMScoreAdjust=0:", "set OOMScoreAdjust=-500"),
        ("wrong", "RuntimeDirectory=:", "set RuntimeDirectory=lictor/%i"),
        ("wrong", "StateDirectory=:", "set StateDirectory=lictor/%i"),
        ("mind", "StartLimitIntervalSec=10s:", "set StartLimitIntervalSec=0 in [Unit]"),
    ] {
        let start = format!("{grade} unit {fault} ");
        assert!(lines.iter().any(|line| line.starts_with(&start) && line.ends_with(remedy)), "{fault}: {lines:#?}");
    }

    // What systemd tells only of a unit that runs.
    rig.drop_in("WatchdogSec=0\n");
    rig.done(&format!("systemctl start {UNIT}"));
    let running = about_the_unit(&text(&rig.run(&asked)));
    assert_eq!(running, ["mind unit WatchdogSec=0: a lictor that hangs is not started again; set WatchdogSec=30s"]);
}

#[test]
fn in_a_unit_it_looks_at_that_one_and_one_that_is_not_there_is_said() {
    let rig = Rig::boot("");
    let probe = "[Service]\nType=oneshot\nSuccessExitStatus=1\nStandardOutput=file:/srv/out/doctor\n\
                 ExecStart=lictor doctor -c /etc/lictor/svc.hcl\n";
    rig.write("/etc/systemd/system/probe.service", probe);
    rig.done("systemctl daemon-reload");
    rig.done("systemctl start probe");
    let inside = fs::read_to_string(rig.path("/srv/out/doctor")).unwrap();
    let lines = about_the_unit(&inside);
    assert!(lines.iter().any(|line| line.starts_with("wrong unit KillMode=control-group:")), "{inside}");
    let absent = rig.run("lictor doctor -c /etc/lictor/svc.hcl --unit lictor@nobody.timer");
    assert!(text(&absent).contains("systemd has not loaded lictor@nobody.timer"), "{absent:?}");
    let unasked = rig.run("lictor doctor -c /etc/lictor/svc.hcl");
    assert_eq!(about_the_unit(&text(&unasked)), Vec::<String>::new(), "{unasked:?}");
}
