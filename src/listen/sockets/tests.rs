//! With real sockets in the kernel.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};

use super::{Marks, Place, Share, Sockets};
use crate::listen::{Address, Found, ListenError, Passed, Settled, Spec};
use crate::machine::RunId;

const LOCAL: &str = "127.0.0.1:0";

fn spec(name: &str, address: &str) -> Spec {
    let address = match address {
        path if path.starts_with('/') => Address::Unix(path.into()),
        address => Address::Tcp(address.parse().unwrap()),
    };
    Spec { name: name.to_owned(), address }
}

fn open(specs: &[Spec]) -> Result<Sockets, ListenError> {
    Sockets::open(specs, Marks::Ignored, Found::nothing())
}

fn held(address: &str) -> (Sockets, SocketAddr) {
    let mut sockets = open(&[spec("http", address)]).unwrap();
    assert_eq!(sockets.look(), None, "this kernel steers");
    let Place::Tcp(address) = *sockets.pairs[0].place() else { panic!("a TCP address") };
    (sockets, crate::listen::address::from_here(address))
}

fn given(sockets: &mut Sockets, run: u64) -> TcpListener {
    let mut passed = sockets.give(RunId(run)).unwrap();
    assert_eq!(passed.len(), 1);
    let Passed { name, socket } = passed.remove(0);
    assert_eq!(name, "http");
    listener(socket)
}

/// As the service has it: it waits when it accepts.
fn listener(socket: OwnedFd) -> TcpListener {
    TcpListener::from(socket)
}

/// Whether a connection waits there now.
fn takes(listener: &TcpListener) -> Option<TcpStream> {
    let (stream, _) = listener.accept().ok()?;
    stream.set_nonblocking(false).unwrap();
    Some(stream)
}

fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).unwrap()
}

#[test]
fn a_connection_goes_to_the_run_or_waits_for_the_next_whatever_the_address() {
    for address in [LOCAL, "0.0.0.0:0", "[::]:0", "[::1]:0", "127.0.0.3:0"] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _within = runtime.enter();
        let (mut sockets, address) = held(address);
        let first = given(&mut sockets, 1);
        let mut early: Vec<_> = (0..20).map(|_| connect(address)).collect();
        assert_eq!((0..20).filter_map(|_| takes(&first)).count(), 20, "{address}");

        let leaving = sockets.turn_away(RunId(1)).unwrap();
        let late: Vec<_> = (0..20).map(|_| connect(address)).collect();
        assert!(takes(&first).is_none(), "{address}: nothing new comes to a run that is about to stop");
        assert_eq!(runtime.block_on(leaving.settled()), Settled::Quiet);
        drop(first);
        sockets.gone(RunId(1));

        let second = given(&mut sockets, 2);
        assert_eq!((0..20).filter_map(|_| takes(&second)).count(), late.len(), "{address}: each has waited");
        early.clear();
    }
}

#[test]
fn new_connections_go_where_they_are_steered_and_a_share_of_them_to_the_other() {
    let (mut sockets, address) = held(LOCAL);
    let (old, candidate) = (given(&mut sockets, 1), given(&mut sockets, 2));
    let count = |connections: usize| {
        let _all: Vec<_> = (0..connections).map(|_| connect(address)).collect();
        let of = |listener: &TcpListener| std::iter::from_fn(|| takes(listener)).count();
        (of(&old), of(&candidate))
    };
    assert_eq!(count(20), (20, 0), "a candidate gets nothing before it is steered to");
    assert!(sockets.give(RunId(3)).is_err(), "never three");
    sockets.steer(RunId(2), Share::OF_ALL).unwrap();
    assert_eq!(count(20), (0, 20));
    sockets.steer(RunId(1), Share::OF_ALL).unwrap();
    assert_eq!(count(20), (20, 0), "and back");
    sockets.steer(RunId(2), Share::percent(50)).unwrap();
    let (to_old, to_candidate) = count(200);
    assert!((60..=140).contains(&to_old) && to_old + to_candidate == 200, "{to_old} and {to_candidate}");
}

