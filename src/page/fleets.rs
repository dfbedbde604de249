//! Decodes the records in Consul's folder of the fleets. A record that cannot be read is shown as such, and the others are shown as
//! usual.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use crate::consul::kv::Row;
use crate::fleet::layout::{FleetHold, OutMark, Rollout};
use crate::fleet::{HistoryRecord, InstanceRecord, Promotions, Unreadable, parse};
use crate::line::one_line;

/// All fleets of one folder, at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Fleets {
    /// By the name of their folder.
    pub(super) services: BTreeMap<String, Service>,
    /// Whether Consul answers.
    pub(super) consul: Standing,
    /// By our clock, in Unix milliseconds: when this was read.
    pub(super) read_at: u64,
}

/// Whether Consul answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has not been asked yet, or has not answered.
    #[default]
    Unknown,
    /// It does.
    Answers,
    /// It does not; what was read is older.
    Away {
        /// Since when, in Unix milliseconds.
        since: u64,
        /// Why, as a sentence.
        why: String,
    },
}

/// One fleet.
#[derive(Clone, Debug, Default)]
pub(super) struct Service {
    /// By the last part of their keys.
    pub(super) instances: BTreeMap<Arc<str>, Read<InstanceRecord>>,
    pub(super) out: BTreeMap<Arc<str>, Read<OutMark>>,
    /// By the name of the change.
    pub(super) rollouts: BTreeMap<Arc<str>, Read<Rollout>>,
    pub(super) histories: BTreeMap<Arc<str>, Read<HistoryRecord>>,
    pub(super) hold: Option<FleetHold>,
    /// What was promoted to it; `None`: nothing was.
    promotions: Option<Read<Promotions>>,
    /// The nodes that more than one of its instances is on.
    shared: BTreeSet<String>,
}

/// How an instance is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// By its node.
    ByNode,
    /// By its ID and its node, which has several.
    ById,
}

/// A record, which is decoded once until it is written again.
#[derive(Debug)]
pub(super) struct Read<T> {
    index: u64,
    /// Its contents, or why it cannot be read.
    pub(super) record: Result<Arc<T>, Unreadable>,
}

impl<T> Clone for Read<T> {
    fn clone(&self) -> Self {
        Self { index: self.index, record: self.record.clone() }
    }
}

impl<T> Read<T> {
    pub(super) fn get(&self) -> Option<&T> {
        self.record.as_deref().ok()
    }
}

impl Fleets {
    /// Decodes these keys, relative to the folder of the fleets. Records that have not changed since `before` are not decoded again.
    /// `only`: they are the keys of one fleet, of this name.
    pub(super) fn read(rows: &[Row<'_>], only: Option<&str>, before: &Self, read_at: u64) -> Self {
        let mut services: BTreeMap<String, Service> = BTreeMap::new();
        for row in rows {
            let (name, rest) = match only {
                Some(name) => (name, row.key.as_ref()),
                None => match row.key.split_once('/') {
                    Some(split) => split,
                    None => continue,
                },
            };
            let alone = || matches!(rest, "hold" | "promotion").then_some((rest, ""));
            let Some((folder, key)) = rest.split_once('/').or_else(alone) else { continue };
            if !services.contains_key(name) {
                services.insert(name.to_owned(), Service::default());
            }
            let (Some(service), known) = (services.get_mut(name), before.services.get(name)) else { continue };
            match folder {
                "instances" => {
                    add(&mut service.instances, known.map(|known| &known.instances), key, row, InstanceRecord::parse);
                }
                "out" => add(&mut service.out, known.map(|known| &known.out), key, row, parse),
                "rollout" => add(&mut service.rollouts, known.map(|known| &known.rollouts), key, row, parse),
                "history" => add(&mut service.histories, known.map(|known| &known.histories), key, row, history),
                "promotion" => {
                    let known = known.and_then(|known| known.promotions.as_ref());
                    service.promotions = Some(read(known, row, |bytes| Ok(Promotions::parse(bytes))));
                }
                // Whatever is in the key, the fleet is held.
                "hold" => {
                    let hold =
                        row.value().ok().and_then(|value| parse::<FleetHold>(value.expose()).ok()).unwrap_or_default();
                    service.hold = Some(hold).filter(|hold| hold.until.is_none_or(|until| until > read_at));
                }
                _ => {}
            }
        }
        services.retain(|_, service| !service.is_empty());
        services.values_mut().for_each(Service::find_shared_nodes);
        Self { services, consul: Standing::Answers, read_at }
    }
}

impl Service {
    /// Nothing of a fleet is here.
    fn is_empty(&self) -> bool {
        self.instances.is_empty() && self.histories.is_empty() && self.rollouts.is_empty() && self.hold.is_none()
    }

    /// The records that can be read.
    pub(super) fn records(&self) -> impl Iterator<Item = (&Arc<str>, &InstanceRecord)> {
        self.instances.iter().filter_map(|(key, read)| Some((key, read.get()?)))
    }

    /// The record of a change, by its name.
    pub(super) fn rollout(&self, change: &str) -> Option<&Rollout> {
        self.rollouts.get(change).and_then(Read::get)
    }

