//! What lies in `consul/`: the policy gives enough and no more, the check follows `/health`, the seed arrives as written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::harness::client::Request;
use crate::harness::dependency::Dependency;
use crate::harness::lictor::{finish, said};
use crate::harness::{Consul, Setup, eventually};

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("consul").join(name)
}

/// A program that uses this Consul as its user would: by the environment.
fn client(program: impl AsRef<Path>, consul: &Consul) -> Command {
    let mut command = Command::new(program.as_ref());
    let path = std::env::var("PATH").unwrap_or_default();
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers");
    command.env_clear().env("PATH", format!("{}:{path}", peers.display()));
    command.env("CONSUL_HTTP_ADDR", format!("http://{}", consul.address()));
    command
}

fn raw(consul: &Consul, key: &str) -> Vec<u8> {
    consul.ask("GET", &format!("/v1/kv/{key}?raw"), b"").body
}

#[test]
fn the_policy_lets_lictor_read_its_folders_and_nothing_else() {
    let consul = Consul::with_tokens();
    for (key, value) in [("billing/GREETING", "hello"), ("global/COLOUR", "red"), ("elsewhere/SECRET", "s")] {
        consul.put(key, value);
    }
    consul.policy("lictor", &fs::read_to_string(shipped("policy.hcl")).unwrap());
    let token = consul.token("lictor").secret;
    let setup = Setup::on_consul(consul.address()).checked();
    fs::write(setup.path("token"), &token).unwrap();
    let settings = format!("consul {{\n  token_file = \"{}\"\n}}\n", setup.path("token").display());
    let lictor = setup.config(&settings).config("prefix {\n  path = \"global/\"\n}\n").start();
    lictor.until_good();
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
    assert_eq!(lictor.value("COLOUR").as_deref(), Some("red"));
    assert_eq!(lictor.value("SECRET"), None);

    let headers = [("X-Consul-Token", token.as_str())];
    let asked = |method, path| {
        let answer = Request { method, path, headers: &headers, body: b"x" }.tcp(consul.address()).unwrap();
        (answer.code, answer.text())
    };
    assert_eq!(asked("GET", "/v1/kv/billing/GREETING?raw"), (200, "hello".into()));
    for (method, path) in [
        ("GET", "/v1/kv/elsewhere/SECRET"),
        ("GET", "/v1/kv/billing"),
        ("PUT", "/v1/kv/billing/GREETING"),
        ("PUT", "/v1/kv/elsewhere/SECRET"),
        ("DELETE", "/v1/kv/billing/GREETING"),
        ("GET", "/v1/agent/self"),
        ("GET", "/v1/acl/tokens"),
    ] {
        let (code, text) = asked(method, path);
        assert_eq!(code, 403, "{method} {path}: {text}");
    }
    assert_eq!(asked("GET", "/v1/kv/elsewhere/?recurse").0, 404);
    // With `registration {}` it sees its own service in the catalog, and no other.
    assert_eq!(asked("GET", "/v1/catalog/service/consul"), (200, "[]".into()));
}

#[test]
fn the_check_of_the_service_follows_health() {
    let consul = Consul::start();
    let mut dependency = Dependency::start();
    consul.put("billing/DEPENDENCY", dependency.address().to_string());
    let lictor = Setup::on_consul(consul.address()).checked().start();
    lictor.until_good();

    let text = fs::read_to_string(shipped("lictor-service.hcl")).unwrap();
    let definition = lictor.setup().path("lictor-service.hcl");
    assert!(text.contains("127.0.0.1:8127"), "{text}");
    fs::write(&definition, text.replace("127.0.0.1:8127", &format!("{}:8127", lictor.setup().host()))).unwrap();
    let mut register = client("consul", &consul);
    register.args(["services", "register"]).arg(&definition);
    let registered = finish(register);
    assert!(registered.status.success(), "{}", said(&registered));

    let until = |wanted: &str| {
        eventually(&format!("the check is {wanted}"), || {
            let check = consul.ask("GET", "/v1/health/checks/billing", b"").json()[0].clone();
            (check["Status"] == wanted).then(|| check["Output"].as_str().unwrap().to_owned())
        })
    };
    until("passing");
    dependency.stop();
    let output = until("critical");
    assert!(output.contains("503") && output.contains("Web"), "it says why: {output}");
    dependency.launch();
    until("passing");
}