#[tokio::test]
async fn a_probe_reaches_its_own_run_whatever_is_steered_and_whatever_the_address() {
    let near = ["127.0.0.1", "127.0.0.4", "::1"];
    for (address, from) in [
        (LOCAL, &near[..1]),
        ("127.0.0.4:0", &near[1..2]),
        ("0.0.0.0:0", &near[..2]),
        ("[::]:0", &near),
        ("[::1]:0", &near[2..]),
    ] {
        let mut sockets = Sockets::open(&[spec("http", address)], Marks::Heeded, Found::nothing()).unwrap();
        let Place::Tcp(held) = *sockets.pairs[0].place() else { panic!("a TCP address") };
        let listeners = [given(&mut sockets, 1), given(&mut sockets, 2)];
        for steered in [1, 2, 1] {
            sockets.steer(RunId(steered), Share::OF_ALL).unwrap();
            for near in from {
                let to = SocketAddr::new(near.parse().unwrap(), held.port());
                for run in [1, 2] {
                    let _probe = sockets.reach(RunId(run)).unwrap().connect(to).await.unwrap();
                    let other = usize::from(run == 1);
                    assert!(takes(&listeners[other]).is_none(), "{address} from {near}: not the other one");
                    assert!(takes(&listeners[1 - other]).is_some(), "{address} from {near}: run {run}");
                }
                let _anybody = connect(to);
                let right = usize::try_from(steered).unwrap() - 1;
                assert!(takes(&listeners[right]).is_some(), "{address} from {near}: steered to {steered}");
            }
        }
    }
}

#[tokio::test]
async fn where_one_run_lives_at_a_time_a_mark_means_nothing() {
    let (mut sockets, address) = held(LOCAL);
    let first = given(&mut sockets, 1);
    assert_eq!(sockets.reach(RunId(1)), None);
    let marked = crate::listen::Reach::to(super::Side::B, [&Place::Tcp(address)]);
    let _marked = marked.connect(address).await.unwrap();
    assert!(takes(&first).is_some(), "it does not wait for a run that is not there");
}

#[test]
fn ipv4_reaches_what_listens_on_every_ipv6_address() {
    let (mut sockets, six) = held("[::]:0");
    let first = given(&mut sockets, 1);
    let _four = connect(SocketAddr::new("127.0.0.1".parse().unwrap(), six.port()));
    assert!(takes(&first).is_some());
}

#[tokio::test]
async fn a_run_that_takes_nothing_is_not_waited_for_and_nothing_in_its_queue_is_lost() {
    let (mut sockets, address) = held(LOCAL);
    let hung = given(&mut sockets, 1);
    let mut clients: Vec<_> = (0..30).map(|_| connect(address)).collect();
    for client in &mut clients {
        client.write_all(b"ping").unwrap();
    }
    let leaving = sockets.turn_away(RunId(1)).unwrap();
    assert_eq!(leaving.settled().await, Settled::Given);
    drop(hung);
    sockets.gone(RunId(1));

    let next = given(&mut sockets, 2);
    next.set_nonblocking(true).unwrap();
    let next = tokio::net::TcpListener::from_std(next).unwrap();
    for _ in &clients {
        let (mut stream, _) = next.accept().await.unwrap();
        let mut heard = [0; 4];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut heard).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"pong").await.unwrap();
    }
    // What was accepted before is carried to its end, also when the side is given away again.
    sockets.turn_away(RunId(2)).unwrap();
    let _third = given(&mut sockets, 3);
    let answers = tokio::task::spawn_blocking(move || {
        let answer = |mut client: TcpStream| {
            let mut heard = String::new();
            client.read_to_string(&mut heard).unwrap();
            heard
        };
        clients.into_iter().map(answer).collect::<Vec<_>>()
    });
    assert_eq!(answers.await.unwrap(), vec!["pong"; 30]);
}

/// Sends on each connection, and has this listener serve them; gives what came back.
async fn served(listener: TcpListener, mut clients: Vec<TcpStream>) -> Vec<String> {
    for client in &mut clients {
        client.write_all(b"ping").unwrap();
    }
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    for _ in &clients {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = [0; 4];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut heard).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"pong").await.unwrap();
    }
    let answers = tokio::task::spawn_blocking(move || {
        let answer = |mut client: TcpStream| {
            let mut heard = String::new();
            client.read_to_string(&mut heard).unwrap();
            heard
        };
        clients.into_iter().map(answer).collect()
    });
    answers.await.unwrap()
}

#[tokio::test]
async fn who_waits_for_a_run_that_is_left_is_served_by_the_other_one_while_that_run_is_alive() {
    let (mut sockets, address) = held(LOCAL);
    let (old, _hung) = (given(&mut sockets, 1), given(&mut sockets, 2));
    sockets.steer(RunId(2), Share::OF_ALL).unwrap();
    let clients: Vec<_> = (0..20).map(|_| connect(address)).collect();
    sockets.rescue(RunId(2));
    assert!(takes(&old).is_none(), "it is the one that connections go to");
    sockets.steer(RunId(1), Share::OF_ALL).unwrap();
    sockets.rescue(RunId(2));
    assert_eq!(served(old, clients).await, vec!["pong"; 20]);
}

