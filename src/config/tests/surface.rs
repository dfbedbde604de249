//! The whole of the surface's configuration, and its defaults.

use std::path::PathBuf;
use std::time::Duration;

use super::{Case, Flags, Inputs, LEAST, errors_of, load, with};
use crate::check::{Command, Http, Kind, Text};
use crate::config::{Admin, Apply, Log, LogFormat, State, Statsd, Status, Style, Version, VersionProcess};
use crate::environment::Visibility;
use crate::environment::glob::Glob;
use crate::environment::schema::{Bound, Pattern, Required, Type};
use crate::machine::policy::{Crash, Empty, GuardRules, Handover, KeyRule, OnChange, Revert, Role, StepSetting};
use crate::source;

const SURFACE: &str = include_str!("surface.hcl");

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn sources_and_names() {
    let settings = Case::of(&[("a.hcl", SURFACE)]).settings();
    assert_eq!(settings.name, "billing");
    assert_eq!(settings.consul.address, "127.0.0.1:8500");
    assert_eq!(settings.consul.token_file, Some(PathBuf::from("/etc/lictor/token")));
    let names: Vec<&str> = settings.sources.iter().map(|source| &*source.name).collect();
    assert_eq!(
        names,
        ["consul global/", "consul billing/", "file /etc/billing/billing.env", "directory /etc/billing/conf.d"]
    );
    for source in &settings.sources {
        assert!(source.required && source.min_keys == 0, "{source:?}");
        assert!(source.mapping.upcase && source.mapping.sanitize, "{source:?}");
        assert_eq!((&source.mapping.prefix, &source.mapping.format), (&None, &None));
    }
    let source::Kind::Consul(prefix) = &settings.sources[0].kind else { panic!("the first is a prefix") };
    assert_eq!((prefix.path.as_str(), prefix.datacenter.as_deref(), prefix.wait), ("global/", None, SECOND * 25));
}

#[test]
fn the_service() {
    let settings = Case::of(&[("a.hcl", SURFACE)]).settings();
    let command = &settings.command;
    assert_eq!(command.program, PathBuf::from("/opt/billing/billing"));
    assert_eq!(command.arguments, ["-addr", ":8080"]);
    assert_eq!(command.directory, Some(PathBuf::from("/opt/billing")));
    assert_eq!(command.user.as_deref(), Some("billing"));
    assert_eq!((command.kill_signal, command.kill_timeout, command.reload_signal), (15, SECOND * 30, Some(1)));
    assert!(!command.inherit.pristine);
    assert_eq!(command.inherit.denylist.len(), 1);
    assert_eq!(settings.rules.custom, [("GOMAXPROCS".to_owned(), "2".to_owned())]);
    assert_eq!(settings.rules.denylist[0].as_str(), "AWS_*");
}

#[test]
fn the_road() {
    let settings = Case::of(&[("a.hcl", SURFACE)]).settings();
    let policy = &settings.policy;
    assert_eq!(policy.service, "billing");
    assert_eq!((policy.quiet_min, policy.quiet_max), (SECOND / 10, SECOND * 2));
    assert_eq!((policy.min_healthy, policy.deadline, policy.revert), (SECOND * 10, SECOND * 90, Revert::ToLastGood));
    assert_eq!(policy.crash, Crash { backoff: SECOND, max_backoff: SECOND * 60, reset_after: SECOND * 60 });
    assert_eq!(policy.check_command, StepSetting::Disabled);
    assert_eq!(policy.handover, Handover::Restart);
    let apply = Apply { check_command: Vec::new(), check_timeout: SECOND * 30 };
    assert_eq!(settings.apply, apply);
    let guard = GuardRules {
        empty: Empty::Hold,
        empty_of: vec![("consul billing/".into(), Empty::Hold)],
        max_loss_percent: 50,
        min_loss: 3,
        window: SECOND * 600,
        sealed: Vec::new(),
    };
    assert_eq!(policy.guard, guard);
    let key = &settings.keys[0];
    assert_eq!((key.label.as_str(), key.required, key.form.kind), ("DATABASE_URL", Required::Yes, Some(Type::Url)));
    assert_eq!((key.visibility, key.on_change), (Visibility::Secret, OnChange::Restart));
}

