//! What each block refuses, and where it says so.

use std::sync::Arc;

use super::{Case, errors_of, with};
use crate::machine::policy::Empty;
use crate::registration::Drain;
use crate::source::{Commit, FirstSet, Kind, Prefix};

/// The error for the text, which must be the only one.
fn assert_errors(cases: &[(&str, &str)]) {
    for (text, error) in cases {
        assert_eq!(errors_of(text), format!("a.hcl:{error}"), "{text}");
    }
}

#[test]
fn unknown_words_are_errors_with_a_guess() {
    assert_errors(&[
        ("colour = 5", "1:1: unknown word `colour`"),
        ("exec_ {\n}", "1:1: unknown word `exec_`: did you mean `exec`?"),
        ("consul {\n  adress = \"h\"\n}", "2:3: unknown word `adress` in consul: did you mean `address`?"),
        (
            "consul {\n  ssl {\n    enable = true\n  }\n}",
            "3:5: unknown word `enable` in consul.ssl: did you mean `enabled`?",
        ),
        ("key \"A\" {\n  publik = true\n}", "2:3: unknown word `publik` in key \"A\": did you mean `public`?"),
        ("wait {\n  enabled = true\n}", "2:3: unknown word `enabled` in wait"),
        ("prefix {\n  path = \"a\"\n  foo {\n  }\n}", "3:3: unknown word `foo` in prefix"),
        ("log \"x\" {\n}", "1:1: `log` takes no label: log { ... }"),
        ("check {\n}", "1:1: `check` takes one label: check \"NAME\" { ... }"),
        ("check \"a\" \"b\" {\n}", "1:1: `check` takes one label: check \"NAME\" { ... }"),
    ]);
}

#[test]
fn types_are_what_they_are() {
    assert_errors(&[
        ("name = 5", "1:8: name: expected text, in quotes, found a number"),
        ("name = true", "1:8: name: expected text, found true or false"),
        ("name = {}", "1:8: name: expected text, found a block"),
        ("name = \"a\\u0000b\"", "1:8: name: text must not hold a NUL"),
        ("upcase = \"true\"", "1:10: upcase: expected true or false, without quotes, found text"),
        (
            "prefix {\n  path = \"a\"\n  min_keys = \"1\"\n}",
            "3:14: prefix.min_keys: expected a whole number, found text",
        ),
        ("guard {\n  min_loss = -1\n}", "2:14: guard.min_loss: expected a whole number from 0 to 1000000"),
        ("wait = 5", "1:8: wait: expected a block, found a number"),
        ("log = []", "1:7: log: expected a block, found a list"),
        ("prefix = \"a\"", "1:1: prefix: expected a block, found text"),
        ("admin {\n  mode = 660\n}", "2:10: admin.mode: expected permissions as text, as in \"0660\""),
        ("admin {\n  mode = \"0999\"\n}", "2:10: admin.mode: expected permissions as text, as in \"0660\""),
        ("admin {\n  mode = \"4755\"\n}", "2:10: admin.mode: expected permissions as text, as in \"0660\""),
    ]);
}

#[test]
fn durations_have_units() {
    let hint = "a duration needs a unit, as in \"5s\", \"250ms\" or \"1m30s\"";
    let text = "wait {\n  min = 5\n  max = \"10\"\n}\nstate {\n  max_age = \"1y\"\n  boot_grace = \"31d\"\n}";
    let errors = errors_of(text);
    assert_eq!(
        errors.lines().collect::<Vec<_>>(),
        [
            format!("a.hcl:2:9: wait.min: {hint}").as_str(),
            &format!("a.hcl:3:9: wait.max: {hint}"),
            "a.hcl:6:13: state.max_age: months and years are not units here: write hours or days, as in \"720h\"",
            "a.hcl:7:16: state.boot_grace: a duration is at most 30 days (\"720h\")",
        ]
    );
}

#[test]
fn what_could_never_be_good_in_time_is_refused() {
    let tight = |deadline: &str| {
        let check = "check \"Web\" {\n  tcp {\n    address = \"127.0.0.1:1\"\n  }\n  interval = \"1s\"\n}\n";
        format!("{check}apply {{\n  min_healthy = \"10s\"\n  deadline = \"{deadline}\"\n}}\n")
    };
    let refused = errors_of(&tight("10s"));
    assert!(refused.starts_with("a.hcl:8:17: apply.min_healthy: ") && refused.contains("at least 1s"), "{refused}");
    assert!(errors_of(&tight("10999ms")).contains("apply.min_healthy"));
    with(&tight("11s"));
}

