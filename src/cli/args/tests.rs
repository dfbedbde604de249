use std::ffi::OsString;
use std::time::Duration;

use clap::CommandFactory;

use super::{Cli, Ended, Stream, Times, Verb, parse};
use crate::config::reference::{Block, find};
use crate::config::{FlagValue, Flags, Override, SourceFlag, TOP, Warning};

fn line(words: &[&str]) -> Result<Cli, Ended> {
    parse(std::iter::once("lictor").chain(words.iter().copied()).map(OsString::from))
}

fn run(words: &[&str]) -> super::RunArgs {
    match line(&[&["run"], words].concat()) {
        Ok(Cli { verb: Verb::Run(run) }) => *run,
        other => panic!("{words:?}: {other:?}"),
    }
}

fn flags(run: &super::RunArgs) -> Flags {
    run.configuration.configuration().flags
}

fn command(run: &super::RunArgs) -> Vec<String> {
    run.configuration.configuration().command
}

/// The words as clap gets them.
fn normal(words: &[&str]) -> Vec<String> {
    let all = ["lictor", "run"].iter().chain(words).map(|word| (*word).to_owned()).collect();
    super::words::normalise(all, &Cli::command()).unwrap().line.split_off(2)
}

#[test]
fn clap_s_own_checks() {
    Cli::command().debug_assert();
}

#[test]
fn one_dash_or_two() {
    for (words, expected) in [
        (&["-prefix", "x"][..], &["--prefix=x"][..]),
        (&["--prefix", "x"], &["--prefix=x"]),
        (&["-prefix=x"], &["--prefix=x"]),
        (&["-prefix", "-x"], &["--prefix=-x"]),
        (&["-prefix="], &["--prefix="]),
        (&["-upcase", "-sanitize=false"], &["--upcase", "--sanitize=false"]),
        (&["-c", "a.hcl"], &["--config=a.hcl"]),
        (&["-config=a=b"], &["--config=a=b"]),
        (&["-once", "app", "-x"], &["--once", "--", "app", "-x"]),
        (&["-once", "--", "app", "--", "-x"], &["--once", "--", "app", "--", "-x"]),
        (&["-prefix"], &["--prefix"]),
        (&["-"], &["--", "-"]),
        (&["-consul", "h:1"], &["--consul-addr=h:1"]),
        (&["-timeout", "5s", "-upcase"], &["--upcase"]),
    ] {
        assert_eq!(normal(words), expected, "{words:?}");
    }
}

#[test]
fn the_common_case() {
    let run = run(&["--prefix", "billing/", "--", "/opt/billing/billing", "-addr", ":8080"]);
    assert_eq!(run.configuration.configuration().command, ["/opt/billing/billing", "-addr", ":8080"]);
    assert_eq!(flags(&run).sources, [SourceFlag::Prefix("billing/".into())]);
    assert_eq!((run.times(), run.configuration.configuration().paths.len()), (Times::Always, 0));
}

#[test]
fn sources_keep_their_order() {
    let run = run(&["-file", "a", "-prefix=b", "--directory", "c", "--prefix", "d", "-no-prefix=false"]);
    let expected = [
        SourceFlag::File("a".into()),
        SourceFlag::Prefix("b".into()),
        SourceFlag::Directory("c".into()),
        SourceFlag::Prefix("d".into()),
    ];
    assert_eq!(flags(&run).sources, expected);
    assert_eq!(flags(&run).no_prefix, Some(false));
}

#[test]
fn booleans_are_go_s() {
    for (words, upcase) in [
        (&["-upcase"][..], true),
        (&["-upcase=false"], false),
        (&["--upcase=f"], false),
        (&["--upcase=TRUE"], true),
        (&["--upcase", "--upcase=0"], false),
    ] {
        let value = FlagValue::Switch(upcase);
        assert_eq!(
            flags(&run(words)).overrides,
            [Override { flag: "--upcase", path: &["upcase"], value }],
            "{words:?}"
        );
    }
    assert_eq!(
        run(&["-upcase", "false"]).configuration.configuration().command,
        ["false"],
        "as in Go, the next word is no value"
    );
    assert_eq!(flags(&run(&["-no-prefix"])).no_prefix, Some(true));
    assert_eq!(flags(&run(&[])).no_prefix, None);
    assert_eq!(run(&["-once"]).times(), Times::Once);
    assert_eq!(run(&["-once=false"]).times(), Times::Always);
    assert!(line(&["run", "-upcase=maybe"]).unwrap_err().text.contains("write true or false"));
}

