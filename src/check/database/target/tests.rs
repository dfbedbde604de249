mod drivers;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::{FileName, POSTGRES, Rights, Server, Target, Variables, mysql, postgres, redis};
use crate::check::tests::access;
use crate::check::{Place, Text, TlsMode};

fn of_postgres(text: &str) -> Result<Target, String> {
    postgres::parse(text, &Variables::new())
}

fn of_mysql(text: &str) -> Result<Target, String> {
    mysql::parse(text, &Variables::new())
}

fn of_redis(text: &str) -> Result<Target, String> {
    redis::parse(text, &Variables::new())
}

fn target(host: &str, port: u16, user: &str, password: &str, database: &str) -> Target {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Target {
        user: some(user),
        password: some(password).map(Into::into),
        database: some(database),
        tls: TlsMode::Prefer,
        ..Target::at(Server { host: host.to_owned(), port })
    }
}

#[test]
fn urls() {
    let of = |text: &str| of_postgres(text).unwrap();
    assert_eq!(of("postgres://app:p%40ss%2Fw@db:5433/orders"), target("db", 5433, "app", "p@ss/w", "orders"));
    assert_eq!(of("postgresql://app@[::1]/"), target("::1", 5432, "app", "", ""));
    let socket = of("postgres:///orders?host=/run/postgresql&user=app&pool_max_conns=5");
    assert_eq!(socket, target("/run/postgresql", 5432, "app", "", "orders"));
    let tls = of("postgres://app@db/orders?sslmode=verify-ca&sslrootcert=/etc/ca.pem");
    assert_eq!((tls.tls, tls.ca), (TlsMode::VerifyCa, Some(FileName::new("/etc/ca.pem", Rights::Service))));
    let socket = of_mysql("mysql://app@localhost/orders?socket=/run/mysqld/mysqld.sock").unwrap();
    assert_eq!(socket.server().host, "/run/mysqld/mysqld.sock");
    let mysql = of_mysql("mysql://app:x@db/orders?ssl-mode=VERIFY_IDENTITY&ssl-ca=/ca.pem").unwrap();
    assert_eq!((mysql.tls, mysql.ca), (TlsMode::VerifyFull, Some(FileName::new("/ca.pem", Rights::Service))));
    assert_eq!(of_redis("redis://h:6380/2").unwrap().tls, TlsMode::Disable);
    assert_eq!(of_redis("rediss://:pw@h").unwrap().tls, TlsMode::VerifyFull);
    assert_eq!(of_redis("unix:///run/redis.sock").unwrap().server().host, "/run/redis.sock");
}

#[test]
fn the_hint_about_encoding_is_given_where_that_is_it() {
    for text in [
        "postgres://app:p@ss@db/x",
        "postgres://app:p/ss@db/x",
        "redis://:p/ss@db",
        "redis://:p?ss@db",
        "redis://:p#ss@db",
    ] {
        let parse = if text.starts_with("redis") { of_redis } else { of_postgres };
        let why = parse(text).unwrap_err();
        assert!(why.contains("%2F"), "{text}: {why}");
    }
    let broken = of_postgres("postgres://app:50%@db/x").unwrap_err();
    assert_eq!(broken, "a % in it is not followed by two hex digits: write %25 for a % itself");
    for text in [
        "postgres://app@db:99999/x",
        "postgres://app@db:x/y",
        "postgres://app@[::1/x",
        "redis://db:x",
        "postgres://app@a,b:1/x?port=1,2,3",
    ] {
        let parse = if text.starts_with("redis") { of_redis } else { of_postgres };
        let why = parse(text).unwrap_err();
        assert!(!why.contains('%'), "{text}: {why}");
    }
}

