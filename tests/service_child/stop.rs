use std::time::Duration;

use lictor::machine::event::Exit;
use lictor::service::Accounts;

use tokio::time::Instant;

use crate::harness::{Harness, RUN, command, eventually, exists, is_zombie};

const GRACE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_stop_is_one_term_and_a_clean_end() {
    let mut it = Harness::new().await;
    let pid = it.up(&[]).await;
    it.service.stop(RUN);
    it.service.stop(RUN);
    assert_eq!(it.exit().await, Exit::Code(0));
    assert!(!exists(pid));
    assert_eq!(it.read("TERM_DUMP").lines().count(), 1);
    it.assert_nothing_left();
}

#[tokio::test]
async fn orders_to_a_run_that_is_over_do_nothing() {
    let mut it = Harness::new().await;
    it.up(&[]).await;
    it.service.stop(RUN);
    it.exit().await;
    it.service.stop(RUN);
    it.service.kill(RUN);
    it.service.signal(RUN, libc::SIGUSR1);
    assert!(it.service.process(RUN).is_none());
    assert!(it.inbox.try_recv().is_err());
}

#[tokio::test]
async fn who_ignores_term_is_killed_after_the_timeout() {
    let mut it = Harness::new().await;
    let patience = Duration::from_millis(300);
    let address = it.path("address").display().to_string();
    let program = crate::harness::PROGRAM.display().to_string();
    let mut impatient = command(&program, &["-addr-file", &address]);
    impatient.kill_timeout = patience;
    it.service.update(impatient);
    it.up(&[("IGNORE_TERM", "1")]).await;
    let begun = Instant::now();
    it.service.stop(RUN);
    assert_eq!(it.exit().await, Exit::Signal(libc::SIGKILL));
    assert!(begun.elapsed() >= patience, "{:?}", begun.elapsed());
    assert_eq!(it.read("TERM_DUMP").lines().count(), 1);
    it.assert_nothing_left();
}

#[tokio::test]
async fn a_kill_cuts_the_timeout_and_the_grace_short() {
    let mut it = Harness::new().await;
    it.up(&[("IGNORE_TERM", "1"), ("FORK", "1"), ("SETSID", "2")]).await;
    assert_eq!(it.survivors().len(), 3);
    let begun = Instant::now();
    it.service.stop(RUN);
    it.service.kill(RUN);
    assert_eq!(it.exit().await, Exit::Signal(libc::SIGKILL));
    assert!(begun.elapsed() < GRACE, "{:?}", begun.elapsed());
    it.assert_nothing_left();
}

#[tokio::test]
async fn a_kill_during_the_grace_ends_it() {
    let mut it = Harness::new().await;
    let pid = it.up(&[("FORK", "1")]).await;
    let begun = Instant::now();
    it.service.stop(RUN);
    let stat = format!("/proc/{pid}/stat");
    eventually("the main process is a zombie", || std::fs::read_to_string(&stat).unwrap().contains(") Z ")).await;
    it.service.kill(RUN);
    assert_eq!(it.exit().await, Exit::Code(0));
    assert!(begun.elapsed() < GRACE, "{:?}", begun.elapsed());
    it.assert_nothing_left();
}

#[tokio::test]
async fn what_has_left_the_group_has_one_second() {
    let mut it = Harness::new().await;
    it.up(&[("SETSID", "3")]).await;
    assert!(it.survivors().len() >= 2);
    let begun = Instant::now();
    it.service.stop(RUN);
    assert_eq!(it.exit().await, Exit::Code(0));
    assert!(begun.elapsed() >= GRACE, "{:?}", begun.elapsed());
    assert!(begun.elapsed() < GRACE * 5, "{:?}", begun.elapsed());
    it.assert_nothing_left();
}

#[tokio::test]
async fn the_whole_group_has_until_the_timeout() {
    let timeout = GRACE * 2;
    let mut it = Harness::with_timeout(timeout).await;
    it.up(&[("FORK", "2"), ("SETSID", "1")]).await;
    let begun = Instant::now();
    it.service.stop(RUN);
    // The main process ends at once; two others of its group ignore the signal.
    assert_eq!(it.exit().await, Exit::Code(0));
    assert!(begun.elapsed() >= timeout, "{:?}", begun.elapsed());
    assert!(begun.elapsed() < timeout * 4, "{:?}", begun.elapsed());
    it.assert_nothing_left();
}

#[tokio::test]
async fn a_service_behind_a_shell_has_its_time_to_drain() {
    // The shell dies of the signal at once; what it stands before still has work to do.
    let script = "sh -c 'trap \"sleep 2; echo drained > $D/drained; exit\" TERM; echo > $D/up; \
                  while :; do sleep 0.01; done'\nexit $?";
    for crash in [false, true] {
        let mut it = Harness::script(script).await;
        let shell = it.start(&[]).await;
        eventually("it is up", || it.path("up").exists()).await;
        if crash {
            let shell = rustix::process::Pid::from_raw(shell.cast_signed()).unwrap();
            rustix::process::kill_process(shell, rustix::process::Signal::KILL).unwrap();
        } else {
            it.service.stop(RUN);
        }
        it.exit().await;
        assert_eq!(it.read("drained"), "drained\n", "crash: {crash}");
        it.assert_nothing_left();
    }
}

