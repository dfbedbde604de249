use std::time::Duration;

use futures_util::stream;
use lictor::service::once;

use crate::harness::{Harness, assert_no_children, command, eventually, reap_children};

#[tokio::test]
async fn it_ends_with_the_commands_own_code() {
    let it = Harness::script("").await;
    for (script, code) in [("exit 0", 0), ("exit 9", 9), ("kill -9 $$", 137), ("kill -15 $$", 143)] {
        let ended = once(command("sh", &["-c", script]), it.environment(&[]).into(), stream::pending()).await;
        assert_eq!(ended.unwrap(), code, "{script}");
    }
    assert_no_children();
}

#[tokio::test]
async fn what_cannot_be_run_ends_as_in_a_shell() {
    let it = Harness::script("").await;
    std::fs::write(it.path("plain"), "").unwrap();
    let plain = it.path("plain").display().to_string();
    for (program, code) in [("/none/such", 127), ("no-such-name", 127), (&*plain, 126)] {
        let error = once(command(program, &[]), it.environment(&[]).into(), stream::pending()).await.unwrap_err();
        assert_eq!(error.exit_code(), code, "{program}");
    }
}

#[tokio::test]
async fn signals_are_passed_on_and_a_stop_has_its_timeout() {
    let it = Harness::script("").await;
    let script = "trap 'echo usr1 > $D/got' USR1; trap '' TERM; echo > $D/up; while :; do sleep 0.01; done";
    let mut stubborn = command("sh", &["-c", script]);
    stubborn.kill_timeout = Duration::from_millis(100);
    let (sender, inbox) = tokio::sync::mpsc::channel(4);
    let receiver = stream::unfold(inbox, async |mut inbox| inbox.recv().await.map(|number| (number, inbox)));
    let environment = it.environment(&[]);
    let steps = async {
        eventually("it is up", || it.path("up").exists()).await;
        sender.send(libc::SIGUSR1).await.unwrap();
        eventually("it arrived", || it.read("got") == "usr1\n").await;
        sender.send(libc::SIGTERM).await.unwrap();
    };
    let (code, ()) = tokio::join!(once(stubborn, environment.into(), receiver), steps);
    assert_eq!(code.unwrap(), 137);
    reap_children();
}
