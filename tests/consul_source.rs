//! The Consul source against a real Consul agent.

#![expect(clippy::unwrap_used, reason = "a test says by its panic what is wrong")]
#![allow(unreachable_pub, missing_docs, reason = "a test program has no outside")]

#[path = "consul_source/agent.rs"]
mod agent;
#[path = "consul_source/pkcs8.rs"]
mod pkcs8;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, ROOT, With};
use lictor::consul::{Client, Connection, Retry, Tls};
use lictor::environment::{Mapping, Snapshot};
use lictor::source::{self, Kind, Prefix, Spec};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The stream of one folder.
struct Stream {
    receiver: watch::Receiver<Arc<Snapshot>>,
    _tasks: JoinSet<()>,
}

fn connection(address: String) -> Connection {
    let mut connection = Connection::at(address);
    connection.retry = Retry { backoff: Duration::from_millis(50), max_backoff: Duration::from_millis(500) };
    connection
}

fn open(connection: &Connection, path: &str) -> Stream {
    let prefix = Prefix { path: path.to_owned(), datacenter: None, wait: Duration::from_secs(2), commit: None };
    let name = format!("consul {path}").into();
    let spec = Spec { name, kind: Kind::Consul(prefix), required: true, min_keys: 0, mapping: Mapping::default() };
    let client = Arc::new(Client::new(connection).unwrap());
    let mut tasks = JoinSet::new();
    let receiver = source::spawn(&mut tasks, &spec, Some(&client));
    Stream { receiver, _tasks: tasks }
}

impl Stream {
    async fn until(&mut self, like: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let found = timeout(Duration::from_mins(1), self.receiver.wait_for(|snapshot| like(snapshot))).await;
        let found = found.map(|snapshot| Arc::clone(&snapshot.unwrap()));
        found.unwrap_or_else(|_| panic!("not so within 60 s: {:#?}", self.receiver.borrow()))
    }

    async fn until_pairs(&mut self, wanted: &[(&str, &[u8])]) -> Arc<Snapshot> {
        self.until(|snapshot| {
            snapshot.entries.as_ref().is_some_and(|entries| {
                entries.iter().map(|entry| (entry.key.as_str(), entry.value.expose())).eq(wanted.iter().copied())
            })
        })
        .await
    }

    async fn until_class(&mut self, class: &str) -> Arc<Snapshot> {
        self.until(|snapshot| snapshot.freshness.class.as_deref() == Some(class)).await
    }
}

#[tokio::test]
async fn writes_and_deletes_arrive_and_an_empty_folder_is_an_answer() {
    let agent = Agent::start(With::Nothing).await;
    let mut stream = open(&connection(agent.address()), "app/");
    stream.until_pairs(&[]).await;

    agent.put("apple", "outside").await;
    agent.put("app/b", "2").await;
    stream.until_pairs(&[("b", b"2")]).await;
    agent.put("app/a", "1").await;
    stream.until_pairs(&[("a", b"1"), ("b", b"2")]).await;
    agent.put("app/b", "3").await;
    stream.until_pairs(&[("a", b"1"), ("b", b"3")]).await;
    agent.delete("app/a").await;
    stream.until_pairs(&[("b", b"3")]).await;
    agent.delete("app/b").await;
    let snapshot = stream.until_pairs(&[]).await;
    assert_eq!(snapshot.freshness.errors, 0);
}

#[tokio::test]
async fn odd_keys_and_values_of_any_bytes() {
    let agent = Agent::start(With::Nothing).await;
    let bytes: Vec<u8> = (0..=255).collect();
    let keys = [" quote'\" ", "a:+=&?#%\\*;|<>~@!$()[]{}^", "deep/er/key", "emoji 🦀", "sub/", "ü%2F%20"];
    agent.put("odd/", "").await;
    for key in keys {
        agent.put(&format!("odd/{key}"), &bytes).await;
    }
    let wanted: Vec<_> = keys.iter().map(|key| (*key, bytes.as_slice())).collect();
    open(&connection(agent.address()), "odd/").until_pairs(&wanted).await;

    // Folders whose names a URL would clean away.
    for folder in ["a//b/", "a/../b/", "./x/", "sp ace/ü/"] {
        agent.put(&format!("{folder}key"), folder).await;
        open(&connection(agent.address()), folder).until_pairs(&[("key", folder.as_bytes())]).await;
    }
}

#[tokio::test]
async fn an_agent_that_is_killed_and_comes_back_without_its_data() {
    let mut agent = Agent::start(With::Nothing).await;
    for number in 0..50 {
        agent.put("app/a", number.to_string()).await;
    }
    let mut stream = open(&connection(agent.address()), "app/");
    let before = stream.until_pairs(&[("a", b"49")]).await;

    agent.kill();
    let away = stream.until_class("unreachable").await;
    assert_eq!(away.entries, before.entries, "the last good keys are kept");
    assert!(away.freshness.error.as_ref().unwrap().contains(&agent.address()));

    agent.start_again().await;
    agent.put("app/a", "new").await;
    let after = stream.until_pairs(&[("a", b"new")]).await;
    assert!(after.freshness.index < before.freshness.index, "{after:?}");
    assert_eq!(after.freshness.failing_since_unix_ms, None);
    agent.put("app/a", "newer").await;
    stream.until_pairs(&[("a", b"newer")]).await;
}

#[tokio::test]
async fn an_agent_that_is_killed_and_comes_back_with_its_data() {
    let mut agent = Agent::start(With::Data).await;
    agent.put("app/a", "1").await;
    let mut stream = open(&connection(agent.address()), "app/");
    let before = stream.until_pairs(&[("a", b"1")]).await;

    agent.kill();
    stream.until_class("unreachable").await;
    agent.start_again().await;
    let after = stream.until(|snapshot| snapshot.freshness.failing_since_unix_ms.is_none()).await;
    assert!(Arc::ptr_eq(after.entries.as_ref().unwrap(), before.entries.as_ref().unwrap()), "never seen empty");
    agent.put("app/a", "2").await;
    stream.until_pairs(&[("a", b"2")]).await;
}

