use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Access, AdminError, AdminSocket, Place};
use crate::drain::{self, Drained};
use crate::http::Resources;
use crate::machine::board::sample;

const OPEN: Access = Access { mode: 0o660, group: None };

async fn bind(path: PathBuf) -> Result<AdminSocket, AdminError> {
    AdminSocket::bind(&Place::Configured(path), &OPEN).await
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A socket file whose server is gone without having removed it.
fn leave_stale(path: &Path) {
    drop(std::os::unix::net::UnixListener::bind(path).unwrap());
    assert!(path.exists());
}

#[tokio::test]
async fn it_serves_and_is_gone_afterwards() {
    let directory = TempDir::new().unwrap();
    let place = Place::Default(directory.path().join("made/billing.sock"));
    let socket = AdminSocket::bind(&place, &Access { mode: 0o600, group: None }).await.unwrap();
    let path = socket.path().to_owned();
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o755));

    let (_boards, latest) = watch::channel(Arc::new(sample::board()));
    let (trigger, watcher) = drain::channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(socket.serve(Resources::new(latest, watcher.clone()), watcher));
    let mut client = UnixStream::connect(&path).await.unwrap();
    client.write_all(b"GET /status HTTP/1.1\r\nHost: lictor\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("{\"version\":\"1.214\"}"), "{answer}");

    assert_eq!(trigger.drain(Duration::from_secs(20)).await, Drained::Clean);
    tasks.join_next().await.unwrap().unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn a_path_may_be_as_long_as_a_socket_address_can_hold() {
    let directory = TempDir::new().unwrap();
    for length in [106, 107] {
        let room = length - directory.path().as_os_str().len() - "//a.sock".len();
        let folder = directory.path().join("x".repeat(room));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("a.sock");
        assert_eq!(path.as_os_str().len(), length);
        let _socket = bind(path.clone()).await.unwrap();
        assert!(UnixStream::connect(&path).await.is_ok());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing else is left there");
    }
    let long = directory.path().join("x".repeat(108));
    let refused = bind(long).await.unwrap_err();
    assert!(matches!(refused, AdminError::Bind { .. }) && !refused.may_pass(), "{refused:?}");
}

#[tokio::test]
async fn a_stale_socket_is_replaced() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("billing.sock");
    leave_stale(&path);
    let socket = bind(path.clone()).await.unwrap();
    assert_eq!(mode(&path), 0o660);
    assert!(UnixStream::connect(&path).await.is_ok());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left there");
    drop(socket);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_live_socket_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("billing.sock");
    let first = bind(path.clone()).await.unwrap();
    let second = bind(path.clone()).await;
    assert!(matches!(&second, Err(AdminError::Taken { path: named }) if *named == path), "{second:?}");
    assert!(UnixStream::connect(first.path()).await.is_ok());
}

#[tokio::test]
async fn what_is_no_socket_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("billing.sock");
    fs::write(&path, "precious").unwrap();
    let refused = bind(path.clone()).await;
    assert!(matches!(refused, Err(AdminError::NotASocket { .. })), "{refused:?}");
    assert_eq!(fs::read(&path).unwrap(), b"precious");
}

#[tokio::test]
async fn the_successors_socket_is_not_removed() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("billing.sock");
    let first = bind(path.clone()).await.unwrap();
    fs::remove_file(&path).unwrap();
    let second = bind(path.clone()).await.unwrap();
    drop(first);
    assert!(path.exists());
    drop(second);
    assert!(!path.exists());
}

#[tokio::test]
async fn what_cannot_be_had_is_said() {
    let directory = TempDir::new().unwrap();
    let missing = bind(directory.path().join("missing/billing.sock")).await;
    assert!(matches!(missing, Err(AdminError::Bind { .. })), "a configured directory is not made: {missing:?}");
    let long = bind(directory.path().join("x".repeat(200))).await;
    assert!(matches!(long, Err(AdminError::Bind { .. })), "{long:?}");

    let place = Place::Configured(directory.path().join("billing.sock"));
    let access = Access { mode: 0o660, group: Some("no-such-group-here".to_owned()) };
    let refused = AdminSocket::bind(&place, &access).await;
    assert!(matches!(refused, Err(AdminError::NoGroup { .. })), "{refused:?}");
    assert!(!place.path().exists(), "nothing is bound before the group is known");
}

#[tokio::test]
async fn our_own_group_can_be_given_by_number() {
    let directory = TempDir::new().unwrap();
    let own = rustix::process::getegid().as_raw();
    let place = Place::Configured(directory.path().join("billing.sock"));
    let socket = AdminSocket::bind(&place, &Access { mode: 0o640, group: Some(own.to_string()) }).await.unwrap();
    let file = fs::metadata(socket.path()).unwrap();
    assert_eq!((file.gid(), file.mode() & 0o777), (own, 0o640));
}
