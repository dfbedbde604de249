//! Quiet time: many edits are one change.

use std::time::Duration;

use super::{ConfigState, Policy, SECOND, Story};

fn wait(policy: &mut Policy) {
    policy.quiet_min = Duration::from_secs(1);
    policy.quiet_max = Duration::from_secs(4);
}

#[test]
fn a_change_waits_until_it_has_been_quiet() {
    let mut story = Story::good_on_a_with(wait);
    story.wish("b");
    story.passes(SECOND - 1);
    assert_eq!(story.starts(), [""; 0]);
    assert_eq!(story.state(), ConfigState::Pending);
    story.passes(1);
    assert_eq!(story.starts(), ["b on 1"]);
}

#[test]
fn every_edit_starts_the_quiet_time_anew() {
    let mut story = Story::good_on_a_with(wait);
    story.wish("b");
    story.passes(900);
    story.wish("c");
    story.passes(900);
    assert_eq!(story.starts(), [""; 0]);
    story.passes(100);
    assert_eq!(story.starts(), ["c on 1"]);
}

#[test]
fn after_the_maximum_it_is_acted_on_quiet_or_not() {
    let mut story = Story::good_on_a_with(wait);
    for name in ["b", "c", "d", "e", "f", "g"] {
        story.wish(name);
        story.passes(700);
    }
    assert_eq!(story.starts(), ["g on 1"], "four seconds after the first edit");
}

#[test]
fn a_minimum_of_zero_acts_at_once() {
    let mut story = Story::good_on_a();
    story.wish("b");
    assert_eq!(story.starts(), ["b on 1"]);
}

#[test]
fn the_first_start_is_not_delayed() {
    let mut story = Story::with(wait);
    story.wish("a");
    assert_eq!(story.starts(), ["a on 1"]);
}

#[test]
fn an_edit_that_is_taken_back_in_time_is_no_change() {
    let mut story = Story::good_on_a_with(wait);
    story.wish("b");
    story.passes(500);
    story.wish("a");
    story.passes(60 * SECOND);
    assert_eq!(story.starts(), [""; 0]);
    assert_eq!(story.state(), ConfigState::Good);
}