#[test]
fn what_is_not_understood_is_not_repeated() {
    let marker = "hunter2";
    for text in [
        "http://app:hunter2@db/",
        "postgres://app:hunter2@db:99999/",
        "postgres://app:hunter2#/@db/",
        "hunter2",
        "host=db password='hunter2",
        "host=db port=hunter2",
        "postgres://db/?sslmode=hunter2",
        "postgres://app:hunter2%ff@db/",
        "postgres://h1:1,h2:hunter2/db",
    ] {
        if let Err(error) = of_postgres(text) {
            assert!(!error.contains(marker) && !error.is_empty(), "{text}: {error}");
        } else {
            // It is the password, as libpq has it.
            assert!(text.contains('#'), "{text} must be refused");
        }
    }
    for text in ["hunter2", "app:hunter2@db/orders", "app:hunter2@tcp(db:x)/", "app@tcp(db)/?tls=hunter2"] {
        let error = of_mysql(text).unwrap_err();
        assert!(!error.contains(marker) && !error.is_empty(), "{text}: {error}");
    }
    assert!(!format!("{:?}", of_mysql("app:hunter2@tcp(db)/").unwrap()).contains(marker));
}

#[test]
fn a_place_is_shown_without_anything_else() {
    let shown = |host: &str, port| target(host, port, "app", "hunter2", "orders").server().to_string();
    assert_eq!(shown("db", 5432), "db:5432");
    assert_eq!(shown("::1", 1), "[::1]:1");
    assert_eq!(shown("/run/mysqld.sock", 3306), "/run/mysqld.sock");
}

#[tokio::test]
async fn the_check_goes_over_the_url() {
    let service = access();
    let url = "postgres://app:old@db/orders?sslmode=require";
    let place = |user: Option<&str>, tls, ca: Option<&str>| Place {
        url: Text::Written(url.into()),
        user: user.map(|user| Text::Written(user.into())),
        password: Some(Text::Written("new".into())),
        tls,
        ca: ca.map(Into::into),
        server_name: Some("db.internal".to_owned()),
    };
    let plain = place(Some("other"), None, None).target(&service, POSTGRES).await.unwrap();
    assert_eq!((plain.user.as_deref(), plain.password), (Some("other"), Some("new".into())));
    assert_eq!((plain.tls, plain.server_name.as_deref()), (TlsMode::Require, Some("db.internal")));
    let by_ca = place(None, None, Some("/ca")).target(&service, POSTGRES).await.unwrap();
    assert_eq!((by_ca.tls, by_ca.user.as_deref()), (TlsMode::VerifyCa, Some("app")));
    let full = place(None, Some(TlsMode::VerifyFull), Some("/ca")).target(&service, POSTGRES).await.unwrap();
    assert_eq!((full.tls, full.ca), (TlsMode::VerifyFull, Some(FileName::new("/ca", Rights::Lictor))));
}

#[test]
fn a_password_that_looks_like_a_url_is_none() {
    for password in ["//", "//x", "x://y", "://"] {
        let given = Some(Some(password.into()));
        let of = |target: Result<Target, String>| target.ok().map(|target| target.password);
        assert_eq!(of(of_mysql(&format!("a:{password}@tcp(db)/x"))), given, "{password}");
        assert_eq!(of(of_postgres(&format!("host=db password='{password}'"))), given, "{password}");
    }
    for elsewhere in ["postgres://a:b@db/x", "http://db/x", "redis://db"] {
        let error = of_mysql(elsewhere).expect_err(elsewhere);
        assert_eq!(error, "it is not a URL that begins with mysql://", "{elsewhere}");
    }
}

proptest! {
    #[test]
    fn no_text_does_harm(text in "\\PC{0,80}|[a-z0-9:/@()?=&%' \\\\\\[\\]-]{0,80}") {
        for parse in [of_postgres as fn(&str) -> _, of_mysql, of_redis] {
            if let Ok(target) = parse(&text) {
                prop_assert!(!target.server().to_string().is_empty());
            }
        }
    }

    #[test]
    fn a_password_arrives_as_it_is(password in "\\PC{1,40}") {
        let given = Some(password.as_str().into());
        let quoted = password.replace('\\', "\\\\").replace('\'', "\\'");
        prop_assert_eq!(of_postgres(&format!("host=db password='{quoted}'")).map(|target| target.password), Ok(given.clone()));
        let encoded = utf8_percent_encode(&password, NON_ALPHANUMERIC);
        prop_assert_eq!(of_postgres(&format!("postgres://a:{encoded}@db/")).map(|target| target.password), Ok(given.clone()));
        prop_assert_eq!(of_mysql(&format!("a:{password}@tcp(db)/x")).map(|target| target.password), Ok(given));
    }
}
