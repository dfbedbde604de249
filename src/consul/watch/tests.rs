//! The rules as tables, and as properties of any history.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const RULES: Rules = Rules {
    wait: Duration::from_secs(25),
    retry: Retry { backoff: Duration::from_millis(250), max_backoff: Duration::from_secs(30) },
    reread: Rules::REREAD,
};

/// A watch and a clock that the test moves.
struct Bench {
    watch: Watch,
    now: Duration,
}

impl Bench {
    fn new() -> Self {
        Self { watch: Watch::new(RULES, 7), now: Duration::ZERO }
    }

    /// One that has read index 10.
    fn at_ten() -> Self {
        let mut bench = Self::new();
        assert_eq!(bench.ask(), Query::PLAIN);
        bench.answer(Duration::from_millis(1), 10, Content::Changed);
        bench
    }

    fn ask(&mut self) -> Query {
        self.now = self.now.max(self.watch.due());
        self.watch.ask(self.now)
    }

    fn answer(&mut self, after: Duration, index: u64, content: Content) -> Verdict {
        self.now += after;
        self.watch.answered(self.now, index, content)
    }

    fn idle(&self) -> Duration {
        self.watch.due().saturating_sub(self.now)
    }
}

fn blocking(index: u64) -> Query {
    Query { blocking: Some(Blocking { index, wait: RULES.wait }), consistency: Consistency::Default }
}

const CONFIRM: Query = Query { blocking: None, consistency: Consistency::Consistent };
const SOON: Duration = Duration::from_millis(3);
const FULL: Duration = Duration::from_secs(26);

#[test]
fn what_follows_an_answer_to_a_blocking_query() {
    for (after, index, content, verdict, next) in [
        (SOON, 11, Content::Changed, Verdict::Accept, blocking(11)),
        (SOON, 11, Content::Same, Verdict::Accept, blocking(11)),
        (FULL, 10, Content::Same, Verdict::Accept, blocking(10)),
        (FULL, 12, Content::Same, Verdict::Accept, blocking(12)),
        // Early with the same index: an agent that ends, or a restored store.
        (SOON, 10, Content::Same, Verdict::Accept, Query::PLAIN),
        (SOON, 10, Content::Changed, Verdict::Accept, Query::PLAIN),
        // Lower: another agent, or the same one without its data.
        (SOON, 5, Content::Changed, Verdict::Accept, Query::PLAIN),
        (FULL, 5, Content::Same, Verdict::Accept, Query::PLAIN),
        (FULL, 0, Content::Same, Verdict::Accept, Query::PLAIN),
        // Half of the keys or more are gone.
        (SOON, 11, Content::Fewer, Verdict::Confirm, CONFIRM),
        (FULL, 5, Content::Fewer, Verdict::Confirm, CONFIRM),
    ] {
        let mut bench = Bench::at_ten();
        assert_eq!(bench.ask(), blocking(10));
        assert_eq!(bench.answer(after, index, content), verdict, "{after:?} {index} {content:?}");
        assert_eq!(bench.idle(), Duration::ZERO, "{after:?} {index} {content:?}");
        assert_eq!(bench.ask(), next, "{after:?} {index} {content:?}");
    }
}

#[test]
fn a_confirmation_is_taken_as_it_comes_and_watching_goes_on_from_it() {
    for content in [Content::Fewer, Content::Same, Content::Changed] {
        let mut bench = Bench::at_ten();
        bench.ask();
        bench.answer(SOON, 11, Content::Fewer);
        assert_eq!(bench.ask(), CONFIRM);
        assert_eq!(bench.answer(SOON, 12, content), Verdict::Accept);
        assert_eq!(bench.ask(), blocking(12));
    }
}

#[test]
fn a_failed_confirmation_begins_again() {
    let mut bench = Bench::at_ten();
    bench.ask();
    bench.answer(SOON, 11, Content::Fewer);
    bench.ask();
    bench.watch.failed(bench.now, Class::NoLeader);
    assert_eq!(bench.ask(), Query::PLAIN);
    assert_eq!(bench.answer(SOON, 11, Content::Fewer), Verdict::Confirm);
    assert_eq!(bench.ask(), CONFIRM);
}

#[test]
fn any_error_and_a_new_token_drop_the_index() {
    for class in [
        Class::Unreachable,
        Class::Timeout,
        Class::NoLeader,
        Class::Throttled,
        Class::Denied,
        Class::Invalid,
        Class::Unknown,
    ] {
        let mut bench = Bench::at_ten();
        bench.ask();
        bench.watch.failed(bench.now, class);
        assert_eq!(bench.ask(), Query::PLAIN, "{class}");
    }
    let mut bench = Bench::at_ten();
    bench.watch.failed(bench.now, Class::Denied);
    assert!(bench.idle() > Duration::from_secs(1));
    bench.watch.renewed(bench.now);
    assert_eq!(bench.idle(), Duration::ZERO, "a new token is tried at once");
    assert_eq!(bench.ask(), Query::PLAIN);
}

#[test]
fn an_answer_ends_the_backoff() {
    let mut bench = Bench::new();
    for _ in 0..12 {
        bench.ask();
        bench.watch.failed(bench.now, Class::Unreachable);
    }
    bench.ask();
    bench.answer(SOON, 10, Content::Changed);
    bench.ask();
    bench.watch.failed(bench.now, Class::Unreachable);
    assert!(bench.idle() <= RULES.retry.backoff);
}

