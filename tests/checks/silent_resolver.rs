//! A resolver that swallows every question: what needs a name waits for it, and nothing else does.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::process::Command;
use std::time::Duration;

use crate::harness::address::loopback;
use crate::harness::{Lictor, eventually};
use crate::words::setup;

use lictor::machine::board::CheckState;

/// Who may not listen on port 53 asks an address that nobody has (RFC 5737).
const NOBODY: &str = "192.0.2.1";

/// The command of this lictor, with this server of names and no other way to find one.
fn with_nameserver(lictor: &Lictor, server: &str) -> Command {
    let (resolv, nsswitch) = (lictor.setup().path("resolv.conf"), lictor.setup().path("nsswitch.conf"));
    fs::write(&resolv, format!("nameserver {server}\noptions timeout:30 attempts:2\n")).unwrap();
    fs::write(&nsswitch, "hosts: files dns\npasswd: files\ngroup: files\n").unwrap();
    let inner = lictor.setup().configured("run");
    let mount = format!(
        "mount --bind {} /etc/resolv.conf && mount --bind {} /etc/nsswitch.conf && exec \"$@\"",
        resolv.display(),
        nsswitch.display()
    );
    let mut outer = Command::new("unshare");
    // Who is not root becomes root in a namespace of users.
    let namespaces = if rustix::process::geteuid().is_root() { "-m" } else { "-rm" };
    outer.arg(namespaces).args(["sh", "-c", &mount, "sh"]).arg(inner.get_program()).args(inner.get_args());
    outer.env_clear().current_dir(lictor.setup().folder());
    outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer
}

/// How many of its threads look names up.
fn lookups(lictor: &Lictor) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", lictor.pid())).unwrap();
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).unwrap_or_default();
    tasks.flatten().map(name).filter(|name| name.trim() == "resolve").count()
}

#[test]
fn a_silent_resolver_holds_up_only_what_needs_a_name() {
    let at = loopback();
    let swallows = UdpSocket::bind((at, 53)).ok();
    let server = swallows.as_ref().map_or(NOBODY.to_owned(), |_| at.to_string());
    let local = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = local.local_addr().unwrap().port();
    std::thread::spawn(move || local.incoming().for_each(drop));
    let setup = setup();
    let host = setup.host();
    let check = |label: &str, block: &str, role: &str| {
        format!(
            "check \"{label}\" {{\n  {block}\n  interval = \"100ms\"\n  timeout = \"1s\"\n  fall = 3\n  role = \"{role}\"\n}}\n"
        )
    };
    let tcp = |address: &str| format!("tcp {{\n    address = \"{address}\"\n  }}");
    let mut config = String::new();
    for number in 0..6 {
        // Three of them share a name.
        config += &check(&format!("Name {number}"), &tcp(&format!("n{}.silent.test:80", number.min(3))), "info");
    }
    config += &check("Web", "http {\n    url = \"http://silent.test/\"\n  }", "info");
    let local = tcp(&format!("localhost:{port}"));
    config += &check("Localhost", &local, "liveness");
    config += &check("Ready", &tcp(&format!("{host}:8080")), "readiness");
    let lictor = setup.config(&config).prepared();
    lictor.start_as(with_nameserver(&lictor, &server));

    let good = lictor.until_good();
    let pid = good.process.and_then(|process| process.pid);
    let tried = lictor.until("every check by name has failed often", |board| {
        board.checks.iter().all(|check| {
            let by_name = check.name.starts_with("Name") || check.name == "Web";
            !by_name || (check.state == CheckState::Failing && check.probes >= 4)
        })
    });
    for check in &tried.checks {
        let passes = matches!(&*check.name, "Localhost" | "Ready");
        assert_eq!(check.state == CheckState::Passing, passes, "{check:#?}");
        let named = check.why.as_deref().is_some_and(|why| why.ends_with("silent.test is not resolved"));
        assert_eq!(named, !passes, "{check:#?}");
    }
    assert_eq!(tried.process.and_then(|process| process.pid), pid, "a healthy service was restarted");
    assert_eq!(lookups(&lictor), 5, "one lookup for each of the names, however often they are asked for");

    // What concerns files is not behind the resolver.
    let before = lictor.board().config.fingerprint;
    lictor.setup().write("GREETING", "hallo");
    lictor.until_within(Duration::from_secs(20), "the edit is applied", |board| {
        board.healthy && board.config.fingerprint != before && board.candidate.is_none()
    });
    let reload = lictor.cli("reload", &[]);
    assert!(reload.status.success(), "{reload:?}");
    eventually("it still runs", || lictor.board().healthy.then_some(()));
}
