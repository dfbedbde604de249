//! `postgres {}`, `mysql {}`, `redis {}` and `tcp {}`: where, as whom, how much TLS.

use super::{Case, errors_of, with};
use crate::check::{Kind, Place, Sql, Tcp, Text, TlsMode};

fn check(block: &str) -> String {
    format!("check \"C\" {{\n  {block}\n}}\n")
}

fn kind(block: &str) -> Kind {
    with(&check(block)).checks.remove(0).kind
}

fn place(url: Text) -> Place {
    Place { url, user: None, password: None, tls: None, ca: None, server_name: None }
}

#[test]
fn a_url_is_enough() {
    let url = Text::OfService("DATABASE_URL".to_owned());
    let sql = Sql { place: place(url.clone()), query: "SELECT 1".to_owned(), expect: None };
    let block = "{\n    url = env_of_service(\"DATABASE_URL\")\n  }";
    assert_eq!(kind(&format!("postgres {block}")), Kind::Postgres(sql.clone()));
    assert_eq!(kind(&format!("mysql {block}")), Kind::Mysql(sql));
    assert_eq!(kind(&format!("redis {block}")), Kind::Redis(place(url)));
    assert_eq!(kind("tcp {\n    address = \"h:1\"\n  }"), Kind::Tcp(Tcp::at("h:1")));
}

#[test]
fn in_full() {
    let full = Place {
        url: Text::Written("postgres://h/".into()),
        user: Some(Text::Written("app".into())),
        password: Some(Text::InFile("/run/password".into())),
        tls: Some(TlsMode::VerifyCa),
        ca: Some("/ca.pem".into()),
        server_name: Some("db.internal".to_owned()),
    };
    let words = "url = \"postgres://h/\"\n    user = \"app\"\n    password = file(\"/run/password\")\n    \
                 tls = \"verify-ca\"\n    ca = \"/ca.pem\"\n    server_name = \"db.internal\"\n";
    let sql = Sql { place: full.clone(), query: "SELECT 2".to_owned(), expect: Some(String::new()) };
    let more = "    query = \"SELECT 2\"\n    expect = \"\"\n  }";
    assert_eq!(kind(&format!("postgres {{\n    {words}{more}")), Kind::Postgres(sql));
    let of_redis = Place { url: Text::Written("redis://h/".into()), ..full };
    assert_eq!(kind(&format!("redis {{\n    {}  }}", words.replace("postgres:", "redis:"))), Kind::Redis(of_redis));
    let tcp = Tcp {
        tls: TlsMode::VerifyFull,
        ca: Some("/ca.pem".into()),
        send: Some("PING\r\n".to_owned()),
        expect: Some("PONG".to_owned()),
        ..Tcp::at("h:1")
    };
    let words = "address = \"h:1\"\n    ca = \"/ca.pem\"\n    send = \"PING\\r\\n\"\n    expect = \"PONG\"";
    assert_eq!(kind(&format!("tcp {{\n    {words}\n  }}")), Kind::Tcp(tcp));
}

#[test]
fn json_has_its_own_way_of_saying_where_a_text_comes_from() {
    let text = r#"{"file": {"path": "/x"}, "exec": {"command": ["/bin/app"]}, "check": {"C": {"postgres": {
        "url": {"env_of_service": "DATABASE_URL"}, "password": {"file": "/run/password"}}}}}"#;
    let checks = Case::of(&[("a.json", text)]).settings().checks;
    let place = Place {
        password: Some(Text::InFile("/run/password".into())),
        ..place(Text::OfService("DATABASE_URL".to_owned()))
    };
    assert_eq!(checks[0].kind, Kind::Postgres(Sql { place, query: "SELECT 1".to_owned(), expect: None }));
    let wrong = Case::of(&[("a.json", &text.replace("env_of_service", "env"))]).errors();
    assert!(wrong.contains("url: expected text, or {\"env_of_service\": \"NAME\"}"), "{wrong}");
}

#[test]
fn what_cannot_be_meant() {
    let modes = "expected \"disable\" or \"require\" or \"verify-ca\" or \"verify-full\"";
    for (block, error) in [
        ("postgres {\n  }", "check \"C\".postgres: `url` is missing".to_owned()),
        ("mysql {\n    url = \"\"\n  }", "check \"C\".mysql.url: must not be empty".to_owned()),
        (
            "mysql {\n    url = \"mysql://x\"\n    server_name = \"x\"\n  }",
            "unknown word `server_name` in check \"C\".mysql".to_owned(),
        ),
        (
            "redis {\n    url = \"redis://x\"\n    query = \"x\"\n  }",
            "unknown word `query` in check \"C\".redis".to_owned(),
        ),
        ("redis {\n    url = \"redis://x\"\n    tls = \"prefer\"\n  }", format!("check \"C\".redis.tls: {modes}")),
        (
            "tcp {\n    address = \"h:1\"\n    tls = true\n  }",
            "check \"C\".tcp.tls: expected text, found true or false".to_owned(),
        ),
        (
            "postgres {\n    url = \"postgres://x\"\n    tls = \"require\"\n    ca = \"/ca\"\n  }",
            "check \"C\".postgres.ca: is not used with this `tls`: write \"verify-full\" or \"verify-ca\"".to_owned(),
        ),
        (
            "postgres {\n    url = \"postgres://app:hunter2@db:99999/\"\n  }",
            "check \"C\".postgres.url: its port is not a number from 1 to 65535".to_owned(),
        ),
        (
            "mysql {\n    url = \"app:hunter2@db/x\"\n  }",
            "check \"C\".mysql.url: lictor connects by tcp(host:port) and unix(/path) alone".to_owned(),
        ),
    ] {
        let errors = errors_of(&check(block));
        assert!(!errors.contains("hunter2"), "{errors}");
        assert!(errors.lines().any(|line| line.ends_with(&error)), "{block}: {errors}");
    }
}