#[tokio::test]
async fn who_waits_for_a_run_that_has_ended_is_served_by_the_one_that_takes_over() {
    let (mut sockets, address) = held(LOCAL);
    let (old, new) = (given(&mut sockets, 1), given(&mut sockets, 2));
    let clients: Vec<_> = (0..20).map(|_| connect(address)).collect();
    drop(old);
    sockets.gone(RunId(1));
    assert!(takes(&new).is_none(), "it is not ready yet");
    sockets.steer(RunId(2), Share::OF_ALL).unwrap();
    assert_eq!(served(new, clients).await, vec!["pong"; 20]);
}

#[test]
fn only_what_was_opened_for_two_runs_can_be_steered_between_them() {
    let (one_at_a_time, _) = held(LOCAL);
    assert!(one_at_a_time.cannot_steer().unwrap().contains("restart lictor"));
    let two = Sockets::open(&[spec("http", LOCAL)], Marks::Heeded, Found::nothing()).unwrap();
    assert_eq!(two.cannot_steer(), None);
}

/// What a lictor has that is killed while two runs are alive, and cannot leave with a service manager.
#[tokio::test]
async fn the_sockets_of_both_runs_come_back_from_them() {
    let specs = [spec("http", LOCAL)];
    let mut first = Sockets::open(&specs, Marks::Heeded, Found::nothing()).unwrap();
    let Place::Tcp(address) = *first.pairs[0].place() else { panic!("a TCP address") };
    let specs = [spec("http", &address.to_string())];
    let (old, new) = (given(&mut first, 1), given(&mut first, 2));
    first.steer(RunId(2), Share::OF_ALL).unwrap();
    let (old_side, new_side) = (first.mark(RunId(1)), first.mark(RunId(2)));
    drop(first);

    // The socket is the second one of the service's, and nothing after it is looked at.
    let copy = |listener: &TcpListener| {
        let other = OwnedFd::from(std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
        let held = OwnedFd::from(listener.try_clone().unwrap());
        let further = std::iter::once_with(|| panic!("a copy too many"));
        [other, held].into_iter().chain(further)
    };
    let found = Found::nothing().with(&specs, [], new_side);
    let found = found.with_both(&specs, [(new_side, copy(&new)), (old_side, copy(&old))]);
    let mut second = Sockets::open(&specs, Marks::Heeded, found).unwrap();
    second.adopt(RunId(1));
    assert_eq!((second.mark(RunId(1)), second.cannot_steer()), (new_side, None));
    let _client = connect(address);
    assert!(takes(&old).is_none() && takes(&new).is_some(), "connections go where they went");
}

#[test]
fn what_was_kept_and_does_not_listen_any_more_is_replaced_and_its_name_is_free_again() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _within = runtime.enter();
    for dead in [0, 1] {
        let (sockets, address) = held(LOCAL);
        let kept: Vec<(String, OwnedFd)> = sockets
            .to_be_kept()
            .into_iter()
            .map(|(name, socket)| (name, socket.try_clone_to_owned().unwrap()))
            .collect();
        drop(sockets);
        rustix::net::shutdown(&kept[dead].1, rustix::net::Shutdown::Both).unwrap();
        let specs = [spec("http", &address.to_string())];
        let mut sockets = Sockets::open(&specs, Marks::Ignored, Found::nothing().kept(kept)).unwrap();
        assert_eq!(sockets.forgotten, ["listen-http.0", "listen-http.1"], "two by one name could not be told apart");
        assert_eq!((sockets.to_be_kept().len(), sockets.look()), (2, None));
        let (first, second) = (given(&mut sockets, 1), given(&mut sockets, 2));
        for run in [1, 2] {
            sockets.steer(RunId(run), Share::OF_ALL).unwrap();
            let _client = connect(address);
            let (right, wrong) = if run == 1 { (&first, &second) } else { (&second, &first) };
            assert!(takes(wrong).is_none() && takes(right).is_some(), "{dead} was dead, steered to {run}");
        }
    }
}

/// The service shuts it down, and everybody who has a copy of it feels that.
fn shut_down(socket: impl std::os::fd::AsFd) {
    rustix::net::shutdown(socket, rustix::net::Shutdown::Both).unwrap();
}

