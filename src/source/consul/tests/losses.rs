//! Too few keys, many that are missing at once, and edits that wait for the commit key.

use super::*;
use crate::source::{FirstSet, Host};

#[tokio::test]
async fn keys_that_are_hidden_without_a_word_are_not_gone() {
    // The list is empty twice, and a key that was in it is refused.
    let mut bench = Bench::settled().await;
    bench.fake.next([Fault::Empty, Fault::Status(403, "Permission denied")]);
    bench.fake.interrupt(Fault::Empty);
    bench.heals_after("denied").await;
    // The list is empty again and again, and a key that was in it is there.
    let mut bench = Bench::settled().await;
    bench.fake.next([Fault::Empty, Fault::Chunked, Fault::Empty, Fault::Empty, Fault::Chunked]);
    bench.fake.interrupt(Fault::Empty);
    bench.heals_after("denied").await;
}

#[tokio::test]
async fn keys_that_come_back_while_they_are_looked_for_are_no_trouble() {
    let mut bench = Bench::settled().await;
    bench.fake.next([Fault::Empty, Fault::Chunked]);
    bench.fake.interrupt(Fault::Empty);
    bench.fake.until(|state| state.requests.iter().any(|seen| seen.path == "/v1/kv/app/a")).await;
    bench.fake.until_held().await;
    bench.fake.put("app/a", "2");
    let snapshot = bench.until(|snapshot| value(snapshot, "a").as_deref() == Some("2")).await;
    assert_eq!((snapshot.freshness.errors, keys(&snapshot).len()), (0, 3));
}

/// A bench whose folder has a commit key.
async fn sealed(commit: Commit) -> Bench {
    let fake = FakeConsul::start().await;
    let connection = connection(&fake);
    let mut spec = spec(0);
    spec.kind = Kind::Consul(Prefix { path: "app/".to_owned(), datacenter: None, wait: WAIT, commit: Some(commit) });
    begin_as(fake, &connection, &spec)
}

#[tokio::test]
async fn edits_count_once_the_commit_key_is_written_after_them() {
    let mut bench = sealed(Commit::Seals { key: ".commit".to_owned(), first: FirstSet::Sealed }).await;
    bench.fake.put("app/a", "1");
    let snapshot = bench.until(|snapshot| snapshot.freshness.error.is_some()).await;
    let error = snapshot.freshness.error.as_deref().unwrap();
    assert_eq!(
        (&snapshot.entries, error),
        (
            &None,
            "edits wait for the commit_key app/.commit: it is not there; consul does not keep the set that was sealed \
                 last, so this host has none: write the key, or let new hosts start on such edits (commit_start = \"any\")"
        )
    );
    bench.fake.put("app/.commit", "1");
    bench.until(|snapshot| keys(snapshot) == ["a"]).await;

    let waits = |snapshot: &Snapshot| !snapshot.freshness.warnings.is_empty();
    for (round, edit) in ["put", "delete"].into_iter().enumerate() {
        let (before, after): (&[_], &[_]) = if edit == "put" { (&["a"], &["a", "b"]) } else { (&["a", "b"], &["b"]) };
        match edit {
            "put" => bench.fake.put("app/b", "1"),
            _ => bench.fake.delete("app/a"),
        }
        let snapshot = bench.until(waits).await;
        assert_eq!(
            (keys(&snapshot), &snapshot.freshness.error),
            (before.iter().map(ToString::to_string).collect(), &None)
        );
        bench.fake.put("app/.commit", format!("after {round}"));
        bench.until(|snapshot| keys(snapshot) == after && !waits(snapshot)).await;
    }
    // A wipe takes the key with it, so it is no sealed set.
    bench.fake.delete("app/b");
    bench.fake.delete("app/.commit");
    bench.fake.until_held().await;
    let snapshot = bench.until(waits).await;
    assert_eq!(keys(&snapshot), ["b"]);
}

#[tokio::test]
async fn a_fresh_host_may_take_the_first_set_as_it_is_and_then_waits_for_the_key() {
    let mut bench = sealed(Commit::Seals { key: ".commit".to_owned(), first: FirstSet::Any }).await;
    bench.fake.put("app/a", "1");
    let snapshot = bench.until(|snapshot| keys(snapshot) == ["a"]).await;
    let warning = "this host has started on edits without the commit_key app/.commit: it is not there";
    assert_eq!((&snapshot.freshness.warnings[..], &snapshot.freshness.error), (&[warning.to_owned()][..], &None));
    bench.fake.put("app/b", "1");
    let waits = |snapshot: &Snapshot| snapshot.freshness.warnings.iter().any(|text| text.starts_with("edits wait"));
    let snapshot = bench.until(waits).await;
    assert_eq!(keys(&snapshot), ["a"]);
    bench.fake.put("app/.commit", "1");
    bench.until(|snapshot| keys(snapshot) == ["a", "b"] && snapshot.freshness.warnings.is_empty()).await;
}

#[test]
fn a_host_that_has_something_good_waits_for_the_key() {
    let commit = |first| Some(Commit::Seals { key: ".commit".to_owned(), first });
    let of = |first| {
        let kind =
            Kind::Consul(Prefix { path: "app/".to_owned(), datacenter: None, wait: WAIT, commit: commit(first) });
        Spec { kind, ..spec(0) }
    };
    assert_eq!(of(FirstSet::Any).on(Host::Known), of(FirstSet::Sealed));
    assert_eq!(of(FirstSet::Any).on(Host::Fresh), of(FirstSet::Any));
    assert_eq!(spec(0).on(Host::Known), spec(0));
}

#[tokio::test]
async fn a_commit_key_further_down_is_only_left_out() {
    let mut bench = sealed(Commit::LeftOut("sub/.commit".to_owned())).await;
    bench.fake.put("app/sub/.commit", "1");
    bench.fake.put("app/a", "1");
    bench.until(|snapshot| keys(snapshot) == ["a"]).await;
}

#[tokio::test]
async fn too_few_keys_are_no_answer() {
    let fake = FakeConsul::start().await;
    fake.put("app/a", "1");
    let connection = connection(&fake);
    let mut bench = begin(fake, &connection, 2);
    let snapshot = bench.until(|snapshot| snapshot.freshness.errors > 0).await;
    assert_eq!(snapshot.entries, None);
    assert_eq!(snapshot.freshness.contact_unix_ms, None);
    assert!(snapshot.freshness.error.as_ref().unwrap().contains("min_keys"));

    bench.fake.put("app/b", "1");
    bench.until(|snapshot| keys(snapshot) == ["a", "b"]).await;
    bench.fake.delete("app/b");
    let snapshot = bench.until(|snapshot| snapshot.freshness.error.is_some()).await;
    assert_eq!(keys(&snapshot), ["a", "b"], "the last good keys are kept");
}

#[test]
fn what_has_not_changed_is_the_same_bytes_as_before() {
    let entry = |(key, value): &(&str, &str)| Entry::new((*key).to_owned(), (*value).into());
    let old: Vec<_> = [("a", "1"), ("b", "2"), ("d", "4"), ("e", "5")].iter().map(entry).collect();
    let expected: Vec<_> = [("a", "1"), ("b", "3"), ("c", "2"), ("d", "4")].iter().map(entry).collect();
    let mut new = expected.clone();
    share(&old, &mut new);
    assert_eq!(new, expected);
    let same = |one: &Entry, other: &Entry| one.value.expose().as_ptr() == other.value.expose().as_ptr();
    assert_eq!([same(&new[0], &old[0]), same(&new[1], &old[1]), same(&new[3], &old[2])], [true, false, true]);
}
