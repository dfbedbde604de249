use std::sync::Arc;

use proptest::prelude::*;

use super::{decode_good, decode_hold, decode_quarantine, write_good, write_hold, write_quarantine};
use crate::environment::{Environment, FingerprintKey, SourceKeys};
use crate::machine::GenerationId;
use crate::machine::hold::{GuardRecord, Hold};
use crate::machine::ledger::Good;
use crate::state::StateIdentity;
use crate::state::tests::{good, identity, key, quarantined};

fn encode_good(identity: &StateIdentity, good: &[Good]) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_good(&mut bytes, identity, None, good).map(|()| bytes)
}

/// What was read, or the first thing that was wrong with it.
fn read(bytes: &[u8]) -> Result<Vec<Good>, String> {
    decode_good(&identity(), &key(), bytes)?.into_iter().collect()
}

fn written() -> (Vec<Good>, Vec<u8>) {
    let kept = vec![good(&[("RAW", b"\xff\x01\n"), ("TEXT", "hunter2 \u{1f511} \"".as_bytes())], 9), good(&[], 3)];
    let bytes = encode_good(&identity(), &kept).unwrap();
    (kept, bytes)
}

/// Equal in everything: an environment's own equality is that of its fingerprint.
fn assert_same(read: &[Good], kept: &[Good]) {
    assert_eq!(read, kept);
    for (read, kept) in read.iter().zip(kept) {
        assert_eq!(read.environment.variables(), kept.environment.variables());
    }
}

#[test]
fn the_format_is_this_one() {
    let bytes = encode_good(&identity(), &[good(&[("RAW", b"\xff"), ("TEXT", b"x")], 9)]).unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let expected = serde_json::json!({
        "format": 2,
        "binding": {
            "machine": "m1", "service": "billing", "consul": "127.0.0.1:8500", "sources": ["consul billing/", "custom"],
            "fingerprint_key": key().id().to_string(),
        },
        "good": [{
            "fingerprint": key().of_unkeyed("6fe2f63dbeb6".parse().unwrap()).to_string(), "generation": 9, "at_unix_ms": 1_700_000_000_000_u64, "builds": ["go:1"],
            "variables": [
                { "name": "RAW", "value": { "base64": "/w==" }, "origin": "consul billing/", "visibility": "secret" },
                { "name": "TEXT", "value": { "text": "x" }, "origin": "consul billing/", "visibility": "secret" },
            ],
        }],
    });
    assert_eq!(shown, expected);
}

/// What lictor 0.1.0 has kept: fingerprints that are plain digests.
fn of_an_older_lictor(rest: &str) -> String {
    let identity =
        r#"{"machine":"m1","service":"billing","consul":"127.0.0.1:8500","sources":["consul billing/","custom"]}"#;
    format!(r#"{{"format":1,"binding":{identity},{rest}}}"#)
}

#[test]
fn what_an_older_lictor_kept_is_read_with_fingerprints_by_this_key() {
    let kept = good(&[("RAW", b"\xff"), ("TEXT", b"x")], 9);
    let good_file = |fingerprint: &str| {
        of_an_older_lictor(&format!(
            r#""good":[{{"fingerprint":"{fingerprint}","generation":9,"at_unix_ms":1700000000000,"builds":["go:1"],"variables":[
            {{"name":"RAW","value":{{"base64":"/w=="}},"origin":"consul billing/","visibility":"secret"}},
            {{"name":"TEXT","value":{{"text":"x"}},"origin":"consul billing/","visibility":"secret"}}]}}]"#
        ))
    };
    assert_same(&read(good_file("6fe2f63dbeb6").as_bytes()).unwrap(), std::slice::from_ref(&kept));
    assert!(read(good_file("6fe2f63dbeb7").as_bytes()).is_err(), "it is still held against its fingerprint");

    let pair = r#"{"environment":"6fe2f63dbeb6","build":"go:1"}"#;
    let quarantine = format!(r#""quarantine":[{{"pair":{pair},"reason":"exited with 3","at_unix_ms":1}}]"#);
    let read = decode_quarantine(&identity(), &key(), of_an_older_lictor(&quarantine).as_bytes()).unwrap();
    assert_eq!(read[0].pair.environment, kept.environment.fingerprint());

    let hold = r#""hold":null,"guard":{"begun":[],"released":"6fe2f63dbeb6"}"#;
    let (_, guarded) = decode_hold(&identity(), &key(), of_an_older_lictor(hold).as_bytes()).unwrap();
    assert_eq!(guarded.released, Some(kept.environment.fingerprint()));
}

