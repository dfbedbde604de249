//! The order in which those look who wait for a turn. When it is given back, all of them wake at once; if all looked at once,
//! their reads and their refused writes would hold up the one that gets it.
//!
//! First looks whoever follows the newest holder in the order of the names, without any delay, then the next one, and so on.
//! Nobody relies on this order: what decides is the write that succeeds.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::layout::{Member, OutMark};
use super::super::view::View;

/// The longest that all together spread their looks over.
pub(super) const LONGEST_SPREAD_US: u64 = 1_000_000;
/// How long each looks after its predecessor: about as long as the predecessor takes to look and to write.
const SLOT_US: u64 = 15_000;

/// How long we hold back after a wake. `None`: there is no order, because nobody has a turn, or we do, or the catalog does not
/// list us.
pub(super) fn delay(view: &View, us: &Member) -> Option<Duration> {
    let turns: Vec<&OutMark> = view
        .marks
        .iter()
        .filter_map(|marked| marked.mark.as_ref())
        .filter(|mark| view.alive.contains(&mark.session))
        .collect();
    let holders: BTreeSet<&Member> = turns.iter().map(|mark| &mark.member).collect();
    if holders.contains(us) || !view.catalog.contains_key(us) {
        return None;
    }
    // Where the round has come to: all see the same one.
    let newest = &turns.iter().max_by_key(|mark| (mark.since, &mark.member))?.member;
    // From there to us, around the end of the list.
    let between = |member: &&Member| {
        let (after, before) = (*member > newest, *member < us);
        if newest < us { after && before } else { after || before }
    };
    let others = view.catalog.keys().filter(|member| *member != us && !holders.contains(*member));
    let place = others.filter(between).count();
    let instances = u64::try_from(view.catalog.len()).unwrap_or(u64::MAX).max(1);
    let slot = SLOT_US.min(LONGEST_SPREAD_US / instances);
    Some(Duration::from_micros(slot.saturating_mul(u64::try_from(place).unwrap_or(u64::MAX))))
}

#[cfg(test)]
mod tests {
    use super::super::super::view::Marked;
    use super::*;
    use crate::consul::health::Standing;

    fn member(node: &str) -> Member {
        Member { node: node.into(), id: "billing".into() }
    }

    /// Hosts a to e, of which these have a turn, the newest last.
    fn view(holders: &[&str]) -> View {
        let marked = |(since, node): (u64, &&str)| {
            let (member, session) = (member(node), format!("session-{node}"));
            Marked { key: member.key(), index: 1, mark: Some(OutMark { member, session, turn: 1, since }) }
        };
        View {
            marks: (1..).zip(holders).map(marked).collect(),
            alive: holders.iter().map(|node| format!("session-{node}")).collect(),
            catalog: ["a", "b", "c", "d", "e"].map(|node| (member(node), Standing::Passing)).into(),
            ..View::default()
        }
    }

    fn delays(view: &View, nodes: &str) -> Vec<Option<u128>> {
        nodes.chars().map(|node| Some(delay(view, &member(&node.to_string()))?.as_millis())).collect()
    }

    #[test]
    fn whoever_follows_the_holder_looks_at_once_and_the_others_one_after_the_other() {
        let held = view(&["c"]);
        assert_eq!(delays(&held, "deab"), [Some(0), Some(15), Some(30), Some(45)]);
        assert_eq!(delays(&held, "c"), [None], "it has the turn itself");
        assert_eq!(delays(&view(&["e"]), "abcd"), [Some(0), Some(15), Some(30), Some(45)]);
        assert_eq!(delays(&view(&["b", "c"]), "dea"), [Some(0), Some(15), Some(30)]);
        assert_eq!(delays(&view(&["a", "c"]), "deb"), [Some(0), Some(15), Some(30)]);
        assert_eq!(delays(&view(&["c", "a"]), "bde"), [Some(0), Some(15), Some(30)]);
    }

    #[test]
    fn without_a_holder_that_lives_there_is_no_order() {
        assert_eq!(delays(&view(&[]), "ab"), [None, None]);
        let dead = View { alive: BTreeSet::new(), ..view(&["c"]) };
        assert_eq!(delays(&dead, "ab"), [None, None]);
    }

    #[test]
    fn who_is_not_in_the_catalog_has_no_place() {
        assert_eq!(delays(&view(&["c"]), "x"), [None]);
    }

    #[test]
    fn a_large_fleet_spreads_over_a_second_at_the_most() {
        let mut large = view(&["a"]);
        large.catalog.extend((0..2_000).map(|number| (member(&format!("x{number}")), Standing::Passing)));
        let longest = large.catalog.keys().filter_map(|member| delay(&large, member)).max();
        assert!(longest.is_some_and(|longest| longest <= Duration::from_secs(1)), "{longest:?}");
    }
}
