//! What goes wrong in the middle of a change, under load: no request fails, no more than one host is out for config, and
//! every host has the change in the end.

use lictor::machine::board::Phase;
use rustix::process::Signal;

use crate::harness::Lictor;
use crate::harness::lictor::is_good;
use crate::harness::program::NEW;
use crate::harness::wait::within;
use crate::seats;
use crate::stage::{Cast, PATIENCE, Stage, in_traffic};

const HOSTS: usize = 3;
/// Requests a second.
const RATE: u32 = 150;

impl Stage {
    /// The host that has its turn and is out of traffic for it, or leaves it just now.
    fn holder(&self) -> usize {
        within(PATIENCE, "a host leaves traffic", || {
            self.hosts.iter().position(|host| host.board().phase == Phase::Leaving)
        })
    }

    /// Under load, a change in whose middle something happens; it reaches every host in the end.
    fn change_with(&self, what: &str, act: impl FnOnce(&Self)) {
        let value = what.replace(' ', "-");
        let told = self.under_load(what, RATE, |stage| {
            stage.cluster.put("billing/GREETING", &value);
            act(stage);
            stage.until_all_have(&value);
        });
        assert!(told.most_out().0 <= 1, "{what}: more than one out for config: {told:?}");
    }
}

#[test]
fn consul_fails_in_the_middle_of_a_change() {
    let _seat = seats::take();
    let stage = Cast::of(HOSTS).enter(|_, setup| setup);
    stage.change_with("the leader is killed", |stage| {
        stage.holder();
        let leader = stage.cluster.leader();
        leader.kill();
        leader.launch();
    });
    stage.change_with("the agent of a host that waits is killed", |stage| {
        let agent = stage.cluster.client((stage.holder() + 1) % HOSTS);
        agent.kill();
        agent.launch();
    });
    stage.change_with("the agent of the host that is out leaves the cluster and comes back", |stage| {
        let agent = stage.cluster.client(stage.holder());
        agent.end(Signal::TERM);
        agent.launch();
    });
    stage.change_with("a host that waits is cut off", |stage| {
        let host = (stage.holder() + 1) % HOSTS;
        stage.cut_off(host);
    });
    stage.change_with("the host that is out is cut off", |stage| {
        let host = stage.holder();
        stage.cut_off(host);
    });
}

impl Stage {
    /// Neither the other agents nor its own lictor hear of this host's agent until the cluster takes it for dead.
    fn cut_off(&self, host: usize) {
        let agent = self.cluster.client(host);
        agent.signal(Signal::STOP);
        within(PATIENCE, "the cluster takes the agent for dead", || {
            let health = self.cluster.ask("GET", &format!("/v1/health/node/{}", agent.node()), b"").json();
            let checks = health.as_array().unwrap();
            checks.iter().any(|check| check["CheckID"] == "serfHealth" && check["Status"] == "critical").then_some(())
        });
        agent.signal(Signal::CONT);
    }
}

#[test]
fn a_host_fails_in_the_middle_of_a_change() {
    let _seat = seats::take();
    // The service is started by a script everywhere; on one host it has to be killed.
    let stage = Cast::of(HOSTS).enter(|number, setup| {
        let script = setup.path("wrapper");
        let service = setup.path("service");
        std::fs::write(&script, format!("#!/bin/sh\n{} \"$@\" &\nwait\n", service.display())).unwrap();
        let host = setup.host();
        let command = format!("[\"/bin/sh\", \"{}\", \"-addr\", \"{host}:8080\"]", script.display());
        let setup =
            setup.config(&format!("exec {{\n  command = {command}\n}}\nversion {{\n  process = \"group\"\n}}\n"));
        if number == 2 { setup.variable("IGNORE_TERM", "1") } else { setup }
    });
    stage.change_with("nothing fails but what a script and a KILL make of it", |_| {});
    stage.under_load("a bad change, with a script and a KILL", RATE, |stage| stage.bad_change("SICK", "1"));
    stage.change_with("lictor is killed while it leaves traffic", |stage| {
        revived(&stage.hosts[stage.holder()]);
    });
    stage.change_with("lictor is killed while the service is away", |stage| {
        let host = within(PATIENCE, "a host is away", || {
            stage.hosts.iter().find(|host| host.board().phase == Phase::Starting)
        });
        revived(host);
    });
    stage.change_with("a deploy stops and starts the unit of the next host", |stage| {
        let host = &stage.hosts[(stage.holder() + 1) % HOSTS];
        host.install(NEW);
        host.restart(Signal::TERM);
        host.until_within(PATIENCE, "the new version serves", |board| {
            in_traffic(board) && board.build.running.version.as_deref() == Some(NEW)
        });
    });
}

/// Killed, and started again as the service manager does.
fn revived(lictor: &Lictor) {
    lictor.signal(Signal::KILL);
    lictor.ended();
    lictor.start();
}

#[test]
fn somebody_else_acts_in_the_middle_of_a_change() {
    let _seat = seats::take();
    let stage = Cast::of(HOSTS).enter(|_, setup| setup);
    stage.change_with("another change three seconds later", |stage| {
        let holder = stage.holder();
        // It has come that far by itself: nothing here waits for a time.
        stage.hosts[holder]
            .until_within(PATIENCE, "the first change is on its way", |board| board.phase != Phase::Leaving);
        stage.cluster.put("billing/COLOUR", "blue");
    });
    for host in &stage.hosts {
        assert_eq!(host.value("COLOUR").as_deref(), Some("blue"));
    }
    let told = stage.under_load("an operator has one host in maintenance", RATE, |stage| {
        let agent = stage.cluster.client(2);
        let maintenance = "/v1/agent/service/maintenance/svc";
        agent.ask("PUT", &format!("{maintenance}?enable=true&reason=the+disk"));
        let sick = |text: &str| text.contains("_service_maintenance") && text.contains("the disk");
        within(PATIENCE, "the catalog shows it", || {
            sick(&stage.cluster.ask("GET", "/v1/health/service/svc", b"").text()).then_some(())
        });
        let before = stage.hosts[2].board().config.fingerprint;
        stage.cluster.put("billing/GREETING", "during-maintenance");
        for host in &stage.hosts[..2] {
            host.until_within(PATIENCE, "waits for the one in maintenance", |board| {
                board.config.message.as_deref().is_some_and(|text| text.contains("does not pass in Consul's catalog"))
            });
        }
        stage.hosts[2].until_within(PATIENCE, "whoever is out anyway takes it", |board| {
            is_good(board) && board.config.fingerprint != before
        });
        assert!(sick(&agent.ask("GET", "/v1/agent/checks").text()), "the operator's maintenance stands");
        agent.ask("PUT", &format!("{maintenance}?enable=false"));
        stage.until_all_have("during-maintenance");
    });
    assert_eq!(told.most_out(), (1, 1), "{told:?}");
}
