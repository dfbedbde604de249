//! When a host boots, lictor may be earlier than what it needs. What a moment may mend is waited for, or ends with 75, which
//! systemd follows by another start; 78, after which there is none, is for what only a person can mend.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use crate::harness::lictor::{finish, said};
use crate::harness::{Consul, Setup};

/// A setup on a Consul that speaks TLS, by these words of `ssl {}`. None answers: it does not come to that.
fn tls(words: &[(&str, &str)]) -> Setup {
    let setup = Setup::on_consul("127.0.0.1:9".parse().unwrap());
    let line = |(word, name): &(&str, &str)| format!("    {word} = \"{}\"\n", setup.path(name).display());
    let lines: String = words.iter().map(line).collect();
    setup.config(&format!("consul {{\n  ssl {{\n    enabled = true\n{lines}  }}\n}}\n"))
}

/// A certificate and its key, as `NAME.pem` and `NAME.key`.
fn pair(setup: &Setup, name: &str) {
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
    openssl.args(["-subj", "/CN=billing", "-keyout"]).arg(setup.path(&format!("{name}.key")));
    openssl.arg("-out").arg(setup.path(&format!("{name}.pem")));
    let made = finish(openssl);
    assert!(made.status.success(), "{}", said(&made));
}

fn ends(setup: &Setup, code: i32, word: &str) {
    let output = finish(setup.configured("run"));
    assert_eq!(output.status.code(), Some(code), "{word}: {}", said(&output));
    assert!(said(&output).contains(word), "{word}: {}", said(&output));
}

#[test]
fn certificates_for_consul_that_are_not_there_yet_or_half_written_end_with_75() {
    for word in ["ca_cert", "ca_path", "cert"] {
        let setup = tls(&[(word, "later.pem")]);
        ends(&setup, 75, word);
    }
    let setup = tls(&[("ca_path", "later")]);
    fs::create_dir(setup.path("later")).unwrap();
    ends(&setup, 75, "none of its files holds a certificate");

    let setup = tls(&[("ca_cert", "ca.pem")]);
    pair(&setup, "ca");
    let whole = fs::read(setup.path("ca.pem")).unwrap();
    for half in [&b""[..], &whole[..whole.len() / 2]] {
        fs::write(setup.path("ca.pem"), half).unwrap();
        ends(&setup, 75, "ca.pem");
    }

    let setup = tls(&[("cert", "client.pem"), ("key", "client.key")]);
    pair(&setup, "client");
    fs::remove_file(setup.path("client.key")).unwrap();
    ends(&setup, 75, "client.key");
    // Renewed one after the other.
    pair(&setup, "old");
    fs::rename(setup.path("old.key"), setup.path("client.key")).unwrap();
    ends(&setup, 75, "cert");
    // A word without its other half is the text's fault.
    let setup = tls(&[("key", "client.key")]);
    ends(&setup, 78, "key");
}

#[test]
fn places_that_are_not_there_yet_end_with_75_and_those_that_can_never_be_with_78() {
    let directory = || {
        let setup = Setup::on_directory();
        setup.write("GREETING", "hello");
        setup
    };
    let with = |text: &str| {
        let setup = directory();
        let folder = setup.folder().display().to_string();
        setup.config(&text.replace("FOLDER", &folder))
    };
    for (config, word, code) in [
        ("status {\n  address = \"192.0.2.1:8127\"\n}\n", "192.0.2.1:8127", 75),
        ("listen \"http\" {\n  address = \"192.0.2.1:8080\"\n}\n", "192.0.2.1:8080", 75),
        ("listen \"http\" {\n  address = \"FOLDER/later/http.sock\"\n}\n", "later/http.sock", 75),
        ("admin {\n  socket = \"FOLDER/later/x.sock\"\n}\n", "later/x.sock", 75),
        ("admin {\n  group = \"nosuchgroup\"\n}\n", "nosuchgroup", 75),
        ("pid_file = \"FOLDER/later/x.pid\"\n", "later/x.pid", 75),
        ("pid_file = \"FOLDER/0.hcl/x.pid\"\n", "0.hcl/x.pid", 78),
        ("pid_file = \"FOLDER\"\n", "pid_file", 78),
        ("admin {\n  socket = \"FOLDER/0.hcl/x.sock\"\n}\n", "0.hcl/x.sock", 78),
        ("admin {\n  socket = \"FOLDER/0.hcl\"\n}\n", "is not a socket", 78),
    ] {
        ends(&with(config), code, word);
    }
}

#[test]
fn what_the_sources_the_service_and_the_checks_need_is_waited_for() {
    let consul = Consul::with_tokens();
    consul.put("billing/GREETING", "hello");
    consul.policy("reader", "key_prefix \"billing/\" { policy = \"read\" }");
    let setup = Setup::on_consul(consul.address());
    // Somebody has to listen before a certificate is of any use.
    let _server = TcpListener::bind((setup.host(), 8443)).unwrap();
    let path = |name: &str| setup.path(name).display().to_string();
    let text = format!(
        "consul {{\n  token_file = \"{}\"\n  retry {{\n    backoff = \"50ms\"\n    max_backoff = \"100ms\"\n  }}\n}}\n\
         file {{\n  path = \"{}\"\n}}\nexec {{\n  directory = \"{}\"\n}}\n\
         check \"Tls\" {{\n  http {{\n    url = \"https://{}:8443/\"\n    ca = \"{}\"\n  }}\n  role = \"info\"\n  interval = \"100ms\"\n}}\n",
        path("token"),
        path("app.env"),
        path("work"),
        setup.host(),
        path("check-ca.pem"),
    );
    let setup = setup.checked().config(&text);
    let program = setup.path("service");
    fs::rename(&program, setup.path("service.later")).unwrap();
    let lictor = setup.start();

    let board = lictor
        .until("both sources are missed", |board| board.sources.iter().all(|source| source.freshness.error.is_some()));
    assert!(board.process.is_none(), "{board:#?}");
    fs::write(lictor.setup().path("token"), consul.token("reader").secret).unwrap();
    fs::write(lictor.setup().path("app.env"), "COLOUR=red\n").unwrap();

    // Then the program and its directory are missed, by name, and tried again and again.
    let told = |word: &str| lictor.until(word, |board| format!("{board:?}").contains(word));
    told("cannot run in the directory");
    fs::create_dir(lictor.setup().path("work")).unwrap();
    told("does not exist: install it");
    fs::rename(lictor.setup().path("service.later"), &program).unwrap();
    lictor.until_good();

    // The check's certificate is missed by the check alone.
    told("check-ca.pem: no such file or directory");
    pair(lictor.setup(), "check-ca");
    lictor.until("it is read as soon as it is there", |board| {
        let check = board.checks.iter().find(|check| check.name == "Tls").unwrap();
        !format!("{check:?}").contains("check-ca.pem")
    });
}
