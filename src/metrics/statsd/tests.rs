//! The task and its datagrams, on a socket of the test's own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::super::{Exposition, Syntax, meter};
use super::sink::PACKET;
use super::{BATCH, Board, Meter, Statsd};
use crate::drain::{self, DrainTrigger, Drained};
use crate::machine::Moment;
use crate::machine::board::CheckState;
use crate::machine::totals::Timing;
use crate::metrics::sample;

/// Nothing here takes this long; a test that meets it has failed.
const LONG: Duration = Duration::from_secs(20);

/// A receiver, and a task that sends to it.
struct Bench {
    socket: UdpSocket,
    boards: watch::Sender<Arc<Board>>,
    page: Exposition,
    trigger: DrainTrigger,
    tasks: JoinSet<()>,
}

fn settings(address: impl Into<String>, interval: Duration) -> Statsd {
    Statsd { address: address.into(), interval, ..Statsd::default() }
}

fn made(settings: &Statsd, board: Board) -> (Meter, watch::Sender<Arc<Board>>, Exposition) {
    let (boards, latest) = watch::channel(Arc::new(board));
    let (meter, page) = meter(settings, latest, watch::channel(Arc::default()).1, || Moment(12_000));
    (meter, boards, page)
}

impl Bench {
    async fn start(interval: Duration, board: Board) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (mut meter, boards, page) = made(&settings(socket.local_addr().unwrap().to_string(), interval), board);
        let (trigger, mut watcher) = drain::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { meter.run(&mut watcher).await });
        Self { socket, boards, page, trigger, tasks }
    }

    /// The lines of the next datagram.
    async fn lines(&self) -> Vec<String> {
        let mut buffer = vec![0; 65_536];
        let size = timeout(LONG, self.socket.recv(&mut buffer)).await.expect("a datagram").unwrap();
        assert!(size <= PACKET, "{size} bytes");
        String::from_utf8(buffer[..size].to_vec()).unwrap().lines().map(str::to_owned).collect()
    }

    /// Lines that are no gauges, until there are as many as given.
    async fn events(&self, count: usize) -> Vec<String> {
        let mut events = Vec::new();
        while events.len() < count {
            events.extend(self.lines().await.into_iter().filter(|line| !line.ends_with("|g")));
        }
        events
    }

    async fn end(mut self) {
        assert_eq!(self.trigger.drain(LONG).await, Drained::Clean);
        while self.tasks.join_next().await.is_some() {}
    }
}

#[tokio::test]
async fn a_tick_of_forty_gauges_is_at_most_three_datagrams() {
    let mut board = sample::busy();
    // Twenty-three beside the checks: eight of them are about the service's process.
    for number in 0..20 {
        sample::add_check(&mut board, &format!("Database number {number} of the service"), CheckState::Passing);
    }
    board.process.as_mut().unwrap().pid = Some(std::process::id());
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let tags = vec![("env".to_owned(), "production".to_owned())];
    let settings = Statsd { tags, ..settings(socket.local_addr().unwrap().to_string(), LONG) };
    let (mut meter, ..) = made(&settings, board);
    meter.tick();

    let (mut datagrams, mut gauges) = (0, Vec::new());
    let mut buffer = vec![0; 65_536];
    while let Ok(size) = socket.recv(&mut buffer) {
        assert!(size <= PACKET, "{size} bytes");
        datagrams += 1;
        let text = std::str::from_utf8(&buffer[..size]).unwrap();
        gauges.extend(text.lines().filter(|line| line.ends_with("|g")).map(str::to_owned));
    }
    assert!(gauges.len() >= 40, "{}: {gauges:#?}", gauges.len());
    assert!(datagrams <= 3, "{datagrams}");
    let unique: std::collections::BTreeSet<_> = gauges.iter().map(|line| line.split(':').next()).collect();
    assert_eq!(unique.len(), gauges.len(), "each once");
}

#[tokio::test]
async fn gauges_come_at_each_tick() {
    let bench = Bench::start(Duration::from_millis(100), sample::quiet()).await;
    let begun = Instant::now();
    for _ in 0..4 {
        assert!(bench.lines().await.contains(&"lictor.up,service=billing:1|g".to_owned()));
    }
    assert!(begun.elapsed() >= Duration::from_millis(250), "three intervals lie between four ticks");
    bench.boards.send_modify(|board| Arc::make_mut(board).ready = false);
    while !bench.lines().await.contains(&"lictor.up,service=billing:0|g".to_owned()) {}
    bench.end().await;
}

#[tokio::test]
async fn what_happens_is_told_at_once_and_once() {
    let bench = Bench::start(LONG, sample::quiet()).await;
    bench.lines().await;
    let begun = Instant::now();
    bench.boards.send_modify(|board| Arc::make_mut(board).totals.propagation = Timing { count: 1, sum_us: 1_234_567 });
    assert_eq!(bench.lines().await, ["lictor.config.propagation_ms,service=billing:1234.567|ms"]);
    assert!(begun.elapsed() < BATCH);
    bench.boards.send_modify(|board| Arc::make_mut(board).totals = sample::busy().totals);
    let events = bench.events(17).await;
    let applied =
        events.iter().filter(|line| line.starts_with("lictor.config.changes,service=billing,result=applied:"));
    assert_eq!(applied.collect::<Vec<_>>(), ["lictor.config.changes,service=billing,result=applied:3|c"]);
    bench.end().await;
}

