use std::ffi::OsString;
use std::time::Duration;

use lictor::machine::event::Exit;
use lictor::service::end_errands;
use lictor::service::errand::{Errand, Finished, run};
use tokio::time::Instant;

use crate::frozen::{Disk, is_root};
use crate::harness::{Harness, RUN, assert_no_children, children, eventually, exists, is_zombie};

fn errand(script: &str, timeout: Duration) -> Errand {
    Errand {
        program: "sh".into(),
        arguments: vec!["-c".to_owned(), script.to_owned()],
        environment: vec![(OsString::from("PATH"), std::env::var_os("PATH").unwrap()), ("ONLY".into(), "this".into())],
        directory: None,
        user: None,
        timeout,
    }
}

const LONG: Duration = Duration::from_secs(30);

async fn finish(it: &Harness, script: &str, timeout: Duration) -> (Finished, String, Duration) {
    let begun = Instant::now();
    let finished = run(errand(script, timeout), &it.own).await.unwrap();
    let output = String::from_utf8(finished.output.clone()).unwrap();
    (finished, output, begun.elapsed())
}

#[tokio::test]
async fn it_gives_the_exit_and_both_outputs_in_order() {
    let it = Harness::script("").await;
    let script = "echo out; echo err >&2; echo $ONLY $HOME; read x || echo no input; exit 7";
    let (finished, output, _) = finish(&it, script, LONG).await;
    assert_eq!(finished.exit, Some(Exit::Code(7)));
    assert_eq!(output, "out\nerr\nthis\nno input\n");
    assert_no_children();
}

#[tokio::test]
async fn only_the_end_of_a_long_output_is_kept() {
    let it = Harness::script("").await;
    let (finished, output, _) = finish(&it, "yes 0123456789 | head -c 3000000; echo the end", LONG).await;
    assert_eq!((finished.exit, output.len()), (Some(Exit::Code(0)), 4096));
    assert!(output.ends_with("the end\n"));
}

#[tokio::test]
async fn at_the_timeout_its_group_is_killed() {
    let it = Harness::script("").await;
    let script = "trap '' TERM; sleep 60 & echo $!; wait";
    let (finished, output, took) = finish(&it, script, Duration::from_millis(300)).await;
    assert_eq!(finished.exit, None);
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(5), "{took:?}");
    assert!(!exists(output.trim().parse().unwrap()));
    assert_no_children();
}

#[tokio::test]
async fn who_holds_the_output_open_does_not_hold_us_up() {
    let it = Harness::script("").await;
    let (finished, output, took) = finish(&it, "sleep 60 & echo $!", LONG).await;
    assert_eq!(finished.exit, Some(Exit::Code(0)));
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(!exists(output.trim().parse().unwrap()));
    assert_no_children();

    // One that has left the group stays until the service's sweep; it must not hold us up either.
    let (_, output, took) = finish(&it, "setsid sh -c 'echo > $0/away; exec sleep 60' \"$D\" & echo $!", LONG).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    let away = rustix::process::Pid::from_raw(output.trim().parse().unwrap()).unwrap();
    let _ = rustix::process::kill_process(away, rustix::process::Signal::KILL);
    let _ = rustix::process::waitpid(Some(away), rustix::process::WaitOptions::empty());
}

#[tokio::test]
async fn a_dropped_errand_is_killed_and_reaped() {
    let it = Harness::script("").await;
    for _ in 0..20 {
        let file = it.path("pids");
        let _ = std::fs::remove_file(&file);
        let script = format!("trap '' TERM; sleep 60 & echo $$ $! > {0}.new; mv {0}.new {0}; wait", file.display());
        tokio::select! {
            finished = run(errand(&script, LONG), &it.own) => panic!("{finished:?}"),
            () = eventually("it runs", || file.exists()) => {}
        }
        let pids: Vec<u32> = it.read("pids").split_whitespace().map(|pid| pid.parse().unwrap()).collect();
        eventually("it is dead", || !exists(pids[0]) || is_zombie(pids[0])).await;
        // What was below it has been killed too.
        eventually("its child is dead", || !exists(pids[1]) || is_zombie(pids[1])).await;
        end_errands(&it.own).await;
        assert_no_children();
        assert!(!it.own.holds(pids[0]));
    }
}