#[test]
fn with_another_key_values_are_read_and_bare_fingerprints_are_not() {
    let (kept, bytes) = written();
    let other = FingerprintKey::new(&[1; FingerprintKey::LENGTH]);
    let read: Vec<Good> = decode_good(&identity(), &other, &bytes).unwrap().into_iter().map(Result::unwrap).collect();
    for (read, kept) in read.iter().zip(&kept) {
        assert_eq!(read.environment.variables(), kept.environment.variables());
        assert_ne!(read.environment.fingerprint(), kept.environment.fingerprint());
    }
    let mut bytes = Vec::new();
    write_quarantine(&mut bytes, &identity(), &[quarantined("exited with 3")]).unwrap();
    let why = decode_quarantine(&identity(), &other, &bytes).unwrap_err();
    assert_eq!(why, "its fingerprints were made with a key that is lost");
    let mut bytes = Vec::new();
    let guarded = GuardRecord { released: Some(kept[0].environment.fingerprint()), ..GuardRecord::default() };
    let hold = Hold { reason: "night".into(), since_unix_ms: 1, until_unix_ms: None, who: None };
    write_hold(&mut bytes, &identity(), Some(&hold), &guarded).unwrap();
    assert_eq!(decode_hold(&identity(), &other, &bytes).unwrap(), (Some(hold), GuardRecord::default()));
}

#[test]
fn what_each_source_gave_comes_back() {
    let mut kept = good(&[("A", b"x")], 9);
    let mut record = SourceKeys::default();
    record.add(&"consul billing/".into(), ["a".into(), "sub/b".into()]);
    record.add(&"file /x".into(), []);
    kept.environment = Arc::new(Environment::clone(&kept.environment).with_source_keys(record.clone()));
    let bytes = encode_good(&identity(), std::slice::from_ref(&kept)).unwrap();
    assert_eq!(read(&bytes).unwrap()[0].environment.source_keys(), &record);
}

#[test]
fn what_was_cut_is_an_error_wherever_it_was_cut() {
    let (kept, bytes) = written();
    assert_same(&read(&bytes).unwrap(), &kept);
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length]).is_err(), "cut to {length}");
    }
}

#[test]
fn a_flipped_bit_never_changes_a_variable() {
    let (kept, bytes) = written();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            for (read, kept) in read(&flipped).unwrap_or_default().iter().zip(&kept) {
                let values = |good: &Good| {
                    let variables = good.environment.variables().iter();
                    variables.map(|(name, variable)| (name.clone(), variable.value.clone())).collect::<Vec<_>>()
                };
                assert_eq!(values(read), values(kept), "bit {bit} of byte {at}");
            }
        }
    }
}

#[test]
fn one_damaged_environment_does_not_cost_the_others() {
    let (kept, bytes) = written();
    let damaged = String::from_utf8(bytes).unwrap().replace("hunter2", "hunter3");
    let read = decode_good(&identity(), &key(), damaged.as_bytes()).unwrap();
    let why = read[0].as_ref().unwrap_err();
    assert_eq!(why, &format!("its environment {} is damaged", kept[0].environment.fingerprint()));
    assert_eq!(read[1].as_ref().unwrap(), &kept[1]);
}