#[tokio::test]
async fn what_checks_say_travels_together() {
    let mut board = sample::quiet();
    sample::add_check(&mut board, "Web", CheckState::Passing);
    let bench = Bench::start(LONG, board).await;
    bench.lines().await;
    let begun = Instant::now();
    for _ in 0..3 {
        bench.boards.send_modify(|board| {
            let probes = Arc::make_mut(board).totals.checks.get_mut("Web").unwrap();
            (probes.took.count, probes.took.sum_us) = (probes.took.count + 1, probes.took.sum_us + 2_500);
            probes.failures += 1;
        });
        tokio::task::yield_now().await;
    }
    let lines = bench.lines().await;
    assert!(begun.elapsed() >= BATCH, "after {:?}", begun.elapsed());
    let of = |name: &str| lines.iter().filter(|line| line.starts_with(name)).count();
    assert_eq!(of("lictor.check.duration_ms,service=billing,check=Web:2.5|ms"), 3, "{lines:?}");
    let failures =
        lines.iter().filter_map(|line| line.strip_prefix("lictor.check.failures,service=billing,check=Web:"));
    let failures = failures.map(|rest| rest.strip_suffix("|c").unwrap().parse::<u64>().unwrap());
    assert_eq!(failures.sum::<u64>(), 3, "{lines:?}");
    bench.end().await;
}

#[tokio::test]
async fn what_happened_last_still_goes_out() {
    let bench = Bench::start(LONG, sample::quiet()).await;
    bench.lines().await;
    let Bench { socket, boards, page: _, trigger, mut tasks } = bench;
    boards.send_modify(|board| *Arc::make_mut(board) = sample::busy());
    assert_eq!(trigger.drain(LONG).await, Drained::Clean);
    while tasks.join_next().await.is_some() {}
    let mut buffer = vec![0; 65_536];
    let size = socket.try_recv(&mut buffer).unwrap();
    assert!(std::str::from_utf8(&buffer[..size]).unwrap().contains("lictor.service.exits"));
}

#[tokio::test]
async fn the_page_shows_what_the_last_tick_found() {
    let mut board = sample::quiet();
    board.process.as_mut().unwrap().pid = Some(std::process::id());
    let bench = Bench::start(LONG, board).await;
    let board = Arc::clone(&bench.boards.borrow());
    assert!(!bench.page.page(&board, Syntax::Prometheus).contains("lictor_process_threads"), "no tick yet");
    bench.lines().await;
    let page = bench.page.page(&board, Syntax::Prometheus);
    assert!(page.contains("lictor_process_threads") && page.contains("lictor_self_resident_memory_bytes"), "{page}");
    bench.end().await;
}

#[tokio::test]
async fn a_receiver_that_goes_and_comes_changes_nothing_but_a_count() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = socket.local_addr().unwrap();
    let (mut meter, ..) = made(&settings(address.to_string(), LONG), sample::quiet());
    meter.tick();
    drop(socket);
    for _ in 0..50 {
        meter.tick();
    }
    let lost = meter.wire.dropped();
    assert!(lost > 49 * 10, "{lost}");
    let socket = UdpSocket::bind(address).await.unwrap();
    meter.tick();
    meter.tick();
    let mut buffer = vec![0; 65_536];
    let size = timeout(LONG, socket.recv(&mut buffer)).await.unwrap().unwrap();
    assert!(std::str::from_utf8(&buffer[..size]).unwrap().contains("lictor.self.statsd_dropped"));
    let size = timeout(LONG, socket.recv(&mut buffer)).await.unwrap().unwrap();
    let text = std::str::from_utf8(&buffer[..size]).unwrap().to_owned();
    let told: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("lictor.self.statsd_dropped,service=billing:"))
        .and_then(|rest| rest.strip_suffix("|g")?.parse().ok())
        .unwrap();
    assert!(told >= lost && told == meter.wire.dropped(), "{told} of {}", meter.wire.dropped());
}

#[tokio::test]
async fn while_a_name_is_looked_up_nothing_that_happened_is_forgotten() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let (mut meter, boards, _) = made(&settings(format!("localhost:{port}"), LONG), sample::quiet());
    boards.send_modify(|board| *Arc::make_mut(board) = sample::busy());
    meter.send_events();
    timeout(LONG, meter.wire.settled()).await.unwrap();
    meter.send_events();
    meter.flush();
    let mut buffer = vec![0; 65_536];
    let size = timeout(LONG, socket.recv(&mut buffer)).await.unwrap().unwrap();
    assert!(std::str::from_utf8(&buffer[..size]).unwrap().contains("lictor.service.restarts,"));
    assert_eq!(meter.wire.dropped(), 0);
}

#[tokio::test]
async fn a_name_that_means_nothing_costs_lines_and_nothing_else() {
    let (mut meter, ..) = made(&settings("nowhere.invalid:8125", LONG), sample::quiet());
    meter.tick();
    meter.tick();
    assert!(meter.wire.dropped() > 20);
}
