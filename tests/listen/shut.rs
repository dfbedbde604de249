//! A service that shuts down the socket that it shares with lictor, by `shutdown(2)` on its copy of it.

use lictor::machine::board::Board;

use crate::harness::client::Request;
use crate::harness::lictor::{is_good, pid};
use crate::harness::{Lictor, Setup};
use crate::load::Load;

fn setup(handover: &str, shut: &str) -> Setup {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    setup.write("GRACEFUL", "1");
    setup.write("LINGER", "300ms");
    setup.write("SHUT", shut);
    let host = setup.host();
    setup
        .config(&format!("listen \"http\" {{\n  address = \"{host}:8080\"\n}}\n"))
        .config(&format!("apply {{\n  handover = \"{handover}\"\n  min_healthy = \"300ms\"\n}}\n"))
}

fn is_alone(board: &Board) -> bool {
    is_good(board) && board.beside.is_none()
}

/// Restarts it so many times under load; nothing is lost.
fn is_replaced(lictor: &Lictor, times: usize) {
    lictor.until("alone", is_alone);
    let url = format!("http://{}:8080/", lictor.setup().host());
    let load = Load::begin(&["-url", &url, "-new", "200", "-get", "50", "-post", "50"]);
    for number in 0..times {
        let before = pid(&lictor.board());
        lictor.setup().write("GREETING", format!("hello {number}"));
        lictor.until("another one is good", |board| is_alone(board) && pid(board) != before);
    }
    let outcomes = load.end();
    assert_eq!(outcomes.each_ref().map(|outcome| outcome.failed), [0; 3], "{outcomes:#?}\n{}", lictor.log());
}

#[test]
fn whoever_shuts_it_down_at_its_stop_is_replaced_all_the_same_by_a_restart() {
    is_replaced(&setup("restart", "term").start(), 4);
}

#[test]
fn whoever_shuts_it_down_at_its_stop_is_replaced_all_the_same_by_one_beside() {
    is_replaced(&setup("overlap", "term").start(), 4);
}

#[test]
fn who_connects_to_a_service_that_has_shut_its_socket_down_waits_for_the_next_start() {
    for handover in ["restart", "overlap"] {
        let lictor = setup(handover, "use").start();
        lictor.until("alone", is_alone);
        let address = (lictor.setup().host(), 8080).into();
        assert_eq!(Request::get("/shut").tcp(address).unwrap().code, 200);
        lictor.until("it is said", |board| {
            let said = "the service has shut down the socket of listen \"http\"";
            board.sockets.as_ref().is_some_and(|problem| problem.starts_with(said))
        });
        let url = format!("http://{}:8080/", lictor.setup().host());
        let load = Load::begin(&["-url", &url, "-new", "20", "-get", "0", "-post", "0"]);
        let restart = lictor.cli("restart", &[]);
        assert!(restart.status.success(), "{handover}: {restart:?}\n{}", lictor.log());
        lictor.until("the next one serves", |board| board.healthy && board.beside.is_none() && board.sockets.is_none());
        let [new, ..] = load.end();
        assert!(new.sent > 0 && new.failed == 0, "{handover}: {new:#?}\n{}", lictor.log());
        // The order of the two sockets in the kernel's group is another one now.
        lictor.setup().write("SHUT", "never");
        is_replaced(&lictor, 2);
    }
}
