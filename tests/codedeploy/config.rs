//! Changes of the configuration in the middle of a deployment.

use crate::bundle;
use crate::host::Host;

#[test]
fn a_bad_value_during_a_deployment_is_a_no_that_names_it_while_the_new_build_serves() {
    let host = Host::new();
    let agent = host.agent();
    agent.deploy(&bundle::old()).succeeded();
    let deployment = agent.deploy_while(&bundle::new(), |event| {
        if event == "Install" {
            host.put("WORKERS", "many");
        }
    });
    let said = deployment.failed_in("check_service.sh").last_line().to_owned();
    assert!(said.starts_with("no: Reverted: ") && said.contains("(WORKERS): exited with 1"), "{said}");
    host.runs("1.215");
    assert_eq!(host.board()["config"]["state"], "reverted");

    // Mended, the same bundle is deployed again.
    host.put("WORKERS", "8");
    agent.deploy(&bundle::new()).succeeded();
    host.runs("1.215");
    assert_eq!(host.board()["config"]["state"], "good");
}

#[test]
fn a_good_value_during_a_deployment_is_part_of_what_is_validated() {
    let host = Host::new();
    let agent = host.agent();
    agent.deploy(&bundle::old()).succeeded();
    let before = host.board()["config"]["fingerprint"].clone();
    // One while the service is stopped, one while it is new.
    let deployment = agent.deploy_while(&bundle::new(), |event| match event {
        "Install" => host.put("WORKERS", "8"),
        "ValidateService" => host.put("GREETING", "hello"),
        _ => {}
    });
    deployment.succeeded();
    host.runs("1.215");
    let board = host.until("both values run", |board| {
        board["config"]["state"] == "good" && board["candidate"].is_null() && board["config"]["variables"] == 3
    });
    assert_ne!(board["config"]["fingerprint"], before);
    assert!(host.rig().done("curl -s http://127.0.0.1:8080/").starts_with("hello (billing 1.215, "));
}

#[test]
fn while_an_operator_holds_a_deployment_goes_through_on_the_good_configuration() {
    let host = Host::new();
    let agent = host.agent();
    agent.deploy(&bundle::old()).succeeded();
    let good = host.board()["config"]["fingerprint"].clone();
    host.rig().done("lictor hold --name billing night");
    host.put("WORKERS", "8");
    host.until("held", |board| board["config"]["state"] == "held");
    let deployment = agent.deploy(&bundle::new());
    assert!(deployment.succeeded().contains("[stdout]Config: Held: night"), "{deployment:#?}");
    host.runs("1.215");
    assert_eq!(host.board()["config"]["fingerprint"], good);
    host.rig().done("lictor unhold --name billing");
    let applied =
        |board: &serde_json::Value| board["config"]["state"] == "good" && board["config"]["fingerprint"] != good;
    host.until("the held value runs", applied);
}