#[test]
fn a_switch_that_is_written_with_a_space_does_not_swallow_the_flags_behind_it() {
    for words in [&["--upcase", "true", "--", "app"][..], &["-sanitize", "FALSE", "-prefix", "x", "app"]] {
        let ended = line(&[&["run"], words].concat()).expect_err("refused");
        assert_eq!((ended.code, ended.stream), (2, Stream::Stderr), "{words:?}");
        let meant = format!("--{}={}", words[0].trim_start_matches('-'), words[1]);
        assert!(ended.text.contains(&meant), "{words:?}: {}", ended.text);
    }
    assert_eq!(command(&run(&["--upcase", "--", "true", "x"])), ["true", "x"]);
    assert_eq!(command(&run(&["--name", "true", "--", "x"])), ["x"]);
}

#[test]
fn every_flag_of_envconsul_s_that_is_served() {
    let names = [
        "consul-addr",
        "consul-token",
        "consul-auth",
        "consul-retry",
        "consul-retry-attempts",
        "consul-retry-backoff",
        "consul-retry-max-backoff",
        "consul-ssl",
        "consul-ssl-verify",
        "consul-ssl-ca-cert",
        "consul-ssl-ca-path",
        "consul-ssl-cert",
        "consul-ssl-key",
        "consul-ssl-server-name",
        "consul-transport-dial-keep-alive",
        "consul-transport-dial-timeout",
        "consul-transport-disable-keep-alives",
        "consul-transport-max-idle-conns-per-host",
        "consul-transport-tls-handshake-timeout",
        "exec",
        "exec-kill-signal",
        "exec-kill-timeout",
        "exec-splay",
        "kill-signal",
        "reload-signal",
        "log-level",
        "max-stale",
        "pid-file",
        "pristine",
        "sanitize",
        "upcase",
        "wait",
        "name",
        "status",
        "statsd",
        "state",
    ];
    for name in names {
        let flags = flags(&run(&[&format!("-{name}=1")]));
        let [given] = flags.overrides.as_slice() else { panic!("{name}: {flags:?}") };
        assert_eq!(given.flag, format!("--{name}"));
    }
}

#[test]
fn old_flags_have_a_new_name_and_a_warning() {
    let flags = flags(&run(&["-token", "t", "-auth=u:p", "-ssl", "-retry", "5s", "-timeout=1s"]));
    let given: Vec<&str> = flags.overrides.iter().map(|given| given.flag).collect();
    assert_eq!(given, ["--consul-token", "--consul-auth", "--consul-retry-backoff", "--consul-ssl"]);
    let warnings: Vec<String> = flags.warnings.iter().map(Warning::to_string).collect();
    assert_eq!(
        warnings,
        [
            "-token: this is the old form of --consul-token",
            "-auth: this is the old form of --consul-auth",
            "-ssl: this is the old form of --consul-ssl",
            "-retry: this is the old form of --consul-retry-backoff",
            "-timeout: this has no effect: the service runs as long as it wants",
        ]
    );
}

#[test]
fn the_operator_s_words() {
    let Ok(Cli { verb: Verb::Hold(hold) }) = line(&["hold", "waiting", "for", "the", "DBA", "-for", "24h"]) else {
        panic!("hold")
    };
    assert_eq!((hold.reason.join(" ").as_str(), hold.length), ("waiting for the DBA", Some(Duration::from_hours(24))));
    let Ok(Cli { verb: Verb::Retry(retry) }) = line(&["retry", "3f9a0c12be77", "--timeout=5s", "-name", "x"]) else {
        panic!("retry")
    };
    assert_eq!(retry.fingerprint, "3f9a0c12be77".parse().ok());
    assert_eq!((retry.patient.timeout, retry.patient.target.name.as_deref()), (Duration::from_secs(5), Some("x")));
    for wrong in [&["signal"][..], &["retry", "x"], &["unhold", "now"], &["hold", "--for", "soon"], &["env", "x"]] {
        assert_eq!(line(wrong).expect_err("wrong usage").code, 2, "{wrong:?}");
    }
}

#[test]
fn what_is_not_served_is_refused_by_name() {
    for (words, sentence) in [
        (&["run", "-vault-addr", "x"][..], "--vault-addr is not supported yet"),
        (&["run", "--vault-renew-token=false"], "--vault-renew-token is not supported yet"),
        (&["run", "-secret=x"], "--secret is not supported yet"),
        (&["run", "-service-query", "x"], "--service-query is not supported yet"),
        (&["run", "-service-format-id=x"], "--service-format-id is not supported yet"),
        (&["run", "-syslog"], "--syslog is not supported yet"),
        (&["envconsul", "-prefix", "x"], "envconsul is not supported yet"),
    ] {
        let ended = line(words).expect_err(sentence);
        assert_eq!((ended.text.as_str(), ended.code, ended.stream), (sentence, 2, Stream::Stderr));
    }
    let ended = parse(["/usr/bin/envconsul", "-prefix", "x"].map(OsString::from)).expect_err("by another name");
    assert_eq!((ended.text.as_str(), ended.code), ("envconsul is not supported yet", 2));
    assert_eq!(command(&run(&["--", "-vault-addr"])), ["-vault-addr"], "the command's own words are left alone");
}