    /// What was promoted to it.
    pub(super) fn promotions(&self) -> Option<&Promotions> {
        self.promotions.as_ref().and_then(Read::get)
    }

    /// The name of an instance, by its key: its node, with its ID if the node has several.
    pub(super) fn name_of(&self, key: &str) -> String {
        let member = self.instances.get(key).and_then(Read::get).map(|record| &record.member);
        let member = member.or_else(|| self.histories.get(key)?.get().map(|history| &history.member));
        let Some(member) = member else { return shown(key) };
        match self.naming(&member.node) {
            Naming::ById => format!("{} on {}", shown(&member.id), shown(&member.node)),
            Naming::ByNode => shown(&member.node),
        }
    }

    /// How the instances on this node are named.
    pub(super) fn naming(&self, node: &str) -> Naming {
        if self.shared.contains(node) { Naming::ById } else { Naming::ByNode }
    }

    fn find_shared_nodes(&mut self) {
        let mut seen = HashSet::new();
        let nodes = self.records().map(|(_, record)| record.member.node.as_str());
        let shared = nodes.filter(|node| !seen.insert(*node)).map(str::to_owned).collect();
        self.shared = shared;
    }
}

/// A foreign text, as one line.
pub(super) fn sentence(text: &str) -> String {
    one_line(text, 240).into_owned()
}

/// A foreign name, shortened.
pub(super) fn shown(text: &str) -> String {
    one_line(text, 80).into_owned()
}

fn add<T>(
    into: &mut BTreeMap<Arc<str>, Read<T>>,
    known: Option<&BTreeMap<Arc<str>, Read<T>>>,
    key: &str,
    row: &Row<'_>,
    parse: impl Fn(&[u8]) -> Result<T, Unreadable>,
) {
    let (key, known) = match known.and_then(|known| known.get_key_value(key)) {
        Some((key, read)) => (Arc::clone(key), Some(read)),
        None => (Arc::from(key), None),
    };
    into.insert(key, read(known, row, parse));
}

fn read<T>(known: Option<&Read<T>>, row: &Row<'_>, parse: impl Fn(&[u8]) -> Result<T, Unreadable>) -> Read<T> {
    if let Some(known) = known.filter(|known| known.index == row.modify_index) {
        return known.clone();
    }
    let record = row.value().map_err(|_| Unreadable::NotOurs).and_then(|value| parse(value.expose())).map(Arc::new);
    Read { index: row.modify_index, record }
}

fn history(bytes: &[u8]) -> Result<HistoryRecord, Unreadable> {
    HistoryRecord::parse(bytes).ok_or(Unreadable::NotOurs)
}

#[cfg(test)]
mod tests {
    use super::{Fleets, Unreadable};
    use crate::consul::kv::Row;

    #[test]
    fn what_cannot_be_read_says_so_and_the_rest_stands() {
        use Unreadable::{Newer, NotOurs, TooLarge};
        let good = br#"{"v":1,"node":"host-a","id":"billing","ready":true,"state":"good","new":{}}"#;
        let rows = [
            Row::of("billing/instances/host-a,billing", good, 1),
            Row::of("billing/instances/host-b,billing", br#"{"v":2,"node":"host-b","id":"billing","state":"good"}"#, 2),
            Row::of("billing/instances/host-c,billing", br#"{"v":3,"node":7}"#, 3),
            Row::of("billing/instances/host-d,billing", &vec![b'['; 100_000], 4),
            Row::of("billing/instances/host-e,billing", &vec![0xff; 512 << 10], 5),
            Row::of("billing/instances/<script>", b"null", 6),
            Row::of("billing/hold", b"garbage", 7),
            Row::of("billing/turn/.lock", b"{}", 8),
            Row::of("stray", b"x", 9),
            Row::of("other/key", b"x", 10),
        ];
        let fleets = Fleets::read(&rows, None, &Fleets::default(), 5);
        assert_eq!(fleets.services.keys().collect::<Vec<_>>(), ["billing"]);
        let service = &fleets.services["billing"];
        assert!(service.hold.is_some());
        let why: Vec<_> = service.instances.values().map(|read| read.record.as_ref().err().copied()).collect();
        assert_eq!(
            why,
            [Some(NotOurs), None, Some(Newer), Some(Newer), Some(NotOurs), Some(TooLarge)],
            "in the order of the keys"
        );
    }

    #[test]
    fn what_has_not_changed_is_not_read_again() {
        let good = br#"{"v":1,"node":"host-a","id":"billing"}"#;
        let first = Fleets::read(&[Row::of("instances/a", good, 1)], Some("billing"), &Fleets::default(), 5);
        let second = Fleets::read(&[Row::of("instances/a", b"", 1)], Some("billing"), &first, 6);
        assert!(second.services["billing"].instances["a"].get().is_some());
        let third = Fleets::read(&[Row::of("instances/a", b"", 2)], Some("billing"), &second, 7);
        assert!(third.services["billing"].instances["a"].get().is_none());
    }
}
