//! What Consul knows of the instance: it is registered and kept so, out of traffic before each stop and back in after it,
//! whoever dies in between.

use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lictor::machine::board::Phase;
use lictor::machine::event::TrafficState;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::client::Request;
use crate::harness::lictor::{is_good, pid};
use crate::harness::{Consul, Lictor, Setup, eventually, processes};

/// As quick as can still be told apart.
const DRAIN: &str = "drain {\n  wait = \"300ms\"\n  quiet = \"100ms\"\n  max = \"8s\"\n}\n";
const WAIT: Duration = Duration::from_millis(300);

/// What a `registration {}` in which lictor registers the service says beside its port.
fn registering(more: &str) -> String {
    format!("registration {{\n  port = 8080\n  {more}\n}}\n{DRAIN}")
}

/// A lictor on this Consul, with a readiness check.
fn on(consul: &Consul, registration: &str) -> Setup {
    consul.put("billing/GREETING", "hello");
    let setup = Setup::on_consul(consul.address()).checked().config(registration);
    let terms = setup.path("terms");
    setup.variable("TERM_DUMP", terms.to_str().unwrap())
}

/// Registers the service as a file in the agent's folder would, with a check on lictor's `/health`.
fn register(consul: &Consul, host: Ipv4Addr) {
    let check = json!({
        "CheckID": "svc:lictor", "Name": "svc by lictor", "HTTP": format!("http://{host}:8127/health"), "Interval": "1s",
    });
    let body = json!({ "ID": "svc", "Name": "svc", "Port": 8080, "Address": host.to_string(), "Check": check });
    consul.ask("PUT", "/v1/agent/service/register", body.to_string().as_bytes());
}

/// The instance in the catalog, if it is there.
fn instance(consul: &Consul) -> Option<Value> {
    consul.ask("GET", "/v1/health/service/svc", b"").json().as_array().unwrap().first().cloned()
}

/// Whether an instance passes; `None`: there is none.
fn passes(instance: Option<&Value>) -> Option<bool> {
    let checks = instance?["Checks"].as_array().unwrap();
    Some(checks.iter().all(|check| check["Status"] == "passing"))
}

fn until_passing(consul: &Consul, what: &str) {
    eventually(what, || (passes(instance(consul).as_ref()) == Some(true)).then_some(()));
}

/// The reason of the service's maintenance mode, if it is in it.
fn maintenance(consul: &Consul) -> Option<String> {
    let checks = consul.ask("GET", "/v1/agent/checks", b"").json();
    checks["_service_maintenance:svc"]["Notes"].as_str().map(str::to_owned)
}

fn set_maintenance(consul: &Consul, query: &str) {
    consul.ask("PUT", &format!("/v1/agent/service/maintenance/svc?{query}"), b"");
}

fn in_traffic(lictor: &Lictor) {
    lictor.until("in traffic", |board| board.traffic == Some(TrafficState::In) && is_good(board));
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// When the service was told to stop, each time.
fn terms(lictor: &Lictor) -> Vec<Duration> {
    lictor.lines("terms").iter().map(|line| Duration::from_nanos(line.parse().unwrap())).collect()
}

/// Writes down, from beginning to end, since when the catalog has shown the instance as passing or not.
struct Recorder {
    end: mpsc::Sender<()>,
    thread: JoinHandle<Vec<(Duration, bool)>>,
}

impl Recorder {
    fn of(consul: &Consul) -> Self {
        let address = consul.address();
        let (end, ended) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let (mut index, mut seen) = (0_u64, Vec::new());
            while ended.try_recv().is_err() {
                let path = format!("/v1/health/service/svc?index={index}&wait=200ms");
                let Ok(answer) = Request::get(&path).tcp(address) else { continue };
                let Some(told) = answer.headers.get("x-consul-index") else { continue };
                index = told.parse().unwrap();
                let passing = passes(answer.json().as_array().unwrap().first()) == Some(true);
                if seen.last().is_none_or(|(_, before)| *before != passing) {
                    seen.push((now(), passing));
                }
            }
            seen
        });
        Self { end, thread }
    }

    fn end(self) -> Vec<(Duration, bool)> {
        self.end.send(()).unwrap();
        self.thread.join().unwrap()
    }
}

/// Since when it had not been passing at this moment.
fn out_since(record: &[(Duration, bool)], moment: Duration) -> Option<Duration> {
    let (since, passing) = record.iter().take_while(|(at, _)| *at <= moment).last()?;
    (!passing).then_some(*since)
}

/// A client that connects anew again and again, from a process of its own.
struct Client(Child);

