//! The wall clock is wrong at a boot and is set later: nothing that is good is thrown away for it, and nothing that is stale
//! is silent. It is moved for lictor alone, by a library before the system's.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use lictor::machine::board::Phase;
use rustix::process::Signal;

use crate::harness::lictor::{finish, is_good, said};
use crate::harness::{Consul, Lictor, Setup};

const DAY: i64 = 86_400;

/// Adds as many seconds as a file says.
const LIBRARY: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *time) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, time);
    const char *path = getenv("WALL_CLOCK_TEST");
    if (result == 0 && id == CLOCK_REALTIME && path) {
        FILE *file = fopen(path, "r");
        long seconds = 0;
        if (file) {
            if (fscanf(file, "%ld", &seconds) == 1) time->tv_sec += seconds;
            fclose(file);
        }
    }
    return result;
}
"#;

fn moved(setup: Setup) -> Setup {
    let (source, library, offset) = (setup.path("clock.c"), setup.path("clock.so"), setup.path("offset"));
    fs::write(&source, LIBRARY).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl");
    let output = finish(compiler);
    assert!(output.status.success(), "{}", said(&output));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (library, offset) = (text(&library), text(&offset));
    setup.variable("LD_PRELOAD", &library).variable("WALL_CLOCK_TEST", &offset)
}

fn set(lictor: &Lictor, seconds: i64) {
    let (new, place) = (lictor.setup().path(".offset"), lictor.setup().path("offset"));
    fs::write(&new, seconds.to_string()).unwrap();
    fs::rename(new, place).unwrap();
}

fn now_unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

#[test]
fn a_step_of_an_hour_makes_no_source_older_or_younger() {
    let mut consul = Consul::with_data();
    consul.put("billing/GREETING", "hello");
    let retry = "consul {\n  retry {\n    backoff = \"50ms\"\n    max_backoff = \"200ms\"\n  }\n}\n";
    let lictor = moved(Setup::on_consul(consul.address()).checked().config(retry)).start();
    lictor.until_good();
    for step in [3600, -3600] {
        set(&lictor, step);
        consul.kill();
        let board = lictor.until("it fails", |board| board.sources[0].freshness.failing_since_unix_ms.is_some());
        let since = board.sources[0].freshness.failing_since_unix_ms.unwrap();
        let off = i128::from(now_unix_ms()) - i128::from(since);
        assert!(off.abs() < 60_000, "after a step of {step} s it has failed for {off} ms: {board:#?}");
        let metrics = lictor.get("/metrics").text();
        let stale = metrics.lines().find(|line| line.starts_with("lictor_config_stale_seconds")).unwrap();
        let seconds: f64 = stale.rsplit(' ').next().unwrap().parse().unwrap();
        assert!((0.0..60.0).contains(&seconds), "after a step of {step} s: {stale}");
        consul.launch();
        lictor.until("it answers", |board| is_good(board) && board.sources[0].freshness.error.is_none());
    }
}

#[test]
fn what_was_promoted_by_a_clock_that_was_40_days_behind_outlives_the_reboot() {
    let mut consul = Consul::with_data();
    consul.put("billing/GREETING", "hello");
    let lictor = moved(Setup::on_consul(consul.address()).checked()).prepared();
    set(&lictor, -40 * DAY);
    lictor.start();
    lictor.until_good();
    lictor.signal(Signal::TERM);
    lictor.ended();
    consul.kill();

    // The host boots again; it had not run for long.
    let file = lictor.setup().path("state/good.json");
    let text = fs::read_to_string(&file).unwrap();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    assert!(text.contains(boot.trim()), "{text}");
    let text = text.replace(boot.trim(), "another-boot").replace("\"clock\":\"set\"", "\"clock\":\"may_be_wrong\"");
    fs::write(&file, text).unwrap();
    set(&lictor, 0);
    lictor.start();
    lictor.until("healthy without Consul", |board| board.healthy && board.phase == Phase::Up);
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
}