#[test]
fn the_checks() {
    let settings = Case::of(&[("a.hcl", SURFACE)]).settings();
    let rules: Vec<_> = settings.checks.iter().map(|check| check.rule.clone()).collect();
    assert_eq!(rules, settings.policy.checks);
    let [database, web, disk] = settings.checks.as_slice() else { panic!("three checks") };
    let Kind::Postgres(postgres) = &database.kind else { panic!("it is a PostgreSQL") };
    assert_eq!((&postgres.place.url, postgres.query.as_str()), (&Text::OfService("DATABASE_URL".into()), "SELECT 1"));
    assert_eq!((database.interval, database.timeout), (SECOND * 5, SECOND * 2));
    assert_eq!((database.rule.rise, database.rule.fall, database.rule.role), (1, 3, Role::Readiness));
    assert_eq!((database.rule.good.as_str(), database.rule.bad.as_str()), ("Good", "Bad"));
    assert_eq!(web.kind, Kind::Http(Box::new(Http::get("http://127.0.0.1:8080/healthz"))));
    assert_eq!((web.interval, web.timeout), (SECOND * 5, SECOND * 2));
    assert_eq!((web.rule.good.as_str(), web.rule.bad.as_str()), ("Healthy", "Unhealthy"));
    assert_eq!((web.rule.rise, web.rule.fall, web.rule.role), (1, 3, Role::Readiness));
    let program = PathBuf::from("/usr/local/bin/check_disk");
    assert_eq!(disk.kind, Kind::Command(Command { program, arguments: Vec::new() }));
    assert_eq!(disk.rule.role, Role::Info);
}

#[test]
fn what_is_shown_and_kept() {
    let settings = Case::of(&[("a.hcl", SURFACE)]).settings();
    assert_eq!(settings.version, Version::default());
    assert_eq!(settings.status, Status { address: "127.0.0.1:8127".parse().unwrap(), chosen: true, hosts: Vec::new() });
    let socket = Some(PathBuf::from("/run/lictor/billing.sock"));
    assert_eq!(settings.admin, Admin { socket, mode: 0o660, group: Some("ops".to_owned()) });
    let tags = vec![("env".to_owned(), "prod".to_owned())];
    assert_eq!(settings.statsd, Statsd { tags, ..Statsd::default() });
    let directory = Some(PathBuf::from("/var/lib/lictor/billing"));
    assert_eq!(settings.state, State { directory, max_age: SECOND * 2_592_000, boot_grace: SECOND * 10 });
    assert_eq!(settings.log, Log { level: tracing::Level::INFO, format: LogFormat::Auto });
}

#[test]
fn defaults() {
    let settings = with("");
    assert_eq!(settings.name, "app");
    assert_eq!(
        settings.status,
        Status { address: "127.0.0.1:8127".parse().unwrap(), chosen: false, hosts: Vec::new() }
    );
    assert_eq!(settings.statsd.address, "127.0.0.1:8125");
    assert_eq!((settings.statsd.prefix.as_str(), settings.statsd.style), ("lictor", Style::Influx));
    assert_eq!(settings.statsd.interval, SECOND * 5);
    assert_eq!(settings.version.symbol, "main.version");
    assert_eq!(settings.version.process, VersionProcess::Main);
    assert_eq!((settings.admin.socket, settings.admin.mode), (None, 0o660));
    assert_eq!((settings.pid_file, settings.command.env_file), (None, None));
    assert!(settings.listen.is_empty() && settings.keys.is_empty() && settings.checks.is_empty());
    assert_eq!(settings.registration, None);
    assert_eq!(settings.policy.guard, GuardRules::default());
    assert_eq!(settings.consul, crate::consul::Connection::at("127.0.0.1:8500"));
}

