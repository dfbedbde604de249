use std::sync::Arc;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use tokio::sync::watch;

use super::Target;
use crate::check::text::OfService;
use crate::check::{Place, Text, TlsMode};

fn target(host: &str, port: Option<u16>, user: &str, password: &str, database: &str) -> Target {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Target {
        host: some(host),
        port,
        user: some(user),
        password: some(password).map(Into::into),
        database: some(database),
        ..Target::default()
    }
}

#[test]
fn urls() {
    let of = |text: &str| Target::of_postgres(text).unwrap();
    assert_eq!(of("postgres://app:p%40ss%2Fw@db:5433/orders"), target("db", Some(5433), "app", "p@ss/w", "orders"));
    assert_eq!(of("postgresql://app@[::1]/"), target("::1", None, "app", "", ""));
    let socket = of("postgres:///orders?host=/run/postgresql&user=app&pool_max_conns=5");
    assert_eq!(socket, target("/run/postgresql", None, "app", "", "orders"));
    let tls = of("postgres://app@db/orders?sslmode=verify-ca&sslrootcert=/etc/ca.pem");
    assert_eq!((tls.tls, tls.ca), (Some(TlsMode::VerifyCa), Some("/etc/ca.pem".into())));
    let socket = Target::of_mysql("mysql://app@localhost/orders?socket=/run/mysqld/mysqld.sock").unwrap();
    assert_eq!(socket.host(), "/run/mysqld/mysqld.sock");
    let mysql = Target::of_mysql("mysql://app:x@db/orders?ssl-mode=VERIFY_IDENTITY&ssl-ca=/ca.pem").unwrap();
    assert_eq!((mysql.tls, mysql.ca), (Some(TlsMode::VerifyFull), Some("/ca.pem".into())));
    assert_eq!(Target::of_redis("redis://h:6380/2").unwrap().tls, Some(TlsMode::Disable));
    assert_eq!(Target::of_redis("rediss://:pw@h").unwrap().tls, Some(TlsMode::VerifyFull));
    assert_eq!(Target::of_redis("unix:///run/redis.sock").unwrap().host.as_deref(), Some("/run/redis.sock"));
}

#[test]
fn the_keywords_of_postgresql() {
    let of = |text: &str| Target::of_postgres(text).unwrap();
    let full = "host=db port=5433 user = app password='it''s' dbname=orders connect_timeout=5";
    assert!(Target::of_postgres(full).is_err(), "two quotes are no escape");
    let full = r"host=db port=5433 user = app password='it\'s \\ fine' dbname=orders connect_timeout=5";
    assert_eq!(of(full), target("db", Some(5433), "app", r"it's \ fine", "orders"));
    assert_eq!(of("user=app password=''"), target("", None, "app", "", ""));
    assert_eq!(of("host=db hostaddr=10.0.0.1 user=app").host(), "10.0.0.1");
    assert_eq!(of("user=app").host(), "localhost");
}

#[test]
fn the_names_of_go_s_mysql_driver() {
    let of = |text: &str| Target::of_mysql(text).unwrap();
    let full = of("app:p@ss:w/o?rd@tcp(db:3307)/orders?parseTime=true&tls=skip-verify");
    let expected = target("db", Some(3307), "app", "p@ss:w/o?rd", "orders");
    assert_eq!(full, Target { tls: Some(TlsMode::Require), ..expected });
    assert_eq!(of("app@tcp(db)/"), target("db", None, "app", "", ""));
    assert_eq!(of("app:x@tcp([::1]:3306)/orders"), target("::1", Some(3306), "app", "x", "orders"));
    assert_eq!(of("app@unix(/run/mysqld.sock)/orders"), target("/run/mysqld.sock", None, "app", "", "orders"));
    assert_eq!(of("/orders").host(), "localhost");
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
        if let Err(error) = Target::of_postgres(text) {
            assert!(!error.contains(marker) && !error.is_empty(), "{text}: {error}");
        } else {
            assert!(text.contains('#'), "{text} must be refused");
        }
    }
    for text in ["hunter2", "app:hunter2@db/orders", "app:hunter2@tcp(db:x)/", "app@tcp(db)/?tls=hunter2"] {
        let error = Target::of_mysql(text).unwrap_err();
        assert!(!error.contains(marker) && !error.is_empty(), "{text}: {error}");
    }
    assert!(!format!("{:?}", Target::of_mysql("app:hunter2@tcp(db)/").unwrap()).contains(marker));
}

