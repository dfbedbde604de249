//! `mysql {}` against a real MariaDB.

use crate::authority::Authority;
use crate::harness::{MARKER, Setup, all_that_is_said, check, until_bad, until_passing};
use crate::server::mariadb::MariaDb;
use crate::server::silent;

fn block(words: &str) -> String {
    format!("mysql {{\n    {}\n  }}", words.replace("; ", "\n    "))
}

fn user(name: &str, password: &str, more: &str) -> [String; 2] {
    [format!("CREATE USER {name} IDENTIFIED BY '{password}' {more}"), format!("GRANT SELECT ON orders.* TO {name}")]
}

#[test]
fn every_answer_has_its_words() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let users = [user("app", MARKER, ""), user("guarded", MARKER, "REQUIRE SSL")].concat();
    let mut mariadb = MariaDb::start(|server| Some(ours.server("db", server.host())), &users);
    let setup = Setup::on_directory();
    let at = mariadb.address();
    let (_silent, nobody_speaks) = silent();
    let url = format!("url = \"mysql://app:{MARKER}@{at}/orders\"");
    let guarded = format!("url = \"mysql://guarded:{MARKER}@{at}/orders\"");
    let (ca, other_ca) = (ours.ca(), theirs.ca());
    let socket = mariadb.socket().display().to_string();

    let good = [
        ("Written", url.clone()),
        ("As Go writes it", format!("url = \"app:{MARKER}@tcp({at})/orders?parseTime=true\"")),
        ("Socket", format!("url = \"app:{MARKER}@unix({socket})/orders\"")),
        ("Password apart", format!("url = \"mysql://{at}/orders\"; user = \"app\"; password = \"{MARKER}\"")),
        ("Answer", format!("{url}; query = \"SELECT 40 + 2\"; expect = \"42\"")),
        ("First of many", format!("{url}; query = \"SELECT seq FROM seq_7_to_99999999\"; expect = \"7\"")),
        ("No TLS", format!("{url}; tls = \"disable\"")),
        ("Guarded", format!("{guarded}; tls = \"require\"")),
        ("Guarded by its signer", format!("{guarded}; tls = \"verify-ca\"; ca = {ca:?}")),
        ("Guarded in full", format!("{guarded}; ca = {ca:?}")),
    ];
    let bad = [
        ("Wrong password", format!("url = \"mysql://app:wrong-{MARKER}@{at}/orders\""), "Access denied for user 'app'"),
        ("No such database", format!("url = \"mysql://app:{MARKER}@{at}/nothing\""), "database 'nothing'"),
        ("No such table", format!("{url}; query = \"SELECT * FROM nothing\""), "Table 'orders.nothing' doesn't exist"),
        (
            "Another answer",
            format!("{url}; query = \"SELECT 41\"; expect = \"42\""),
            "the answer differs from `expect`",
        ),
        ("No answer", format!("{url}; query = \"SELECT 1 FROM DUAL WHERE 0\"; expect = \"1\""), "there is no answer"),
        ("Without TLS", format!("{guarded}; tls = \"disable\""), "Access denied for user 'guarded'"),
        (
            "Another signer",
            format!("{guarded}; tls = \"verify-ca\"; ca = {other_ca:?}"),
            "signed by a CA that is not trusted",
        ),
        ("Slow", format!("url = \"mysql://app:{MARKER}@{nobody_speaks}/orders\""), "no answer within 2s"),
    ];
    let blocks =
        good.iter().map(|(label, words)| (label, words)).chain(bad.iter().map(|(label, words, _)| (label, words)));
    let config: String = blocks.map(|(label, words)| check(label, &block(words), "")).collect();
    let database =
        check("Database", &block(&url), "good = \"Good\"\n  bad = \"Bad\"").replace("\"info\"", "\"readiness\"");
    let slow = check("Slow query", &block(&format!("{url}; query = \"SELECT SLEEP(60)\"")), "");
    let running = "SELECT COUNT(*) < 3 FROM information_schema.processlist WHERE info = 'SELECT SLEEP(60)'";
    let piles = check("Nothing piles up", &block(&format!("{url}; query = \"{running}\"; expect = \"1\"")), "");
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
    let slow = lictor.until("the slow query was asked often", |board| {
        board.checks.iter().any(|check| check.name == "Slow query" && check.probes >= 6)
    });
    // The server's own limit, if the machine is so busy that its message is there first.
    let late = |why: &str| why == "no answer within 300ms" || why.contains("max_statement_time exceeded");
    assert!(slow.checks.iter().any(|check| check.why.as_deref().is_some_and(late)), "{slow:#?}");
    until_passing(&lictor, "Nothing piles up");

    mariadb.stop();
    let down = until_bad(&lictor, "Database", "connection refused");
    assert_eq!(down, format!("cannot connect to {at}: connection refused"));
    let (code, status) = lictor.status();
    assert_eq!((code, status["Database"].as_str()), (503, Some("Bad")), "{status}");
    mariadb.launch(&[]);
    until_passing(&lictor, "Database");
    assert_eq!(lictor.status().1["Database"].as_str(), Some("Good"));
    let said = all_that_is_said(&lictor);
    assert!(!said.contains(MARKER), "a password was said:\n{said}");
}

#[test]
fn a_rotated_password_is_used_at_the_next_probe() {
    let mut mariadb = MariaDb::start(|_| None, &user("app", "first", ""));
    let name = |password: &str| format!("app:{password}@tcp({})/orders", mariadb.address());
    let (first, second) = (name("first"), name("second"));
    let setup = Setup::on_directory();
    setup.write("DATABASE", first);
    let database = check("Database", &block("url = env_of_service(\"DATABASE\")"), "");
    let lictor = setup.config(&database).start();
    lictor.until_good();
    until_passing(&lictor, "Database");

    mariadb.stop();
    mariadb.launch(&["ALTER USER app IDENTIFIED BY 'second'".to_owned()]);
    until_bad(&lictor, "Database", "Access denied for user 'app'");
    lictor.until_applied(|| lictor.setup().write("DATABASE", second));
    until_passing(&lictor, "Database");
}