#[test]
fn keys_in_full() {
    let settings = with(
        "key \"PORT\" {\n  type = \"port\"\n  min = 1024\n  max = 2000\n  public = true\n  on_change = \"reload\"\n}\n\
         key \"TIMEOUT\" {\n  type = \"duration\"\n  min = \"1s\"\n  one_of = [\"1s\", \"2s\"]\n  pattern = \"\\\\d+s\"\n  \
         default = \"1s\"\n}\nkey \"N\" {\n  type = \"float\"\n  min = -1.5\n}\n",
    );
    let keys = &settings.keys;
    assert_eq!((keys[0].form.min, keys[0].form.max), (Some(Bound::Number(1024.0)), Some(Bound::Number(2000.0))));
    assert_eq!((keys[0].visibility, keys[0].on_change), (Visibility::Public, OnChange::Reload));
    assert_eq!((keys[1].form.min, keys[1].form.max), (Some(Bound::Duration(SECOND)), None));
    assert_eq!(keys[1].form.one_of, ["1s", "2s"]);
    let pattern = keys[1].form.pattern.as_ref().map(Pattern::as_str);
    assert_eq!((pattern, keys[1].default.as_deref()), (Some("\\d+s"), Some("1s")));
    let labels = |globs: &[Glob]| globs.iter().map(|glob| glob.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!(labels(&settings.rules.visibility.public), ["PORT"]);
    assert_eq!(labels(&settings.rules.visibility.private), ["TIMEOUT", "N"]);
    assert_eq!(keys[2].form.min, Some(Bound::Number(-1.5)));
    let rule = KeyRule { label: Glob::parse("PORT").unwrap(), on_change: OnChange::Reload };
    assert_eq!(settings.policy.on_change.first(), Some(&rule));
}

#[test]
fn what_is_not_served_yet_says_so_by_name() {
    let text = "vault {\n}\nsecret {\n  path = \"x\"\n}\nservice {\n}\nsyslog {\n}\nprefix {\n  path = \"a?ns=b\"\n}\n";
    assert_eq!(
        errors_of(text).lines().collect::<Vec<_>>(),
        [
            "a.hcl:1:1: `vault` is not supported yet",
            "a.hcl:3:1: `secret` is not supported yet",
            "a.hcl:6:1: `service` is not supported yet",
            "a.hcl:8:1: `syslog` is not supported yet",
            "a.hcl:11:10: prefix.path: `?ns` is not supported yet",
        ]
    );
}

#[test]
fn sockets_that_are_held_for_the_service() {
    let settings = with(
        "listen \"http\" {\n  address = \"0.0.0.0:8080\"\n}\nlisten \"local\" {\n  address = \"/run/x.sock\"\n}\n",
    );
    let listed: Vec<_> = settings.listen.iter().map(|it| (it.name.as_str(), it.address.to_string())).collect();
    assert_eq!(listed, [("http", "0.0.0.0:8080".to_owned()), ("local", "/run/x.sock".to_owned())]);

    let text = "listen \"a:b\" {\n  address = \"localhost:1\"\n}\nlisten \"x\" {\n  address = \"[::1]:80\"\n}\n\
                listen \"x\" {\n  address = \"[::1]:80\"\n}\nlisten \"dir\" {\n  address = \"/run/\"\n}\n";
    let label =
        "a label is 1 to 64 letters, digits and signs without a colon: it is passed to the service in LISTEN_FDNAMES";
    assert_eq!(
        errors_of(text).lines().collect::<Vec<_>>(),
        [
            format!("a.hcl:1:1: listen \"a:b\": {label}"),
            "a.hcl:2:13: listen \"a:b\".address: expected an IP address and a port, as in \"127.0.0.1:8127\""
                .to_owned(),
            "a.hcl:7:1: listen \"x\": this label is used twice: each socket needs its own".to_owned(),
            "a.hcl:8:13: listen \"x\".address: another listen has this address".to_owned(),
            "a.hcl:11:13: listen \"dir\".address: a path of a socket does not end with a slash".to_owned(),
        ]
    );
}

#[test]
fn overlapping_processes_share_a_socket_that_is_held_for_them() {
    let listen = "listen \"http\" {\n  address = \"0.0.0.0:8080\"\n}\n";
    let overlap = |more: &str| format!("apply {{\n  handover = \"overlap\"\n{more}}}\n");
    assert_eq!(with(&(overlap("") + listen)).policy.handover, Handover::Overlap { share: 100 });
    let settings = with(&(overlap("  share = \"5%\"\n") + listen));
    assert_eq!(settings.policy.handover, Handover::Overlap { share: 5 });
    for (text, error) in [
        (
            overlap(""),
            "a.hcl:2:14: apply.handover: \"overlap\" needs a listen {}: two processes can only share a socket that lictor \
             holds for them",
        ),
        (overlap("  share = \"0%\"\n") + listen, "a.hcl:3:11: apply.share: expected a share from \"1%\" to \"100%\""),
        ("apply {\n  share = \"5%\"\n}\n".to_owned(), "a.hcl:2:11: apply.share: a share needs handover = \"overlap\""),
    ] {
        assert_eq!(errors_of(&text), error);
    }
}

#[test]
fn a_connection_alone_says_nothing_of_a_service_whose_socket_is_held() {
    let text = |check: &str, listen: &str| {
        format!("check \"Port\" {{\n  tcp {{\n{check}  }}\n}}\nlisten \"http\" {{\n  address = \"{listen}\"\n}}\n")
    };
    let refused = "a.hcl:1:1: check \"Port\": it would always pass: lictor itself holds this address (`listen`), so \
                   connections come about without the service; use http or grpc, or have it `expect` something";
    for (address, listen) in [
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("127.0.0.1:8080", "0.0.0.0:8080"),
        ("localhost:8080", "127.0.0.1:8080"),
        ("host.test:8080", "[::]:8080"),
        ("[::1]:8080", "[::1]:8080"),
    ] {
        assert_eq!(errors_of(&text(&format!("    address = \"{address}\"\n"), listen)), refused, "{address} {listen}");
    }
    for (check, listen) in [
        ("    address = \"127.0.0.1:8081\"\n", "0.0.0.0:8080"),
        ("    address = \"127.0.0.2:8080\"\n", "127.0.0.1:8080"),
        ("    address = \"127.0.0.1:8080\"\n    expect = \"ready\"\n", "127.0.0.1:8080"),
        ("    address = \"127.0.0.1:8080\"\n    tls = \"require\"\n", "127.0.0.1:8080"),
    ] {
        assert_eq!(with(&text(check, listen)).checks.len(), 1, "{check} {listen}");
    }
}

#[test]
fn how_the_service_is_told_of_a_change() {
    let of = |words: &str| {
        let text = format!("exec {{\n  command = [\"x\"]\n{words}}}\nfile {{\n  path = \"/x\"\n}}\n");
        let command = Case::of(&[("a.hcl", &text)]).settings().command;
        (command.reload_signal, command.env_file)
    };
    assert_eq!(of("  reload_signal = \"USR1\"\n  env_file = \"/x\"\n"), (Some(10), Some(PathBuf::from("/x"))));
    assert_eq!(of("  reload_signal = \"\"\n  env_file = \"\"\n"), (None, None), "no signal is a choice, too");
    assert_eq!(of(""), (Some(1), None));
}

#[test]
fn the_command_that_checks_a_candidate() {
    let settings = with("apply {\n  check_command = [\"/x\", \"-check-config\"]\n  check_timeout = \"5s\"\n}\n");
    assert_eq!((settings.policy.check_command, settings.apply.check_timeout), (StepSetting::Enabled, SECOND * 5));
    assert_eq!(settings.apply.check_command, ["/x", "-check-config"]);
}

#[test]
fn an_address_that_others_reach_is_a_warning() {
    let at = |address: &str| {
        let text = format!("{LEAST}status {{\n  address = \"{address}\"\n}}\n");
        Case::of(&[("a.hcl", &text)]).warnings()
    };
    let warned = at("0.0.0.0:8127");
    assert!(warned.starts_with("a.hcl:8:13: status.address: everybody who reaches this address can read"), "{warned}");
    assert_eq!(at("127.0.0.1:8127") + &at("[::1]:8127"), "");
}

#[test]
fn a_secret_in_a_file_that_everybody_can_read_is_a_warning_without_the_secret() {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let [file, token_file] = ["a.hcl", "token"].map(|name| folder.path().join(name));
    write(&token_file, "hunter2").unwrap();
    let warned = |consul: &str, mode: u32| {
        write(&file, format!("{LEAST}consul {{\n  {consul}\n}}\n")).unwrap();
        for path in [&file, &token_file] {
            set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        let (paths, flags) = ([file.clone()], Flags::default());
        let inputs = Inputs { paths: &paths, flags: &flags, command: &[], lookup: &|_| None };
        let (_, warnings) = load(inputs).unwrap_or_else(|errors| panic!("{errors}"));
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let by_file = format!("token_file = \"{}\"", token_file.display());
    for (consul, word) in [
        ("token = \"hunter2\"", "consul.token: everybody on this host can read it"),
        (
            "auth {\n    username = \"u\"\n    password = \"hunter2\"\n  }",
            "consul.auth: everybody on this host can read it",
        ),
        (&*by_file, "consul.token_file: everybody on this host can read /"),
    ] {
        let text = warned(consul, 0o644);
        assert!(text.contains(word) && text.contains("chmod 0640") && !text.contains("hunter2"), "{consul}: {text}");
        assert_eq!(warned(consul, 0o640), "", "{consul}");
    }
    assert_eq!(warned("address = \"127.0.0.1:8500\"", 0o644), "", "there is no secret in it");
}

#[test]
fn a_command_and_a_source_are_needed() {
    assert_eq!(
        Case::of(&[]).errors().lines().collect::<Vec<_>>(),
        [
            "no command: write it after `--`, or as command = [\"/path/to/program\"] in exec {}",
            "no source: give --prefix, --file or --directory, or write a prefix {}, file {} or directory {} block",
        ]
    );
    let unreadable = "prefix {\n  path = \"a\n";
    assert_eq!(Case::of(&[("a.hcl", unreadable)]).errors(), "a.hcl:2:1: a quote is not closed on this line");
    assert!(Case::of(&[("a.hcl", LEAST)]).load().is_ok());
}