#[tokio::test]
async fn a_crash_leaves_no_survivor() {
    let mut it = Harness::with_timeout(GRACE).await;
    it.start(&[("FORK", "1"), ("SETSID", "2"), ("LEAVE", "1")]).await;
    assert_eq!(it.exit().await, Exit::Code(0));
    assert_eq!(it.survivors().len(), 3);
    it.assert_nothing_left();
}

#[tokio::test]
async fn survivors_of_a_crash_that_heed_the_signal_cost_no_second() {
    let mut it = Harness::script("sleep 60 & setsid sleep 60 & exit 3").await;
    let begun = Instant::now();
    it.start(&[]).await;
    assert_eq!(it.exit().await, Exit::Code(3));
    assert!(begun.elapsed() < GRACE, "{:?}", begun.elapsed());
    it.assert_nothing_left();
}

#[tokio::test]
async fn a_stopped_process_is_woken_to_end() {
    let mut it = Harness::new().await;
    it.up(&[]).await;
    it.service.signal(RUN, libc::SIGSTOP);
    it.service.stop(RUN);
    assert_eq!(it.exit().await, Exit::Code(0));
}

#[tokio::test]
async fn fifty_stops_with_nested_sessions_leave_nothing() {
    let mut it = Harness::with_timeout(GRACE).await;
    for round in 0..50 {
        it.up(&[("FORK", "1"), ("SETSID", "3")]).await;
        // Kill and stop in turn; the kill needs no grace, so the rounds are quick.
        if round % 10 == 0 {
            it.service.stop(RUN);
        } else {
            it.service.kill(RUN);
        }
        it.exit().await;
        it.assert_nothing_left();
    }
    assert_eq!(it.survivors().len(), 50 * 4);
}

#[tokio::test]
async fn dropping_the_service_leaves_its_process_running() {
    let mut it = Harness::new().await;
    let pid = it.up(&[]).await;
    let (sender, _inbox) = tokio::sync::mpsc::channel(1);
    it.service = lictor::service::Service::new(command("true", &[]), it.own.clone(), Accounts::default(), sender);
    let number = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    assert!(rustix::process::test_kill_process(number).is_ok());
    rustix::process::kill_process(number, rustix::process::Signal::KILL).unwrap();
    rustix::process::waitpid(Some(number), rustix::process::WaitOptions::empty()).unwrap();
}

#[tokio::test]
async fn orphans_that_end_while_the_service_runs_do_not_stay_zombies() {
    // Its parent, a subshell, ends at once and leaves it to us.
    let mut it = Harness::script("(setsid sh -c 'sleep 0.1; echo $$ > $D/orphan' &); exec sleep 60").await;
    it.start(&[]).await;
    eventually("it has come to us", || !it.read("orphan").is_empty()).await;
    let orphan = it.read("orphan").trim().parse().unwrap();
    eventually("it is collected", || !exists(orphan)).await;
    it.service.kill(RUN);
    it.exit().await;
    it.assert_nothing_left();
}

#[tokio::test]
async fn a_child_that_was_there_before_lictor_and_what_it_leaves_is_no_business_of_ours() {
    let mut it = Harness::script("setsid sleep 60 & echo > $D/up; exec sleep 60").await;
    // It has a child of its own, which comes to us when it ends.
    let file = it.path("helper").display().to_string();
    let script = "sleep 61 & echo $! > $0.new; mv $0.new $0; read x";
    let mut helper = std::process::Command::new("sh")
        .args(["-c", script, &file])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    eventually("it has one", || it.path("helper").exists()).await;
    let (sender, inbox) = tokio::sync::mpsc::channel(8);
    it.own = lictor::service::OwnChildren::with_strangers(&[], None);
    let script = ["-c", "setsid sleep 60 & echo > $D/up; exec sleep 60"];
    it.service = lictor::service::Service::new(command("sh", &script), it.own.clone(), Accounts::default(), sender);
    it.inbox = inbox;
    let stops = async |it: &mut Harness| {
        let _ = std::fs::remove_file(it.path("up"));
        it.start(&[]).await;
        eventually("it is up", || it.path("up").exists()).await;
        it.service.stop(RUN);
        it.exit().await;
    };
    stops(&mut it).await;
    assert!(helper.try_wait().unwrap().is_none(), "the helper lives");
    let orphan: u32 = it.read("helper").trim().parse().unwrap();
    drop(helper.stdin.take());
    helper.wait().unwrap();
    stops(&mut it).await;
    assert!(exists(orphan) && !is_zombie(orphan), "what it has left lives");
    let left = rustix::process::Pid::from_raw(orphan.cast_signed()).unwrap();
    rustix::process::kill_process(left, rustix::process::Signal::KILL).unwrap();
    crate::harness::reap_children();
}
