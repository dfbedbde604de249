//! The chain, against the SDK's own: `tests/peers/drivers` has resolved each account of its corpus with aws-sdk-go-v2.

use std::collections::BTreeMap;

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Chain, Kept, Keys, Origin, Variables};
use crate::check::tests::{access, surroundings};

#[derive(Deserialize)]
struct Answers {
    aws: Vec<Account>,
}

#[derive(Deserialize)]
struct Account {
    name: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
    credentials: String,
    config: String,
    #[serde(default)]
    files: BTreeMap<String, String>,
    source: String,
    key: String,
}

/// STS, the metadata of an instance and a container's role, as the peer pretends them.
async fn pretend() -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut task = JoinSet::new();
    task.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { break };
                head.push(byte);
            }
            let head = String::from_utf8(head).unwrap();
            let field = |name: &str| {
                let line = head.lines().find_map(|line| line.strip_prefix(name))?;
                Some(line.trim().to_owned())
            };
            let mut body = vec![0; field("content-length:").map_or(0, |length| length.parse().unwrap())];
            stream.read_exact(&mut body).await.unwrap();
            let answer = answer(&head, &String::from_utf8(body).unwrap());
            let (code, body) = answer.map_or((404, String::new()), |body| (200, body));
            let length = body.len();
            let text = format!("HTTP/1.1 {code} x\r\ncontent-length: {length}\r\n\r\n{body}");
            let _ = stream.write_all(text.as_bytes()).await;
        }
    });
    (url, task)
}

fn answer(head: &str, body: &str) -> Option<String> {
    const ROLE: &str = "GET /latest/meta-data/iam/security-credentials/";
    let handed_out = |id: &str| {
        format!(r#"{{"AccessKeyId":"{id}","SecretAccessKey":"S","Token":"T","Expiration":"2100-01-01T00:00:00Z"}}"#)
    };
    if head.starts_with("POST / ") {
        let signed = head.split_once("Credential=").and_then(|(_, rest)| rest.split_once('/'));
        let role = body.split_once("role%2F").and_then(|(_, rest)| rest.split('&').next())?;
        let id = format!("{} by {}", role.replace("%20", " "), signed.map_or("", |(by, _)| by));
        return Some(format!(
            "<Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>S</SecretAccessKey>\
             <SessionToken>T</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>"
        ));
    }
    let path = |line: &str| head.starts_with(&format!("{line} HTTP/1.1\r\n"));
    match () {
        () if path("PUT /latest/api/token") => Some("token".to_owned()),
        () if path(ROLE) => Some("billing".to_owned()),
        () if head.starts_with(ROLE) => Some(handed_out("INSTANCE")),
        () if path("GET /container") => Some(handed_out("CONTAINER")),
        () => None,
    }
}

async fn keys(variables: &Variables) -> Result<Keys, String> {
    let (access, around, kept) = (access(), surroundings(), Kept::default());
    let chain = Chain { access: &access, around: &around, variables, kept: &kept, region: "eu-west-1" };
    chain.keys().await
}

fn source(origin: &Origin) -> &'static str {
    match origin {
        Origin::Service | Origin::Lictor => "environment",
        Origin::Profile(_) => "profile",
        Origin::Process(_) => "process",
        Origin::Role(_) => "role",
        Origin::WebIdentity(_) => "web identity",
        Origin::Container => "container",
        Origin::Instance(_) => "instance",
    }
}