#[test]
fn a_service_that_shuts_its_listener_down_is_said_until_it_has_ended() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _within = runtime.enter();
    let (mut sockets, address) = held(LOCAL);
    let first = given(&mut sockets, 1);
    shut_down(&first);
    let problem = sockets.look().unwrap();
    assert!(problem.starts_with("the service has shut down the socket of listen \"http\""), "{problem}");
    let _waiting = connect(address);
    drop(first);
    sockets.gone(RunId(1));
    assert_eq!(sockets.look(), None);
    assert!(takes(&given(&mut sockets, 2)).is_some(), "who has connected since waits for the next run");
}

#[tokio::test]
async fn what_is_shut_down_is_seen_and_listens_again_in_its_place_whatever_the_address() {
    for address in [LOCAL, "0.0.0.0:0", "[::]:0", "[::1]:0"] {
        let mut sockets = Sockets::open(&[spec("http", address)], Marks::Heeded, Found::nothing()).unwrap();
        let Place::Tcp(address) = *sockets.pairs[0].place() else { panic!("a TCP address") };
        let address = crate::listen::address::from_here(address);
        let listeners = [given(&mut sockets, 1), given(&mut sockets, 2)];
        for dead in [&[0][..], &[1], &[1], &[0, 1], &[0]] {
            {
                let mut seen = std::pin::pin!(sockets.shut_down());
                // A connection is not what is waited for.
                let _client = connect(address);
                let early = tokio::time::timeout(std::time::Duration::from_millis(150), seen.as_mut()).await;
                assert!(early.is_err(), "{address}");
                for dead in dead {
                    shut_down(&listeners[*dead]);
                }
                seen.await;
            }
            sockets.revive();
            for listener in &listeners {
                while takes(listener).is_some() {}
            }
            for steered in [1, 2, 1] {
                sockets.steer(RunId(steered), Share::OF_ALL).unwrap();
                let _client = connect(address);
                for run in [1, 2] {
                    let taken = takes(&listeners[run - 1]).is_some();
                    assert_eq!(taken, run as u64 == steered, "{address}: {dead:?} were dead, steered to {steered}");
                    let _probe = sockets.reach(RunId(run as u64)).unwrap().connect(address).await.unwrap();
                    assert!(takes(&listeners[run - 1]).is_some(), "{address}: {dead:?} were dead, probe of {run}");
                }
            }
        }
    }
}

#[test]
fn the_next_lictor_knows_in_which_order_they_listen() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _within = runtime.enter();
    let (tell, told) = std::sync::mpsc::channel();
    let (sockets, address) = held(LOCAL);
    let mut sockets = sockets.kept_by(crate::listen::Keeper::new(move |forgotten, kept| {
        let names = kept.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        tell.send((forgotten.to_vec(), names)).map_err(std::io::Error::other)
    }));
    shut_down(sockets.pairs[0].socket(super::Side::A));
    sockets.revive();
    let all = ["listen-http.0", "listen-http.1", "listen-http.0.swapped", "listen-http.1.swapped"];
    let now = ["listen-http.0.swapped", "listen-http.1.swapped"].map(str::to_owned).to_vec();
    assert_eq!(told.try_iter().last().unwrap(), (all.map(str::to_owned).to_vec(), now));

    let copy = |(name, socket): (String, std::os::fd::BorrowedFd<'_>)| (name, socket.try_clone_to_owned().unwrap());
    let kept: Vec<_> = sockets.to_be_kept().into_iter().map(copy).collect();
    drop(sockets);
    let specs = [spec("http", &address.to_string())];
    let mut sockets = Sockets::open(&specs, Marks::Ignored, Found::nothing().kept(kept)).unwrap();
    assert!(sockets.forgotten.is_empty(), "{:?}", sockets.forgotten);
    let listeners = [given(&mut sockets, 1), given(&mut sockets, 2)];
    for steered in [0, 1] {
        sockets.steer(RunId(steered as u64 + 1), Share::OF_ALL).unwrap();
        let _client = connect(address);
        assert!(takes(&listeners[1 - steered]).is_none() && takes(&listeners[steered]).is_some(), "{steered}");
    }
}

