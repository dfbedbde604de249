//! Whether the other instances say of the fleet what we say: a `limit` or a `prefix` that differs between hosts is nobody's
//! wish.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::layout::{Member, short_line};
use super::super::rules::Rules;
use super::super::view::View;
use crate::machine::Moment;

/// How often the records are compared. Each instance of the fleet adds a second: all of them read all records.
const PERIOD: Duration = Duration::from_mins(1);
/// After a change was asked for, or we have joined, they are compared unless that was done within this time.
const RECENT: Duration = Duration::from_secs(20);
/// An instance without a record may only just have been started: it is looked at once more after this time.
const AGAIN: Duration = Duration::from_secs(10);
/// So many are named.
const NAMED: usize = 3;

/// What the last comparison has shown.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    at: Moment,
    last: Option<Moment>,
    /// Who is in the catalog and had no record.
    without: BTreeSet<Member>,
    remarks: Vec<String>,
}

impl Comparison {
    /// Nothing was compared yet.
    pub(super) fn due(now: Moment) -> Self {
        Self { at: now, last: None, without: BTreeSet::new(), remarks: Vec::new() }
    }

    /// When the next one is due.
    pub(super) fn at(&self) -> Moment {
        self.at
    }

    /// Whether it is due then.
    pub(super) fn is_due(&self, now: Moment) -> bool {
        now >= self.at
    }

    /// Something has happened that makes a difference matter.
    pub(super) fn hurry(&mut self, now: Moment) {
        let recent = self.last.map_or(now, |last| last + RECENT).max(now);
        self.at = self.at.min(recent);
    }

    /// Compares, if this look has read the records; gives the sentences that stand.
    pub(super) fn take_up(&mut self, now: Moment, view: &View, us: &Member, rules: &Rules) -> Vec<String> {
        if let Some(limits) = &view.limits {
            let ours = rules.limit.to_string();
            let others = limits.iter().filter(|(member, limit)| *member != us && !limit.is_empty() && **limit != ours);
            let others: Vec<_> = others.map(|(member, limit)| format!("{member} has {}", short_line(limit))).collect();
            let without: BTreeSet<_> =
                view.catalog.keys().filter(|member| *member != us && !limits.contains_key(*member)).cloned().collect();
            let twice: Vec<_> = without.intersection(&self.without).map(ToString::to_string).collect();
            let is_new = twice.len() < without.len();
            self.remarks.clear();
            if !others.is_empty() {
                let others = named(&others);
                self.remarks
                    .push(format!("limit = {ours} in fleet {{}} here, but {others}: let all hosts say the same"));
            }
            if !twice.is_empty() {
                let (others, service) = (named(&twice), &rules.service);
                self.remarks.push(format!(
                    "Consul's catalog lists {others} as {service}, without a record here: another fleet.prefix, no \
                     fleet {{}}, or no lictor there"
                ));
            }
            let instances = u32::try_from(view.catalog.len()).unwrap_or(u32::MAX);
            self.at = now
                + if is_new { AGAIN } else { PERIOD.saturating_add(Duration::from_secs(1).saturating_mul(instances)) };
            (self.last, self.without) = (Some(now), without);
        }
        self.remarks.clone()
    }
}

fn named(all: &[String]) -> String {
    let first = all.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::super::rules::Limit;
    use super::*;
    use crate::consul::health::Standing;

    fn member(node: &str) -> Member {
        Member { node: node.into(), id: "billing".into() }
    }

    fn rules() -> Rules {
        Rules {
            prefix: "lictor/billing/".into(),
            service: "billing".into(),
            id: "billing".into(),
            limit: Limit::Count(1),
            min_passing: 1,
            bake: Duration::ZERO,
        }
    }

    fn view(records: &[(&str, &str)], catalog: &[&str]) -> View {
        let limits: BTreeMap<_, _> = records.iter().map(|(node, limit)| (member(node), (*limit).to_owned())).collect();
        let catalog = catalog.iter().map(|node| (member(node), Standing::Passing)).collect();
        View { limits: Some(limits), catalog, ..View::default() }
    }

    #[test]
    fn a_limit_that_differs_is_said_until_it_is_the_same() {
        let mut comparison = Comparison::due(Moment(0));
        let mut compare =
            |seconds: u64, view| comparison.take_up(Moment(seconds * 1000), &view, &member("us"), &rules());
        let two = compare(1, view(&[("us", "1"), ("b", "25%")], &["us", "b"]));
        assert_eq!(two, ["limit = 1 in fleet {} here, but billing on b has 25%: let all hosts say the same"]);
        assert_eq!(compare(2, View::default()), two, "a look without records changes nothing");
        assert_eq!(compare(70, view(&[("us", "1"), ("b", "1")], &["us", "b"])), [""; 0]);
    }

    #[test]
    fn whoever_is_in_the_catalog_and_twice_without_a_record_has_another_prefix() {
        let mut comparison = Comparison::due(Moment(0));
        let alone = view(&[("us", "1")], &["us", "b"]);
        assert_eq!(comparison.take_up(Moment(1000), &alone, &member("us"), &rules()), [""; 0]);
        assert_eq!(comparison.at(), Moment(11_000), "looked at once more");
        let said = comparison.take_up(Moment(11_000), &alone, &member("us"), &rules());
        assert!(
            said[0].starts_with("Consul's catalog lists billing on b as billing, without a record here"),
            "{said:?}"
        );
        assert_eq!(comparison.at(), Moment(73_000));
        comparison.hurry(Moment(12_000));
        assert_eq!(comparison.at(), Moment(31_000));
    }
}