fn seed(consul: &Consul, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = client(shipped("seed-kv.sh"), consul);
    command.args(arguments).current_dir(folder);
    finish(command)
}

#[test]
fn the_seed_arrives_as_it_was_written() {
    let consul = Consul::start();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let odd = [
        ("PLAIN", "a"),
        ("EMPTY", ""),
        ("QUOTED", r#""it's" 'q' `id` $(id) $HOME \n"#),
        ("SPACES", "  two  "),
        ("EQUAL", "a=b=c"),
        ("AT", "@/etc/passwd"),
        ("DASH", "-flags"),
        ("HASH", "#1"),
    ];
    let lines = odd.map(|(name, value)| format!("{name}={value}")).join("\n");
    fs::write(path("app.env"), format!("# a comment\n\n{lines}\nLAST=no newline")).unwrap();
    fs::create_dir_all(path("conf.d/folder")).unwrap();
    let files: [(&str, &[u8]); 4] =
        [("PEM", b"one\ntwo\n\n"), ("BINARY", b"\0\xff\n"), ("NOTHING", b""), (".hidden", b"x")];
    for (name, value) in files {
        fs::write(path("conf.d").join(name), value).unwrap();
    }

    let output = seed(&consul, folder.path(), &["billing", "app.env", "conf.d"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("12 keys written to billing/"), "{}", said(&output));
    for (name, value) in odd.into_iter().chain([("LAST", "no newline")]) {
        assert_eq!(raw(&consul, &format!("billing/{name}")), value.as_bytes(), "{name}");
    }
    assert_eq!(raw(&consul, "billing/PEM"), b"one\ntwo\n");
    assert_eq!(raw(&consul, "billing/BINARY"), b"\0\xff");
    assert_eq!(raw(&consul, "billing/NOTHING"), b"");
    assert_eq!(consul.ask("GET", "/v1/kv/billing/.hidden", b"").code, 404);
}

#[test]
fn a_seed_with_a_fault_writes_nothing_and_a_refusal_is_a_failure() {
    let consul = Consul::with_tokens();
    let folder = tempfile::tempdir().unwrap();
    for (text, said_of_it) in
        [("A=1\nno assignment\n", "x.env:2"), ("A=1\nB C=2\n", "'B C'"), ("A=1\n../B=2\n", "'../B'"), ("", "no keys")]
    {
        fs::write(folder.path().join("x.env"), text).unwrap();
        let output = seed(&consul, folder.path(), &["billing", "x.env"]);
        assert_eq!(output.status.code(), Some(1), "{text:?}: {}", said(&output));
        assert!(said(&output).contains(said_of_it), "{text:?}: {}", said(&output));
    }
    assert_eq!(consul.ask("GET", "/v1/kv/billing/?recurse", b"").code, 404);

    fs::write(folder.path().join("x.env"), "A=marker-1\nB=marker-2\n").unwrap();
    let output = seed(&consul, folder.path(), &["billing", "x.env"]);
    assert_eq!(output.status.code(), Some(1), "without a token: {}", said(&output));
    assert!(said(&output).contains("billing/A was not written, nor the 1 after it"), "{}", said(&output));
    assert!(!said(&output).contains("marker"), "{}", said(&output));
    assert_eq!(seed(&consul, folder.path(), &["billing"]).status.code(), Some(2));
    assert_eq!(seed(&consul, folder.path(), &["-x", "x.env"]).status.code(), Some(1));
}
