//! The stream against a Consul that misbehaves on demand.

mod losses;

use std::fs;
use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::consul::fake_consul::{FakeConsul, Fault, Seen};
use crate::consul::{Connection, Retry};
use crate::environment::Mapping;
use crate::source::Kind;

const WAIT: Duration = Duration::from_millis(600);

/// A fake, and the stream of its folder `app/`.
struct Bench {
    fake: FakeConsul,
    _tasks: JoinSet<()>,
    receiver: Receiver<Arc<Snapshot>>,
}

fn spec(min_keys: usize) -> Spec {
    let prefix = Prefix { path: "app/".to_owned(), datacenter: None, wait: WAIT, commit: None };
    let kind = Kind::Consul(prefix);
    Spec { name: "consul app/".into(), kind, required: true, min_keys, mapping: Mapping::default() }
}

fn connection(fake: &FakeConsul) -> Connection {
    let mut connection = Connection::at(fake.address());
    connection.retry = Retry { backoff: Duration::from_millis(10), max_backoff: Duration::from_millis(80) };
    connection
}

fn begin(fake: FakeConsul, connection: &Connection, min_keys: usize) -> Bench {
    begin_as(fake, connection, &spec(min_keys))
}

fn begin_as(fake: FakeConsul, connection: &Connection, spec: &Spec) -> Bench {
    let client = Arc::new(Client::new(connection).unwrap());
    let mut tasks = JoinSet::new();
    let receiver = crate::source::spawn(&mut tasks, spec, Some(&client));
    Bench { fake, _tasks: tasks, receiver }
}

impl Bench {
    async fn with(keys: &[(&str, &str)]) -> Self {
        let fake = FakeConsul::start().await;
        for (key, value) in keys {
            fake.put(key, value);
        }
        let connection = connection(&fake);
        begin(fake, &connection, 0)
    }

    /// One that has read `app/a = 1` and is being held.
    async fn settled() -> Self {
        let mut bench = Self::with(&[("app/a", "1"), ("app/b", "1"), ("app/c", "1")]).await;
        bench.until(|snapshot| snapshot.entries.is_some()).await;
        bench.fake.until_held().await;
        bench
    }

    async fn until(&mut self, like: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let found = timeout(Duration::from_secs(20), self.receiver.wait_for(|snapshot| like(snapshot))).await;
        let found = found.map(|snapshot| Arc::clone(&snapshot.unwrap()));
        found.unwrap_or_else(|_| panic!("not so within 20 s: {:?}\n{:#?}", self.receiver.borrow(), self.fake.state()))
    }

    /// Waits for a failure of this class, and then for the end of it.
    async fn heals_after(&mut self, class: &str) -> Arc<Snapshot> {
        let failing = self.until(|snapshot| snapshot.freshness.class.as_deref() == Some(class)).await;
        assert_eq!(keys(&failing).len(), 3, "the last good keys are kept");
        let error = failing.freshness.error.clone().unwrap();
        assert!(error.contains(&self.fake.address()) && !error.contains('\n'), "{error}");
        self.until(|snapshot| snapshot.freshness.failing_since_unix_ms.is_none()).await;
        self.fake.put("app/a", "healed");
        self.until(|snapshot| value(snapshot, "a").as_deref() == Some("healed")).await;
        failing
    }

    /// The query that came after the newest one with this index.
    fn after_index(&self, index: u64) -> Option<u64> {
        let requests = self.fake.state().requests;
        let place = requests.iter().position(|seen| seen.index() == Some(index)).unwrap();
        requests[place + 1].index()
    }
}

fn keys(snapshot: &Snapshot) -> Vec<String> {
    snapshot.entries.iter().flat_map(|entries| entries.iter()).map(|entry| entry.key.clone()).collect()
}

fn value(snapshot: &Snapshot, key: &str) -> Option<String> {
    let entries = snapshot.entries.as_ref()?;
    let entry = entries.iter().find(|entry| entry.key == key)?;
    entry.value.expose_str().map(str::to_owned)
}

#[tokio::test]
async fn keys_come_relative_in_byte_order_and_changes_follow_over_one_connection() {
    let mut bench =
        Bench::with(&[("app/b", "2"), ("app/", ""), ("app/a/x", "1"), ("app/B", ""), ("apple", "no"), ("z", "no")])
            .await;
    let snapshot = bench.until(|snapshot| snapshot.entries.is_some()).await;
    assert_eq!(keys(&snapshot), ["B", "a/x", "b"]);
    assert!(snapshot.freshness.contact_unix_ms.is_some());
    assert_eq!(snapshot.freshness.error, None);

    for number in 0..20 {
        let value = number.to_string();
        bench.fake.until_held().await;
        bench.fake.put("app/b", &value);
        bench.until(|snapshot| self::value(snapshot, "b").as_deref() == Some(&value)).await;
    }
    bench.fake.delete("app/a/x");
    bench.until(|snapshot| keys(snapshot) == ["B", "b"]).await;

    let state = bench.fake.state();
    assert_eq!(state.connections, 1, "one watch is one connection");
    let first = &state.requests[0];
    assert_eq!((first.path.as_str(), first.query.as_str()), ("/v1/kv/app/", "recurse"));
    assert_eq!(state.requests[1].parameter("wait"), Some("600ms"));
    assert!(state.requests.iter().skip(1).all(|seen| seen.index().is_some()));
}

