//! Several files, flags and the environment: who wins.

use std::path::PathBuf;
use std::time::Duration;

use super::{Case, LEAST};
use crate::config::{FlagValue, Flags, Inputs, Override, SourceFlag, load};

fn text(flag: &'static str, path: &'static [&'static str], value: &str) -> Override {
    Override { flag, path, value: FlagValue::Text(value.to_owned()) }
}

#[test]
fn single_blocks_merge_by_attribute_and_repeated_ones_add_up() {
    let settings = Case::of(&[
        ("a.hcl", "prefix {\n  path = \"a\"\n}\nexec {\n  command = [\"x\"]\n  kill_timeout = \"1s\"\n  env {\n    pristine = true\n    custom = [\"A=1\"]\n  }\n}\nstatsd {\n  tags = { a = \"1\", b = \"2\" }\n}\n"),
        ("b.hcl", "file {\n  path = \"/b\"\n}\nexec {\n  kill_timeout = \"2s\"\n  env {\n    custom = [\"B=2\"]\n  }\n}\nstatsd {\n  tags = { c = \"3\" }\n}\n"),
        ("c.json", "{\"prefix\": {\"path\": \"c\"}, \"exec\": {\"kill_signal\": \"SIGINT\"}}"),
    ])
    .settings();
    let names: Vec<&str> = settings.sources.iter().map(|source| &*source.name).collect();
    assert_eq!(names, ["consul a/", "file /b", "consul c/"]);
    assert_eq!((settings.command.kill_timeout, settings.command.kill_signal), (Duration::from_secs(2), 2));
    assert!(settings.command.inherit.pristine);
    assert_eq!(settings.rules.custom, [("B".to_owned(), "2".to_owned())]);
    assert_eq!(settings.statsd.tags, [("c".to_owned(), "3".to_owned())]);
}

#[test]
fn a_single_block_twice_in_one_file_names_both_lines() {
    let twice = format!("{LEAST}\nexec {{\n  user = \"x\"\n}}\n");
    let error = "a.hcl:8:1: `exec` is given twice, here and on line 4: write it once";
    assert_eq!(Case::of(&[("a.hcl", &twice)]).errors(), error);
    let inside = format!("consul {{\n  retry {{\n  }}\n  retry {{\n  }}\n}}\n{LEAST}");
    let error = "a.hcl:4:3: `retry` is given twice, here and on line 2: write it once";
    assert_eq!(Case::of(&[("a.hcl", &inside)]).errors(), error);
    let both = format!("wait = \"1s\"\nwait {{\n}}\n{LEAST}");
    let error = "a.hcl:2:1: `wait` is given twice, here and on line 1: write it once";
    assert_eq!(Case::of(&[("a.hcl", &both)]).errors(), error);
    assert!(Case::of(&[("a.hcl", LEAST), ("b.hcl", "exec {\n  user = \"x\"\n}\n")]).load().is_ok());
}

#[test]
fn a_text_replaces_a_block_and_a_block_a_text() {
    let quiet = |first: &str, second: &str| {
        let settings = Case::of(&[("a.hcl", &format!("{first}\n{LEAST}")), ("b.hcl", second)]).settings();
        (settings.policy.quiet_min.as_secs(), settings.policy.quiet_max.as_secs())
    };
    assert_eq!(quiet("wait {\n  min = \"1s\"\n  max = \"2s\"\n}", "wait = \"5s\""), (5, 20));
    assert_eq!(quiet("wait = \"5s:30s\"", "wait {\n  min = \"1s\"\n}"), (1, 4));
}

#[test]
fn flags_win_over_files_and_files_over_the_environment() {
    let file = format!("consul {{\n  address = \"file:1\"\n  token = \"file\"\n}}\nname = \"file\"\n{LEAST}");
    let environment = [
        ("CONSUL_HTTP_ADDR", "environment:1"),
        ("CONSUL_HTTP_TOKEN", "environment"),
        ("CONSUL_HTTP_TOKEN_FILE", "/environment"),
    ];
    let flags = Flags {
        sources: vec![
            SourceFlag::File("/f".into()),
            SourceFlag::Prefix("p".into()),
            SourceFlag::Directory("/d".into()),
        ],
        no_prefix: Some(false),
        overrides: vec![
            text("--consul-addr", &["consul", "address"], "flag:1"),
            text("--name", &["name"], "flag"),
            text("--status", &["status", "address"], "127.0.0.1:0"),
            Override { flag: "--upcase", path: &["upcase"], value: FlagValue::Switch(true) },
        ],
        warnings: Vec::new(),
    };
    let files = [("a.hcl", file.as_str())];
    let case = Case { flags, environment: &environment, command: &["/bin/other", "a b"], ..Case::of(&files) };
    let settings = case.settings();
    assert_eq!((settings.name.as_str(), settings.consul.address.as_str()), ("flag", "flag:1"));
    assert_eq!((settings.consul.token, settings.consul.token_file), (Some("file".into()), None));
    assert_eq!(settings.command.program, PathBuf::from("/bin/other"));
    assert_eq!(settings.command.arguments, ["a b"]);
    assert!(settings.status.chosen);
    let names: Vec<&str> = settings.sources.iter().map(|source| &*source.name).collect();
    assert_eq!(names, ["consul app/", "file /f", "consul p/", "directory /d"]);
    let prefixes: Vec<Option<&str>> = settings.sources.iter().map(|source| source.mapping.prefix.as_deref()).collect();
    assert_eq!(prefixes, [None, None, Some("p"), None]);
    assert!(settings.sources.iter().all(|source| source.mapping.upcase));

    let settings = Case { environment: &environment, ..Case::of(&[("a.hcl", LEAST)]) }.settings();
    assert_eq!(settings.consul.address, "environment:1");
    assert_eq!(settings.consul.token_file, Some(PathBuf::from("/environment")));
}

#[test]
fn tls_of_the_environment_goes_with_an_address_of_the_file() {
    let environment = [("CONSUL_CACERT", "/ca.pem"), ("CONSUL_HTTP_SSL", "true")];
    let tls = |consul: &str| {
        let text = format!("consul {{\n{consul}\n}}\n{LEAST}");
        Case { environment: &environment, ..Case::of(&[("a.hcl", &text)]) }.settings().consul.tls
    };
    let ca = |text: &str| tls(text).map(|tls| (tls.ca_cert, tls.verify));
    assert_eq!(ca("  address = \"https://h\""), Some((Some("/ca.pem".into()), true)));
    assert_eq!(ca("  ssl {\n    verify = false\n  }"), Some((Some("/ca.pem".into()), false)));
    assert_eq!(ca("  ssl {\n    ca_cert = \"/own.pem\"\n  }"), Some((Some("/own.pem".into()), true)));
    assert_eq!(ca("  ssl {\n    enabled = false\n  }"), None);
}

#[test]
fn a_bad_variable_is_named() {
    let case = Case { environment: &[("CONSUL_HTTP_SSL", "maybe")], ..Case::of(&[("a.hcl", LEAST)]) };
    let errors = case.errors();
    assert!(errors.starts_with("the environment: CONSUL_HTTP_SSL is not a boolean"), "{errors}");
}

#[test]
fn errors_of_flags_name_the_flag() {
    let flags = Flags {
        sources: vec![SourceFlag::Prefix("/".into())],
        overrides: vec![
            text("--exec-kill-timeout", &["exec", "kill_timeout"], "5"),
            text("--exec", &["exec", "command"], "a b"),
        ],
        ..Flags::default()
    };
    let errors = Case { flags, ..Case::of(&[]) }.errors();
    assert_eq!(
        errors.lines().collect::<Vec<_>>(),
        [
            "--exec: exec.command: a command is not split into words: write a list, as in [\"/path/to/program\", \"-flag\"], \
         or name a shell, as in [\"sh\", \"-c\", \"...\"]",
            "--exec-kill-timeout: exec.kill_timeout: a duration needs a unit, as in \"5s\", \"250ms\" or \"1m30s\"",
            "--prefix: prefix.path: does not name a folder: write the folder's path, since the whole store is never read",
        ]
    );
}

#[test]
fn directories_are_read_in_lexical_order() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("20.hcl", "name = \"second\"\n");
    write("10.hcl", &format!("name = \"first\"\n{LEAST}"));
    write("30.json", "{\"upcase\": true}");
    write("40.txt", "this is no configuration");
    write(".50.hcl", "nor is this");
    std::fs::create_dir(directory.path().join("60.hcl")).unwrap();
    let paths = [directory.path().to_owned()];
    let flags = Flags::default();
    let inputs = Inputs { paths: &paths, flags: &flags, command: &[], lookup: &|_| None };
    let (settings, warnings) = load(inputs).unwrap();
    assert_eq!((settings.name.as_str(), settings.sources[0].mapping.upcase), ("second", true));
    assert_eq!(warnings, Vec::new());
}