#[test]
fn wrong_usage_ends_with_2() {
    for words in
        [&[][..], &["runn"], &["run", "-prefx", "x"], &["run", "-prefix"], &["status", "--nope"], &["buildinfo"]]
    {
        let ended = line(words).expect_err("wrong usage");
        assert_eq!((ended.code, ended.stream), (2, Stream::Stderr), "{words:?}");
        assert!(!ended.text.is_empty(), "{words:?}");
    }
    assert!(line(&["run", "-prefx", "x"]).unwrap_err().text.contains("--prefix"));
}

#[test]
fn help_and_version_are_answers() {
    for words in [&["--version"][..], &["-v"], &["-version"], &["run", "-v"], &["run", "--version"]] {
        let ended = line(words).expect_err("an answer");
        assert_eq!((ended.code, ended.stream), (0, Stream::Stdout), "{words:?}");
        assert!(ended.text.ends_with(env!("CARGO_PKG_VERSION")), "{words:?}: {}", ended.text);
    }
    for words in [&["--help"][..], &["-h"], &["-help"], &["run", "-h"], &["run", "-help"], &["validate", "--help"]] {
        let ended = line(words).expect_err("an answer");
        assert_eq!((ended.code, ended.stream), (0, Stream::Stdout), "{words:?}");
        assert!(ended.text.contains("Usage: lictor"), "{words:?}: {}", ended.text);
    }
}

#[test]
fn the_other_verbs() {
    let Ok(Cli { verb: Verb::Validate(validate) }) =
        line(&["validate", "-version", "1.214", "--timeout=10s", "--name", "b"])
    else {
        panic!("validate")
    };
    assert_eq!((validate.version.as_deref(), validate.timeout), (Some("1.214"), Duration::from_secs(10)));
    assert_eq!(validate.target.name.as_deref(), Some("b"));
    let Ok(Cli { verb: Verb::Validate(validate) }) = line(&["validate"]) else { panic!("validate") };
    assert_eq!((validate.version, validate.timeout), (None, Duration::from_secs(150)));
    assert!(line(&["validate", "--timeout", "5"]).unwrap_err().text.contains("needs a unit"));
    assert!(line(&["status", "--socket", "/x", "--name", "b"]).is_err());
    let Ok(Cli { verb: Verb::Check(check) }) = line(&["check", "-c", "a", "-config", "b"]) else { panic!("check") };
    assert_eq!(check.configuration().paths, ["a", "b"].map(std::path::PathBuf::from));
    let Ok(Cli { verb: Verb::Buildinfo(buildinfo) }) = line(&["buildinfo", "/bin/x", "-json"]) else {
        panic!("buildinfo")
    };
    assert!(buildinfo.json);
    let Ok(Cli { verb: Verb::Status(status) }) = line(&["status", "-json"]) else { panic!("status") };
    assert!(status.json && !status.watch);
}

#[test]
fn check_and_plan_take_the_line_of_a_unit() {
    let unit = ["-c", "a.hcl", "-prefix", "x", "-upcase", "-token=t", "--name", "b", "-once", "--", "app", "-x"];
    let Ok(Cli { verb: Verb::Check(check) }) = line(&[&["check"], &unit[..]].concat()) else { panic!("check") };
    let Ok(Cli { verb: Verb::Plan(plan) }) = line(&[&["plan"], &unit[..]].concat()) else { panic!("plan") };
    let run = run(&unit).configuration.configuration();
    assert_eq!((check.configuration(), plan.configuration.configuration()), (run.clone(), run.clone()));
    assert!(run.is_given() && run.flags.warnings.len() == 1, "{run:?}");
    assert_eq!(plan.target().name.as_deref(), Some("b"));

    let Ok(Cli { verb: Verb::Check(check) }) = line(&["check", "a.hcl", "dir", "-c", "b.hcl"]) else { panic!("check") };
    assert_eq!(check.configuration().paths, ["a.hcl", "dir", "b.hcl"].map(std::path::PathBuf::from));
    let Ok(Cli { verb: Verb::Plan(plan) }) = line(&["plan", "--name", "b", "--json"]) else { panic!("plan") };
    assert!(!plan.configuration.configuration().is_given(), "the lictor of b is asked");
}

#[test]
fn a_token_is_not_in_the_debug_text() {
    let run = run(&["-consul-token", "hunter2", "-consul-auth", "u:hunter2"]);
    assert!(!format!("{run:?} {:?}", flags(&run)).contains("hunter2"));
}

#[test]
fn every_flag_stands_for_a_word_of_the_configuration() {
    for (flag, way) in super::flags() {
        let found = find(&TOP, way).unwrap_or_else(|_| panic!("{flag}: {way:?}"));
        let is_text = |block: &&Block| block.short.is_some();
        assert!(found.attribute.is_some() || found.way.last().is_some_and(is_text), "{flag}: {way:?}");
    }
}
