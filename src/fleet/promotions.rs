//! The record of the last promotions to a fleet. It has names and indices only: the replaced values are in the operator's backup.
//!
//! It is the newest promotion, with the earlier ones in a list of their own: so a lictor that knows only of the last one reads
//! that, and a record without the list reads as one promotion.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::layout::json;

/// The form of the records that this lictor reads and writes.
const FORM: u32 = 1;
/// So many promotions are kept, ...
const KEPT: usize = 50;
/// ... as long as the earlier ones together have no more bytes than this.
const BYTES: usize = 64 << 10;
/// What Consul takes under one key: the newest promotion is kept whole, because an undo needs all of its keys.
const LARGEST: usize = 512 << 10;

/// One `lictor promote`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// The form of this record.
    #[serde(default)]
    pub v: u32,
    /// The origin of the set: Consul's address and the folder there.
    #[serde(default)]
    pub from: String,
    /// The folder that it was written to.
    #[serde(default)]
    pub to: String,
    /// Who.
    #[serde(default)]
    pub by: String,
    /// When, in Unix milliseconds.
    #[serde(default)]
    pub at: u64,
    /// The operator's reason, if it was promoted although it was not good on every live instance there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unproved: Option<String>,
    /// The keys that were written or deleted, each with its `ModifyIndex` after that; 0: it was deleted.
    #[serde(default)]
    pub keys: BTreeMap<String, u64>,
}

impl Promotion {
    /// What stands for the origin when a promotion brings back what another one had replaced.
    pub const UNDONE: &str = "undone";

    /// Whether it brings back what another one had replaced.
    pub fn is_undo(&self) -> bool {
        self.from == Self::UNDONE
    }
}

/// The last promotions to a fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promotions {
    known: Vec<Promotion>,
    unreadable: usize,
}

/// As it is written.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    newest: &'a Promotion,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    earlier: &'a [Promotion],
}

/// The list in a record. Each of its entries is read for itself.
#[derive(Deserialize)]
struct Earlier {
    #[serde(default)]
    earlier: Vec<serde_json::Value>,
}

impl Promotions {
    /// Reads a record, whoever wrote it.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut promotions = Self::default();
        if bytes.len() > LARGEST {
            promotions.unreadable = 1;
            return promotions;
        }
        promotions.add(serde_json::from_slice(bytes));
        // A record that is not JSON has been counted; one whose list is none has no earlier ones that could be counted.
        let listed = serde_json::from_slice::<Earlier>(bytes).map(|list| list.earlier).unwrap_or_default();
        listed.into_iter().take(KEPT).for_each(|one| promotions.add(Promotion::deserialize(one)));
        promotions
    }

    fn add(&mut self, read: Result<Promotion, serde_json::Error>) {
        match read {
            Ok(promotion) if promotion.v == FORM => self.known.push(promotion),
            Ok(_) | Err(_) => self.unreadable += 1,
        }
    }

    /// Those that can be read, the newest first.
    pub fn known(&self) -> &[Promotion] {
        &self.known
    }

    /// How many cannot be read: a newer lictor wrote them, or none did.
    pub fn unreadable(&self) -> usize {
        self.unreadable
    }

    /// The newest one to this folder.
    pub fn last_to(&self, folder: &str) -> Option<&Promotion> {
        self.known.iter().find(|promotion| promotion.to == folder)
    }

    /// The record with one more; what is beyond its limits goes, the oldest first.
    pub(super) fn record_with(&self, newest: &Promotion) -> Vec<u8> {
        let mut room = BYTES;
        let fits = |promotion: &&Promotion| {
            let left = room.checked_sub(json(promotion).len());
            room = left.unwrap_or(0);
            left.is_some()
        };
        let earlier = self.known.iter().take(KEPT - 1).take_while(fits).count();
        json(&Written { newest, earlier: &self.known[..earlier] })
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Promotion, Promotions};

    fn promotion(at: u64, keys: usize) -> Promotion {
        let keys = (0..keys).map(|number| (format!("KEY_{number:05}"), at)).collect();
        Promotion {
            v: 1,
            from: "billing/ at http://test:8500".into(),
            to: "billing/".into(),
            at,
            keys,
            ..Promotion::default()
        }
    }

    fn times(promotions: &Promotions) -> Vec<u64> {
        promotions.known().iter().map(|promotion| promotion.at).collect()
    }

    fn after(count: u64, keys: usize) -> (Promotions, Vec<u8>) {
        (1..=count).fold((Promotions::default(), Vec::new()), |(promotions, _), at| {
            let record = promotions.record_with(&promotion(at, keys));
            (Promotions::parse(&record), record)
        })
    }

    #[test]
    fn the_last_ones_are_kept_within_their_number_and_size() {
        assert_eq!(times(&after(3, 2).0), [3, 2, 1]);
        let (many, _) = after(80, 1);
        assert_eq!((many.known().len(), times(&many)[0]), (KEPT, 80));
        let (large, record) = after(9, 1_000);
        assert!(times(&large).len() > 1 && times(&large).len() < 9, "{:?}", times(&large));
        assert!(record.len() < 100 << 10, "{}", record.len());
        let (whole, _) = after(2, 10_000);
        assert_eq!((times(&whole), whole.known()[0].keys.len()), (vec![2], 10_000), "the newest one loses nothing");
    }

    #[test]
    fn an_older_lictor_reads_the_newest_and_its_record_is_read() {
        let (_, record) = after(3, 2);
        let old: Promotion = serde_json::from_slice(&record).unwrap();
        assert_eq!(old, promotion(3, 2));
        let of_old = Promotions::parse(&serde_json::to_vec(&old).unwrap());
        assert_eq!((times(&of_old), of_old.unreadable()), (vec![3], 0));
    }

    #[test]
    fn each_folder_has_a_last_one() {
        let other = Promotion { to: "shared/".into(), ..promotion(2, 1) };
        let record = Promotions::parse(&Promotions::default().record_with(&promotion(1, 1))).record_with(&other);
        let promotions = Promotions::parse(&record);
        let last = |folder| promotions.last_to(folder).map(|promotion| promotion.at);
        assert_eq!((last("billing/"), last("shared/"), last("none/")), (Some(1), Some(2), None));
    }

    #[test]
    fn what_no_lictor_wrote_is_counted_and_the_rest_stands() {
        let counted = |bytes: &[u8]| {
            let promotions = Promotions::parse(bytes);
            (promotions.known().len(), promotions.unreadable())
        };
        for bytes in [&b""[..], b"{}", b"null", b"\xff\0", br#"{"v":2}"#, &b"[".repeat(100_000), &vec![b' '; 600 << 10]]
        {
            assert_eq!(counted(bytes), (0, 1), "{} bytes", bytes.len());
        }
        assert_eq!(counted(br#"{"v":1,"earlier":7}"#), (1, 0));
        assert_eq!(counted(br#"{"v":1,"earlier":[7,{"v":1},{"v":1,"keys":[]},{"v":9}]}"#), (2, 3));
        assert_eq!(counted(format!(r#"{{"v":1,"earlier":[{}]}}"#, vec!["0"; 9_000].join(",")).as_bytes()), (1, KEPT));
    }
}
