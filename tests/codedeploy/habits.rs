//! The agent of these tests has the habits of CodeDeploy's own, on which the bundle's scripts are built.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::agent::appspec::AppSpec;
use crate::agent::{Agent, Code};
use crate::bundle::Bundle;
use crate::rig::Rig;
use crate::wait::eventually;

/// A bundle with one script in each of these events.
fn hooked(hooks: &[(&str, &str)]) -> Bundle {
    let mut spec = "version: 0.0\nos: linux\nhooks:\n".to_owned();
    let mut bundle = Bundle::empty();
    for (event, script) in hooks {
        writeln!(spec, "  {event}:\n    - location: scripts/{event}.sh\n      timeout: 1").unwrap();
        bundle = bundle.with(&format!("scripts/{event}.sh"), &format!("#!/bin/sh\n{script}\n"));
    }
    bundle.with("appspec.yml", &spec)
}

#[test]
fn a_hook_that_leaves_its_outputs_open_fails_although_it_ended_well() {
    let rig = Rig::bare(&[]);
    let agent = Agent::new(&rig);
    let left = agent.deploy(&hooked(&[("AfterInstall", "sleep 1000 & echo started")]).zip());
    assert_eq!(left.failed_in("AfterInstall.sh").error_code, Code::OutputsLeftOpen);
    assert!(rig.run("pgrep -x sleep").status.success(), "what was left behind lives on");
    let closed = agent.deploy(&hooked(&[("AfterInstall", "sleep 1000 >/dev/null 2>&1 & echo started")]).zip());
    assert!(closed.succeeded().ends_with("[stdout]started\n"), "{closed:#?}");
}

#[test]
fn at_its_deadline_a_hook_gets_term_with_its_group_and_nothing_after_it() {
    let rig = Rig::bare(&[]);
    let agent = Agent::new(&rig);
    // It makes a note of the signal and lives on; what has left the group gets none.
    let script =
        "trap 'echo term >/srv/term' TERM; setsid sleep 2000 & sleep 1000 & wait; echo on >/srv/on; exec sleep 3000";
    let late = agent.deploy(&hooked(&[("BeforeInstall", script), ("AfterInstall", "echo never >/srv/never")]).zip());
    assert_eq!(late.failed_in("BeforeInstall.sh").error_code, Code::TimedOut);
    assert_eq!(late.done, ["ApplicationStop", "DownloadBundle"]);
    eventually("it goes on after the signal", || fs::exists(rig.path("/srv/on")).unwrap().then_some(()));
    assert_eq!(fs::read_to_string(rig.path("/srv/term")).unwrap(), "term\n");
    let lives = |seconds: &str| rig.run(&format!("pgrep -f -x sleep.{seconds}")).status.success();
    eventually("what was in the group is gone", || (!lives("1000")).then_some(()));
    eventually("the script itself goes on", || lives("3000").then_some(()));
    assert!(lives("2000"), "and so does what has left the group");
    assert!(!fs::exists(rig.path("/srv/never")).unwrap(), "no hook follows");
}

#[test]
fn a_hook_knows_its_deployment_reads_nothing_and_is_called_by_its_whole_path() {
    let rig = Rig::bare(&[]);
    let agent = Agent::new(&rig);
    let script = "cat; echo \"$LIFECYCLE_EVENT $DEPLOYMENT_ID $DEPLOYMENT_GROUP_NAME $APPLICATION_NAME $(pwd) $(umask)\"; echo \"$0\"";
    let deployment = agent.deploy(&hooked(&[("ValidateService", script)]).zip());
    let log = deployment.succeeded();
    assert!(log.contains("[stdout]ValidateService d-000000001 billing-prod billing / 0022\n"), "{log}");
    let whole =
        "/opt/codedeploy-agent/deployment-root/billing-prod/d-000000001/deployment-archive/scripts/ValidateService.sh";
    assert!(log.ends_with(&format!("[stdout]{whole}\n")), "{log}");
}

#[test]
fn a_user_without_a_shell_runs_no_hook() {
    let rig = Rig::bare(&[]);
    let spec = "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: scripts/a.sh\n      runas: daemon\n";
    let bundle = Bundle::empty().with("appspec.yml", spec).with("scripts/a.sh", "#!/bin/sh\necho hello\n");
    let failed = Agent::new(&rig).deploy(&bundle.zip());
    assert!(failed.failed_in("a.sh").last_line().contains("This account is currently not available"), "{failed:#?}");
}

#[test]
fn the_revision_before_stops_itself_even_if_it_was_never_validated() {
    let rig = Rig::bare(&[]);
    let agent = Agent::new(&rig);
    let release = |name: &str, code: u8| {
        let (stop, check) = (format!("echo {name} stops itself"), format!("exit {code}"));
        hooked(&[("ApplicationStop", &stop), ("ValidateService", &check)])
    };
    let first = agent.deploy(&release("r1", 0).zip());
    assert!(!first.succeeded().contains("stops itself"), "nothing was there to be stopped: {first:#?}");
    let second = agent.deploy(&release("r2", 7).zip());
    assert!(second.log.contains("r1 stops itself"), "{second:#?}");
    let failure = second.failed_in("ValidateService.sh");
    assert_eq!((failure.error_code, failure.message.ends_with("exit code 7")), (Code::Failed, true), "{failure:#?}");
    let third = agent.deploy(&release("r3", 0).zip());
    assert!(third.succeeded().contains("r2 stops itself"), "{third:#?}");
}

#[test]
fn the_last_lines_of_a_failure_arrive_unless_the_last_one_is_too_long() {
    let rig = Rig::bare(&[]);
    let agent = Agent::new(&rig);
    let lines = "for i in $(seq 1000); do echo line $i; done; exit 1";
    let many = agent.deploy(&hooked(&[("BeforeInstall", lines)]).zip());
    let kept = &many.failed_in("BeforeInstall.sh").log;
    assert!(kept.len() <= 2048 && kept.ends_with("]line 1000\n"), "{kept}");
    let long = agent.deploy(&hooked(&[("BeforeInstall", "head -c 3000 /dev/zero | tr '\\0' x; exit 1")]).zip());
    assert_eq!(long.failed_in("BeforeInstall.sh").log, "");
}

#[test]
fn the_appspec_of_the_example_is_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/codedeploy/appspec.yml");
    let spec = AppSpec::read(Path::new(path)).unwrap();
    let events: Vec<&str> = spec.hooks.keys().map(String::as_str).collect();
    assert_eq!(events, ["AfterInstall", "BeforeInstall", "ValidateService"]);
    assert!(spec.hooks.values().flatten().all(|script| script.timeout < 3600 && script.runas.is_some()));
    assert_eq!(spec.files.len(), 4);
    assert_eq!(spec.permissions[0].mode, Some(0o755));
    for wrong in [
        "version: \"0.0\"\nos: linux\n",
        "version: 0.0\nos: linux\nhooks:\n  AfterLunch:\n    - location: x.sh\n",
        "version: 0.0\nos: linux\npermissions:\n  - object: /x\n    mode: 0755\n",
    ] {
        AppSpec::parse(wrong).expect_err(wrong);
    }
}
