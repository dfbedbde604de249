//! A connection to something that is probed, or why there is none.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::sleep;

use super::Access;
use crate::check::reason;
use crate::listen::Reach;

/// An address has this long before the next one is tried beside it, as Go dials (RFC 8305).
const STAGGER: Duration = Duration::from_millis(250);

/// Of a name no more addresses than this are tried.
const MOST: usize = 16;

/// Bytes in both directions, whatever carries them. When it is dropped it is closed.
pub(in crate::check) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Any of them.
pub(in crate::check) type Wire = Box<dyn Stream>;

/// A host, by name or address, and a port.
#[derive(Clone, Copy, Debug)]
pub(in crate::check) struct Place<'a> {
    /// Without brackets.
    pub(in crate::check) host: &'a str,
    pub(in crate::check) port: u16,
}

impl<'a> Place<'a> {
    /// `host:port`, as a configuration has it: the port is there and fits.
    pub(in crate::check) fn parse(text: &'a str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        Some(Self { host: host.trim_matches(['[', ']']), port: port.parse().ok()? })
    }
}

/// `db:5432`, `[::1]:5432`
impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// Connects to a name or an address. The addresses of a name are tried side by side, each a little later than the one
/// before: one that hangs must not hide one that answers.
pub(in crate::check) async fn tcp(place: Place<'_>, access: &Access) -> Result<Wire, String> {
    let found = access.lookup(place.host).await.map_err(|error| reason::brief(&error.to_string()))?;
    let addresses = in_turn(found).into_iter().take(MOST).map(|address| SocketAddr::new(address, place.port));
    let connected = async {
        let stream = race(addresses, access.reach.as_ref()).await?;
        // Questions are short, and each waits for its answer.
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    connected.await.map(|stream| Box::new(stream) as Wire).map_err(|error| cannot(&place, &error))
}

/// Connects to a socket in the file system.
pub(in crate::check) async fn unix(path: &str, access: &Access) -> Result<Wire, String> {
    let file = access.reach.as_ref().and_then(|reach| reach.file(Path::new(path))).unwrap_or(Path::new(path));
    UnixStream::connect(file).await.map(|stream| Box::new(stream) as Wire).map_err(|error| cannot(&path, &error))
}

/// Why there is no connection.
pub(in crate::check) fn cannot(place: &dyn std::fmt::Display, error: &io::Error) -> String {
    format!("cannot connect to {place}: {}", reason::of_io(error))
}

/// Both protocols in turn, beginning with the one that the resolver prefers, and otherwise in its order.
fn in_turn(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let preferred = addresses.first().map(IpAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|one| Some(one.is_ipv6()) == preferred);
    let mut second = second.into_iter();
    let mut all: Vec<IpAddr> = first.into_iter().flat_map(|one| [Some(one), second.next()]).flatten().collect();
    all.extend(second);
    all
}

/// The first connection that comes about; if none does, why the first address has none.
async fn race(addresses: impl Iterator<Item = SocketAddr>, reach: Option<&Reach>) -> io::Result<TcpStream> {
    let mut addresses = addresses.enumerate();
    let mut trying = FuturesUnordered::new();
    let mut failed: Option<(usize, io::Error)> = None;
    loop {
        let next = addresses.next();
        let more = next.is_some();
        if let Some((number, address)) = next {
            trying.push(async move { (number, connect(address, reach).await) });
        }
        tokio::select! {
            ended = trying.next() => match ended {
                Some((_, Ok(stream))) => return Ok(stream),
                Some((number, Err(error))) => {
                    if failed.as_ref().is_none_or(|(before, _)| number < *before) {
                        failed = Some((number, error));
                    }
                }
                None => return Err(failed.map_or_else(|| io::ErrorKind::AddrNotAvailable.into(), |(_, error)| error)),
            },
            () = sleep(STAGGER), if more => {}
        }
    }
}

async fn connect(address: SocketAddr, reach: Option<&Reach>) -> io::Result<TcpStream> {
    match reach {
        Some(reach) => reach.connect(address).await,
        None => TcpStream::connect(address).await,
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::IpAddr;
    use std::time::Duration;

    use tokio::net::{TcpListener, TcpStream};
    use tokio::task::JoinSet;

    use super::{Place, in_turn, tcp};
    use crate::check::net::Access;
    use crate::check::tests::access;
    use crate::resolve::Resolver;

    fn asking(system: fn(&str) -> io::Result<Vec<IpAddr>>) -> Access {
        Access { resolver: Resolver::asking(system), ..access() }
    }

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn both_protocols_take_turns() {
        let found = in_turn(addresses(&["::1", "::2", "::3", "10.0.0.1", "10.0.0.2"]));
        assert_eq!(found, addresses(&["::1", "10.0.0.1", "::2", "10.0.0.2", "::3"]));
        let found = in_turn(addresses(&["10.0.0.1", "::1", "::2"]));
        assert_eq!(found, addresses(&["10.0.0.1", "::1", "::2"]));
    }

    #[test]
    fn a_place_is_read_and_shown() {
        for (text, shown) in [("db:5432", "db:5432"), ("[::1]:80", "[::1]:80"), ("10.0.0.1:1", "10.0.0.1:1")] {
            assert_eq!(Place::parse(text).unwrap().to_string(), shown);
        }
        assert!(Place::parse("db").is_none());
    }

    /// A listener with a full queue takes no further connection, as a host behind a firewall does not.
    async fn hanging(address: &str) -> (TcpListener, JoinSet<io::Result<TcpStream>>, Vec<TcpStream>) {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(address.parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let at = listener.local_addr().unwrap();
        let (mut queue, mut held) = (JoinSet::new(), Vec::new());
        loop {
            queue.spawn(TcpStream::connect(at));
            match tokio::time::timeout(Duration::from_millis(300), queue.join_next()).await {
                Ok(connected) => held.push(connected.unwrap().unwrap().unwrap()),
                Err(_) => return (listener, queue, held),
            }
        }
    }

    #[tokio::test]
    async fn an_address_that_hangs_does_not_hide_one_that_answers() {
        let (hangs, _queue, _held) = hanging("127.0.0.2:0").await;
        let port = hangs.local_addr().unwrap().port();
        let _answers = TcpListener::bind(("127.0.0.3", port)).await.unwrap();
        let access = asking(|_| Ok(addresses(&["127.0.0.2", "127.0.0.2", "127.0.0.3"])));
        let connecting = tcp(Place { host: "db.internal", port }, &access);
        // One address after the other, the first one alone would take as long as the kernel tries: two minutes.
        let connected = tokio::time::timeout(Duration::from_secs(20), connecting).await;
        assert!(connected.expect("the answer must not wait for the one that hangs").is_ok());
    }

    #[tokio::test]
    async fn what_refuses_is_followed_at_once_and_the_first_one_is_told() {
        let listener = TcpListener::bind("127.0.0.4:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let access = asking(|_| Ok(addresses(&["127.0.0.5", "127.0.0.6", "127.0.0.4"])));
        assert!(tcp(Place { host: "db.internal", port }, &access).await.is_ok());
        drop(listener);
        let Err(why) = tcp(Place { host: "db.internal", port }, &access).await else { panic!("nobody is there") };
        assert_eq!(why, format!("cannot connect to db.internal:{port}: connection refused"));
        let nobody = asking(|_| Err(io::Error::other("Name or service not known")));
        let Err(why) = tcp(Place { host: "db.internal", port }, &nobody).await else { panic!("nobody is there") };
        assert_eq!(why, "cannot resolve the host name db.internal: Name or service not known");
    }

    #[tokio::test]
    async fn a_probe_that_waits_for_a_name_says_so() {
        let slow = asking(|_| {
            let (hold, never) = std::sync::mpsc::channel::<()>();
            let _ = never.recv_timeout(Duration::from_secs(2));
            drop(hold);
            Ok(Vec::new())
        });
        let place = Place { host: "db.internal", port: 1 };
        let cut = tokio::time::timeout(Duration::from_millis(50), tcp(place, &slow)).await;
        assert!(cut.is_err());
        let why = slow.no_answer(Duration::from_millis(50));
        assert_eq!(why, "no answer within 50ms: the host name db.internal is not resolved");
        assert_eq!(slow.of_one_probe().no_answer(Duration::from_secs(1)), "no answer within 1s");
    }
}
