use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Published, Readings, SentAs, Settings, follow};
use crate::drain;

/// A page that a test may change: what is answered to each request.
async fn server(answer: watch::Receiver<String>) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://user:hunter2@{}/debug/vars", listener.local_addr().unwrap());
    let mut task = JoinSet::new();
    task.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let body = answer.borrow().clone();
            let _ = stream.write_all(body.as_bytes()).await;
        }
    });
    (url, task)
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn quick(url: String) -> Settings {
    Settings { interval: Duration::from_millis(20), timeout: Duration::from_millis(500), ..Settings::at(url) }
}

async fn until(published: &mut Published, such: impl Fn(&Readings) -> bool) -> Arc<Readings> {
    let found = tokio::time::timeout(Duration::from_mins(1), published.wait_for(|readings| such(readings))).await;
    Arc::clone(&found.expect("it must come").unwrap())
}

#[tokio::test]
async fn what_is_published_is_followed() {
    let answer = watch::Sender::new(ok(r#"{"depth":3,"memstats":{"NumGC":4}}"#));
    let (url, _server) = server(answer.subscribe()).await;
    let (wanted, settings) = watch::channel(None);
    let (sender, mut published) = watch::channel(Arc::default());
    let (trigger, watcher) = drain::channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(follow(settings, sender, watcher));
    assert_eq!(**published.borrow(), Readings::default());

    wanted.send_replace(Some(quick(url)));
    let readings = until(&mut published, |readings| readings.readable == Some(true)).await;
    assert_eq!(readings.runtime.as_ref().map(|runtime| runtime.cycles), Some(4));
    assert_eq!((readings.numbers[0].name.as_str(), readings.numbers[0].sent_as), ("depth", SentAs::Gauge));
    answer.send_replace(ok(r#"{"depth":5}"#));
    until(&mut published, |readings| readings.numbers.first().is_some_and(|number| number.value > 4.0)).await;
    for broken in ["HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n".to_owned(), ok("<html>"), ok(&"x".repeat(2 << 20))] {
        answer.send_replace(broken);
        let readings = until(&mut published, |readings| readings.readable == Some(false)).await;
        assert!(readings.numbers.is_empty() && readings.runtime.is_none(), "nothing is said that is not known");
        answer.send_replace(ok("{}"));
        until(&mut published, |readings| readings.readable == Some(true)).await;
    }

    wanted.send_replace(None);
    until(&mut published, |readings| *readings == Readings::default()).await;
    assert_eq!(trigger.drain(Duration::from_mins(1)).await, drain::Drained::Clean);
    tasks.join_next().await.unwrap().unwrap();
}