#[tokio::test]
async fn every_account_is_signed_for_as_the_sdk_does_or_not_at_all() {
    /// What the SDK can, and lictor says that it cannot: the account, and what the sentence names.
    const REFUSED: [(&str, &str); 2] =
        [("half an environment", "AWS_SECRET_ACCESS_KEY is not"), ("a process that expired", "have expired")];
    let (url, _server) = pretend().await;
    let answers: Answers =
        serde_json::from_str(include_str!("../../../../../tests/peers/drivers/answers.json")).unwrap();
    assert!(answers.aws.len() > 50);
    for account in answers.aws {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display().to_string();
        let mut files = account.files.clone();
        files.insert("credentials".to_owned(), account.credentials.clone());
        files.insert("config".to_owned(), account.config.clone());
        for (name, text) in &files {
            std::fs::write(folder.path().join(name), text.replace("@FOLDER@", &at)).unwrap();
        }
        let mut table: BTreeMap<&'static str, String> = BTreeMap::new();
        table.insert("AWS_SHARED_CREDENTIALS_FILE", format!("{at}/credentials"));
        table.insert("AWS_CONFIG_FILE", format!("{at}/config"));
        table.insert("AWS_ENDPOINT_URL_STS", url.clone());
        table.insert("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.clone());
        for (name, value) in &account.env {
            let name: &'static str = name.clone().leak();
            table.insert(name, value.replace("@FOLDER@", &at).replace("@SERVER@", &url));
        }
        let pairs: Vec<(&'static str, &str)> = table.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let found = keys(&Variables::new(&pairs, &[])).await;
        let name = &account.name;
        match found {
            Ok(keys) => {
                assert_eq!((source(&keys.origin), keys.id.trim()), (&*account.source, account.key.trim()), "{name}");
            }
            Err(why) if account.source == "error" => {
                assert!(!why.is_empty(), "{name}");
            }
            Err(why) => {
                let known = REFUSED.iter().find(|(refused, _)| refused == name);
                assert!(known.is_some_and(|(_, part)| why.contains(part)), "{name} has keys for the SDK: {why}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_supported_is_named_with_its_profile() {
    let folder = tempfile::tempdir().unwrap();
    let (credentials, config) = (folder.path().join("credentials"), folder.path().join("config"));
    for (words, named) in [
        ("sso_session = s\nsso_account_id = 1\n", "sso_session"),
        ("sso_start_url = https://example.awsapps.com/start\n", "sso_start_url"),
        ("role_arn = arn:aws:iam::1:role/r\nsource_profile = p\nmfa_serial = m\n", "mfa_serial"),
        ("credential_process = exit 3\n", "credential_process"),
        ("web_identity_token_file = /t\n", "web_identity_token_file"),
        ("login_session = x\n", "login_session"),
    ] {
        std::fs::write(&config, format!("[profile p]\n{words}")).unwrap();
        let variables = Variables::new(
            &[
                ("AWS_PROFILE", "p"),
                ("AWS_CONFIG_FILE", config.to_str().unwrap()),
                ("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap()),
                ("PATH", "/usr/bin:/bin"),
            ],
            &[],
        );
        let why = keys(&variables).await.unwrap_err();
        assert!(why.contains("the profile \"p\"") && why.contains(named), "{named}: {why}");
    }
}

#[tokio::test]
async fn the_service_s_keys_come_before_lictor_s_and_are_never_mixed() {
    let pair = |id| [("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", "S")];
    let found = keys(&Variables::new(&pair("A"), &pair("B"))).await.unwrap();
    assert_eq!((found.id.as_str(), found.origin), ("A", Origin::Service));
    let found = keys(&Variables::new(&[], &pair("B"))).await.unwrap();
    assert_eq!((found.id.as_str(), found.origin), ("B", Origin::Lictor));
    let half = keys(&Variables::new(&[("AWS_ACCESS_KEY_ID", "A")], &pair("B"))).await.unwrap_err();
    assert_eq!(half, "AWS_ACCESS_KEY_ID is in the service's environment, but AWS_SECRET_ACCESS_KEY is not");
    let disabled = [("AWS_EC2_METADATA_DISABLED", "true")];
    let none = keys(&Variables::new(&disabled, &[])).await.unwrap_err();
    assert!(none.starts_with("no credentials for AWS: set AWS_ACCESS_KEY_ID"), "{none}");
}

#[tokio::test]
async fn a_container_s_role_is_asked_with_its_token() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/role", listener.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "hunter2\n").unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let length = stream.read(&mut head).await.unwrap();
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    let service = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.to_str().unwrap()),
    ];
    let why = keys(&Variables::new(&service, &[])).await.unwrap_err();
    assert_eq!(why, "the container's role cannot be read: connection closed before an answer");
    assert!(server.join_next().await.unwrap().unwrap().contains("authorization: hunter2\r\n"));
    let afar = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.invalid/role")];
    assert!(keys(&Variables::new(&afar, &[])).await.unwrap_err().contains("neither https nor an address"));
    let gone = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/role")];
    let why = keys(&Variables::new(&gone, &[])).await.unwrap_err();
    assert_eq!(why, "the container's role cannot be read: cannot connect to 127.0.0.1:1: connection refused");
}
