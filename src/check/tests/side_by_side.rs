//! Two runs that listen at one address: what is found of one is never the other's. The sockets are real; run 1 answers every
//! check as it should, and run 2 none.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{checks, http, next, spec};
use crate::check::{Kind, Place, Spec, Tcp, Text};
use crate::listen::{Address, Found, Marks, Share, Sockets};
use crate::machine::RunId;
use crate::machine::event::ProbeResult;
use crate::machine::order::Pace;
use crate::machine::policy::Role;

const RUNS: [u64; 2] = [1, 2];

/// Answers what it is asked, or not.
async fn answer(run: u64, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut asked = [0; 1024];
    let read = stream.read(&mut asked).await.unwrap_or_default();
    let well: &[u8] = match asked[..read].first() {
        Some(b'G') => b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        _ => b"+PONG\r\n",
    };
    let answer = if run == 1 { well } else { b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n" };
    let _ = stream.write_all(answer).await;
    if run == 1 {
        // Who has got what he asked for closes first; who has not waits for more, in vain.
        let _ = stream.read(&mut asked).await;
    }
}

fn serve(tasks: &mut JoinSet<()>, run: u64, socket: OwnedFd) {
    let is_tcp = std::net::TcpListener::from(socket.try_clone().unwrap()).local_addr().is_ok();
    if is_tcp {
        let listener = TcpListener::from_std(socket.into()).unwrap();
        tasks.spawn(async move {
            loop {
                answer(run, listener.accept().await.unwrap().0).await;
            }
        });
    } else {
        let listener = tokio::net::UnixListener::from_std(UnixListener::from(socket)).unwrap();
        tasks.spawn(async move {
            loop {
                answer(run, listener.accept().await.unwrap().0).await;
            }
        });
    }
}

fn redis(url: String) -> Kind {
    let url = Text::Written(url.into());
    Kind::Redis(Place { url, user: None, password: None, tls: None, ca: None, server_name: None })
}

#[tokio::test]
async fn each_probe_reaches_its_own_run_whatever_the_address_and_wherever_is_steered() {
    for (held, from) in [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0"),
        ("::1", "[::1]"),
        ("::", "[::1]"),
        ("::", "127.0.0.1"),
        ("::", "localhost"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("api");
        let named = |name: &str, address| crate::listen::Spec { name: name.to_owned(), address };
        let specs = [
            named("http", Address::Tcp((held.parse::<std::net::IpAddr>().unwrap(), 0).into())),
            named("api", Address::Unix(path.clone())),
        ];
        let mut sockets = Sockets::open(&specs, Marks::Heeded, Found::nothing()).unwrap();
        let (mut tasks, mut port) = (JoinSet::new(), 0);
        for run in RUNS {
            for given in sockets.give(RunId(run)).unwrap() {
                let listener = std::net::TcpListener::from(given.socket.try_clone().unwrap());
                port = listener.local_addr().map_or(port, |address| address.port());
                serve(&mut tasks, run, given.socket);
            }
        }
        let tcp =
            Tcp { send: Some("PING".to_owned()), expect: Some("PONG".to_owned()), ..Tcp::at(format!("{from}:{port}")) };
        let kinds = [
            http(format!("http://{from}:{port}/")).kind,
            Kind::Tcp(tcp),
            redis(format!("redis://{from}:{port}/")),
            redis(format!("unix://{}", path.display())),
        ];
        let rate = std::time::Duration::from_millis(10);
        let specs = kinds.map(|kind| Spec { kind, interval: rate, ..spec("any", Role::Readiness) });
        let (mut checks, mut events, environment) = checks(specs.into());
        for run in RUNS {
            checks.probe(RunId(run), Pace::Normal, &environment, sockets.reach(RunId(run)));
        }
        let mut found = [[0; 4]; 2];
        let mut steered = 0;
        while found.iter().flatten().any(|count| *count < 20) {
            let (run, check, outcome) = next(&mut events).await;
            assert_eq!(
                outcome == ProbeResult::Pass,
                run == RunId(1),
                "{held} from {from}, check {check} of {run}: {outcome:?}"
            );
            let of_run = usize::from(run == RunId(2));
            found[of_run][check] += 1;
            steered += 1;
            sockets.steer(RunId(RUNS[steered % 2]), Share::OF_ALL).unwrap();
        }
    }
}