#[tokio::test]
async fn where_nothing_runs_any_more_the_next_run_takes_the_side_where_connections_wait() {
    let (mut sockets, address) = held(LOCAL);
    let first = given(&mut sockets, 1);
    sockets.turn_away(RunId(1)).unwrap();
    let waiting: Vec<_> = (0..20).map(|_| connect(address)).collect();
    drop(first);
    let copies = sockets.to_be_kept().into_iter();
    let kept = copies.map(|(name, socket)| (name, socket.try_clone_to_owned().unwrap())).collect();
    drop(sockets);
    let specs = [spec("http", &address.to_string())];
    let mut next = Sockets::open(&specs, Marks::Ignored, Found::nothing().kept(kept)).unwrap();
    let second = given(&mut next, 1);
    let late = connect(address);
    assert_eq!((0..21).filter_map(|_| takes(&second)).count(), 21, "at once, without a relay: {waiting:?} {late:?}");
}

#[tokio::test]
async fn a_path_whose_socket_was_shut_down_has_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let mut sockets = open(&[spec("local", path.to_str().unwrap())]).unwrap();
    let next = |sockets: &mut Sockets, run| UnixListener::from(sockets.give(RunId(run)).unwrap().remove(0).socket);
    let first = next(&mut sockets, 1);
    shut_down(&first);
    sockets.shut_down().await;
    assert!(UnixStream::connect(&path).is_err());
    sockets.revive();
    let _waiting = UnixStream::connect(&path).unwrap();
    drop(first);
    sockets.gone(RunId(1));
    next(&mut sockets, 2).accept().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_never_takes_anything_is_said() {
    let (mut sockets, address) = held(LOCAL);
    let given = given(&mut sockets, 1);
    let _waiting = connect(address);
    assert_eq!(sockets.look(), None, "it may be starting");
    tokio::time::advance(super::UNTAKEN).await;
    let problem = sockets.look().unwrap();
    assert!(problem.starts_with("connections to listen \"http\" have not been accepted for 10 s"), "{problem}");
    takes(&given).unwrap();
    assert_eq!(sockets.look(), None);
}

#[test]
fn an_address_that_somebody_has_is_taken_even_if_he_would_share_it() {
    let (sockets, address) = held(LOCAL);
    let refused = open(&[spec("http", &address.to_string())]);
    assert!(matches!(refused, Err(ListenError::Taken { .. })), "{refused:?}");
    drop(sockets);
    let free = open(&[spec("http", &address.to_string())]);
    assert!(free.is_ok(), "{free:?}");
    let elsewhere = open(&[spec("http", "192.0.2.1:0")]);
    assert!(matches!(elsewhere, Err(ListenError::Unfit { .. })), "{elsewhere:?}");
}

#[test]
fn a_queue_that_is_full_is_said() {
    let (mut sockets, address) = held(LOCAL);
    // A backlog that a test can fill.
    for socket in [super::Side::A, super::Side::B] {
        rustix::net::listen(sockets.pairs[0].socket(socket), 2).unwrap();
    }
    let _waiting: Vec<_> = (0..3).map(|_| connect(address)).collect();
    let problem = sockets.look().unwrap();
    assert!(problem.starts_with("the queue of listen \"http\" is full: 3 connections wait"), "{problem}");
}

#[tokio::test]
async fn a_path_leads_to_one_of_two_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let text = path.to_str().unwrap();
    let specs = [spec("local", text)];
    let mut sockets = open(&specs).unwrap();
    let next = |sockets: &mut Sockets, run| UnixListener::from(sockets.give(RunId(run)).unwrap().remove(0).socket);
    let first = next(&mut sockets, 1);
    let _early = UnixStream::connect(&path).unwrap();
    first.accept().unwrap();
    let leaving = sockets.turn_away(RunId(1)).unwrap();
    let _late = UnixStream::connect(&path).unwrap();
    assert!(first.accept().is_err(), "it goes to the other one");
    assert_eq!(leaving.settled().await, Settled::Quiet);
    drop(first);
    sockets.gone(RunId(1));
    next(&mut sockets, 2).accept().unwrap();

    let taken = open(&specs);
    assert!(matches!(taken, Err(ListenError::Taken { .. })), "{taken:?}");
    // What a killed lictor leaves behind is no obstacle.
    drop(sockets);
    // The task that carried what was left on the first side has a copy of its socket until it is taken down.
    while open(&specs).is_err() {
        tokio::task::yield_now().await;
    }
    // What is no socket is left alone.
    let file = folder.path().join("f");
    std::fs::write(&file, "precious").unwrap();
    let refused = open(&[spec("local", file.to_str().unwrap())]);
    assert!(matches!(refused, Err(ListenError::Taken { .. })), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
}
