//! What the service gets.

use std::process::Command;

use lictor::machine::board::Phase;
use rustix::process::Signal;
use serde_json::Value;

use crate::billing;
use crate::harness::client::Request;
use crate::harness::lictor::{pid, said};
use crate::harness::{Lictor, Setup};

/// The habits-ridden service with these `listen` blocks.
fn listening(blocks: &[(&str, String)]) -> Setup {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    blocks.iter().fold(setup, |setup, (name, address)| {
        setup.config(&format!("listen \"{name}\" {{\n  address = \"{address}\"\n}}\n"))
    })
}

fn environment(lictor: &Lictor) -> Value {
    let address = (lictor.setup().host(), 8080).into();
    Request::get("/env").tcp(address).unwrap().json()
}

#[test]
fn several_sockets_come_in_order_with_their_names_and_the_child_s_own_number() {
    // What systemd said to lictor about sockets of lictor's own is not for the service.
    let setup = listening(&[]).variable("LISTEN_FDS", "7").variable("LISTEN_PID", "1").variable("LISTEN_FDNAMES", "x");
    let (host, socket) = (setup.host(), setup.path("s").display().to_string());
    let lictor = setup
        .config(&format!("listen \"http\" {{\n  address = \"{host}:8080\"\n}}\n"))
        .config(&format!("listen \"local\" {{\n  address = \"{socket}\"\n}}\n"))
        .config("listen \"six\" {\n  address = \"[::1]:0\"\n}\n")
        .start();
    for number in 0..2 {
        let board = lictor.until_good();
        let environment = environment(&lictor);
        assert_eq!(environment["LISTEN_FDS"], "3");
        assert_eq!(environment["LISTEN_FDNAMES"], "http:local:six");
        assert_eq!(environment["LISTEN_PID"], pid(&board).to_string());
        // Exactly these are inherited, and as sockets that listen.
        let descriptors = format!("/proc/{}/fd", pid(&board));
        for number in 3..6 {
            let leads = std::fs::read_link(format!("{descriptors}/{number}")).unwrap();
            assert!(leads.to_str().unwrap().starts_with("socket:"), "{number}: {leads:?}");
        }
        lictor.until_applied(|| lictor.setup().write("GREETING", format!("good day {number}")));
    }
}

#[test]
fn a_program_that_cannot_be_executed_is_still_an_error() {
    let setup = listening(&[]);
    let (host, script) = (setup.host(), setup.path("script"));
    std::fs::write(&script, "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let lictor = setup
        .config(&format!("listen \"http\" {{\n  address = \"{host}:8080\"\n}}\n"))
        .config(&format!("exec {{\n  command = [\"{}\"]\n}}\n", script.display()))
        .start();
    lictor.until("it says why", |board| {
        board.phase == Phase::BackingOff && lictor.log().contains("the interpreter or loader that")
    });
}

#[test]
fn the_example_listens_by_itself_where_nobody_passes_a_socket() {
    let setup = billing::setup(&[]);
    let host = setup.host();
    // Variables that were meant for another process.
    let mut alone = Command::new(setup.path("service"))
        .args(["-addr", &format!("{host}:8080")])
        .env("LISTEN_FDS", "1")
        .env("LISTEN_PID", "1")
        .spawn()
        .unwrap();
    let answer = crate::harness::eventually("it answers", || Request::get("/healthz").tcp((host, 8080).into()).ok());
    assert_eq!(answer.code, 200);
    alone.kill().unwrap();
    alone.wait().unwrap();
}

#[test]
fn an_address_that_is_taken_ends_lictor_with_75() {
    let setup = billing::setup(&[]);
    let _taken = std::net::TcpListener::bind((setup.host(), 8080)).unwrap();
    let output = crate::harness::lictor::finish(setup.configured("run"));
    assert_eq!(output.status.code(), Some(75), "{}", said(&output));
    assert!(said(&output).contains("listen \"http\""), "{}", said(&output));
    assert!(said(&output).contains("is taken"), "{}", said(&output));
}

#[test]
fn after_a_stop_nobody_is_left_waiting() {
    let lictor = billing::setup(&[]).start();
    lictor.until_good();
    lictor.signal(Signal::TERM);
    assert!(lictor.ended().success());
    let refused = std::net::TcpStream::connect((lictor.setup().host(), 8080));
    assert!(refused.is_err(), "{refused:?}");
}