#[tokio::test]
async fn nothing_there_is_an_answer_and_is_asked_for_twice_only_after_something() {
    let mut bench = Bench::with(&[]).await;
    let snapshot = bench.until(|snapshot| snapshot.entries.is_some()).await;
    assert_eq!(keys(&snapshot), [""; 0]);
    assert!(bench.fake.state().requests.iter().all(|seen| seen.parameter("consistent").is_none()));

    bench.fake.put("app/a", "1");
    bench.until(|snapshot| keys(snapshot) == ["a"]).await;
    bench.fake.until_held().await;
    bench.fake.interrupt(Fault::Empty);
    bench.fake.until(|state| state.requests.iter().any(|seen| seen.parameter("consistent").is_some())).await;
    bench.fake.until_held().await;
    assert_eq!(keys(&bench.receiver.borrow()), ["a"], "the second read knew better");

    bench.fake.delete("app/a");
    bench.until(|snapshot| keys(snapshot).is_empty() && snapshot.entries.is_some()).await;
    let asked = bench.fake.state().requests;
    assert!(asked.iter().any(|seen| seen.path == "/v1/kv/app/a" && seen.parameter("consistent").is_some()));
}

#[tokio::test]
async fn equal_content_keeps_the_entries_and_renews_the_contact() {
    let mut bench = Bench::settled().await;
    let first = bench.receiver.borrow_and_update().clone();
    bench.fake.interrupt(Fault::Early);
    bench.receiver.changed().await.unwrap();
    let second = bench.receiver.borrow().clone();
    assert!(Arc::ptr_eq(first.entries.as_ref().unwrap(), second.entries.as_ref().unwrap()));
    assert!(second.freshness.contact_unix_ms >= first.freshness.contact_unix_ms);
}

#[tokio::test]
async fn every_trouble_in_the_middle_of_a_poll_ends_in_a_read_without_an_index() {
    for (fault, class) in [
        (Fault::Status(500, "rpc error making call: EOF"), "no_leader"),
        (Fault::Status(500, ""), "unknown"),
        (Fault::Status(429, "Your IP is issuing too many concurrent connections"), "throttled"),
        (Fault::Status(503, ""), "throttled"),
        (Fault::Close, "unreachable"),
        (Fault::Cut, "unreachable"),
        (Fault::Body("<html>not consul</html>"), "unknown"),
        (Fault::Status(307, ""), "invalid"),
        (Fault::Status(403, "ACL not found"), "denied"),
        (Fault::Filtered, "denied"),
    ] {
        let mut bench = Bench::settled().await;
        bench.fake.interrupt(fault.clone());
        let failing = bench.heals_after(class).await;
        assert_eq!(failing.freshness.errors, 1, "{fault:?}");
        assert_eq!(bench.after_index(13), None, "{fault:?}");
    }
}

#[tokio::test]
async fn an_outage_at_the_start_is_survived() {
    let fake = FakeConsul::start().await;
    fake.put("app/a", "1");
    fake.next([Fault::Close, Fault::Status(500, "No cluster leader"), Fault::Cut, Fault::Index(None)]);
    let connection = connection(&fake);
    let mut bench = begin(fake, &connection, 0);
    let snapshot = bench.until(|snapshot| snapshot.entries.is_some()).await;
    assert_eq!(snapshot.freshness.errors, 3);
    assert_eq!(snapshot.freshness.index, Some(1), "no index is 1");
    bench.fake.put("app/a", "2");
    bench.until(|snapshot| value(snapshot, "a").as_deref() == Some("2")).await;
}

#[tokio::test]
async fn a_slow_drip_is_read_to_its_end() {
    let mut bench = Bench::settled().await;
    bench.fake.interrupt(Fault::Drip(Duration::from_micros(10)));
    bench.fake.until(|state| state.requests.len() > 2).await;
    bench.fake.put("app/a", "2");
    let snapshot = bench.until(|snapshot| value(snapshot, "a").as_deref() == Some("2")).await;
    assert_eq!(snapshot.freshness.errors, 0);
}

