//! The page is live: what Consul has is seen within a second, and a rollout moves.

use serde_json::json;

use crate::harness::client::Request;
use crate::harness::{Consul, Setup, eventually};
use crate::records::{at_step, instance, now, put, tell};
use crate::server::Server;
use crate::tab::Tab;

#[test]
fn a_change_in_consul_is_seen_within_a_second_and_touches_nothing_else() {
    let consul = Consul::start();
    for node in ["host-a", "host-b"] {
        put(&consul, "billing", &instance(node, "1.214"));
    }
    let server = Server::of(&consul);
    let mut tab = Tab::new();
    tab.follow(&server.at("/service/billing"));
    tab.until_text("all 2 on 1.214");
    tab.ask("document.querySelectorAll('.instances tbody tr').forEach(row => row.mine = true)");
    for version in ["1.215", "1.216", "1.217"] {
        put(&consul, "billing", &instance("host-b", version));
        tab.within_a_second("the other version", |tab| tab.texts(".instances tbody tr")[1].contains(version));
    }
    let kept = tab.ask("[...document.querySelectorAll('.instances tbody tr')].every(row => row.mine)");
    assert_eq!(kept, true, "rows are patched, not made anew");
    consul.delete("lictor/billing/instances/host-b,billing");
    tab.within_a_second("it is gone", |tab| tab.texts(".instances tbody tr").len() == 1);
    put(&consul, "shipping", &instance("host-x", "1"));
    tab.follow(&server.at("/"));
    tab.until_text("2 services");
    tab.is_at_peace_with(&server.url);
}

#[test]
fn a_rollout_is_a_picture_that_moves() {
    let consul = Consul::start();
    put(&consul, "billing", &at_step("host-a", "1", "trial", "trial"));
    for node in ["host-b", "host-c"] {
        put(&consul, "billing", &at_step(node, "1", "pending", "turn"));
    }
    let server = Server::of(&consul);
    let mut tab = Tab::new();
    tab.follow(&server.at("/service/billing"));
    let lane = |tab: &mut Tab, name: &str| {
        let boxes = tab.texts(".lane-box");
        boxes.into_iter().find(|text| text.starts_with(name)).unwrap_or_default()
    };
    eventually("one is on trial and two wait", || {
        (lane(&mut tab, "On trial").contains("host-a") && lane(&mut tab, "Waits").contains("host-c")).then_some(())
    });
    assert!(tab.text().contains("GREETING, POOL_SIZE"));
    tab.picture("rollout-1");
    tab.ask("document.querySelector('[data-key=\"chip c0ffee host-a,billing\"]').mine = true");

    let applied = json!([{ "at": now(), "what": "applied", "change": "c0ffee", "keys": ["GREETING", "POOL_SIZE"] }]);
    tell(&consul, "billing", "host-a", &applied);
    put(&consul, "billing", &instance("host-a", "1"));
    put(&consul, "billing", &at_step("host-b", "1", "trial", "trial"));
    tab.within_a_second("the first one has it and the second one is on trial", |tab| {
        lane(tab, "Has it").contains("host-a") && lane(tab, "On trial").contains("host-b")
    });
    let kept = tab.ask("document.querySelector('[data-key=\"chip c0ffee host-a,billing\"]').mine === true");
    assert_eq!(kept, true, "the same chip has moved");

    let mut back = instance("host-b", "1");
    back["state"] = "reverted".into();
    let keys = ["GREETING", "POOL_SIZE"];
    let reverted =
        json!([{ "at": now(), "what": "reverted", "change": "c0ffee", "keys": keys, "why": "exited with 3" }]);
    tell(&consul, "billing", "host-b", &reverted);
    put(&consul, "billing", &back);
    tab.within_a_second("the second one took it back, and why", |tab| {
        lane(tab, "Took it back").contains("host-b") && tab.text().contains("host-b took it back: exited with 3")
    });
    tab.picture("rollout-2");
    tab.is_at_peace_with(&server.url);
}

#[test]
fn many_browsers_look_and_consul_is_asked_once() {
    let consul = Consul::start();
    put(&consul, "billing", &instance("host-a", "1"));
    let server = Server::of(&consul);
    let mut tabs: Vec<Tab> = (0..2).map(|_| Tab::new()).collect();
    for tab in &mut tabs {
        tab.follow(&server.at("/service/billing"));
        tab.until_text("host-a");
    }
    put(&consul, "billing", &instance("host-b", "1"));
    for tab in &mut tabs {
        tab.until_text("host-b");
    }
    let port = consul.address().port();
    let connections = std::fs::read_to_string(format!("/proc/{}/net/tcp", server.pid())).unwrap();
    let remote = format!(
        "{:08X}:{port:04X}",
        u32::from_le_bytes(match consul.address().ip() {
            std::net::IpAddr::V4(address) => address.octets(),
            std::net::IpAddr::V6(_) => unreachable!(),
        })
    );
    let open = connections.lines().filter(|line| line.split_whitespace().nth(2) == Some(&remote));
    let established = open.filter(|line| line.split_whitespace().nth(3) == Some("01")).count();
    assert_eq!(established, 1, "one query waits at Consul: {connections}");
}

#[test]
fn a_fleet_of_real_lictors_is_seen_as_it_stops_on_a_bad_change() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let lictors: Vec<_> = ["svc-a", "svc-b"]
        .into_iter()
        .map(|name| {
            let fleet = "fleet {\n  prefix = \"lictor/svc/\"\n  min_passing = 0\n  bake = \"0s\"\n}\n";
            Setup::on_consul(consul.address()).checked().config(&format!("name = \"{name}\"\n{fleet}")).start()
        })
        .collect();
    let server = Server::with(&consul, &["svc"]);
    let mut tab = Tab::new();
    tab.follow(&server.at("/service/svc"));
    for lictor in &lictors {
        lictor.until_good();
    }
    tab.until_text("2 good");
    consul.put("billing/EXIT_CODE", "3");
    let text = tab.until_text("A change is halted.");
    assert!(text.contains("took it back"), "{text}");
    assert!(text.contains("svc-a on node-1") && text.contains("svc-b on node-1"), "two on one node: {text}");
    eventually("the story of the change", || tab.text().contains("taken back on 1, halted on 1").then_some(()));
    let link = tab.ask("[...document.querySelectorAll('.stories a')].find(a => a.textContent === 'EXIT_CODE').href");
    tab.follow(link.as_str().unwrap());
    let text = tab.text();
    for words in ["EXIT_CODE", "consul billing/", "on trial", "halted, never tried", "no value of a variable"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    tab.picture("real-change");
    let page = server.ask(&Request::get("/service/svc")).text();
    assert!(!page.contains("hello"), "a value");
    tab.is_at_peace_with(&server.url);
}
