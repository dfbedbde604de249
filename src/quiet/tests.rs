//! The kernel's own word on real connections.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Observer;

/// Looks until the stillness is as described.
async fn until(observer: &mut Observer, begun: Instant, wanted: impl Fn(Duration) -> bool) -> Duration {
    for _ in 0..500 {
        let still = observer.look(begun.elapsed(), 0).await.unwrap();
        if wanted(still) {
            return still;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("never");
}

/// A process of another group that connects and then does as it is told.
fn peer(port: u16, script: &str) -> Child {
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; {script}");
    Command::new("bash").args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

#[tokio::test]
async fn the_ports_are_those_on_which_the_group_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let both = TcpListener::bind("[::]:0").unwrap();
    let group = rustix::process::getpgrp().as_raw_nonzero().get().unsigned_abs();
    let observer = Observer::new(group, Some(1)).await.unwrap();
    for listener in [&listener, &both] {
        let port = listener.local_addr().unwrap().port();
        assert!(observer.ports().contains(&port), "{port}");
    }
    let nobody = Observer::new(u32::MAX, Some(7)).await.unwrap();
    assert_eq!(nobody.ports(), [7].into(), "the registered one, where none is found");
}

#[tokio::test]
async fn a_peer_that_comes_or_speaks_is_seen_and_silence_is_measured() {
    // For both IP versions: its connections over IPv4 are listed among those of IPv6.
    let listener = TcpListener::bind("[::]:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut observer = Observer::new(u32::MAX, Some(port)).await.unwrap();
    let begun = Instant::now();
    until(&mut observer, begun, |still| still > Duration::from_millis(150)).await;

    let mut client = peer(port, "while read -r _; do echo word >&3; done");
    let (mut accepted, _) = listener.accept().unwrap();
    until(&mut observer, begun, |still| still < Duration::from_millis(100)).await;
    until(&mut observer, begun, |still| still > Duration::from_millis(200)).await;

    client.stdin.as_mut().unwrap().write_all(b"speak\n").unwrap();
    accepted.read_exact(&mut [0; 5]).unwrap();
    until(&mut observer, begun, |still| still < Duration::from_millis(150)).await;
    client.kill().unwrap();
    client.wait().unwrap();
}

#[tokio::test]
async fn a_peer_that_was_closed_between_two_looks_is_seen() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut observer = Observer::new(u32::MAX, Some(port)).await.unwrap();
    let begun = Instant::now();
    until(&mut observer, begun, |still| still > Duration::from_millis(100)).await;
    let mut client = peer(port, "cat <&3");
    drop(listener.accept().unwrap());
    client.wait().unwrap();
    // Our end closed first, so it is in TIME_WAIT.
    until(&mut observer, begun, |still| still < Duration::from_millis(100)).await;
}

#[tokio::test]
async fn a_probe_that_has_closed_is_known_by_being_told_of() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut observer = Observer::new(u32::MAX, Some(port)).await.unwrap();
    let begun = Instant::now();
    until(&mut observer, begun, |still| still > Duration::from_millis(100)).await;
    for probes in 1..5 {
        drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
        assert!(observer.look(begun.elapsed(), probes).await.unwrap() > Duration::from_millis(100));
        // Our end closed first, and the other one only now.
        drop(listener.accept().unwrap());
    }
}

#[tokio::test]
async fn the_same_port_of_another_address_is_somebody_elses() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let other = TcpListener::bind(("127.0.0.2", port)).unwrap();
    let group = rustix::process::getpgrp().as_raw_nonzero().get().unsigned_abs();
    let mut observer = Observer::new(group, None).await.unwrap();
    observer.places.retain(|place| *place == listener.local_addr().unwrap());
    let begun = Instant::now();
    until(&mut observer, begun, |still| still > Duration::from_millis(100)).await;
    let script = format!("exec 3<>/dev/tcp/127.0.0.2/{port}; cat <&3");
    let mut client = Command::new("bash").args(["-c", &script]).stdin(Stdio::null()).spawn().unwrap();
    let accepted = other.accept().unwrap();
    assert!(observer.look(begun.elapsed(), 0).await.unwrap() > Duration::from_millis(100));
    drop(accepted);
    client.wait().unwrap();
}

#[tokio::test]
async fn our_own_connections_do_not_count() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut observer = Observer::new(u32::MAX, Some(port)).await.unwrap();
    let begun = Instant::now();
    until(&mut observer, begun, |still| still > Duration::from_millis(100)).await;
    let mut probe = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (mut accepted, _) = listener.accept().unwrap();
    for _ in 0..10 {
        probe.write_all(b"x").unwrap();
        accepted.read_exact(&mut [0]).unwrap();
        assert!(observer.look(begun.elapsed(), 0).await.unwrap() > Duration::from_millis(100));
    }
}
