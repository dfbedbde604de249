//! The last day, and a change in it that is opened.

use serde_json::json;

use crate::harness::Consul;
use crate::records::{a_day, now};
use crate::server::Server;
use crate::tab::Tab;

#[test]
fn a_promotion_is_on_the_timeline_and_can_be_opened() {
    let consul = Consul::start();
    a_day(&consul, "billing");
    let promotion = json!({
        "v": 1, "from": "billing/ at https://consul.test:8501", "to": "billing/", "by": "ada <b>", "at": now() - 60_000,
        "unproved": "the owner asks for it", "keys": { "GREETING": 42, "GONE": 0 },
        "earlier": [
            { "v": 1, "from": "billing/ at https://other.test:8501", "to": "billing/", "by": "eve", "at": now() - 120_000, "keys": { "EARLY": 7 } },
            { "v": 1, "from": "long ago", "to": "billing/", "at": 1, "keys": { "OLD": 1 } },
        ],
    });
    consul.put("lictor/billing/promotion", promotion.to_string());
    let server = Server::of(&consul);
    let mut tab = Tab::new();
    tab.follow(&server.at("/service/billing"));
    tab.until_text("The last day");
    let stories = tab.texts(".stories li");
    let promoted: Vec<_> = stories.iter().filter(|text| text.contains("Promotion")).collect();
    assert!(
        promoted.len() == 2 && promoted[0].contains("not proved: the owner asks for it"),
        "of the day: {stories:?}"
    );
    assert!(promoted[1].contains("other.test"), "{stories:?}");
    assert_eq!(tab.texts(".marks a").len(), 6, "they are drawn among the changes");
    tab.ask("document.querySelector('.marks a[aria-label^=\"From billing/ at https://consul.test\"]').focus()");
    tab.press("Enter");
    let text = tab.until_text("Names only");
    for words in ["GREETING", "GONE", "https://consul.test:8501", "ada <b>"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    tab.is_at_peace_with(&server.url);
}

#[test]
fn the_last_day_is_drawn_and_a_change_can_be_opened() {
    let consul = Consul::start();
    a_day(&consul, "billing");
    let server = Server::of(&consul);
    let mut tab = Tab::new();
    tab.follow(&server.at("/service/billing"));
    tab.until_text("The last day");
    let stories = tab.texts(".stories li");
    let of = |kind: &str| stories.iter().filter(|text| text.contains(kind)).cloned().collect::<Vec<_>>();
    assert_eq!(
        (of("Deploy").len(), of("Config").len(), of("Halt").len(), of("Outage").len()),
        (1, 1, 1, 1),
        "{stories:?}"
    );
    assert!(of("Deploy")[0].contains("Version 1.215") && of("Deploy")[0].contains("5 hosts"), "{stories:?}");
    assert!(of("Outage")[0].contains("host-d: killed by SIGSEGV"), "{stories:?}");
    assert_eq!(tab.texts(".marks a").len(), 4, "each of them is drawn");

    tab.ask("document.querySelector('.marks a[aria-label^=\"POOL_SIZE\"]').focus()");
    tab.press("Enter");
    let text = tab.until_text("On each host");
    for words in [
        "POOL_SIZE",
        "good on 5 hosts",
        "consul billing/",
        "index 4711",
        "flags 42",
        "session 5e55-10",
        "turn 2 min 40 s",
        "on trial 10.2 s",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(tab.texts(".told tbody tr").len(), 5);
    tab.is_at_peace_with(&server.url);
}