#[tokio::test]
async fn a_token_that_loses_its_rights_is_denied_and_never_empty() {
    let agent = Agent::start(With::Tokens).await;
    agent.put("app/a", "1").await;
    let rules = |right| json!({ "Name": "app", "Rules": format!("key_prefix \"app/\" {{ policy = \"{right}\" }}") });
    let policy = agent.manage("/v1/acl/policy", rules("read")).await["ID"].as_str().unwrap().to_owned();
    let token = agent.manage("/v1/acl/token", json!({ "Policies": [{ "ID": policy }] })).await;
    let token = token["SecretID"].as_str().unwrap();

    let anonymous = open(&connection(agent.address()), "app/").until_class("denied").await;
    assert_eq!(anonymous.entries, None);

    let file = agent.path("token");
    let mut with_file = connection(agent.address());
    with_file.token_file = Some(file.clone());
    let mut stream = open(&with_file, "app/");
    let waiting = stream.until_class("denied").await;
    assert!(waiting.freshness.error.as_ref().unwrap().contains("token_file"), "{waiting:?}");
    fs::write(&file, format!("{ROOT}x\n")).unwrap();
    let wrong = stream.until(|snapshot| snapshot.freshness.error.as_ref().is_some_and(|e| e.contains("403"))).await;
    assert!(!format!("{wrong:?}").contains(ROOT), "{wrong:?}");
    fs::write(&file, format!("{token}\n")).unwrap();
    let read = stream.until_pairs(&[("a", b"1")]).await;
    assert_eq!(read.freshness.failing_since_unix_ms, None);

    agent.manage(&format!("/v1/acl/policy/{policy}"), rules("deny")).await;
    let denied = stream.until_class("denied").await;
    assert_eq!(denied.entries, read.entries, "the last good keys are kept");
    assert!(!denied.freshness.error.as_ref().unwrap().contains(token));
    agent.manage(&format!("/v1/acl/policy/{policy}"), rules("read")).await;
    stream.until(|snapshot| snapshot.freshness.failing_since_unix_ms.is_none()).await;
}

#[tokio::test]
async fn a_unix_socket_carries_it() {
    let agent = Agent::start(With::Socket).await;
    let address = format!("unix://{}", agent.path("http.sock").display());
    let mut stream = open(&connection(address.clone()), "app/");
    stream.until_pairs(&[]).await;
    agent.put("app/a", "1").await;
    stream.until_pairs(&[("a", b"1")]).await;

    let missing = open(&connection(format!("{address}.missing")), "app/").until_class("unreachable").await;
    assert!(missing.freshness.error.as_ref().unwrap().contains("http.sock.missing"), "{missing:?}");
}

#[tokio::test]
async fn tls_with_a_certificate_of_our_own() {
    let agent = Agent::start(With::Tls).await;
    agent.put("app/a", "1").await;
    let ca = Tls { ca_cert: Some(agent.path("consul-agent-ca.pem")), ..Tls::default() };
    let sec1 = agent.path("dc1-cli-consul-0-key.pem");
    let whole = Tls { cert: Some(agent.path("dc1-cli-consul-0.pem")), key: Some(sec1.clone()), ..ca.clone() };
    let mut secured = connection(agent.tls_address());

    let pkcs8 = agent.path("pkcs8.pem");
    fs::write(&pkcs8, pkcs8::from_sec1(&fs::read_to_string(&sec1).unwrap())).unwrap();
    let together = agent.path("together.pem");
    fs::write(&together, [fs::read(whole.cert.as_ref().unwrap()).unwrap(), fs::read(&sec1).unwrap()].concat()).unwrap();
    let folder = agent.path("ca");
    fs::create_dir(&folder).unwrap();
    fs::copy(agent.path("consul-agent-ca.pem"), folder.join("ca.pem")).unwrap();
    fs::write(folder.join("README"), "not a certificate").unwrap();
    let text = fs::read_to_string(agent.path("consul-agent-ca.pem")).unwrap();
    for tls in [
        whole.clone(),
        Tls { key: Some(pkcs8), ..whole.clone() },
        Tls { cert: Some(together), key: None, ..whole.clone() },
        Tls { ca_cert: None, ca_cert_bytes: Some(text), ..whole.clone() },
        Tls { ca_cert: None, ca_path: Some(folder), ..whole.clone() },
        Tls { server_name: Some("server.dc1.consul".to_owned()), ..whole.clone() },
        Tls { ca_cert: None, verify: false, ..whole.clone() },
    ] {
        secured.tls = Some(tls.clone());
        let mut stream = open(&secured, "app/");
        let snapshot = stream.until(|snapshot| snapshot.freshness != lictor::environment::Freshness::default()).await;
        assert_eq!(snapshot.freshness.error, None, "{tls:?}");
        stream.until_pairs(&[("a", b"1")]).await;
    }

    for (tls, cause) in [
        (ca, "CertificateRequired"),
        (Tls { ca_cert: None, ..whole.clone() }, "UnknownIssuer"),
        (Tls { server_name: Some("other.example".to_owned()), ..whole }, "other.example"),
    ] {
        secured.tls = Some(tls.clone());
        let snapshot = open(&secured, "app/").until_class("unreachable").await;
        assert!(snapshot.freshness.error.as_ref().unwrap().contains(cause), "{tls:?}: {snapshot:?}");
    }
}