impl Client {
    fn of(host: Ipv4Addr) -> Self {
        let ask = format!("exec 3<>/dev/tcp/{host}/8080; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3");
        let script = format!("while :; do ({ask}); sleep 0.02; done");
        let client =
            Command::new("bash").args(["-c", &script]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self(client)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn lictor_registers_the_service_keeps_it_so_and_takes_it_away() {
    let consul = Consul::start();
    let more = "tags = [\"blue\"]\n  meta = { team = \"payments\" }\n  address = \"127.0.0.1\"";
    let lictor = on(&consul, &registering(more)).start();
    in_traffic(&lictor);
    let as_wished = |service: &Value| {
        let meta = json!({ "team": "payments", "version": "1.214", "lictor": env!("CARGO_PKG_VERSION") });
        service["Service"]["Meta"] == meta
            && service["Service"]["Tags"] == json!(["blue"])
            && service["Service"]["Address"] == "127.0.0.1"
            && service["Service"]["Port"] == 8080
            && passes(Some(service)) == Some(true)
    };
    eventually("it is as configured", || instance(&consul).filter(as_wished));

    consul.ask("PUT", "/v1/agent/service/deregister/svc", b"");
    eventually("it is registered again", || instance(&consul).filter(as_wished));
    let other = json!({ "ID": "svc", "Name": "svc", "Port": 9, "Tags": ["green"] }).to_string();
    consul.ask("PUT", "/v1/agent/service/register", other.as_bytes());
    eventually("it is as configured again", || instance(&consul).filter(as_wished));

    lictor.signal(Signal::TERM);
    assert!(lictor.ended().success());
    assert_eq!(instance(&consul), None);
}

#[test]
fn an_agent_that_comes_back_without_its_data_has_the_service_registered_again() {
    let mut consul = Consul::start();
    let lictor = on(&consul, &registering("")).start();
    in_traffic(&lictor);
    consul.kill();
    consul.launch();
    consul.put("billing/GREETING", "hello");
    until_passing(&consul, "it is registered again, and passes");
    assert_eq!(maintenance(&consul), None);
    assert_eq!(lictor.runs().len(), 1, "the service has served all the while");
}

#[test]
fn it_is_out_of_traffic_before_every_kind_of_stop_and_back_in_after_it() {
    let consul = Consul::start();
    let alive = "check \"Alive\" {\n  http { url = \"http://HOST:8080/healthz\" }\n  interval = \"100ms\"\n  \
                 role = \"liveness\"\n  fall = 2\n}\n";
    let setup = on(&consul, &format!("registration {{\n}}\n{DRAIN}"));
    let alive = alive.replace("HOST", &setup.host().to_string());
    let setup = setup.config(&alive);
    register(&consul, setup.host());
    let record = Recorder::of(&consul);
    let lictor = setup.start();
    in_traffic(&lictor);
    let good = lictor.board().config.fingerprint;

    let mut stops = 0;
    let mut stopped = |what: &str| {
        in_traffic(&lictor);
        stops += 1;
        eventually(what, || (terms(&lictor).len() >= stops).then_some(()));
        stops = terms(&lictor).len();
        assert_eq!(maintenance(&consul), None, "{what}");
    };
    lictor.until_applied(|| consul.put("billing/GREETING", "another"));
    stopped("for a change");
    let restart = lictor.cli("restart", &[]);
    assert!(restart.status.success(), "{}", String::from_utf8_lossy(&restart.stderr));
    stopped("for an operator");
    let _ = good;
    let before = lictor.board().config.fingerprint;
    consul.put("billing/SICK", "yes");
    lictor.until_reverted_to(before);
    lictor.until("in traffic after the revert", |board| board.traffic == Some(TrafficState::In));
    consul.delete("billing/SICK");
    lictor.until_good();
    stopped("for a revert");
    // Liveness: it sickens once it has been good for a while, and is restarted.
    lictor.until_applied(|| consul.put("billing/SICK_AFTER", "2s"));
    let runs = lictor.runs().len();
    eventually("liveness restarts it", || (lictor.runs().len() > runs).then_some(()));
    lictor.signal(Signal::TERM);
    assert!(lictor.ended().success());
    let record = record.end();

    let terms = terms(&lictor);
    assert!(terms.len() >= 6, "two changes, an operator, a revert, liveness, the end: {terms:?}");
    for term in terms {
        let since = out_since(&record, term).unwrap_or_else(|| panic!("in traffic at {term:?}: {record:?}"));
        let out = term.abs_diff(since);
        assert!(out >= WAIT / 2, "out for {out:?} only\n{}", lictor.log());
    }
    assert!(maintenance(&consul).is_some_and(|reason| reason.starts_with("lictor: ")), "it stays out, and says why");
}

#[test]
fn an_operators_maintenance_is_neither_begun_nor_ended() {
    let consul = Consul::start();
    let lictor = on(&consul, &registering("")).start();
    in_traffic(&lictor);
    set_maintenance(&consul, "enable=true&reason=disk");
    lictor.until_applied(|| consul.put("billing/GREETING", "another"));
    in_traffic(&lictor);
    assert_eq!(maintenance(&consul).as_deref(), Some("disk"));
    set_maintenance(&consul, "enable=false");
    until_passing(&consul, "it passes once the operator has done");
}

#[test]
fn killed_while_it_is_out_of_traffic_the_next_lictor_brings_it_back() {
    let consul = Consul::start();
    let slow = "drain {\n  wait = \"2s\"\n}\n";
    let lictor = on(&consul, &registering("")).config(slow).start();
    in_traffic(&lictor);
    consul.put("billing/GREETING", "another");
    lictor.until("leaving traffic", |board| board.phase == Phase::Leaving);
    eventually("it is out of traffic", || maintenance(&consul));
    lictor.restart(Signal::KILL);
    lictor.until("in traffic on the newest wish", |board| {
        board.traffic == Some(TrafficState::In) && is_good(board) && board.candidate.is_none()
    });
    until_passing(&consul, "nothing is left of it");
    assert_eq!(lictor.value("GREETING").as_deref(), Some("another"));
    assert_eq!(maintenance(&consul), None);

    // The same on the way back: dead after the stop, before the service is ready.
    consul.put("billing/GREETING", "a third");
    lictor.until("stopped", |board| board.phase == Phase::Starting);
    lictor.restart(Signal::KILL);
    lictor.until("in traffic again", |board| board.traffic == Some(TrafficState::In) && is_good(board));
    until_passing(&consul, "nothing is left of it");
    assert_eq!(maintenance(&consul), None);
}

#[test]
fn while_consul_is_away_a_stop_takes_the_whole_time_and_no_more() {
    let mut consul = Consul::start();
    let lictor = on(&consul, &registering("")).config("drain {\n  max = \"2s\"\n}\n").start();
    in_traffic(&lictor);
    consul.kill();
    let told = now();
    lictor.signal(Signal::TERM);
    assert!(lictor.ended().success());
    let took = terms(&lictor)[0].checked_sub(told).unwrap();
    assert!(took >= Duration::from_millis(1900) && took < Duration::from_secs(8), "{took:?}\n{}", lictor.log());
}

#[test]
fn a_right_that_is_missing_is_named_and_nothing_else_suffers() {
    let consul = Consul::with_tokens();
    consul.policy("lictor", "key_prefix \"billing/\" { policy = \"read\" }");
    let token = consul.token("lictor");
    let token = format!("consul {{\n  token = \"{}\"\n}}\n", token.secret);
    let quick = "drain {\n  max = \"1s\"\n}\n";
    let lictor = on(&consul, &registering("")).config(&token).config(quick).start();
    lictor.until_good();
    let line = "service \"svc\" { policy = \"write\" }";
    lictor.until("the line of policy is named", |board| {
        board.traffic_trouble.as_ref().is_some_and(|trouble| trouble.contains(line))
    });
    lictor.until_applied(|| consul.put("billing/GREETING", "another"));
    assert_eq!(lictor.status().0, 200);

    consul.policy("lictor", &format!("key_prefix \"billing/\" {{ policy = \"read\" }}\n{line}"));
    let nodes = "node_prefix \"\" { policy = \"read\" }";
    lictor.until("the next one is named", |board| {
        board.traffic_trouble.as_ref().is_some_and(|trouble| trouble.contains(nodes))
    });
    lictor.until("in traffic, as far as the agent says", |board| board.traffic == Some(TrafficState::In));
    consul.policy("lictor", &format!("key_prefix \"billing/\" {{ policy = \"read\" }}\n{line}\n{nodes}"));
    lictor.until_applied(|| consul.put("billing/GREETING", "a third"));
    lictor.until("nothing is missing", |board| board.traffic_trouble.is_none());
}

#[test]
fn the_check_shows_a_crash_and_the_return_without_waiting_for_consul() {
    let consul = Consul::start();
    let lictor = on(&consul, &registering("check_interval = \"30s\"")).start();
    in_traffic(&lictor);
    let record = Recorder::of(&consul);
    eventually("it passes", || (passes(instance(&consul).as_ref()) == Some(true)).then_some(()));
    for _ in 0..3 {
        let board = lictor.board();
        processes::signal(pid(&board), Signal::KILL);
        eventually("the catalog shows the crash", || (passes(instance(&consul).as_ref()) == Some(false)).then_some(()));
        in_traffic(&lictor);
        until_passing(&consul, "and the return");
    }
    assert!(record.end().len() >= 7);
}

#[test]
fn quiet_ends_the_wait_and_a_client_that_keeps_coming_is_waited_for_until_the_limit() {
    let consul = Consul::start();
    let drain = "drain {\n  wait = \"0s\"\n  quiet = \"500ms\"\n  max = \"3s\"\n}\n";
    let lictor = on(&consul, &registering("")).config(drain).start();
    in_traffic(&lictor);
    let restart = || {
        let (before, begun) = (terms(&lictor).len(), now());
        assert!(lictor.cli("restart", &[]).status.success());
        in_traffic(&lictor);
        terms(&lictor)[before].abs_diff(begun)
    };
    let quiet = restart();
    assert!(quiet >= Duration::from_millis(500) && quiet < Duration::from_millis(2500), "{quiet:?}\n{}", lictor.log());
    let client = Client::of(lictor.setup().host());
    let busy = restart();
    drop(client);
    assert!(busy >= Duration::from_secs(3), "{busy:?}\n{}", lictor.log());
    let quiet = restart();
    assert!(quiet < Duration::from_millis(2500), "{quiet:?}\n{}", lictor.log());
}