#[tokio::test]
async fn an_index_that_goes_back_is_not_waited_on() {
    let mut bench = Bench::settled().await;
    bench.fake.reset(2);
    bench.fake.put("app/a", "after");
    // The held query sleeps its whole wait, as Consul's does, and then answers with the lower index.
    bench.until(|snapshot| keys(snapshot) == ["a"]).await;
    assert_eq!(bench.after_index(13), None);
    bench.fake.until_held().await;
    bench.fake.put("app/a", "again");
    bench.until(|snapshot| value(snapshot, "a").as_deref() == Some("again")).await;
}

#[tokio::test]
async fn an_early_answer_with_the_same_index_is_read_again_and_never_spun_on() {
    let mut bench = Bench::settled().await;
    let before = bench.fake.state().requests.len();
    for _ in 0..3 {
        let asked = bench.fake.until_held().await.requests.len();
        bench.fake.interrupt(Fault::Early);
        bench.fake.until(|state| state.requests.len() >= asked + 2 && state.held > 0).await;
    }
    let asked: Vec<_> = bench.fake.state().requests[before..].iter().map(Seen::index).collect();
    assert_eq!(asked, [None, Some(13), None, Some(13), None, Some(13)]);

    // The bucket is empty now: a server that goes on like that is asked about twice a second.
    bench.fake.next(vec![Fault::Early; 1000]);
    bench.fake.interrupt(Fault::Early);
    let since = bench.fake.state().requests.len();
    let state = bench.fake.until(|state| state.requests.len() >= since + 4).await;
    let took = state.requests[since + 3].at - state.requests[since].at;
    assert!(took > Duration::from_millis(700), "four queries in {took:?}");
    bench.until(|snapshot| snapshot.freshness.errors == 0).await;
}

#[tokio::test]
async fn a_missing_folder_without_an_index_header_is_empty() {
    let fake = FakeConsul::start().await;
    fake.next([Fault::Index(None)]);
    let connection = connection(&fake);
    let mut bench = begin(fake, &connection, 0);
    bench.until(|snapshot| snapshot.entries.as_ref().is_some_and(|entries| entries.is_empty())).await;
    bench.fake.put("app/a", "1");
    bench.until(|snapshot| keys(snapshot) == ["a"]).await;
}

#[tokio::test]
async fn what_is_not_consul_is_no_empty_folder() {
    let fake = FakeConsul::start().await;
    let mut connection = connection(&fake);
    connection.address = format!("{}/wrong/prefix", fake.address());
    let mut bench = begin(fake, &connection, 0);
    let snapshot = bench.until(|snapshot| snapshot.freshness.class.as_deref() == Some("unknown")).await;
    assert_eq!(snapshot.entries, None);
}

#[tokio::test]
async fn without_rights_nothing_is_empty() {
    let fake = FakeConsul::start().await;
    fake.put("app/a", "1");
    fake.deny_all_but("right");
    let connection = connection(&fake);
    let mut bench = begin(fake, &connection, 0);
    let snapshot = bench.until(|snapshot| snapshot.freshness.class.as_deref() == Some("denied")).await;
    assert_eq!(snapshot.entries, None);
    assert!(snapshot.freshness.error.as_ref().unwrap().contains("none was sent"));
}

#[tokio::test]
async fn a_token_file_is_waited_for_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let fake = FakeConsul::start().await;
    fake.put("app/a", "1");
    fake.deny_all_but("right");
    let mut connection = connection(&fake);
    connection.token_file = Some(path.clone());
    connection.retry.max_backoff = Duration::from_mins(10);
    let mut bench = begin(fake, &connection, 0);

    let error = bench.until(|snapshot| snapshot.freshness.errors > 0).await.freshness.error.clone().unwrap();
    assert!(error.contains("token_file") && error.contains(path.to_str().unwrap()), "{error}");
    assert_eq!(bench.fake.state().requests.len(), 0);

    fs::write(&path, "wrong\n").unwrap();
    let denied = bench.until(|snapshot| snapshot.freshness.error.as_ref().is_some_and(|e| e.contains("403"))).await;
    let error = denied.freshness.error.as_ref().unwrap();
    assert!(error.contains("ACL not found") && !error.contains("wrong"), "{error}");

    // The next attempt would be far away: the changed file brings it forward.
    fs::write(&path, "right\n").unwrap();
    bench.until(|snapshot| keys(snapshot) == ["a"]).await;
    assert_eq!(bench.fake.state().requests.last().unwrap().token.as_deref(), Some("right"));
}

#[tokio::test]
async fn without_a_client_it_says_so() {
    let mut tasks = JoinSet::new();
    let receiver = crate::source::spawn(&mut tasks, &spec(0), None);
    assert_eq!(receiver.borrow().freshness.class.as_deref(), Some("invalid"));
}
