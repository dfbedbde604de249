//! Against Go's own drivers: what they make of each text of `tests/peers/drivers/corpus.json` is in `answers.json` there,
//! and `tests/checks/drivers.rs` holds that to the drivers themselves.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::{Server, Session, Target, Variables, postgres};
use super::{of_mysql, of_redis};
use crate::check::TlsMode;

#[derive(Deserialize)]
struct Answers {
    postgres: Vec<Postgres>,
    mysql: Vec<Other>,
    redis: Vec<Other>,
}

#[derive(Deserialize)]
struct Postgres {
    text: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
    pgx: Option<Found>,
    pq: Option<Found>,
}

#[derive(Deserialize)]
struct Other {
    text: String,
    driver: Option<Found>,
}

/// What a driver makes of a text.
#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Found {
    places: Vec<Place>,
    user: String,
    password: String,
    database: String,
    #[serde(default)]
    session: String,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Place {
    host: String,
    port: u32,
    tls: String,
}

fn answers() -> Answers {
    serde_json::from_str(include_str!("../../../../../tests/peers/drivers/answers.json")).unwrap()
}

/// What is made of it here, in the same words. Sockets of some drivers are never encrypted.
fn found(target: &Target, sockets: Sockets) -> Found {
    let ways: &[&str] = match target.tls {
        TlsMode::Disable => &["none"],
        TlsMode::Allow => &["none", "unverified"],
        TlsMode::Prefer => &["unverified", "none"],
        TlsMode::Require => &["unverified"],
        TlsMode::VerifyCa => &["ca"],
        TlsMode::VerifyFull => &["full"],
    };
    let places = target.servers.iter().flat_map(|Server { host, port }| {
        // Where no host is given, pgx means a socket of this host.
        let is_path = host.starts_with('/') || (host.is_empty() && sockets == Sockets::Plain);
        let ways = if is_path && sockets == Sockets::Plain { &["none"] } else { ways };
        let port = if is_path && sockets == Sockets::AsAsked { 0 } else { u32::from(*port) };
        ways.iter().map(move |tls| Place { host: host.clone(), port, tls: (*tls).to_owned() })
    });
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Found {
        places: places.collect(),
        user: text(target.user.as_deref()),
        password: text(target.password.as_ref().and_then(|password| password.expose_str())),
        database: text(target.database.as_deref()),
        session: match target.session {
            Session::Any => "",
            Session::ReadWrite => "read-write",
            Session::ReadOnly => "read-only",
            Session::Primary => "primary",
            Session::Standby => "standby",
            Session::PreferStandby => "prefer-standby",
        }
        .to_owned(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sockets {
    Plain,
    AsAsked,
}

/// What is refused here although a driver takes it, and why: the reason must be a true one.
const REFUSED: &[(&str, &str)] = &[
    // pgx takes these, or lib/pq, and no connection comes of them.
    ("postgres://app:p@ss@db/orders", "its host has an @ in it"),
    ("postgres://app:p%00@db/orders", "NUL"),
    ("postgres://app@db:0/orders", "its port is not a number from 1 to 65535"),
    ("host=db user=app port=0", "its port is not a number from 1 to 65535"),
    ("jdbc:postgresql://db/orders?user=app", "it is not a URL that begins with postgres://"),
    ("app:pw@tcp(db:70000)/orders", "its port is not a number from 1 to 65535"),
    ("app:pw@tcp( db )/x", "a character in it that no host has"),
    ("app@tcp(db:70000)/orders", "its port is not a number from 1 to 65535"),
    ("redis://db:0", "its port is not a number from 1 to 65535"),
    ("redis://db:70000", "its port is not a number from 1 to 65535"),
    ("redis://db/-1", "negative"),
    ("redis://::1", "more than one colon"),
    ("redis://a:1,b:2", "more than one colon"),
    // lib/pq alone takes these: libpq and pgx do not.
    ("postgres://app@::1/orders", "its port is not a number"),
    ("postgres://app@db/orders?sslmode=require&sslcert=@CERT@", "needs both"),
    ("postgres://app@db/orders?sslmode=require&sslkey=@KEY@", "needs both"),
    ("postgres://app@db/orders?sslcertmode=nonsense", "sslcertmode"),
    ("postgres://app@db/orders?a", "has no value"),
    ("postgres://app@db/orders?a=b=c", "write %3D"),
    ("postgres://app@db/orders?%zz=x", "two hex digits"),
    ("postgres://app@db/orders?x=%zz", "two hex digits"),
    ("host=db user=app =x", "words with values"),
    ("=", "words with values"),
    // Forms that nobody means.
    ("", "user:password@tcp(host:port)/database"),
    ("redis:db", "it is not a URL that begins with redis://"),
    ("a:b@tcp(db:3306)/x?tls=%73kip-verify", "in the service's own code"),
];

/// What is wrong with a refusal of what a driver takes.
fn fault(text: &str, why: &str) -> Option<String> {
    let reason = REFUSED.iter().find(|(known, _)| *known == text).map(|(_, reason)| *reason);
    let known = reason.is_some_and(|reason| why.contains(reason));
    (!known).then(|| format!("{text:?} is refused, and a driver takes it: {why}"))
}

#[test]
fn postgres_as_pgx_or_pq_reads_it() {
    let mut faults = Vec::new();
    for Postgres { text, env, pgx, pq } in answers().postgres {
        let names = postgres::VARIABLES.iter();
        let variables: Variables = names.filter_map(|name| Some((*name, env.get(*name)?.clone()))).collect();
        // Without a word about TLS, lib/pq asks for it where libpq prefers it.
        let insists = pq.as_ref().map(|found| found.places.iter().all(|place| place.tls != "none"));
        let drivers: Vec<Found> = pgx.into_iter().chain(pq).collect();
        match postgres::parse(&text, &variables) {
            Ok(target) => {
                let mut ours = found(&target, Sockets::Plain);
                if insists == Some(true) && target.tls == TlsMode::Prefer && !drivers.contains(&ours) {
                    ours.places.retain(|place| place.tls != "none");
                }
                if !drivers.contains(&ours) {
                    faults.push(format!("{text:?} {env:?}\n  ours:    {ours:?}\n  drivers: {drivers:?}"));
                }
            }
            Err(why) if !drivers.is_empty() => faults.extend(fault(&text, &why)),
            Err(_) => {}
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn mysql_as_its_driver_reads_it() {
    let mut faults = Vec::new();
    for Other { text, driver } in answers().mysql {
        match (of_mysql(&text), driver) {
            (Ok(target), Some(driver)) => {
                let ours = found(&target, Sockets::AsAsked);
                if ours != driver {
                    faults.push(format!("{text:?}\n  ours:   {ours:?}\n  driver: {driver:?}"));
                }
            }
            (Ok(_), None) if text.starts_with("mysql://") => {}
            (Ok(_), None) => faults.push(format!("{text:?} is taken, and the driver refuses it")),
            (Err(why), Some(_)) => faults.extend(fault(&text, &why)),
            (Err(_), None) => {}
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn redis_as_its_driver_reads_it() {
    let mut faults = Vec::new();
    for Other { text, driver } in answers().redis {
        match (of_redis(&text), driver) {
            (Ok(target), Some(driver)) => {
                let mut ours = found(&target, Sockets::AsAsked);
                for place in ours.places.iter_mut().filter(|place| place.host.is_empty()) {
                    place.host = "localhost".to_owned();
                }
                if ours != driver {
                    faults.push(format!("{text:?}\n  ours:   {ours:?}\n  driver: {driver:?}"));
                }
            }
            (Ok(_), None) => faults.push(format!("{text:?} is taken, and the driver refuses it")),
            (Err(why), Some(_)) => faults.extend(fault(&text, &why)),
            (Err(_), None) => {}
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
