//! The service outlives lictor, without a service manager: the sockets come back from the service.

use rustix::process::Signal;

use crate::billing;
use crate::harness::lictor::pid;
use crate::load::Load;

#[test]
fn a_killed_lictor_has_its_sockets_back_and_its_next_change_loses_nothing() {
    let lictor = billing::setup(&["-linger", "300ms"]).start();
    let mut process = pid(&lictor.until_good());
    let url = format!("http://{}:8080/", lictor.setup().host());
    let load = Load::begin(&["-url", &url, "-new", "200", "-get", "50", "-post", "50"]);
    for number in 1..=4 {
        lictor.restart(Signal::KILL);
        let board = lictor.until_good();
        assert_eq!(pid(&board), process, "the same service");
        assert_eq!(board.sockets, None, "{}", lictor.log());
        lictor.until_applied(|| lictor.setup().write("GREETING", format!("hello {number}")));
        let after = pid(&lictor.board());
        assert_ne!(after, process);
        process = after;
    }
    let outcomes = load.end();
    assert_eq!(outcomes.each_ref().map(|outcome| outcome.failed), [0; 3], "{outcomes:#?}\n{}", lictor.log());
}

#[test]
fn a_service_that_had_the_address_to_itself_hands_it_over_at_its_next_change() {
    // It was started by a lictor that held nothing for it: `listen` was written later.
    let lictor = billing::alone(&[]).start();
    let before = pid(&lictor.until_good());
    lictor.signal(Signal::KILL);
    lictor.ended();
    let listen = lictor.setup().path("listen.hcl");
    let host = lictor.setup().host();
    std::fs::write(&listen, format!("listen \"http\" {{\n  address = \"{host}:8080\"\n}}\n")).unwrap();
    let mut command = lictor.setup().configured("run");
    command.arg("-c").arg(&listen);
    lictor.start_as(command);

    let board = lictor.until("it says so", |board| board.healthy && board.sockets.is_some());
    assert_eq!(pid(&board), before, "it serves on: {}", lictor.log());
    let problem = board.sockets.unwrap();
    assert!(problem.starts_with("the service outlived an earlier lictor"), "{problem}");
    lictor.until_applied(|| lictor.setup().write("GREETING", "good day"));
    let board = lictor.until("held from now on", |board| board.healthy && board.sockets.is_none());
    assert_ne!(pid(&board), before);
}
