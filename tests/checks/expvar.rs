//! `expvar`: what a real Go service publishes reaches a real Telegraf, and `/metrics`.

use rustix::process::Signal;

use crate::harness::client::Request;
use crate::harness::lictor::{is_good, pid};
use crate::harness::telegraf::Window;
use crate::harness::{Lictor, Setup, Telegraf, eventually, processes};
use crate::words::setup;

fn with(expvar: &str) -> Setup {
    let setup = setup();
    let url = format!("http://{}:8080/debug/vars", setup.host());
    setup.checked().config(&format!(
        "statsd {{\n  interval = \"200ms\"\n}}\nexpvar {{\n  url = \"{url}\"\n  interval = \"200ms\"\n{expvar}}}\n"
    ))
}

/// Asks the service for one of its pages.
fn ask(lictor: &Lictor, path: &str) {
    let answer = Request::get(path).tcp((lictor.setup().host(), 8080).into()).unwrap();
    assert_eq!(answer.code, 200);
}

fn last(windows: &[Window], name: &str) -> Option<f64> {
    windows.iter().rfind(|window| window.name == name)?.field("value")
}

/// The line of this series on `/metrics`, without its name.
fn on_the_page(lictor: &Lictor, series: &str) -> Option<f64> {
    let page = lictor.get("/metrics").text();
    page.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

#[test]
fn the_runtime_and_the_services_own_numbers_arrive() {
    let setup = with("  counters = [\"asked.*\"]\n");
    let mut telegraf = Telegraf::plain(setup.host());
    telegraf.launch();
    let lictor = setup.start();
    let first = lictor.until_good();
    let all = ("service", "svc");
    let arrives = |name: &str, count: u64| {
        eventually(&format!("{name} {count}"), || (telegraf.total(name, all) == count).then_some(()));
    };
    eventually("the gauges arrive", || {
        let windows = telegraf.windows();
        let heap = last(&windows, "lictor.go.heap_inuse_bytes")?;
        let (system, routines) = (last(&windows, "lictor.go.sys_bytes")?, last(&windows, "lictor.go.goroutines")?);
        let fits = (1e5..1e9).contains(&heap) && heap < system && (2.0..1000.0).contains(&routines);
        let own = (last(&windows, "lictor.expvar.balance"), last(&windows, "lictor.go.up"));
        (fits && own == (Some(-2.5), Some(1.0))).then_some(())
    });
    (0..7).for_each(|_| ask(&lictor, "/pid"));
    arrives("lictor.expvar.asked.pid", 7);
    let collected = || telegraf.total("lictor.go.gc_cycles", all);
    let before = collected();
    (0..3).for_each(|_| ask(&lictor, "/gc"));
    eventually("three cycles more", || (collected() >= before + 3).then_some(()));
    let pauses: Vec<_> =
        telegraf.windows().into_iter().filter(|window| window.name == "lictor.go.gc_pause_ms").collect();
    let count: f64 = pauses.iter().filter_map(|window| window.field("count")).sum();
    let most = pauses.iter().filter_map(|window| window.field("upper")).fold(0.0, f64::max);
    assert!(count >= 3.0 && most > 0.0 && most < 1000.0, "{pauses:?}");

    // Another process counts from the start, and all of that is new.
    processes::signal(pid(&first), Signal::KILL);
    lictor.until("up again", |board| is_good(board) && board.process != first.process);
    (0..2).for_each(|_| ask(&lictor, "/pid"));
    arrives("lictor.expvar.asked.pid", 9);

    eventually("the page has them too", || {
        on_the_page(&lictor, "lictor_go_heap_inuse_bytes ")?;
        on_the_page(&lictor, "lictor_go_gc_cycles_total ")?;
        on_the_page(&lictor, "lictor_go_gc_pause_seconds_count ")?;
        let own = ["_total{name=\"asked.pid\"} ", "{name=\"balance\"} "];
        let own = own.map(|series| on_the_page(&lictor, &format!("lictor_expvar{series}")));
        (own == [Some(2.0), Some(-2.5)]).then_some(())
    });
    telegraf.has_understood_everything();
    let said = lictor.get("/metrics").text() + &format!("{:?}", telegraf.windows());
    assert!(!said.contains("greeting") && !said.contains("cmdline"), "texts are no numbers");
    assert!(!said.contains("\"nan\"") && !said.contains("unsaid"), "what is not JSON is left out, and nothing with it");
}

#[test]
fn only_what_is_allowed_and_a_reload_changes_it() {
    let lictor = with("  allow = [\"asked.*\"]\n").start();
    lictor.until_good();
    ask(&lictor, "/pid");
    eventually("what is allowed is there", || on_the_page(&lictor, "lictor_expvar{name=\"asked.pid\"} "));
    assert_eq!(on_the_page(&lictor, "lictor_expvar{name=\"balance\"} "), None);
    assert!(on_the_page(&lictor, "lictor_go_goroutines ").is_some(), "the runtime's numbers are lictor's choice");
    let file = lictor.setup().path("3.hcl");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("allow"), "the file of expvar");
    std::fs::write(&file, text.replace("asked.*", "balance")).unwrap();
    assert!(lictor.cli("reload", &[]).status.success());
    eventually("another list", || on_the_page(&lictor, "lictor_expvar{name=\"balance\"} "));
    std::fs::write(&file, "").unwrap();
    assert!(lictor.cli("reload", &[]).status.success());
    eventually("nothing is asked for any more", || on_the_page(&lictor, "lictor_go_up ").is_none().then_some(()));
    assert!(!lictor.get("/metrics").text().contains("lictor_expvar"));
}
