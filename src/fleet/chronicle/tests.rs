//! What of a board gets into the history, and that it stays small.

use std::sync::Arc;

use super::{BYTES, Chronicle, HistoryRecord, InstanceEvent, KEPT, What};
use crate::environment::Origin;
use crate::fleet::layout::{Member, json};
use crate::machine::Board;
use crate::machine::board::{ExitPicture, Phase, sample};
use crate::machine::history::{Entry, Outcome};
use crate::machine::numbers::{GenerationId, RunId};
use crate::machine::{Build, Moment};

const NOW: u64 = 1_790_000_100_000;

fn member() -> Member {
    Member { node: "host-a".to_owned(), id: "billing".to_owned() }
}

fn entry(outcome: Outcome, at: u64) -> Entry {
    Entry {
        at: Moment(at),
        at_unix_ms: 1_790_000_000_000 + at,
        outcome,
        generation: GenerationId(2),
        environment: Some("3f9a0c12be77".parse().unwrap()),
        build: Build("go:a".to_owned()),
        run: None,
        keys: vec!["GREETING".to_owned()],
        more_keys: 0,
        from: vec![Origin { key: "GREETING".to_owned(), source: Arc::from("consul billing/"), written: None }],
        why: String::new(),
        propagation_ms: None,
        steps: crate::machine::steps::Steps::default(),
        who: None,
        deployment: None,
    }
}

fn words(chronicle: &Chronicle) -> Vec<What> {
    chronicle.record(&member()).events.iter().map(|event| event.what).collect()
}

fn see(chronicle: &mut Chronicle, board: &Board) -> bool {
    chronicle.see(board, NOW, |_| Some("c0ffee".to_owned()))
}

#[test]
fn each_line_of_history_is_told_once_and_with_its_change() {
    let (mut chronicle, mut board) = (Chronicle::of(None), sample::board());
    assert!(see(&mut chronicle, &board), "the version that runs is kept");
    assert_eq!(words(&chronicle), [], "the version that is seen first is no deployment");
    board.history = vec![entry(Outcome::Applied, 10), entry(Outcome::Exited, 11), entry(Outcome::Reverted, 12)];
    assert!(see(&mut chronicle, &board));
    assert!(!see(&mut chronicle, &board));
    board.history.push(entry(Outcome::Halted, 13));
    board.history.remove(0);
    assert!(see(&mut chronicle, &board));
    assert_eq!(
        words(&chronicle),
        [What::Became(Outcome::Applied), What::Became(Outcome::Reverted), What::Became(Outcome::Halted)]
    );
    let record = chronicle.record(&member());
    assert_eq!(record.events[0].change.as_deref(), Some("c0ffee"));
    assert_eq!(record.events[0].keys, ["GREETING"]);
    assert!(!String::from_utf8(json(&record)).unwrap().contains("3f9a0c12be77"), "the host's own fingerprint");
}

#[test]
fn the_next_life_goes_on_where_the_last_one_ended() {
    let (mut chronicle, mut board) = (Chronicle::of(None), sample::board());
    board.history = vec![entry(Outcome::Applied, 10)];
    see(&mut chronicle, &board);
    let written = json(&chronicle.record(&member()));
    let mut next = Chronicle::of(HistoryRecord::parse(&written));
    board.build.running.version = Some("1.215".to_owned());
    assert!(see(&mut next, &board));
    assert_eq!(words(&next), [What::Became(Outcome::Applied), What::Instance(InstanceEvent::Deployed)]);
    let deployed = next.record(&member()).events.remove(1);
    assert_eq!((deployed.version.as_deref(), deployed.why.as_str()), (Some("1.215"), "1.214 before"));
}

#[test]
fn an_outage_is_what_nobody_planned() {
    let (mut chronicle, mut board) = (Chronicle::of(None), sample::board());
    (board.ready, board.phase) = (false, Phase::Starting);
    see(&mut chronicle, &board);
    assert_eq!(words(&chronicle), [], "a first start");
    (board.ready, board.phase) = (true, Phase::Up);
    see(&mut chronicle, &board);
    (board.ready, board.phase) = (false, Phase::Leaving);
    assert!(!see(&mut chronicle, &board), "a stop that was ordered");
    (board.ready, board.phase) = (true, Phase::Up);
    see(&mut chronicle, &board);
    (board.ready, board.phase, board.process) = (false, Phase::BackingOff, None);
    let text = "exited with 3".to_owned();
    board.last_exit = Some(ExitPicture { run: RunId(1), at: Moment(1), exit: None, text, crashes: 1 });
    assert!(see(&mut chronicle, &board));
    assert!(!see(&mut chronicle, &board), "it goes on");
    let event = chronicle.record(&member()).events.remove(0);
    assert_eq!(
        (event.what, event.took_ms, event.why.as_str()),
        (What::Instance(InstanceEvent::Outage), None, "exited with 3")
    );
    board.ready = true;
    assert!(chronicle.see(&board, NOW + 2_500, |_| None));
    assert_eq!(chronicle.record(&member()).events[0].took_ms, Some(2_500));
}

#[test]
fn it_stays_small_and_of_a_day() {
    let (mut chronicle, mut board) = (Chronicle::of(None), sample::board());
    for number in 0..200 {
        let mut entry = entry(Outcome::Reverted, number);
        entry.why = "because ".repeat(200);
        entry.keys = (0..100).map(|key| format!("KEY_{key}_{}", "X".repeat(300))).collect();
        board.history = vec![entry];
        see(&mut chronicle, &board);
    }
    assert!(chronicle.events.len() <= KEPT);
    let record = chronicle.record(&member());
    assert!(json(&record).len() <= BYTES && !record.events.is_empty(), "{}", json(&record).len());
    assert_eq!(record.events.last().unwrap().at, 1_790_000_000_199);
    chronicle.see(&board, NOW + 26 * 3_600_000, |_| None);
    assert!(chronicle.events.is_empty(), "yesterday's");
}

#[test]
fn what_a_newer_lictor_writes_is_read_as_far_as_it_goes() {
    let text = br#"{"v":9,"node":"a","id":"b","new":[1],"events":[{"at":5,"what":"teleported","how":{}}]}"#;
    let record = HistoryRecord::parse(text).unwrap();
    assert_eq!(record.events[0].what, What::Instance(InstanceEvent::Unknown));
    for hostile in [&b"{}"[..], b"[", b"null", &vec![b'['; 100_000], &vec![b' '; 600 << 10]] {
        let _ = HistoryRecord::parse(hostile);
    }
}

#[test]
fn each_word_is_written_as_it_is_read() {
    let words = [
        (What::Became(Outcome::NotValidated), r#""not_validated""#),
        (What::Instance(InstanceEvent::Outage), r#""outage""#),
        (What::Instance(InstanceEvent::Deployed), r#""deployed""#),
    ];
    for (what, word) in words {
        assert_eq!(serde_json::to_string(&what).unwrap(), word);
        assert_eq!(serde_json::from_str::<What>(word).unwrap(), what);
    }
}
