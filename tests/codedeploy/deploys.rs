//! Releases that follow each other.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::bundle::{self, Bundle};
use crate::host::Host;
use crate::wait::eventually;

#[test]
fn a_first_deployment_and_a_second_are_validated_and_remembered() {
    let host = Host::new();
    let (agent, rig) = (host.agent(), host.rig());
    let first = agent.deploy(&bundle::old());
    let log = first.succeeded();
    assert!(log.ends_with("[stdout]yes: running 1.214, healthy, config settled\n"), "{log}");
    assert!(log.contains("migrated: 0002_closed_accounts.sql"), "{log}");
    host.runs("1.214");
    let pid = host.pid();
    let config = fs::metadata(rig.path("/etc/lictor/billing.hcl")).unwrap();
    let service = fs::metadata(rig.path(&format!("/proc/{pid}"))).unwrap();
    assert_eq!((config.permissions().mode() & 0o777, config.uid(), config.gid()), (0o640, 0, service.gid()));
    assert_ne!(service.uid(), 0, "the service is not root");
    assert_eq!(rig.done("systemctl is-enabled lictor@billing").trim(), "enabled");
    // The agent tells the catalog in its own time.
    eventually("its definition was read", || rig.done("consul catalog services").contains("billing").then_some(()));

    // The next one brings one more migration.
    let next = Bundle::new().with("migrations/0003_notes.sql", "CREATE TABLE notes (id bigint);\n");
    let second = agent.deploy(&next.zip());
    let log = second.succeeded();
    assert!(log.contains("lictor@billing.service is stopped"), "{log}");
    assert!(log.contains("migrated: 0003_notes.sql") && !log.contains("0001_accounts"), "{log}");
    host.runs("1.215");
    assert_ne!(host.pid(), pid);
    let database = fs::read_to_string(rig.path("/var/lib/billing/database")).unwrap();
    assert_eq!(database.matches("-- 000").count(), 3, "{database}");

    // Back to the first: with its own, fewer migrations, and nothing undone.
    let third = agent.deploy(&bundle::old());
    assert!(third.succeeded().contains("no new migrations"), "{third:#?}");
    host.runs("1.214");
    assert!(!fs::exists(rig.path("/opt/billing/migrations/0003_notes.sql")).unwrap());
    let ids = [&first.id, &second.id, &third.id].map(|id| (id.clone(), "validated".to_owned()));
    assert_eq!(host.validations(), ids);
    let board = host.board();
    assert_eq!(
        (board["deployment"]["id"].as_str(), board["deployment"]["group"].as_str()),
        (Some(third.id.as_str()), Some("billing-prod"))
    );
}

#[test]
fn a_bad_build_is_a_no_that_says_why_and_the_rollback_heals() {
    let host = Host::new();
    let mut agent = host.agent();
    agent.deploy(&bundle::old()).succeeded();
    agent.variables = vec![("VALIDATE_TIMEOUT", "1s")];
    let bad = agent.deploy(&bundle::broken());
    let failure = bad.failed_in("check_service.sh");
    let said = failure.last_line();
    // It may just have been started again.
    assert!(said.starts_with("no: "), "{said}");
    assert!(said.contains("Build failed: exited with 1"), "{said}");
    assert!(bad.done.contains(&"Install"), "the pointer is written all the same: {bad:#?}");
    assert!(host.board()["config"]["quarantine"].as_array().unwrap().is_empty(), "the build is to blame");

    agent.variables = vec![("VALIDATE_TIMEOUT", "15s")];
    agent.deploy(&bundle::old()).succeeded();
    host.runs("1.214");
    let outcomes: Vec<String> = host.validations().into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes, ["validated", "not_validated", "validated"]);
}

#[test]
fn a_validation_that_is_cut_off_has_said_what_it_waited_for() {
    let host = Host::new();
    let mut agent = host.agent();
    agent.deploy(&bundle::old()).succeeded();
    agent.variables.clear();
    // What runs is healthy, but it is not what the bundle says that it is.
    let other = Bundle::new().with("VERSION", "1.217\n").edited("appspec.yml", "timeout: 180", "timeout: 3");
    let deployment = agent.deploy(&other.zip());
    let failure = deployment.failed_in("check_service.sh");
    assert_eq!(failure.error_code, crate::agent::Code::TimedOut);
    assert!(failure.log.contains("[stdout]not yet: running 1.215, not 1.217\n"), "{failure:#?}");
}

#[test]
fn a_script_that_hangs_is_cut_off_and_the_next_deployment_heals() {
    let host = Host::new();
    let agent = host.agent();
    agent.deploy(&bundle::old()).succeeded();
    let hanging = Bundle::new().edited("appspec.yml", "timeout: 360", "timeout: 2").edited(
        "scripts/setup_db.sh",
        "new=$(new_migrations)",
        "lictor run --once --directory /srv -- sleep 1000; new=",
    );
    let failure = agent.deploy(&hanging.zip());
    assert_eq!(failure.failed_in("setup_db.sh").error_code, crate::agent::Code::TimedOut);
    crate::wait::eventually("TERM has reached lictor, and lictor what it ran", || {
        (!host.rig().run("pgrep -x sleep").status.success()).then_some(())
    });
    agent.deploy(&bundle::new()).succeeded();
    host.runs("1.215");
}
