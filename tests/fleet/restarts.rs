//! One instance after the other leaves traffic, is stopped, and comes back: no request is lost.

use lictor::machine::event::TrafficState;
use rustix::process::Signal;

use crate::balancer::Balancer;
use crate::harness::lictor::is_good;
use crate::harness::{Consul, Lictor, Setup};
use crate::load::Load;
use crate::seats;

const INSTANCES: usize = 3;
/// Requests a second.
const RATE: u32 = 150;

/// One of several instances on one agent, with a folder of its own, so that it can be changed alone.
fn host(consul: &Consul, number: usize) -> Lictor {
    let folder = format!("host{number}/");
    consul.put(&format!("{folder}GREETING"), "hello");
    let setup = Setup::on_folder(consul.address(), &folder).checked();
    let registration = format!(
        "registration {{\n  id = \"svc-{number}\"\n  service = \"svc\"\n  port = 8080\n  address = \"{}\"\n}}\n\
         drain {{\n  wait = \"500ms\"\n  quiet = \"300ms\"\n  max = \"20s\"\n}}\napply {{\n  deadline = \"10s\"\n}}\n",
        setup.host()
    );
    setup.config(&registration).variable("SLOW_START", "800ms").start()
}

fn back_in_traffic(lictor: &Lictor) {
    lictor.until("in traffic", |board| board.traffic == Some(TrafficState::In) && board.candidate.is_none());
}

#[test]
fn restarts_changes_and_reverts_of_one_instance_after_the_other_lose_no_request() {
    let _seat = seats::take();
    let consul = Consul::start();
    let hosts: Vec<Lictor> = (0..INSTANCES).map(|number| host(&consul, number)).collect();
    for lictor in &hosts {
        lictor.until("good and in traffic", |board| is_good(board) && board.traffic == Some(TrafficState::In));
    }
    let balancer = Balancer::before("svc", consul.address());
    balancer.until_before(INSTANCES);
    let load = Load::on(balancer.address(), RATE);

    for (number, lictor) in hosts.iter().enumerate() {
        assert!(lictor.cli("restart", &[]).status.success());
        back_in_traffic(lictor);
        lictor.until_applied(|| consul.put(&format!("host{number}/GREETING"), "another"));
        back_in_traffic(lictor);
        let good = lictor.board().config.fingerprint;
        for bad in ["SICK", "EXIT_CODE"] {
            let key = format!("host{number}/{bad}");
            consul.put(&key, "3");
            lictor.until_reverted_to(good);
            back_in_traffic(lictor);
            consul.delete(&key);
            lictor.until_good();
        }
        // A deploy stops the unit and starts it again.
        lictor.restart(Signal::TERM);
        lictor.until_good();
        back_in_traffic(lictor);
        balancer.until_before(INSTANCES);
    }

    let tally = load.end();
    println!("{tally:?}");
    assert!(tally.sent > 1000, "{tally:?}");
    assert_eq!(tally.failed, 0, "{tally:?}");
}
