//! Deployments to a host that is not well.

use crate::bundle::{self, Bundle};
use crate::host::Host;

#[test]
fn while_consul_is_down_a_deployment_goes_through_unless_it_has_something_to_migrate() {
    let host = Host::new();
    let agent = host.agent();
    agent.deploy(&bundle::old()).succeeded();
    host.rig().done("systemctl stop consul");
    let deployment = agent.deploy(&bundle::new());
    let log = deployment.succeeded();
    assert!(log.contains("[stdout](Consul does not answer"), "{log}");
    assert!(log.contains("[stdout]Config: Stale since "), "{log}");
    host.runs("1.215");
    let pid = host.pid();

    // There is no migrating without the name of the database; this is found out while the service still runs.
    let migrating = Bundle::new().with("migrations/0003_notes.sql", "CREATE TABLE notes (id bigint);\n").edited(
        "scripts/stop_server.sh",
        "--foreground 30",
        "--foreground 1",
    );
    let refused = agent.deploy(&migrating.zip());
    let said = refused.failed_in("stop_server.sh").last_line().to_owned();
    assert!(said.ends_with("(is Consul down?); nothing was touched"), "{said}");
    assert_eq!(host.pid(), pid, "nothing was touched");
}

#[test]
fn a_wrong_configuration_is_refused_before_anything_is_touched() {
    let host = Host::new();
    let agent = host.agent();
    agent.deploy(&bundle::old()).succeeded();
    let pid = host.pid();
    let wrong = Bundle::new().edited("lictor/billing.hcl", "prefix {", "nonsense = 1\nprefix {");
    let refused = agent.deploy(&wrong.zip());
    let failure = refused.failed_in("stop_server.sh");
    assert!(failure.log.contains("nonsense"), "{failure:#?}");
    assert_eq!(failure.last_line(), "no: the bundle's lictor/billing.hcl is wrong; nothing was touched");
    assert_eq!(host.pid(), pid);
}
