//! envconsul's own files and words, as they are.

use std::path::PathBuf;
use std::time::Duration;

use super::{Case, LEAST, errors_of, with};
use crate::config::{FlagValue, Flags, Override};
use crate::secret::Secret;

#[test]
fn old_forms_are_understood_with_a_warning() {
    let old = "auth {\n  username = \"u\"\n  password = \"p\"\n}\nconsul = \"h:1\"\npath = \"x\"\nretry = \"2s\"\nsplay = \"1s\"\n\
               ssl {\n  verify = false\n}\ntimeout = \"7s\"\ntoken = \"t\"\n\
               prefix {\n  path = \"a\"\n}\nexec {\n  command = [\"x\"]\n  env {\n    whitelist = [\"A\"]\n    \
               blacklist = [\"B\"]\n  }\n}\n";
    let settings = Case::of(&[("a.hcl", old)]).settings();
    assert_eq!(settings.consul.address, "h:1");
    assert_eq!(settings.consul.auth, Some(("u".to_owned(), Some(Secret::from("p")))));
    assert_eq!(settings.consul.token, Some(Secret::from("t")));
    assert_eq!(settings.consul.retry.backoff, Duration::from_secs(2));
    assert_eq!(settings.consul.tls.map(|tls| tls.verify), Some(false));
    assert_eq!(settings.command.kill_timeout, Duration::from_secs(7));
    assert_eq!((settings.rules.allowlist.len(), settings.rules.denylist.len()), (1, 1));
    assert_eq!(
        Case::of(&[("a.hcl", old)]).warnings().lines().collect::<Vec<_>>(),
        [
            "a.hcl:1:1: `auth` is the old form of consul.auth",
            "a.hcl:5:1: `consul = ...` is the old form of consul.address",
            "a.hcl:6:1: `path` has no effect: a prefix is written prefix { path = ... }",
            "a.hcl:7:1: `retry` is the old form of consul.retry.backoff",
            "a.hcl:8:1: `splay` is the old form of exec.splay",
            "a.hcl:8:1: exec.splay has no effect: lictor does not wait at random before it stops the service",
            "a.hcl:9:1: `ssl` is the old form of consul.ssl",
            "a.hcl:12:1: `timeout` is the old form of exec.kill_timeout",
            "a.hcl:13:1: `token` is the old form of consul.token",
            "a.hcl:20:5: `whitelist` is the old form of allowlist",
            "a.hcl:21:5: `blacklist` is the old form of denylist",
        ]
    );
}

#[test]
fn every_word_of_consul_mapping_and_exec_is_known() {
    let text = "kill_signal = \"SIGINT\"\nreload_signal = \"SIGHUP\"\nmax_stale = \"10m\"\nlog_level = \"WARN\"\n\
                pid_file = \"/run/x.pid\"\nwait {\n  bool = true\n  min = \"5s\"\n  max = \"10s\"\n}\n\
                consul {\n  address = \"h:1\"\n  namespace = \"\"\n  token = \"\"\n  token_file = \"\"\n  auth {\n    \
                enabled = true\n    username = \"u\"\n    password = \"p\"\n  }\n  retry {\n    enabled = true\n    \
                attempts = 12\n    backoff = \"250ms\"\n    max_backoff = \"1m\"\n  }\n  ssl {\n    enabled = true\n    \
                verify = false\n    ca_cert = \"/ca\"\n    ca_path = \"/cas\"\n    cert = \"/c\"\n    key = \"/k\"\n    \
                server_name = \"s\"\n  }\n  transport {\n    dial_keep_alive = \"10s\"\n    dial_timeout = \"20s\"\n    \
                disable_keep_alives = false\n    idle_conn_timeout = \"5s\"\n    max_idle_conns = 0\n    \
                max_idle_conns_per_host = 100\n    max_conns_per_host = 0\n    tls_handshake_timeout = \"10s\"\n  }\n}\n\
                prefix {\n  path = \"a\"\n  format = \"x_{{ key }}\"\n  no_prefix = false\n  key {\n    name = \"k\"\n  }\n  \
                key {\n    name = \"l\"\n  }\n}\n\
                exec {\n  command = \"x\"\n  enabled = true\n  splay = \"5s\"\n  timeout = \"0s\"\n  kill_signal = \"SIGINT\"\n  \
                kill_timeout = \"2s\"\n  env {\n    pristine = true\n    custom = [\"A=B=C\"]\n    allowlist = [\"*\"]\n    \
                denylist = [\"X\"]\n  }\n}\n";
    let settings = Case::of(&[("a.hcl", text)]).settings();
    let consul = &settings.consul;
    assert_eq!((&consul.token, &consul.token_file, &consul.namespace), (&None, &None, &None));
    assert_eq!((consul.retry.backoff.as_millis(), consul.retry.max_backoff.as_secs()), (250, 60));
    assert_eq!((consul.transport.dial_keep_alive.as_secs(), consul.transport.dial_timeout.as_secs()), (10, 20));
    let tls = consul.tls.clone().unwrap();
    assert_eq!((tls.verify, tls.server_name.as_deref()), (false, Some("s")));
    assert_eq!((tls.cert, tls.key), (Some(PathBuf::from("/c")), Some(PathBuf::from("/k"))));
    assert_eq!(settings.log.level, tracing::Level::WARN);
    assert_eq!(settings.pid_file, Some(PathBuf::from("/run/x.pid")));
    assert!(settings.sources[0].mapping.format.is_some());
    assert_eq!(settings.rules.custom, [("A".to_owned(), "B=C".to_owned())]);
    assert_eq!(settings.command.kill_signal, 2);
    let warnings = Case::of(&[("a.hcl", text)]).warnings();
    assert!(warnings.lines().all(|line| line.contains(" has no effect: ")), "{warnings}");
    assert_eq!(warnings.lines().count(), 16, "{warnings}");
}

