//! `postgres {}` against a real PostgreSQL.

use crate::authority::Authority;
use crate::harness::{MARKER, Setup, all_that_is_said, check, until_bad, until_passing};
use crate::server::postgres::Postgres;
use crate::server::silent;

fn block(words: &str) -> String {
    format!("postgres {{\n    {}\n  }}", words.replace("; ", "\n    "))
}

/// Each password costs the driver thousands of hashes, which take their time in a program that is built for tests: some
/// thirty checks of it at once must have patience.
fn unhurried(label: &str, check: String) -> String {
    if label == "Slow" {
        return check;
    }
    check.replace("timeout = \"2s\"", "timeout = \"20s\"").replace("interval = \"100ms\"", "interval = \"1s\"")
}

#[test]
fn every_answer_has_its_words() {
    let setup = Setup::on_directory();
    let (ours, theirs) = (Authority::new(), Authority::new());
    let mut postgres = Postgres::start(|server| Some(ours.server("db", server.host())));
    postgres.user("app", MARKER);
    postgres.user("guarded", MARKER);
    let at = postgres.address();
    let (_silent, nobody_speaks) = silent();
    let url = format!("url = \"postgres://app:{MARKER}@{at}/orders\"");
    let guarded = format!("url = \"postgres://guarded:{MARKER}@{at}/orders\"");
    let (ca, other_ca) = (ours.ca(), theirs.ca());
    let folder = postgres.socket().display().to_string();
    std::fs::write(setup.path("password"), format!("{MARKER}\n")).unwrap();
    let file = setup.path("password").display().to_string();

    let good = [
        ("Written", url.clone()),
        ("Keywords", format!("url = \"host={} user=app password={MARKER} dbname=orders\"", at.ip())),
        ("Socket", format!("url = \"postgres:///orders?host={folder}&user=app\"")),
        ("Password in a file", format!("url = \"postgres://app@{at}/orders\"; password = file(\"{file}\")")),
        ("Answer", format!("{url}; query = \"SELECT 40 + 2\"; expect = \"42\"")),
        ("First of many", format!("{url}; query = \"SELECT generate_series(7, 99999999)\"; expect = \"7\"")),
        ("No TLS", format!("{url}; tls = \"disable\"")),
        ("Guarded", format!("{guarded}; tls = \"require\"")),
        ("Guarded by its signer", format!("{guarded}; tls = \"verify-ca\"; ca = {ca:?}")),
        ("Guarded in full", format!("{guarded}; ca = {ca:?}")),
    ];
    let bad = [
        (
            "Wrong password",
            format!("url = \"postgres://app:wrong-{MARKER}@{at}/orders\""),
            "password authentication failed for user \"app\"",
        ),
        (
            "No such database",
            format!("url = \"postgres://app:{MARKER}@{at}/{}\"", "nothing"),
            "database \"nothing\" does not exist",
        ),
        ("No such table", format!("{url}; query = \"SELECT * FROM nothing\""), "relation \"nothing\" does not exist"),
        (
            "Another answer",
            format!("{url}; query = \"SELECT 41\"; expect = \"42\""),
            "the answer differs from `expect`",
        ),
        ("No answer", format!("{url}; query = \"SELECT 1 WHERE false\"; expect = \"1\""), "there is no answer"),
        ("Without TLS", format!("{guarded}; tls = \"disable\""), "pg_hba.conf rejects connection"),
        (
            "Another signer",
            format!("{guarded}; tls = \"verify-ca\"; ca = {other_ca:?}"),
            "signed by a CA that is not trusted",
        ),
        ("Slow", format!("url = \"postgres://app:{MARKER}@{nobody_speaks}/orders\""), "no answer within 2s"),
        ("No variable", "url = env_of_service(\"NOT_THERE\")".to_owned(), "the service has no variable NOT_THERE"),
    ];
    let blocks =
        good.iter().map(|(label, words)| (label, words)).chain(bad.iter().map(|(label, words, _)| (label, words)));
    let config: String = blocks.map(|(label, words)| unhurried(label, check(label, &block(words), ""))).collect();
    let database =
        check("Database", &block(&url), "good = \"Good\"\n  bad = \"Bad\"").replace("\"info\"", "\"readiness\"");
    let database = unhurried("Database", database);
    let slow = check("Slow query", &block(&format!("{url}; query = \"SELECT pg_sleep(60)\"")), "");
    let running = "SELECT count(*) < 3 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'";
    let piles = check("Nothing piles up", &block(&format!("{url}; query = \"{running}\"; expect = \"t\"")), "");
    let piles = unhurried("Nothing piles up", piles);
    let config = config + &slow.replace("\"2s\"", "\"300ms\"") + &piles;
    setup.write("GREETING", "hello");
    let lictor = setup.config(&config).config(&database).start();

    lictor.until_good();
    for (label, _) in &good {
        until_passing(&lictor, label);
    }
    for (label, _, reason) in &bad {
        until_bad(&lictor, label, reason);
    }
    let (code, status) = lictor.status();
    assert_eq!((code, status["Database"].as_str(), status["Slow"].as_str()), (200, Some("Good"), Some("Unhealthy")));

    let slow = lictor.until("the slow query was asked often", |board| {
        board.checks.iter().any(|check| check.name == "Slow query" && check.probes >= 6)
    });
    assert!(slow.checks.iter().any(|check| check.why.as_deref() == Some("no answer within 300ms")), "{slow:#?}");
    until_passing(&lictor, "Nothing piles up");

    postgres.stop();
    let down = until_bad(&lictor, "Database", "connection refused");
    assert_eq!(down, format!("cannot connect to {at}: connection refused"));
    let (code, status) = lictor.status();
    assert_eq!((code, status["Database"].as_str()), (503, Some("Bad")), "{status}");
    postgres.launch();
    until_passing(&lictor, "Database");
    assert_eq!(lictor.status().1["Database"].as_str(), Some("Good"));
    let said = all_that_is_said(&lictor);
    assert!(!said.contains(MARKER), "a password was said:\n{said}");
}

