//! `redis {}` against a real Redis.

use crate::authority::Authority;
use crate::harness::{MARKER, Setup, all_that_is_said, check, until_bad, until_passing};
use crate::server::redis::Redis;
use crate::server::silent;

fn block(words: &str) -> String {
    format!("redis {{\n    {}\n  }}", words.replace("; ", "\n    "))
}

#[test]
fn every_answer_has_its_words() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    // `app` may do nothing but ask whether anybody is there.
    let words = format!("--requirepass {MARKER} --user app on >{MARKER} -@all +ping --user idle on >{MARKER} -@all");
    let mut redis = Redis::start(|server| Some(ours.server("cache", server.host())), &words);
    let setup = Setup::on_directory();
    let (plain, tls) = (redis.plain(), redis.tls());
    let (_silent, nobody_speaks) = silent();
    let (ca, other_ca) = (ours.ca(), theirs.ca());
    let url = format!("url = \"redis://:{MARKER}@{plain}\"");
    let secure = format!("url = \"rediss://:{MARKER}@{tls}/0\"");

    let good = [
        ("Written", url.clone()),
        ("Database 1", format!("url = \"redis://:{MARKER}@{plain}/1\"")),
        ("User", format!("url = \"redis://app:{MARKER}@{plain}\"")),
        ("Socket", format!("url = \"unix://{}\"; password = \"{MARKER}\"", redis.socket().display())),
        ("TLS in full", format!("{secure}; ca = {ca:?}")),
        ("TLS by its signer", format!("{secure}; tls = \"verify-ca\"; ca = {ca:?}")),
        ("TLS unverified", format!("{secure}; tls = \"require\"")),
    ];
    let bad = [
        ("Wrong password", format!("url = \"redis://:wrong-{MARKER}@{plain}\""), "it refuses the password"),
        ("No password", format!("url = \"redis://{plain}\""), "Authentication required"),
        ("May not ask", format!("url = \"redis://idle:{MARKER}@{plain}\""), "permission"),
        ("Unknown signer", secure.clone(), "signed by a CA that is not trusted"),
        ("Another signer", format!("{secure}; ca = {other_ca:?}"), "signed by a CA that is not trusted"),
        ("TLS to plain", format!("url = \"rediss://:{MARKER}@{plain}\""), "no answer within 2s"),
        ("Plain to TLS", format!("url = \"redis://:{MARKER}@{tls}\""), "connection"),
        ("Slow", format!("url = \"redis://:{MARKER}@{nobody_speaks}\""), "no answer within 2s"),
    ];
    let blocks =
        good.iter().map(|(label, words)| (label, words)).chain(bad.iter().map(|(label, words, _)| (label, words)));
    let config: String = blocks.map(|(label, words)| check(label, &block(words), "")).collect();
    let cache = check("Cache", &block(&url), "good = \"Good\"\n  bad = \"Bad\"").replace("\"info\"", "\"readiness\"");
    setup.write("GREETING", "hello");
    let lictor = setup.config(&config).config(&cache).start();

    lictor.until_good();
    for (label, _) in &good {
        until_passing(&lictor, label);
    }
    for (label, _, reason) in &bad {
        until_bad(&lictor, label, reason);
    }
    redis.stop();
    let down = until_bad(&lictor, "Cache", "connection refused");
    assert_eq!(down, format!("cannot connect to {plain}: connection refused"));
    let (code, status) = lictor.status();
    assert_eq!((code, status["Cache"].as_str()), (503, Some("Bad")), "{status}");
    redis.launch();
    until_passing(&lictor, "Cache");
    let said = all_that_is_said(&lictor);
    assert!(!said.contains(MARKER), "a password was said:\n{said}");
}

#[test]
fn a_rotated_password_is_used_at_the_next_probe() {
    let mut redis = Redis::start(|_| None, "--requirepass first");
    let setup = Setup::on_directory();
    let file = setup.path("password");
    std::fs::write(&file, "first\n").unwrap();
    setup.write("CACHE", redis.plain().to_string());
    let words = format!("url = \"redis://{}\"; password = file({file:?})", redis.plain());
    let lictor = setup.config(&check("Cache", &block(&words), "")).start();
    until_passing(&lictor, "Cache");
    redis.stop();
    redis.arguments("--requirepass second");
    redis.launch();
    until_bad(&lictor, "Cache", "it refuses the password");
    std::fs::write(&file, "second\n").unwrap();
    until_passing(&lictor, "Cache");
}