#[test]
fn wait_as_one_text() {
    for (text, min, max) in
        [("10s", 10_000, 40_000), ("10s:30s", 10_000, 30_000), ("10ms", 10, 2_000), ("0s", 0, 2_000)]
    {
        let policy = with(&format!("wait = \"{text}\"\n")).policy;
        assert_eq!((policy.quiet_min.as_millis(), policy.quiet_max.as_millis()), (min, max), "{text}");
    }
    assert_eq!(errors_of("wait = \"30s:10s\""), "a.hcl:1:8: wait: min must not be longer than max");
    assert!(errors_of("wait = \"a:b\"").starts_with("a.hcl:1:8: wait: expected a duration"));
    assert!(errors_of("wait = \"1s:2s:3s\"").starts_with("a.hcl:1:8: wait: expected a duration"));
}

#[test]
fn consul_auth_as_one_text() {
    let auth = |text: &str| {
        let value = FlagValue::Text(text.to_owned());
        let overrides = vec![Override { flag: "--consul-auth", path: &["consul", "auth"], value }];
        let flags = Flags { overrides, ..Flags::default() };
        Case { flags, ..Case::of(&[("a.hcl", LEAST)]) }.load().map(|(settings, _)| settings.consul.auth)
    };
    assert_eq!(auth("u").unwrap(), Some(("u".to_owned(), None)));
    assert_eq!(auth("u:p:q").unwrap(), Some(("u".to_owned(), Some(Secret::from("p:q")))));
    assert_eq!(auth("").unwrap_err().to_string(), "--consul-auth: consul.auth: must not be empty");
}

#[test]
fn wrong_forms_are_errors() {
    for (text, error) in [
        ("consul = true", "a.hcl:1:10: consul: expected a block, found true or false"),
        ("prefix {\n}", "a.hcl:1:1: prefix: `path` is missing"),
        ("not_a_word = 1", "a.hcl:1:1: unknown word `not_a_word`"),
        ("not_a_block {\n}", "a.hcl:1:1: unknown word `not_a_block`"),
    ] {
        assert_eq!(errors_of(text), error, "{text}");
    }
}

#[test]
fn nothing_in_a_file_is_no_error() {
    for empty in ["", "\n", "# only a comment", "\u{feff}"] {
        assert!(Case::of(&[("a.hcl", empty), ("b.hcl", LEAST), ("c.json", "")]).load().is_ok(), "{empty:?}");
    }
}

#[test]
fn lists_are_never_split_at_commas() {
    let list = |value: &str| {
        let text = format!(
            "exec {{\n  command = [\"x\"]\n  env {{\n    allowlist = {value}\n  }}\n}}\nfile {{\n  path = \"/x\"\n}}\n"
        );
        Case::of(&[("a.hcl", &text)]).load()
    };
    assert_eq!(list("\"A\"").unwrap().0.rules.allowlist.len(), 1);
    assert_eq!(list("[\"A\", \"B\"]").unwrap().0.rules.allowlist.len(), 2);
    let errors = list("\"A,B\"").unwrap_err().to_string();
    assert!(errors.ends_with("text is not split at commas: write a list, as in [\"A\", \"B\"]"), "{errors}");
}