#[test]
fn a_place_is_shown_without_anything_else() {
    let shown = |host: &str, port| target(host, port, "app", "hunter2", "orders").shown(5432);
    assert_eq!(shown("db", None), "db:5432");
    assert_eq!(shown("::1", Some(1)), "[::1]:1");
    assert_eq!(shown("/run/mysqld.sock", None), "/run/mysqld.sock");
}

#[tokio::test]
async fn the_check_goes_over_the_url() {
    let service = OfService::new(watch::Sender::default().subscribe(), Arc::new(|_| Vec::new()));
    let url = "postgres://app:old@db/orders?sslmode=require";
    let place = |user: Option<&str>, tls, ca: Option<&str>| Place {
        url: Text::Written(url.into()),
        user: user.map(|user| Text::Written(user.into())),
        password: Some(Text::Written("new".into())),
        tls,
        ca: ca.map(Into::into),
        server_name: Some("db.internal".to_owned()),
    };
    let plain = place(Some("other"), None, None).target(&service, Target::of_postgres).await.unwrap();
    assert_eq!((plain.user.as_deref(), plain.password), (Some("other"), Some("new".into())));
    assert_eq!((plain.tls, plain.server_name.as_deref()), (Some(TlsMode::Require), Some("db.internal")));
    let by_ca = place(None, None, Some("/ca")).target(&service, Target::of_postgres).await.unwrap();
    assert_eq!((by_ca.tls, by_ca.user.as_deref()), (Some(TlsMode::VerifyCa), Some("app")));
    let full = place(None, Some(TlsMode::VerifyFull), Some("/ca")).target(&service, Target::of_postgres).await.unwrap();
    assert_eq!((full.tls, full.ca), (Some(TlsMode::VerifyFull), Some("/ca".into())));
}

#[test]
fn a_password_that_looks_like_a_url_is_none() {
    for password in ["//", "//x", "x://y", "://"] {
        let given = Some(Some(password.into()));
        let of = |target: Result<Target, String>| target.ok().map(|target| target.password);
        assert_eq!(of(Target::of_mysql(&format!("a:{password}@tcp(db)/x"))), given, "{password}");
        assert_eq!(of(Target::of_postgres(&format!("host=db password='{password}'"))), given, "{password}");
    }
    for elsewhere in ["postgres://a:b@db/x", "http://db/x", "redis://db"] {
        let error = Target::of_mysql(elsewhere).expect_err(elsewhere);
        assert_eq!(error, "it is not a URL that begins with mysql://", "{elsewhere}");
    }
}

proptest! {
    #[test]
    fn no_text_does_harm(text in "\\PC{0,80}|[a-z0-9:/@()?=&%' \\\\\\[\\]-]{0,80}") {
        for parse in [Target::of_postgres, Target::of_mysql, Target::of_redis] {
            if let Ok(target) = parse(&text) {
                prop_assert!(!target.shown(1).is_empty());
            }
        }
    }

    #[test]
    fn a_password_arrives_as_it_is(password in "\\PC{1,40}") {
        let given = Some(password.as_str().into());
        let quoted = password.replace('\\', "\\\\").replace('\'', "\\'");
        prop_assert_eq!(Target::of_postgres(&format!("host=db password='{quoted}'")).map(|target| target.password), Ok(given.clone()));
        let encoded = utf8_percent_encode(&password, NON_ALPHANUMERIC);
        prop_assert_eq!(Target::of_postgres(&format!("postgres://a:{encoded}@db/")).map(|target| target.password), Ok(given.clone()));
        prop_assert_eq!(Target::of_mysql(&format!("a:{password}@tcp(db)/x")).map(|target| target.password), Ok(given));
    }
}
