//! What others wrote into Consul is text, or is said to be unreadable; the rest stands.

use serde_json::json;

use crate::harness::Consul;
use crate::records::{instance, now, put, tell};
use crate::server::Server;
use crate::tab::{Glass, Tab};

const HOSTILE: &str = "<img src=//evil.example onerror=alert(1)><script>document.title='owned'</script>\"'&\u{202e}";

#[test]
fn what_cannot_be_read_is_one_row_and_the_rest_stands() {
    let consul = Consul::start();
    put(&consul, "billing", &instance("host-a", "1.215"));
    consul.put("lictor/billing/instances/newer,billing", json!({ "v": 7, "node": ["x"] }).to_string());
    consul.put("lictor/billing/instances/rubbish,billing", vec![0xfe_u8; 512 << 10]);
    consul.put("lictor/billing/instances/nested,billing", "[".repeat(100_000));
    consul.put("lictor/billing/history/host-a,billing", "not JSON");
    consul.put("lictor/billing/rollout/garbled", "{");
    consul.put("lictor/billing/hold", "what?");
    consul.put("lictor/billing/promotion", "mine");
    let server = Server::of(&consul);
    let mut tab = Tab::new();
    tab.follow(&server.at("/service/billing"));
    tab.until_text("4 instances");
    let rows = tab.texts(".instances tbody tr");
    assert_eq!(rows.len(), 4, "{rows:?}");
    let of = |name: &str| rows.iter().find(|row| row.contains(name)).cloned().unwrap();
    assert!(of("host-a").contains("healthy"), "{rows:?}");
    assert!(of("newer").contains("a newer lictor wrote it"), "{rows:?}");
    assert!(of("rubbish").contains("larger than any record"), "{rows:?}");
    assert!(of("nested").contains("cannot be read"), "{rows:?}");
    let text = tab.text();
    for said in [
        "The whole fleet is held",
        "garbled cannot be read",
        "The history of host-a cannot be read",
        "1 promotion record cannot be read",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert_eq!(tab.barriers(), Vec::<String>::new());
    tab.is_at_peace_with(&server.url);
}

#[test]
fn hostile_names_reasons_and_versions_are_text() {
    let consul = Consul::start();
    let mut record = instance("host-a", HOSTILE);
    for name in ["note", "phase", "state", "node", "id"] {
        record[name] = HOSTILE.into();
    }
    record["ready"] = false.into();
    record["details"]["checks"][0]["name"] = HOSTILE.into();
    record["details"]["candidate"] = json!({ "change": HOSTILE, "step": "turn", "since": now(), "keys": [HOSTILE] });
    consul.put("lictor/%3Cscript%3Ealert(1)/instances/host-a,billing", record.to_string());
    consul.put("lictor/billing/instances/host-a,billing", record.to_string());
    let event = json!([{ "at": now(), "what": "reverted", "change": HOSTILE, "keys": [HOSTILE], "why": HOSTILE,
        "written": [{ "key": HOSTILE, "source": HOSTILE, "index": 1, "session": HOSTILE }] },
        { "at": u64::MAX, "what": "outage", "took_ms": u64::MAX, "why": HOSTILE }]);
    tell(&consul, "billing", "host-a", &event);
    consul.put(
        "lictor/billing/rollout/%3Cb%3E",
        json!({ "state": "halt", "by": { "node": HOSTILE, "id": HOSTILE }, "reason": HOSTILE }).to_string(),
    );
    let server = Server::of(&consul);
    let mut tab = Tab::new();
    tab.look_through(Glass::PHONE);
    tab.follow(&server.at("/"));
    tab.until_text("2 services");
    let mut seen =
        vec![server.at("/"), server.at("/service/billing"), server.at("/service/billing/instance/host-a%2Cbilling")];
    tab.follow(&seen[1]);
    tab.until_text("took it back");
    let links = tab.ask("[...document.querySelectorAll('.stories a')].map(a => a.href)");
    seen.extend(links.as_array().unwrap().iter().map(|link| link.as_str().unwrap().to_owned()));
    assert!(seen.len() > 3);
    for page in &seen {
        tab.follow(page);
        // Patched as well as drawn at first.
        record["at"] = now().into();
        record["version"] = format!("{HOSTILE} {}", now()).into();
        consul.put("lictor/billing/instances/host-a,billing", record.to_string());
        tab.fits();
        let foreign = tab.ask("document.querySelectorAll('img, script:not([src=\"/page.js\"]), b, iframe').length");
        assert_eq!(foreign, 0, "{page}");
        assert_ne!(tab.ask("document.title"), "owned");
    }
    tab.is_at_peace_with(&server.url);
}
