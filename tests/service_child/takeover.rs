use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lictor::machine::Event;
use lictor::machine::event::Exit;
use lictor::service::process::{Kinship, Process};

use tokio::time::Instant;

use crate::harness::{Harness, PROGRAM, RUN, eventually, exists, is_zombie};

/// A service that an earlier lictor started: its parent lives and is not us.
struct Elsewhere {
    parent: Child,
    pid: u32,
}

impl Elsewhere {
    fn start(it: &Harness, habits: &[(&str, &str)]) -> Self {
        let mut parent = Command::new("sh")
            .args(["-c", r#"setsid "$@" > /dev/null & echo $!; read end; wait"#, "sh"])
            .args([PROGRAM.as_os_str(), "-addr-file".as_ref(), it.path("address").as_os_str()])
            .env("PIDS", it.path("PIDS"))
            .envs(habits.iter().copied())
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
    let mut it = Harness::new().await;
    let elsewhere = Elsewhere::start(&it, &[("FORK", "2")]);
    eventually("it listens", || it.path("address").exists()).await;
    let started = it.service.adopt(RUN, elsewhere.pid, elsewhere.start_time()).unwrap();
    assert_eq!(started, Event::Started { run: RUN, pid: elsewhere.pid });
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
async fn another_process_with_the_same_number_is_refused() {
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
