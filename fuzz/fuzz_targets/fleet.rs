//! The fleet's folder as somebody else may have written it: records, semaphore, out-marks, halts, the operator's hold.
//! Whatever stands there, one look at it ends, and what is said about it are lines of a bounded length.
#![no_main]

use std::sync::Arc;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use lictor::consul::health::{Instance, Standing};
use lictor::consul::kv::{Pair, decode};
use lictor::consul::session::Session;
use lictor::fleet::{Action, Ask, Event, Limit, Look, Marks, Rules, Turns};
use lictor::machine::Moment;
use lictor::machine::event::TurnRefusal;
use lictor::machine::numbers::TurnId;

/// The folder as Consul lists it, divided as lictor reads it.
fn look(pairs: Vec<Pair>) -> Look {
    let mut look = Look { out_index: 1, rollout_index: 1, catalog_index: 1, ..Look::default() };
    for mut pair in pairs {
        match pair.key.split_once('/') {
            Some(("turn", key)) => {
                pair.key = key.to_owned();
                look.turn.push(pair);
            }
            Some(("out", key)) => {
                pair.key = key.to_owned();
                look.out.push(pair);
            }
            Some(("rollout", key)) => {
                pair.key = key.to_owned();
                look.rollout.push(pair);
            }
            Some(("instances", _)) => look.ours = Some(pair),
            // Whoever may write keys has no say in the catalog's names, but they come from other hosts all the same.
            Some((node, id)) => {
                let (node, id) = (node.to_owned(), id.to_owned());
                look.catalog.push(Instance { node, id, standing: Standing::Passing });
            }
            None => look.hold = Some(pair),
        }
    }
    look
}

fn is_one_short_line(text: &str) {
    assert!(!text.contains(char::is_control) && text.chars().count() < 4000, "{text:?}");
}

fuzz_target!(|input: &[u8]| {
    let Ok(pairs) = decode("", input) else { return };
    let rules = Rules {
        prefix: "lictor/billing/".to_owned(),
        service: "billing".to_owned(),
        id: "billing".to_owned(),
        limit: Limit::Share(25),
        min_passing: 1,
        bake: Duration::from_secs(60),
    };
    let now = Moment(1_000);
    let mut turns = Turns::new(rules, "owner".to_owned(), 7, now, 1_790_000_000_000);
    let marks = Arc::new(Marks::default());
    let ask = Ask { turn: TurnId(1), wish: Arc::clone(&marks), running: marks, build: "go:a".to_owned() };
    let mut actions = turns.handle(now, Event::Ask(ask));
    actions.extend(turns.handle(now, Event::Tick));
    let session = Session { id: "c1a7".to_owned(), node: "host-a".to_owned() };
    actions.extend(turns.handle(now, Event::Opened(session)));
    let op = actions.iter().rev().find_map(|action| match action {
        Action::Look { op, .. } => Some(*op),
        _ => None,
    });
    let op = op.expect("it looks before it does anything");
    for action in turns.handle(now, Event::Seen(op, Box::new(look(pairs)))) {
        match action {
            Action::Refuse(_, TurnRefusal::Waits(why)) | Action::Say(why) => is_one_short_line(&why),
            Action::Refuse(_, TurnRefusal::Halted { by, why }) => {
                is_one_short_line(&by);
                is_one_short_line(&why);
            }
            _ => {}
        }
    }
});