#[test]
fn no_value_is_in_a_message() {
    let (_, bytes) = written();
    let text = String::from_utf8(bytes).unwrap();
    for damage in [("{\"text\":", "{\"txt\":"), ("\"generation\":9", "\"generation\":\"hunter2\""), ("{\"text\":", "[")]
    {
        let why = read(text.replacen(damage.0, damage.1, 1).as_bytes()).unwrap_err();
        assert!(!why.contains("hunter2"), "{why}");
        assert!(why.starts_with("it is damaged at line 1, column "), "{why}");
    }
}

#[test]
fn another_binding_or_format_is_not_read() {
    let (_, bytes) = written();
    let elsewhere = StateIdentity::new("m2", "billing", "127.0.0.1:8500", ["consul billing/", "custom"]);
    assert_eq!(decode_good(&elsewhere, &key(), &bytes).unwrap_err(), "it was kept on another machine");
    let newer = String::from_utf8(bytes).unwrap().replacen("\"format\":2", "\"format\":3", 1);
    assert_eq!(read(newer.as_bytes()).unwrap_err(), "it has format 3, and this lictor knows 2");
    assert!(read(b"{\"format\":3,\"nothing\":\"else\"}").unwrap_err().contains("format 3"));
}

#[test]
fn what_no_process_could_be_started_with_is_damage() {
    for name in ["", "A=B", "A\0"] {
        assert!(read(&encode_good(&identity(), &[good(&[(name, b"x")], 1)]).unwrap()).is_err(), "{name:?}");
    }
    assert!(read(&encode_good(&identity(), &[good(&[("A", b"x\0y")], 1)]).unwrap()).is_err());
}

#[test]
fn a_number_that_leaves_nothing_to_count_on_is_damage() {
    let mut last = good(&[], 1);
    last.generation = GenerationId(u64::MAX);
    assert!(read(&encode_good(&identity(), &[last]).unwrap()).is_err());
}

#[test]
fn the_quarantine_comes_back() {
    let kept = [quarantined("exited with 3"), quarantined("\"Web\" failed")];
    let mut bytes = Vec::new();
    write_quarantine(&mut bytes, &identity(), &kept).unwrap();
    assert_eq!(decode_quarantine(&identity(), &key(), &bytes).unwrap(), kept);
    for length in 0..bytes.len() {
        assert!(decode_quarantine(&identity(), &key(), &bytes[..length]).is_err(), "cut to {length}");
    }
}

proptest! {
    #[test]
    fn any_environment_comes_back(
        variables in proptest::collection::btree_map(
            "[A-Za-z_é][A-Za-z0-9_é]{0,8}", proptest::collection::vec(1u8.., 0..40), 0..20,
        ),
    ) {
        let pairs: Vec<(&str, &[u8])> = variables.iter().map(|(name, value)| (&**name, &**value)).collect();
        let kept = [good(&pairs, 7)];
        assert_same(&read(&encode_good(&identity(), &kept).unwrap()).unwrap(), &kept);
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read(&bytes).is_err());
    }
}

#[test]
fn what_holds_wishes_back_comes_back() {
    let hold = Hold { reason: "night".into(), since_unix_ms: 1, until_unix_ms: None, who: None };
    let begun = vec!["consul billing/".into()];
    let released = Some("6fe2f63dbeb6".parse().unwrap());
    let guarded = GuardRecord { begun, since_unix_ms: Some(2), released };
    for (hold, guarded) in [(Some(hold), GuardRecord::default()), (None, guarded), (None, GuardRecord::default())] {
        let mut bytes = Vec::new();
        write_hold(&mut bytes, &identity(), hold.as_ref(), &guarded).unwrap();
        assert_eq!(decode_hold(&identity(), &key(), &bytes).unwrap(), (hold, guarded));
    }
    let mut older = Vec::new();
    write_hold(&mut older, &identity(), None, &GuardRecord::default()).unwrap();
    let older = String::from_utf8(older).unwrap().replace(",\"guard\":{\"begun\":[]}", "");
    assert!(!older.contains("guard"), "{older}");
    assert_eq!(decode_hold(&identity(), &key(), older.as_bytes()).unwrap(), (None, GuardRecord::default()));
}
