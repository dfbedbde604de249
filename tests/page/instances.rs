//! The services and their instances: what a person sees, however many there are, on whatever screen.

use std::collections::BTreeSet;

use serde_json::json;

use crate::harness::{Consul, eventually};
use crate::records::{a_day, at_step, instance, put};
use crate::server::Server;
use crate::tab::{Glass, Tab};

#[test]
fn services_are_cards_and_instances_are_rows() {
    let consul = Consul::start();
    a_day(&consul, "billing");
    put(&consul, "shipping", &instance("host-x", "2.0"));
    let server = Server::of(&consul);
    let mut tab = Tab::new();
    tab.follow(&server.at("/"));
    let text = tab.until_text("2 services");
    for words in ["billing", "5 instances", "1.215", "×\u{202f}4", "shipping", "healthy", "a change is halted"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(tab.texts(".card h2"), ["billing", "shipping"]);
    tab.picture("overview");
    assert_eq!(tab.barriers(), Vec::<String>::new());

    // By the keyboard alone: past the link that skips the head and the crumbs, to the first card.
    tab.go(&server.at("/"));
    eventually("the first card has the focus", || {
        tab.press("Tab");
        (tab.ask("document.activeElement.textContent") == "billing").then_some(())
    });
    tab.press("Enter");
    tab.until_text("The last day");
    assert_eq!(tab.texts("tbody.rows, .instances tbody th"), ["host-a", "host-b", "host-c", "host-d", "host-e"]);
    let row = tab.texts(".instances tbody tr").remove(1);
    for words in ["host-b", "1.215", "healthy", "took it back", "Reverted: exited with 1"] {
        assert!(row.contains(words), "{words}: {row}");
    }
    assert!(tab.text().contains("4 of 5 on 1.215, 1 on 1.214"), "{}", tab.text());
    tab.is_at_peace_with(&server.url);
}

#[test]
fn every_page_is_for_everybody_in_both_colours_and_on_a_narrow_screen() {
    let consul = Consul::start();
    a_day(&consul, "billing");
    put(&consul, "billing", &at_step("host-f", "1.215", "trial", "trial"));
    let server = Server::of(&consul);
    let mut tab = Tab::new();
    let pages = [
        ("overview", "/"),
        ("service", "/service/billing"),
        ("tiles", "/service/billing?as=tiles"),
        ("change", "/service/billing/change/900d"),
        ("halted", "/service/billing/change/bad5e7"),
        ("instance", "/service/billing/instance/host-f%2Cbilling"),
        ("nothing", "/service/nobody"),
    ];
    for (glass, shade) in [(Glass::DESK, "light"), (Glass::NIGHT, "dark"), (Glass::PHONE, "narrow")] {
        tab.look_through(glass);
        for (name, path) in pages {
            tab.follow(&server.at(path));
            tab.fits();
            tab.picture(&format!("{name}-{shade}"));
            assert_eq!(tab.barriers(), Vec::<String>::new(), "{name} {shade}");
        }
    }
    // Whoever cannot tell the colours sees the shapes: with one colour for all of them no two look the same.
    let shapes = tab.ask(
        "['good', 'busy', 'waits', 'warn', 'bad', 'unknown'].map(tone => { const shape = document.createElement('span'); \
         shape.className = `shape ${tone}`; document.body.append(shape); const style = getComputedStyle(shape); \
         const look = ['clipPath', 'borderRadius', 'backgroundImage', 'backgroundColor', 'boxShadow'] \
         .map(name => style[name].replace(/(rgb|color|oklch)[^)]*\\)/g, color => color.endsWith(' 0)') ? 'none' : 'ink')).join(' '); \
         shape.remove(); return look })",
    );
    let looks: BTreeSet<&str> = shapes.as_array().unwrap().iter().filter_map(|look| look.as_str()).collect();
    assert_eq!(looks.len(), 6, "{shapes:#}");
    let ground =
        |tab: &mut Tab| tab.ask("getComputedStyle(document.body).backgroundColor").as_str().unwrap().to_owned();
    tab.look_through(Glass::NIGHT);
    let night = ground(&mut tab);
    tab.look_through(Glass::DESK);
    assert_ne!(ground(&mut tab), night);
    tab.forget_complaints();
}

#[test]
fn without_script_it_is_a_plain_table() {
    let consul = Consul::start();
    a_day(&consul, "billing");
    let server = Server::of(&consul);
    let page = eventually("the records have been read", || {
        let page = server.ask(&crate::harness::client::Request::get("/service/billing?as=table")).text();
        page.contains("host-e").then_some(page)
    });
    assert_eq!(page.matches("<tr").count(), 6, "a head and five rows");
    let mut tab = Tab::without_script();
    tab.call("Page.navigate", &json!({ "url": server.at("/service/billing") }));
    // Scripts of ours are off as well: the tree is asked for by the protocol itself. While the page is exchanged, what was
    // found of the one before is gone.
    eventually("the table is there", || {
        let document = tab.call("DOM.getDocument", &json!({ "depth": -1 })).to_string();
        (document.matches("\"nodeName\":\"TR\"").count() == 6).then_some(())
    });
}

#[test]
fn two_hundred_are_tiles_that_can_be_read_and_a_thousand_are_live() {
    let consul = Consul::start();
    for number in 0..200 {
        let node = format!("web-{number:03}.eu-west-1.example");
        let record = match number {
            17 => at_step(&node, "1.215", "trial", "trial"),
            40 => {
                let mut record = instance(&node, "1.214");
                (record["ready"], record["healthy"]) = (false.into(), false.into());
                record
            }
            _ => instance(&node, "1.215"),
        };
        put(&consul, "billing", &record);
    }
    let server = Server::of(&consul);
    let mut tab = Tab::new();
    tab.follow(&server.at("/service/billing"));
    tab.until_text("200 instances");
    assert_eq!(tab.texts(".tile").len(), 200);
    let tile = |tab: &mut Tab, number: usize| tab.texts(".tile").remove(number);
    assert!(tile(&mut tab, 40).contains("not ready"), "{}", tile(&mut tab, 40));
    assert!(tile(&mut tab, 17).contains("on trial"));
    let smallest =
        tab.ask("Math.min(...[...document.querySelectorAll('.tile')].map(e => e.getBoundingClientRect().width))");
    assert!(smallest.as_f64().unwrap() > 120.0, "{smallest}");
    tab.picture("tiles-200");
    tab.look_through(Glass::PHONE);
    tab.fits();
    tab.picture("tiles-200-narrow");
    assert_eq!(tab.barriers(), Vec::<String>::new());

    for number in 200..1_000 {
        put(&consul, "billing", &instance(&format!("web-{number:03}.eu-west-1.example"), "1.215"));
    }
    tab.until_text("1000 instances");
    assert_eq!(tab.texts(".tile").len(), 1_000);
    tab.ask("document.querySelectorAll('.tile').forEach(tile => tile.mine = true)");
    put(&consul, "billing", &instance("web-500.eu-west-1.example", "1.216"));
    tab.until_text("1.216");
    // Tiles that are out of sight are in the tree, and not drawn.
    let is_there = "[...document.querySelectorAll('.tile')].some(tile => tile.textContent.match(/web-500.*1\\.216/))";
    assert_eq!(tab.ask(is_there), true);
    let anew = tab.ask("[...document.querySelectorAll('.tile')].filter(tile => !tile.mine).length");
    assert!(anew.as_u64().unwrap() <= 1, "the others are not touched: {anew}");
    tab.is_at_peace_with(&server.url);
}