#[tokio::test]
async fn nothing_of_an_errand_outlives_lictor() {
    let it = Harness::script("").await;
    for round in 0..40 {
        // Given up at some moment of its launch, when there is nobody yet who could be killed ...
        tokio::select! {
            finished = run(errand("sleep 60", LONG), &it.own) => panic!("{finished:?}"),
            () = tokio::time::sleep(Duration::from_micros(50 * round)) => {}
        }
        end_errands(&it.own).await;
        assert_no_children();
    }
    // ... and what has left the group of one that ended well.
    let (finished, ..) = finish(&it, "for i in 1 2 3; do setsid sleep 60 & done", LONG).await;
    assert_eq!(finished.exit, Some(Exit::Code(0)));
    end_errands(&it.own).await;
    assert_no_children();
}

#[tokio::test]
async fn what_cannot_be_run_is_said() {
    let it = Harness::script("").await;
    let mut missing = errand("", LONG);
    missing.program = "/none/such".into();
    let error = run(missing, &it.own).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot run /none/such");
    assert_eq!(error.source.kind(), std::io::ErrorKind::NotFound);
    assert!(error.source.to_string().contains("does not exist"));
}

#[tokio::test]
async fn the_sweep_for_the_service_leaves_errands_alone() {
    let mut it = Harness::with_timeout(Duration::from_secs(1)).await;
    it.up(&[("FORK", "1"), ("SETSID", "2")]).await;
    let go = it.path("go");
    let script = format!("echo begun; while ! [ -e {0} ]; do sleep 0.01; done; echo ended well", go.display());
    let own = it.own.clone();
    let stopped = async {
        it.service.stop(RUN);
        it.exit().await;
        std::fs::write(&go, "").unwrap();
    };
    let (finished, ()) = tokio::join!(run(errand(&script, LONG), &own), stopped);
    assert_eq!(String::from_utf8(finished.unwrap().output).unwrap(), "begun\nended well\n");
    it.assert_nothing_left();
}

#[tokio::test]
async fn many_errands_at_a_time_get_each_their_own_exit() {
    let it = Harness::script("").await;
    let all = (0..40).map(|n| {
        let own = it.own.clone();
        async move { (n, run(errand(&format!("exit {n}"), LONG), &own).await.unwrap().exit) }
    });
    for (n, exit) in futures_util::future::join_all(all).await {
        assert_eq!(exit, Some(Exit::Code(n)));
    }
    assert_no_children();
}

#[tokio::test]
async fn an_errand_that_hangs_in_the_kernel_is_not_joined_by_another_and_delays_no_restart() {
    if !is_root() {
        return;
    }
    let mut it = Harness::script("exec sleep 60").await;
    let disk = Disk::mounted();
    let script = format!("echo x > {}", disk.path().join("file").display());
    let limit = Duration::from_millis(200);
    disk.freeze();
    let (finished, ..) = finish(&it, &script, limit).await;
    assert_eq!(finished.exit, None);
    for _ in 0..10 {
        let error = run(errand(&script, limit), &it.own).await.unwrap_err();
        assert!(error.source.to_string().contains("still hangs in the kernel"), "{error:?}");
    }
    assert_eq!(children().len(), 1, "they would pile up");
    let (finished, ..) = finish(&it, "exit 3", LONG).await;
    assert_eq!(finished.exit, Some(Exit::Code(3)), "another one is not hindered");

    it.start(&[]).await;
    let begun = Instant::now();
    it.service.stop(RUN);
    it.exit().await;
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());

    disk.thaw();
    let (finished, ..) = loop {
        match run(errand(&script, LONG), &it.own).await {
            Ok(finished) => break (finished, ()),
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    assert_eq!(finished.exit, Some(Exit::Code(0)), "as soon as it is gone");
    assert_no_children();
}
