//! What the README promises of the board is what the board has.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says why by its panic")]

use lictor::machine::board::{CheckState, ConfigState, Phase, StepName};
use lictor::machine::{Machine, Moment, Policy, Restored};
use serde_json::Value;

fn section() -> String {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, after) = text.split_once("### The board\n").expect("there is a section about it");
    after.split("\n## ").next().unwrap().to_owned()
}

#[test]
fn every_member_of_the_board_stands_in_the_readme() {
    let mut machine = Machine::new(Policy::new("billing"), Restored::default(), 1, Moment(0), 0);
    let board = serde_json::to_value(machine.board(None)).unwrap();
    let section = section();
    let members = board.as_object().unwrap().keys().chain(board["config"].as_object().unwrap().keys());
    let missing: Vec<_> = members
        .filter(|name| !["environment", "generation", "variables", "since"].contains(&name.as_str()))
        .filter(|name| !section.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "the README does not name {missing:?}");
}

#[test]
fn every_word_of_a_state_stands_in_the_readme() {
    use ConfigState as C;
    use StepName as S;
    let words = [
        [C::Waiting, C::Good, C::Pending, C::Trial, C::Reverted].map(word).to_vec(),
        [C::Rejected, C::Held, C::Halted, C::Inconclusive, C::BuildFailed, C::NoGood].map(word).to_vec(),
        [Phase::Absent, Phase::BackingOff, Phase::Starting, Phase::Up, Phase::Leaving, Phase::Stopping]
            .map(word)
            .to_vec(),
        [S::Settling, S::Guarded, S::Checked, S::Turn, S::Switched, S::Trial, S::Reverting].map(word).to_vec(),
        [CheckState::Unknown, CheckState::Passing, CheckState::Failing].map(word).to_vec(),
    ];
    let section = section();
    for word in words.concat() {
        assert!(section.contains(&format!("`{word}`")), "the README does not name {word}");
    }
}

fn word(state: impl serde::Serialize) -> String {
    match serde_json::to_value(state).unwrap() {
        Value::String(word) => word,
        other => panic!("{other}"),
    }
}
