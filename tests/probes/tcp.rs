//! `tcp {}` against something that listens, with and without TLS.

use std::net::Ipv4Addr;

use crate::authority::Authority;
use crate::harness::{Setup, check, until_bad, until_passing};
use crate::server::redis::Redis;
use crate::server::silent;

fn block(words: &str) -> String {
    format!("tcp {{\n    {}\n  }}", words.replace("; ", "\n    "))
}

#[test]
fn every_answer_has_its_words() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let mut server = Redis::start(|server| Some(ours.server("cache", server.host())), "");
    let elsewhere = Redis::start(|_| Some(ours.server("elsewhere", Ipv4Addr::new(127, 0, 0, 2))), "");
    let setup = Setup::on_directory();
    let (plain, tls, other) = (server.plain(), server.tls(), elsewhere.tls());
    let (_silent, nobody_speaks) = silent();
    let (ca, other_ca) = (ours.ca(), theirs.ca());
    let asks = r#"send = "PING\r\n"; expect = "+PONG""#;

    let good = [
        ("Connects", format!("address = \"{plain}\"")),
        ("Speaks", format!("address = \"{plain}\"; {asks}")),
        ("TLS", format!("address = \"{tls}\"; ca = {ca:?}")),
        ("TLS that speaks", format!("address = \"{tls}\"; tls = \"verify-full\"; ca = {ca:?}; {asks}")),
        ("TLS unverified", format!("address = \"{tls}\"; tls = \"require\"; {asks}")),
        ("TLS of another name", format!("address = \"{other}\"; tls = \"verify-ca\"; ca = {ca:?}; {asks}")),
        ("TLS by that name", format!("address = \"{other}\"; server_name = \"elsewhere\"; ca = {ca:?}")),
    ];
    let bad = [
        (
            "Says another thing",
            format!("address = \"{plain}\"; send = \"PING\\r\\nQUIT\\r\\n\"; expect = \"HTTP\""),
            "`expect`",
        ),
        ("Does not speak", format!("address = \"{nobody_speaks}\"; {asks}"), "no answer within 2s"),
        ("No TLS there", format!("address = \"{nobody_speaks}\"; tls = \"require\""), "no answer within 2s"),
        ("Nobody trusted", format!("address = \"{tls}\"; tls = \"verify-full\""), "signed by a CA that is not trusted"),
        ("Another signer", format!("address = \"{tls}\"; ca = {other_ca:?}"), "signed by a CA that is not trusted"),
        ("Another name", format!("address = \"{other}\"; ca = {ca:?}"), "its certificate is for another name"),
        ("No such file", format!("address = \"{tls}\"; ca = \"/nowhere/ca.pem\""), "cannot read ca /nowhere/ca.pem"),
    ];
    let blocks =
        good.iter().map(|(label, words)| (label, words)).chain(bad.iter().map(|(label, words, _)| (label, words)));
    let config: String = blocks.map(|(label, words)| check(label, &block(words), "")).collect();
    let lictor = setup.config(&config).start();

    for (label, _) in &good {
        until_passing(&lictor, label);
    }
    for (label, _, reason) in &bad {
        until_bad(&lictor, label, reason);
    }
    server.stop();
    let down = until_bad(&lictor, "Speaks", "connection refused");
    assert_eq!(down, format!("cannot connect to {plain}: connection refused"));
    server.launch();
    until_passing(&lictor, "Speaks");
    until_passing(&lictor, "TLS that speaks");
}