#[test]
fn a_rotated_password_is_used_at_the_next_probe() {
    let postgres = Postgres::start(|_| None);
    postgres.user("app", "first");
    let url = |password: &str| format!("postgres://app:{password}@{}/orders", postgres.address());
    let setup = Setup::on_directory();
    setup.write("DATABASE_URL", url("first"));
    let database = check("Database", &block("url = env_of_service(\"DATABASE_URL\")"), "good = \"Good\"");
    let told = "key \"DATABASE_URL\" {\n  on_change = \"reload\"\n}\n";
    let lictor = setup.config(&database).config(told).start();
    lictor.until_good();
    until_passing(&lictor, "Database");
    let pid = lictor.board().process.and_then(|process| process.pid);

    postgres.sql("ALTER ROLE app PASSWORD 'second'");
    until_bad(&lictor, "Database", "password authentication failed for user \"app\"");
    lictor.until_applied(|| lictor.setup().write("DATABASE_URL", url("second")));
    until_passing(&lictor, "Database");
    assert_eq!(lictor.board().process.and_then(|process| process.pid), pid, "the service was only told");

    postgres.sql("ALTER ROLE app PASSWORD 'third'");
    until_bad(&lictor, "Database", "password authentication failed");
    lictor.setup().write("DATABASE_URL", "nonsense with third in it");
    let why = until_bad(&lictor, "Database", "cannot be understood");
    assert!(
        why.starts_with("the service's variable DATABASE_URL cannot be understood") && !why.contains("third"),
        "{why}"
    );
}

#[test]
fn what_the_service_s_driver_takes_is_asked_as_the_driver_would() {
    let setup = Setup::on_directory();
    let ours = Authority::new();
    let mut postgres = Postgres::start(|server| Some(ours.server("db", server.host())));
    postgres.certified_by(&ours.ca());
    for name in ["app", "guarded", "certified"] {
        postgres.user(name, MARKER);
    }
    let (at, ca) = (postgres.address(), ours.ca().display().to_string());
    let me = ours.client("certified");
    let shown = format!("sslcert={}&sslkey={}", me.cert.display(), me.key.display());
    let certified = |more: &str| format!("url = \"postgres://certified@{at}/orders?sslmode=require{more}\"");
    let (_silent, hangs) = silent();
    let url = |hosts: &str, more: &str| format!("url = \"postgres://app:{MARKER}@{hosts}/orders{more}\"");
    let good = [
        ("Second of two", url(&format!("127.0.0.1:1,{at}"), "")),
        ("Second of two of which one hangs", url(&format!("{hangs},{at}"), "?sslmode=disable")),
        (
            "By words",
            format!(
                "url = \"host=127.0.0.1,{} port=1,{} user=app dbname=orders password={MARKER}\"",
                at.ip(),
                at.port()
            ),
        ),
        ("Writable", url(&at.to_string(), "?target_session_attrs=read-write")),
        ("Any, for want of a standby", url(&at.to_string(), "?target_session_attrs=prefer-standby")),
        ("By variables", format!("url = \"postgres://app@{at}/orders\"")),
        (
            "By its signer",
            format!("url = \"postgres://guarded:{MARKER}@{at}/orders?sslmode=verify-ca&sslrootcert={ca}\""),
        ),
        ("By a certificate", certified(&format!("&{shown}"))),
    ];
    let bad = [
        ("Without a certificate", certified(""), "requires a valid client certificate"),
        ("A standby", url(&at.to_string(), "?target_session_attrs=standby"), "is not a standby"),
        ("None of two", url("127.0.0.1:1,127.0.0.1:2", ""), "cannot connect to 127.0.0.1:1: connection refused"),
    ];
    let blocks =
        good.iter().map(|(label, words)| (label, words)).chain(bad.iter().map(|(label, words, _)| (label, words)));
    let config: String = blocks.map(|(label, words)| unhurried(label, check(label, &block(words), ""))).collect();
    setup.write("PGPASSWORD", MARKER);
    let lictor = setup.config(&config).start();
    for (label, _) in &good {
        until_passing(&lictor, label);
    }
    for (label, _, reason) in &bad {
        until_bad(&lictor, label, reason);
    }
    let said = all_that_is_said(&lictor);
    assert!(!said.contains(MARKER), "a password was said:\n{said}");
}