#[test]
fn wakes_for_nothing_are_held_back_and_real_ones_are_not() {
    let mut bench = Bench::at_ten();
    let mut idle = Vec::new();
    for index in 11..16 {
        bench.ask();
        bench.answer(SOON, index, Content::Same);
        idle.push(bench.idle().as_millis().div_ceil(100) * 100);
    }
    assert_eq!(idle, [0, 0, 0, 1000, 1000]);
    bench.ask();
    bench.answer(SOON, 20, Content::Changed);
    assert_eq!(bench.idle(), Duration::ZERO);
}

#[test]
fn every_five_minutes_the_index_is_left_out() {
    let mut bench = Bench::at_ten();
    let plain = (0..60).filter(|_| {
        let query = bench.ask();
        bench.answer(if query == Query::PLAIN { SOON } else { FULL }, 10, Content::Same);
        query == Query::PLAIN
    });
    assert_eq!(plain.count(), 60 / 13);
}

#[test]
fn a_wait_that_makes_no_sense_is_moved() {
    for (wait, sent) in [(Duration::ZERO, Duration::from_millis(100)), (Duration::MAX, Duration::from_mins(10))] {
        let mut watch = Watch::new(Rules { wait, ..RULES }, 1);
        watch.ask(Duration::ZERO);
        watch.answered(SOON, 10, Content::Changed);
        assert_eq!(watch.ask(SOON).blocking.unwrap().wait, sent);
    }
}

#[test]
fn timeouts_leave_room_for_the_servers_jitter() {
    assert_eq!(Query::PLAIN.timeout(), Duration::from_secs(10));
    assert_eq!(blocking(1).timeout(), Duration::from_millis(25_000 + 1562 + 10_000) + Duration::from_micros(500));
}

/// What the world does with one query.
#[derive(Clone, Copy, Debug)]
enum Move {
    Answer { after: u64, index: u64, content: Content },
    Fail { after: u64, class: Class },
    Renew,
}

fn moves() -> impl Strategy<Value = Move> {
    let content = prop_oneof![Just(Content::Same), Just(Content::Changed), Just(Content::Fewer)];
    let class = prop_oneof![
        Just(Class::Unreachable),
        Just(Class::Timeout),
        Just(Class::NoLeader),
        Just(Class::Throttled),
        Just(Class::Denied),
        Just(Class::Invalid),
        Just(Class::Unknown)
    ];
    let index = prop_oneof![0..20_u64, Just(u64::MAX)];
    prop_oneof![
        6 => (0..30_000_u64, index, content).prop_map(|(after, index, content)| Move::Answer { after, index, content }),
        2 => (0..30_000_u64, class).prop_map(|(after, class)| Move::Fail { after, class }),
        1 => Just(Move::Renew),
    ]
}

proptest! {
    #[test]
    fn whatever_happens(seed: u64, history in prop::collection::vec(moves(), 0..200)) {
        let mut bench = Bench { watch: Watch::new(RULES, seed), now: Duration::ZERO };
        let mut read = None;
        let mut good_for = None;
        for step in history {
            let query = bench.ask();
            // An index is only ever sent that the very last answer gave.
            if let Some(blocking) = query.blocking {
                prop_assert_eq!(Some(blocking.index), good_for);
                prop_assert!(blocking.index > 0);
                prop_assert_eq!(query.consistency, Consistency::Default);
                // And never long after the last read without one.
                let read: Duration = read.unwrap();
                prop_assert!(bench.now < read + RULES.reread);
            }
            match step {
                Move::Answer { after, index, content } => {
                    let verdict = bench.answer(Duration::from_millis(after), index, content);
                    // A loss is never taken from a server that did not make sure.
                    let unsure = content == Content::Fewer && query.consistency == Consistency::Default;
                    prop_assert_eq!(verdict == Verdict::Confirm, unsure);
                    let index = index.max(1);
                    let lower = query.blocking.is_some_and(|blocking| index < blocking.index);
                    good_for = (!unsure && !lower).then_some(index);
                    if query.blocking.is_none() {
                        read = Some(bench.now);
                    }
                    // What is new is never held back.
                    if content != Content::Same {
                        prop_assert_eq!(bench.idle(), Duration::ZERO);
                    }
                }
                Move::Fail { after, class } => {
                    bench.now += Duration::from_millis(after);
                    bench.watch.failed(bench.now, class);
                    good_for = None;
                }
                Move::Renew => {
                    bench.watch.renewed(bench.now);
                    good_for = None;
                }
            }
            // It never gives up.
            prop_assert!(bench.idle() <= RULES.retry.max_backoff);
        }
    }

    #[test]
    fn it_never_spins(seed: u64, answers in prop::collection::vec((0..20_u64, prop::bool::ANY), 40)) {
        let mut bench = Bench { watch: Watch::new(RULES, seed), now: Duration::ZERO };
        // A server that answers everything at once, with any index and nothing new, or loses keys without being sure.
        for (index, fewer) in answers {
            let query = bench.ask();
            let sure = query.consistency == Consistency::Consistent;
            let content = if fewer && !sure { Content::Fewer } else { Content::Same };
            bench.answer(Duration::ZERO, index, content);
        }
        prop_assert!(bench.now >= Duration::from_secs(40 / 3 - 4), "40 queries in {:?}", bench.now);
    }

    #[test]
    fn failures_are_never_more_than_a_burst(seed: u64) {
        let mut bench = Bench { watch: Watch::new(RULES, seed), now: Duration::ZERO };
        for _ in 0..40 {
            bench.ask();
            bench.watch.failed(bench.now, Class::Unreachable);
        }
        // The sum of forty waits, thirty of them spread over 30 s.
        prop_assert!(bench.now > Duration::from_secs(100), "40 attempts in {:?}", bench.now);
    }
}
