//! The chain, against small servers on loopback.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Chain, Kept, Keys, Origin, Variables};

const KEYS: &str = r#"{"AccessKeyId":"HANDED","SecretAccessKey":"S","Token":"T","Expiration":"2100-01-01T00:00:00Z"}"#;

/// Answers by the first line of the request; says what it was asked, head and all.
async fn server(
    answers: &'static [(&'static str, u16, &'static str)],
) -> (String, mpsc::UnboundedReceiver<String>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, asked) = mpsc::unbounded_channel();
    let mut task = JoinSet::new();
    task.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let found = answers.iter().find(|(line, ..)| head.starts_with(&format!("{line} HTTP/1.1\r\n")));
            let (code, body) = found.map_or((404, ""), |(_, code, body)| (*code, *body));
            sender.send(head).unwrap();
            let length = body.len();
            let _ = stream
                .write_all(format!("HTTP/1.1 {code} x\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes())
                .await;
        }
    });
    (url, asked, task)
}

type Table = BTreeMap<&'static str, String>;

fn table<const N: usize>(pairs: [(&'static str, &str); N]) -> Table {
    pairs.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

async fn keys(service: &Table, lictor: &Table, kept: &Kept) -> Result<Keys, String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let (of_service, of_lictor) = (|name: &str| service.get(name).cloned(), |name: &str| lictor.get(name).cloned());
    let variables = Variables::new(&of_service, &of_lictor);
    Chain { client: &client, variables: &variables, kept }.keys(SystemTime::now()).await
}

fn pair(id: &str) -> Table {
    table([("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", "S")])
}

#[tokio::test]
async fn the_environment_comes_first_and_is_never_mixed() {
    let kept = Kept::default();
    let found = keys(&pair("A"), &pair("B"), &kept).await.unwrap();
    assert_eq!((found.id.as_str(), found.origin), ("A", Origin::Service));
    let found = keys(&Table::new(), &pair("B"), &kept).await.unwrap();
    assert_eq!((found.id.as_str(), found.origin), ("B", Origin::Lictor));
    let half = keys(&table([("AWS_ACCESS_KEY_ID", "A")]), &pair("B"), &kept).await.unwrap_err();
    assert_eq!(half, "AWS_ACCESS_KEY_ID is in the service's environment, but AWS_SECRET_ACCESS_KEY is not");
}

#[tokio::test]
async fn then_the_shared_files() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    let kept = Kept::default();
    let home_is = table([("HOME", home.path().to_str().unwrap()), ("AWS_EC2_METADATA_DISABLED", "true")]);
    let none = keys(&Table::new(), &home_is, &kept).await.unwrap_err();
    assert!(none.starts_with("no credentials for AWS: set AWS_ACCESS_KEY_ID"), "{none}");
    let config = "[profile p]\naws_access_key_id = P\naws_secret_access_key = S\n";
    std::fs::write(home.path().join(".aws/config"), config).unwrap();
    let found = keys(&table([("AWS_PROFILE", "p")]), &home_is, &kept).await.unwrap();
    assert_eq!((found.id.as_str(), found.origin), ("P", Origin::Profile("p".to_owned())));
    // New keys are used at once: files are not kept.
    let file = home.path().join("keys");
    let elsewhere = table([("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap())]);
    for id in ["C", "D"] {
        std::fs::write(&file, format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = S\n")).unwrap();
        assert_eq!(keys(&elsewhere, &home_is, &kept).await.unwrap().id, id);
    }
}

#[tokio::test]
async fn then_the_role_of_the_container_which_is_kept() {
    let (url, mut asked, _server) = server(&[("GET /role?x=y", 200, KEYS)]).await;
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "hunter2\n").unwrap();
    let uri = format!("{url}/role?x=y");
    let service = table([
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.to_str().unwrap()),
    ]);
    let kept = Kept::default();
    for _ in 0..3 {
        let found = keys(&service, &Table::new(), &kept).await.unwrap();
        assert_eq!((found.id.as_str(), found.token, found.origin), ("HANDED", Some("T".into()), Origin::Container));
    }
    assert!(asked.recv().await.unwrap().contains("authorization: hunter2\r\n"));
    assert!(asked.try_recv().is_err(), "asked once: what was handed out is kept");

    let afar = table([("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.invalid/role")]);
    assert!(keys(&afar, &Table::new(), &Kept::default()).await.unwrap_err().contains("neither https nor an address"));
    let gone = table([("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/role")]);
    let error = keys(&gone, &Table::new(), &Kept::default()).await.unwrap_err();
    assert_eq!(error, "the container's role cannot be read: connection refused");
}

#[tokio::test]
async fn then_the_role_of_the_instance_by_the_second_version() {
    const ROLES: &str = "GET /latest/meta-data/iam/security-credentials/";
    const ROLE: &str = "GET /latest/meta-data/iam/security-credentials/billing";
    let (url, mut asked, _server) =
        server(&[("PUT /latest/api/token", 200, "hunter2"), (ROLES, 200, "billing"), (ROLE, 200, KEYS)]).await;
    let lictor = table([("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str())]);
    let kept = Kept::default();
    let found = keys(&Table::new(), &lictor, &kept).await.unwrap();
    assert_eq!((found.id.as_str(), found.origin), ("HANDED", Origin::Instance("billing".to_owned())));
    assert!(asked.recv().await.unwrap().contains("x-aws-ec2-metadata-token-ttl-seconds: 60\r\n"));
    for _ in 0..2 {
        assert!(asked.recv().await.unwrap().contains("x-aws-ec2-metadata-token: hunter2\r\n"));
    }
    keys(&Table::new(), &lictor, &kept).await.unwrap();
    assert!(asked.try_recv().is_err(), "kept");

    let (url, _asked, _server) = server(&[("PUT /latest/api/token", 200, "hunter2")]).await;
    let lictor = table([("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str())]);
    let error = keys(&Table::new(), &lictor, &Kept::default()).await.unwrap_err();
    assert!(error.starts_with("no credentials for AWS"), "an instance without a role: {error}");
}

#[tokio::test]
async fn what_still_holds_is_used_while_there_is_nothing_newer() {
    let soon = SystemTime::now() + Duration::from_secs(100);
    let old =
        Keys { id: "OLD".into(), secret: "S".into(), token: None, expires: Some(soon), origin: Origin::Container };
    let kept = Kept::default();
    kept.keep(old.clone());
    let gone = table([("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/role")]);
    assert_eq!(keys(&gone, &Table::new(), &kept).await, Ok(old));
}