#[test]
fn what_cannot_be_read_is_said_once() {
    let paths = [PathBuf::from("/nowhere/lictor.hcl")];
    let flags = Flags::default();
    let errors = load(Inputs { paths: &paths, flags: &flags, command: &[], lookup: &|_| None }).unwrap_err();
    assert_eq!(errors.to_string(), "/nowhere/lictor.hcl: cannot be read: No such file or directory (os error 2)");
}

#[test]
fn the_words_of_the_command_line() {
    let file = [("a.hcl", "file {\n  path = \"/x\"\n}\n")];
    let case = |command| Case { command, ..Case::of(&file) };
    let settings = case(&["/opt/my app/run"]).settings();
    assert_eq!((settings.command.program, settings.name.as_str()), (PathBuf::from("/opt/my app/run"), "run"));
    assert_eq!(
        case(&["/opt/my app/run"]).warnings(),
        "the command line: the command is one word with spaces in it, and run as one program: write its words apart, \
         or name a shell, as in -- sh -c '...'"
    );
    assert_eq!(case(&["/opt/my app/run", "a b"]).warnings(), "");
    let overrides = vec![text("--exec", &["exec", "command"], "/bin/exec")];
    let both = || Case { flags: Flags { overrides: overrides.clone(), ..Flags::default() }, ..case(&["/bin/words"]) };
    assert_eq!(both().settings().command.program, PathBuf::from("/bin/exec"));
    assert_eq!(both().warnings(), "the command line: the command is not used: --exec is given too");
}