#[test]
fn the_same_source_twice_is_refused_with_both_places() {
    for text in [
        "prefix {\n  path = \"twice/\"\n}\nprefix {\n  path = \"twice\"\n}",
        "file {\n  path = \"/x\"\n}\nfile {\n  path = \"/x\"\n}",
    ] {
        let error = errors_of(text);
        let (begins, ends) =
            ("a.hcl:5:10: this source is the same as the one at ", "a.hcl:2:10: leave one of them out");
        assert!(error.starts_with(begins) && error.ends_with(ends) && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn pairs_must_fit() {
    assert_errors(&[
        ("wait {\n  min = \"5s\"\n  max = \"1s\"\n}", "2:9: wait.min: min must not be longer than max"),
        (
            "apply {\n  min_healthy = \"5m\"\n}",
            "2:17: apply.min_healthy: no change could be good in time: deadline must be longer by at least 1ms, the time between two \
             probes",
        ),
        (
            "crash {\n  backoff = \"5s\"\n  max_backoff = \"1s\"\n}",
            "3:17: crash.max_backoff: must not be shorter than backoff",
        ),
        ("key \"A\" {\n  type = \"int\"\n  min = 2\n  max = 1\n}", "3:9: key \"A\".min: must not be greater than max"),
        (
            "key \"A\" {\n  min = 2\n}",
            "2:9: key \"A\".min: only goes with type = \"int\", \"float\", \"port\" or \"duration\"",
        ),
        (
            "key \"A_*\" {\n  default = \"x\"\n}",
            "2:13: key \"A_*\".default: goes with a whole name only: a label with wildcards names no variable to fill in",
        ),
        (
            "key \"A\" {\n  type = \"int\"\n  max = 5\n  default = \"7\"\n}",
            "4:13: key \"A\".default: breaks the rules of its own block: it is greater than 5",
        ),
        (
            "key \"A\" {\n  pattern = \"[a\"\n}",
            "2:13: key \"A\".pattern: is not a regular expression: non-empty character class has no closing bracket",
        ),
        (
            "prefix {\n  path = \"a@dc1\"\n  datacenter = \"dc2\"\n}",
            "3:16: prefix.datacenter: another datacenter stands in the path after @",
        ),
        (
            "consul {\n  ssl {\n    key = \"k\"\n  }\n}",
            "2:3: consul.ssl: a `key` without `cert`: write both, or a `cert` that holds both",
        ),
        (
            "consul {\n  auth {\n    password = \"p\"\n  }\n}",
            "2:3: consul.auth: a password without `username`: write both",
        ),
    ]);
}

#[test]
fn words_come_from_a_list() {
    assert_errors(&[
        ("guard {\n  empty = \"keep\"\n}", "2:11: guard.empty: expected \"hold\" or \"apply\""),
        ("guard {\n  max_loss = \"101%\"\n}", "2:14: guard.max_loss: expected a share from \"0%\" to \"100%\""),
        ("version {\n  process = \"all\"\n}", "2:13: version.process: expected \"main\" or \"group\""),
        ("statsd {\n  style = \"graphite\"\n}", "2:11: statsd.style: expected \"influx\" or \"datadog\""),
        (
            "statsd {\n  prefix = \"Lictor\"\n}",
            "2:12: statsd.prefix: expected words of a-z, 0-9 and _ with dots between them",
        ),
        (
            "statsd {\n  tags = { service = \"x\" }\n}",
            "2:22: statsd.tags: the name of a tag is letters, digits, `_`, `.` and `-`; lictor's own are `service`, `reason`, `result`, `version`, `source`, `class`, `check`, `name`",
        ),
        (
            "log {\n  level = \"loud\"\n}",
            "2:11: log.level: expected \"trace\", \"debug\", \"info\", \"warn\" or \"error\"",
        ),
        (
            "status {\n  address = \"localhost:1\"\n}",
            "2:13: status.address: expected an IP address and a port, as in \"127.0.0.1:8127\"",
        ),
        (
            "consul {\n  address = \"ftp://h\"\n}",
            "2:13: consul.address: expected host:port, http://..., https://... or unix:///path",
        ),
        (
            "consul {\n  address = \"http://u:secret@h\"\n}",
            "2:13: consul.address: user and password belong in consul.auth, not in the address",
        ),
        ("name = \"..\"", "1:8: name: expected 1 to 64 letters, digits, `.`, `_` and `-`, and no `.` at the beginning"),
    ]);
}

#[test]
fn checks_are_told_apart() {
    let probe = "tcp {\n    address = \"h:1\"\n  }";
    for (label, error) in [
        ("version", "this label is reserved: \"version\" and \"Config\" have their own line in /status"),
        ("Config", "this label is reserved: \"version\" and \"Config\" have their own line in /status"),
        ("", "a label is 1 to 64 printable characters"),
    ] {
        let errors = errors_of(&format!("check \"{label}\" {{\n  {probe}\n}}"));
        assert_eq!(errors, format!("a.hcl:1:1: check {label:?}: {error}"));
    }
    assert_errors(&[
        (
            &format!("check \"D\" {{\n  {probe}\n}}\ncheck \"D\" {{\n  {probe}\n}}"),
            "6:1: check \"D\": this label is used twice: each check needs its own",
        ),
        (
            "check \"D\" {\n}",
            "1:1: check \"D\": has nothing to probe: write an http {}, tcp {}, postgres {} or another such block in it",
        ),
        (
            &format!("check \"D\" {{\n  {probe}\n  http {{\n    url = \"http://h/\"\n  }}\n}}"),
            "1:1: check \"D\": probes two things: write a check for each",
        ),
        ("check \"D\" {\n  http {\n  }\n}", "2:3: check \"D\".http: `url` is missing"),
        (
            "check \"D\" {\n  tcp {\n    address = \":80\"\n  }\n}",
            "3:15: check \"D\".tcp.address: expected host:port, as in \"127.0.0.1:8125\" or \"[::1]:8125\"",
        ),
        (
            &format!("check \"D\" {{\n  {probe}\n  rise = 0\n}}"),
            "5:10: check \"D\".rise: expected a whole number from 1 to 1000000",
        ),
        (
            &format!("check \"D\" {{\n  {probe}\n  interval = \"0s\"\n}}"),
            "5:14: check \"D\".interval: must be at least 10ms",
        ),
        (
            &format!("check \"D\" {{\n  {probe}\n  good = \"Unhealthy\"\n}}"),
            "1:1: check \"D\": `good` and `bad` are the same word: nobody could tell the two apart",
        ),
    ]);
}

#[cfg(not(feature = "redis"))]
#[test]
fn a_kind_that_is_not_built_in_is_refused_by_name() {
    let errors = errors_of("check \"D\" {\n  redis {\n    url = \"redis://h\"\n  }\n}");
    assert!(errors.contains("this lictor was built without redis {}: build it with `--features redis`"), "{errors}");
}

#[test]
fn a_command_is_never_split() {
    let source = "file {\n  path = \"/x\"\n}\n";
    let command = |text: &str| Case::of(&[("a.hcl", &format!("{source}exec {{\n  command = {text}\n}}\n"))]).load();
    let errors = command("\"/bin/app -x\"").unwrap_err().to_string();
    assert!(
        errors.ends_with(
            "a.hcl:5:13: exec.command: a command is not split into words: write a list, as in \
             [\"/path/to/program\", \"-flag\"], or name a shell, as in [\"sh\", \"-c\", \"...\"]"
        ),
        "{errors}"
    );
    for text in ["[]", "\"\"", "[\"\", \"x\"]", "\" \""] {
        assert!(command(text).unwrap_err().to_string().ends_with("exec.command: names no program"), "{text}");
    }
    let (settings, _) = command("\"/bin/app\"").unwrap();
    assert_eq!((settings.command.program.to_str(), settings.name.as_str()), (Some("/bin/app"), "app"));
    let (settings, _) = command("[\"/opt/my app/run\", \"a b\", \"\"]").unwrap();
    assert_eq!(settings.command.arguments, ["a b", ""]);
    let errors = command("[\"/opt/my app\"]").unwrap_err().to_string();
    assert!(errors.contains("the command's file name cannot be the service's name"), "{errors}");
}

#[test]
fn secrets_are_not_repeated() {
    for text in [
        "consul {\n  token = [\"hunter2\"]\n}",
        "consul {\n  auth = \"\"\n  address = \"http://u:hunter2@h/\"\n}",
        "check \"D\" {\n  http {\n    url = \"ftp://u:hunter2@h/\"\n  }\n}",
        "exec {\n  env {\n    custom = [\"hunter2\"]\n  }\n}",
    ] {
        let errors = errors_of(text);
        assert!(errors.contains("a.hcl:") && !errors.contains("hunter2"), "{errors}");
    }
}

#[test]
fn a_prefix_before_the_names_is_envconsul_s() {
    // Its own tests, and a trailing slash as it was measured.
    for (path, name) in
        [("app/my_service", "app_my_service_mykey"), ("apps/", "apps__mykey"), ("app@dc2", "app_dc2_mykey")]
    {
        let settings = with(&format!("prefix {{\n  path = \"{path}\"\n  no_prefix = false\n}}\n"));
        assert_eq!(settings.sources[1].mapping.name("mykey").as_deref(), Some(name), "{path}");
    }
}

#[test]
fn prefixes_become_sources() {
    let settings = with(
        "prefix {\n  path = \"/a/b\"\n  datacenter = \"dc2\"\n  no_prefix = false\n  required = false\n  min_keys = 2\n  \
         empty = \"apply\"\n}\nprefix {\n  path = \"c@dc3\"\n  no_prefix = true\n  format = \"\"\n}\n",
    );
    let [_, first, second] = settings.sources.as_slice() else { panic!("three sources") };
    let Kind::Consul(prefix) = &first.kind else { panic!("a prefix") };
    assert_eq!(
        (&*first.name, prefix.path.as_str(), prefix.datacenter.as_deref()),
        ("consul a/b/@dc2", "a/b/", Some("dc2"))
    );
    assert_eq!((first.required, first.min_keys, first.mapping.prefix.as_deref()), (false, 2, Some("/a/b")));
    assert_eq!((&*second.name, &second.mapping.prefix), ("consul c/@dc3", &None));
    assert_eq!(settings.policy.guard.empty_of, [("consul a/b/@dc2".into(), Empty::Apply)]);
}

#[test]
fn consul_s_addresses() {
    for good in
        ["h:8500", "127.0.0.1:8500", "[::1]:8500", "http://h/consul", "https://h:8501", "unix:///run/consul.sock"]
    {
        assert_eq!(with(&format!("consul {{\n  address = \"{good}\"\n}}\n")).consul.address, good);
    }
    for bad in ["h:port", "http://", "unix://run/consul.sock", "h h:1", "h:1?x=y", "tcp://h:1", ":8500"] {
        let errors = errors_of(&format!("consul {{\n  address = \"{bad}\"\n}}"));
        assert!(errors.starts_with("a.hcl:2:13: consul.address: expected host:port"), "{bad}: {errors}");
    }
}

#[test]
fn there_is_an_end_to_sources() {
    let many = "prefix {\n  path = \"a\"\n}\n".repeat(101);
    assert!(errors_of(&many).contains("prefix: there are more than 100 sources"));
}

#[test]
fn the_commit_key_seals_the_most_exact_prefix() {
    let sources = "prefix {\n  path = \"a\"\n}\nprefix {\n  path = \"a/b\"\n}\nprefix {\n  path = \"a/b@dc2\"\n}\n\
                   prefix {\n  path = \"c\"\n}\n";
    let settings = with(&format!("{sources}commit_key = \"/a/b/.commit\"\n"));
    let commits = settings.sources.iter().map(|source| match &source.kind {
        Kind::Consul(prefix) => prefix.commit.clone(),
        Kind::File(_) | Kind::Directory(_) => None,
    });
    let (seals, left_out) =
        (Commit::Seals { key: ".commit".to_owned(), first: FirstSet::Sealed }, Commit::LeftOut("b/.commit".to_owned()));
    // The first is the least configuration's own.
    let expected = [None, Some(left_out), Some(seals.clone()), Some(seals), None];
    assert!(commits.eq(expected), "{:?}", settings.sources);
    let sealed: Vec<Arc<str>> = vec!["consul a/b/".into(), "consul a/b/@dc2".into()];
    assert_eq!(settings.policy.guard.sealed, sealed);
}

#[test]
fn a_commit_key_that_lies_nowhere_is_an_error() {
    for key in ["b/.commit", "app", "app/", "app/x/"] {
        let errors = errors_of(&format!("commit_key = \"{key}\"\n"));
        assert!(errors.contains("commit_key: lies in no prefix"), "{key}: {errors}");
    }
}

#[test]
fn a_new_host_may_start_on_edits_that_are_not_sealed() {
    let first = |more: &str| {
        let settings = with(&format!("prefix {{\n  path = \"b\"\n}}\ncommit_key = \"b/.commit\"\n{more}"));
        match &settings.sources.last().unwrap().kind {
            Kind::Consul(Prefix { commit: Some(Commit::Seals { first, .. }), .. }) => *first,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(first(""), FirstSet::Sealed);
    assert_eq!(first("commit_start = \"sealed\"\n"), FirstSet::Sealed);
    assert_eq!(first("commit_start = \"any\"\n"), FirstSet::Any);
    assert!(errors_of("commit_start = \"any\"\n").contains("commit_start has no effect without commit_key"));
    assert!(errors_of("commit_start = \"never\"\n").contains("commit_start"));
}

#[test]
fn what_consul_is_to_know_of_the_instance() {
    assert_eq!(with("").registration, None);
    let settings = with("registration {\n}\n").registration.unwrap();
    assert_eq!((settings.id.as_str(), settings.service, settings.drain), ("app", None, Drain::default()));
    let text = "registration {\n  id = \"b-1\"\n  port = 8080\n  service = \"billing\"\n  address = \"10.0.0.1\"\n  \
                tags = [\"a\", \"b\"]\n  meta = { team = \"payments\" }\n  check_interval = \"5s\"\n  \
                deregister_after = \"0s\"\n}\ndrain {\n  wait = \"0s\"\n  quiet = \"500ms\"\n  max = \"10s\"\n}\n";
    let settings = with(text).registration.unwrap();
    let service = settings.service.unwrap();
    assert_eq!((settings.id.as_str(), service.name.as_str(), service.address.as_str()), ("b-1", "billing", "10.0.0.1"));
    assert_eq!((service.port, service.tags.len(), service.meta["team"].as_str()), (8080, 2, "payments"));
    assert_eq!((service.check_interval.as_secs(), service.deregister_after), (5, None));
    let Drain { wait, quiet, max } = settings.drain;
    assert_eq!((wait.as_millis(), quiet.as_millis(), max.as_millis()), (0, 500, 10_000));
}

#[test]
fn a_registration_that_consul_would_refuse_is_refused_here() {
    let together = "must not be shorter than wait and quiet together";
    let word = "expected 1 to 128 letters, digits, `.`, `_`, `-` and `:`";
    assert_errors(&[
        (
            "drain {\n  max = \"5s\"\n}",
            "1:1: drain needs registration: write a registration {} block, which says what is taken out of traffic",
        ),
        ("registration {\n}\ndrain {\n  max = \"1s\"\n}", &format!("4:9: drain.max: {together}")),
        ("registration {\n  id = \"a b\"\n}", &format!("2:8: registration.id: {word}")),
        ("registration {\n  service = \"\"\n}", &format!("2:13: registration.service: {word}")),
        ("registration {\n  port = 70000\n}", "2:10: registration.port: expected a port from 0 to 65535"),
        (
            "registration {\n  tags = [\"a\"]\n}",
            "2:10: registration.tags: needs port: without it somebody else registers the service, and says this there",
        ),
        (
            "registration {\n  port = 1\n  address = \"0.0.0.0\"\n}",
            "3:13: registration.address: nobody can connect to this address: write the one that others reach this host by, \
             or leave it out",
        ),
        (
            "registration {\n  port = 1\n  meta = { version = \"1\" }\n}",
            "3:22: registration.meta: a name is 1 to 128 letters, digits, `_` and `-`; `version` and `lictor` are lictor's own",
        ),
        (
            "registration {\n  deregister_after = \"10s\"\n}",
            "2:22: registration.deregister_after: Consul takes at least \"1m\"; \"0s\": never",
        ),
        ("registration {\n  check_interval = \"500ms\"\n}", "2:20: registration.check_interval: must be at least 1s"),
    ]);
}
