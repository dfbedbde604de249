use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lictor::machine::event::Exit;
use lictor::service::process::{Kinship, Process};
use lictor::service::{Adopted, Known, Mark, Provenance, Recorded, RecordedBeside};

use tokio::time::Instant;

use crate::harness::{Harness, PROGRAM, RUN, eventually, exists, is_zombie};

/// A service that an earlier lictor started: its parent lives and is not us.
struct Elsewhere {
    parent: Child,
    pid: u32,
}

impl Elsewhere {
    fn start(it: &Harness, habits: &[(&str, &str)]) -> Self {
        // The service alone has them, not its parent.
        let habits: Vec<String> = habits.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut parent = Command::new("sh")
            .args(["-c", r#"setsid "$@" > /dev/null & echo $!; read end; wait"#, "sh", "env"])
            .args(habits)
            .args([PROGRAM.as_os_str(), "-addr-file".as_ref(), it.path("address").as_os_str()])
            .env("PIDS", it.path("PIDS"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(parent.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { parent, pid: line.trim().parse().unwrap() }
    }

    fn start_time(&self) -> u64 {
        let mut stat = String::new();
        std::fs::File::open(format!("/proc/{}/stat", self.pid)).unwrap().read_to_string(&mut stat).unwrap();
        stat.split_whitespace().nth(21).unwrap().parse().unwrap()
    }

    fn end(mut self) {
        drop(self.parent.stdin.take());
        self.parent.wait().unwrap();
    }
}

#[tokio::test]
async fn a_running_service_is_taken_over_and_stopped_with_its_group() {
    let mut it = Harness::with_timeout(Duration::from_secs(1)).await;
    let elsewhere = Elsewhere::start(&it, &[("FORK", "2")]);
    eventually("it listens", || it.path("address").exists()).await;
    let recorded = Recorded { mark: None, process: Some((elsewhere.pid, elsewhere.start_time())), beside: None };
    let adopted = it.service.adopt(RUN, recorded).await;
    assert_eq!(adopted, Some(Adopted { pid: elsewhere.pid, provenance: Provenance::Recorded }));
    let process = it.service.process(RUN).unwrap();
    assert_eq!((process.kinship(), process.start_time()), (Kinship::Adopted, elsewhere.start_time()));
    let begun = Instant::now();
    it.service.stop(RUN);
    assert_eq!(it.exit().await, Exit::Unknown);
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    elsewhere.end();
    assert_eq!(it.survivors().len(), 2);
    for pid in it.survivors() {
        // Its new parent reaps it when it gets to it.
        eventually("the survivor is gone", || !exists(pid) || is_zombie(pid)).await;
    }
}

#[tokio::test]
async fn an_adopted_service_leaves_nothing_however_far_it_went() {
    let mut it = Harness::new().await;
    let mark: Mark = "00000000000000ab:7".parse().unwrap();
    let elsewhere = Elsewhere::start(&it, &[("SETSID", "3"), ("LICTOR_RUN", &mark.to_string())]);
    eventually("it listens", || it.path("address").exists()).await;
    let recorded = Recorded { mark: Some(mark), process: Some((elsewhere.pid, elsewhere.start_time())), beside: None };
    it.service.adopt(RUN, recorded).await.expect("it runs");
    it.service.stop(RUN);
    assert_eq!(it.exit().await, Exit::Unknown);
    elsewhere.end();
    assert_eq!(it.survivors().len(), 3);
    for pid in it.survivors() {
        eventually("the survivor is gone", || !exists(pid) || is_zombie(pid)).await;
    }
}

#[tokio::test]
async fn what_an_earlier_run_has_left_is_ended_before_anything_is_started() {
    let mut it = Harness::new().await;
    let mark = |run: u32| format!("00000000000000ac:{run}");
    // Its main process has ended, what it left has not; another service is none of our business.
    let mut others = Vec::new();
    for run in [mark(3), mark(4), "00000000000000ad:4".to_owned()] {
        let sleep = ["-c", "exec sleep 60", "sh"];
        others.push(Command::new("setsid").arg("sh").args(sleep).env("LICTOR_RUN", run).spawn().unwrap());
    }
    let recorded = Recorded { mark: mark(4).parse().ok(), process: Some((4_194_303, 1)), beside: None };
    assert_eq!(it.service.adopt(RUN, recorded).await, None);
    let ended: Vec<bool> = others.iter_mut().map(|other| other.try_wait().unwrap().is_some()).collect();
    assert_eq!(ended, [true, true, false]);
    others[2].kill().unwrap();
    others[2].wait().unwrap();
}

/// lictor was killed while one process was to take over from another.
#[tokio::test]
async fn of_two_runs_the_one_that_is_connected_to_goes_on_and_the_other_is_ended() {
    let [first, second]: [Mark; 2] = ["00000000000000b0:4", "00000000000000b0:5"].map(|mark| mark.parse().unwrap());
    for (active, other) in [(first, second), (second, first)] {
        let mut it = Harness::new().await;
        let goes_on = Elsewhere::start(&it, &[("LICTOR_RUN", &active.to_string())]);
        eventually("it listens", || it.path("address").exists()).await;
        let ends = Elsewhere::start(&it, &[("SETSID", "1"), ("LICTOR_RUN", &other.to_string())]);
        eventually("its survivor is there", || it.survivors().len() == 1).await;
        let beside = RecordedBeside { mark: other, process: Some((ends.pid, ends.start_time())) };
        let process = Some((goes_on.pid, goes_on.start_time()));
        let adopted = it.service.adopt(RUN, Recorded { mark: Some(active), process, beside: Some(beside) }).await;
        assert_eq!(adopted, Some(Adopted { pid: goes_on.pid, provenance: Provenance::Recorded }));
        for pid in it.survivors().into_iter().chain([ends.pid]) {
            eventually("the other one is gone", || !exists(pid) || is_zombie(pid)).await;
        }
        assert!(exists(goes_on.pid) && !is_zombie(goes_on.pid));
        it.service.kill(RUN);
        it.exit().await;
        goes_on.end();
        ends.end();
    }
}

#[tokio::test]
async fn if_the_one_that_is_connected_to_has_ended_the_other_one_goes_on() {
    let mut it = Harness::new().await;
    let [active, other]: [Mark; 2] = ["00000000000000b1:5", "00000000000000b1:4"].map(|mark| mark.parse().unwrap());
    let elsewhere = Elsewhere::start(&it, &[("LICTOR_RUN", &other.to_string())]);
    eventually("it listens", || it.path("address").exists()).await;
    let beside = RecordedBeside { mark: other, process: Some((elsewhere.pid, elsewhere.start_time())) };
    let recorded = Recorded { mark: Some(active), process: Some((4_194_303, 1)), beside: Some(beside) };
    let adopted = it.service.adopt(RUN, recorded).await;
    assert_eq!(adopted, Some(Adopted { pid: elsewhere.pid, provenance: Provenance::RecordedBeside }));
    it.service.kill(RUN);
    it.exit().await;
    elsewhere.end();
}

#[tokio::test]
async fn a_process_that_was_started_when_lictor_was_killed_is_found_by_its_mark() {
    let mut it = Harness::new().await;
    let mark: Mark = "00000000000000ae:1".parse().unwrap();
    let elsewhere = Elsewhere::start(&it, &[("SETSID", "1"), ("LICTOR_RUN", &mark.to_string())]);
    eventually("it listens", || it.path("address").exists()).await;
    let adopted = it.service.adopt(RUN, Recorded { mark: Some(mark), process: None, beside: None }).await;
    assert_eq!(adopted, Some(Adopted { pid: elsewhere.pid, provenance: Provenance::Recorded }));
    it.service.kill(RUN);
    it.exit().await;
    elsewhere.end();
}

#[tokio::test]
async fn a_start_that_could_not_be_recorded_is_found_all_the_same() {
    let mut it = Harness::new().await;
    let newer: Mark = "00000000000000af:2".parse().unwrap();
    let elsewhere = Elsewhere::start(&it, &[("LICTOR_RUN", &newer.to_string())]);
    eventually("it listens", || it.path("address").exists()).await;
    let recorded = Recorded { mark: "00000000000000af:1".parse().ok(), process: Some((4_194_303, 1)), beside: None };
    let adopted = it.service.adopt(RUN, recorded).await;
    assert_eq!(adopted, Some(Adopted { pid: elsewhere.pid, provenance: Provenance::Unrecorded }));
    it.service.kill(RUN);
    it.exit().await;
    elsewhere.end();
}

#[tokio::test]
async fn every_process_of_a_run_bears_its_mark_and_each_run_another() {
    let mut it = Harness::script("env > $D/env; setsid env > $D/child").await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        it.start(&[]).await;
        it.exit().await;
        let Some(Known::Started { mark, .. }) = *it.known.borrow() else { panic!("it was not put down") };
        for file in ["env", "child"] {
            assert!(it.read(file).contains(&format!("LICTOR_RUN={mark}\n")), "{}", it.read(file));
        }
        seen.push(mark);
    }
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test]
async fn another_process_with_the_same_pid_is_refused() {
    let it = Harness::new().await;
    let elsewhere = Elsewhere::start(&it, &[]);
    let right = elsewhere.start_time();
    assert!(Process::adopt(elsewhere.pid, right + 1).is_err());
    for pid in [0, u32::MAX, 4_194_304] {
        let refusal = Process::adopt(pid, right).unwrap_err().to_string();
        assert!(refusal.contains("is not the one that was recorded"), "{refusal}");
    }
    let process = Process::adopt(elsewhere.pid, right).unwrap();
    process.signal(libc::SIGKILL).unwrap();
    assert_eq!(process.exited().await, Exit::Unknown);
    elsewhere.end();
}
