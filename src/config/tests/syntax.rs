//! What cannot be read at all, and what to write instead.

use super::{Case, LEAST, errors_of};

#[test]
fn hcl1_s_forms_show_the_new_form() {
    for (text, error) in [
        ("\"wait\" {\n  min = \"1s\"\n}", "a.hcl:1:1: a name has no quotes (HCL2): write wait {"),
        ("name = \"a\"\n\"wait\" = \"5s\"", "a.hcl:2:1: a name has no quotes (HCL2): write wait = ..."),
        ("exec {\n  \"env\" {\n  }\n}", "a.hcl:2:3: a name has no quotes (HCL2): write env {"),
        ("prefix { path = \"a\", no_prefix = true }", "a.hcl:1:20: ONE"),
        ("wait { min = \"5s\" max = \"6s\" }", "a.hcl:1:19: ONE"),
        ("upcase = true sanitize = true", "a.hcl:1:15: ONE"),
        ("upcase = true, sanitize = true", "a.hcl:1:14: ONE"),
        ("upcase = true; sanitize = true", "a.hcl:1:14: ONE"),
        (
            "check \"D\" { http { url = \"http://h/\" } }",
            "a.hcl:1:18: a block inside a block needs its own line (HCL2): write http { ... } on the next line",
        ),
        (
            "prefix [ { path = \"a\" } ]",
            "a.hcl:1:8: a block is written once for each item (HCL2): prefix { ... }, and again prefix { ... }",
        ),
        (
            "consul { address = \"h:1\"\n  token = \"y\"\n}",
            "a.hcl:1:25: a block of several lines begins its body on the next line (HCL2)",
        ),
        (
            "key \"X\" {\n  public = true }",
            "a.hcl:2:17: the closing } of a block of several lines needs its own line (HCL2)",
        ),
        ("upcase: true", "a.hcl:1:7: write upcase = ..."),
    ] {
        let one = "one attribute a line (HCL2): write the next one on a line of its own, without comma or semicolon";
        assert_eq!(errors_of(text), error.replace("ONE", one), "{text}");
    }
}

#[test]
fn slips_of_the_pen() {
    for (text, error) in [
        ("name = 'x'", "a.hcl:1:8: text is written in double quotes"),
        ("name = 0x1f", "a.hcl:1:9: numbers are decimal; a mode is written as text, as in \"0640\""),
        (
            "key \"X\" {\n  pattern = \"\\d\"\n}",
            "a.hcl:2:16: unknown escape: a backslash in text is doubled, as in \"\\\\d+\"",
        ),
        ("name = \"x", "a.hcl:1:1: a quote is not closed on this line"),
        ("exec {\n  command = \"x\n}", "a.hcl:2:1: a quote is not closed on this line"),
        ("name = \"a\nb\"", "a.hcl:1:8: a quote is not closed on this line"),
        ("upcase = true\nupcase = false", "a.hcl:2:1: `upcase` is given twice in this block"),
        ("name =", "a.hcl:1:7: the value is missing: it stands on the same line"),
        ("exec\n{\n}", "a.hcl:1:5: `exec` has no value: write exec = ..., or exec { with the brace on this line"),
        ("}", "a.hcl:1:1: this } closes nothing"),
        ("/* open", "a.hcl:1:1: this comment is not closed"),
        ("name = [\"x\" \"y\"]", "a.hcl:1:13: a comma is missing between two items of a list"),
    ] {
        assert_eq!(errors_of(text), error, "{text}");
    }
}

#[test]
fn nothing_is_computed_but_env() {
    let templates =
        "templates are not supported: write env(\"NAME\") as the whole value, or $${ for the characters themselves";
    for (value, error) in [
        ("\"${HOME}\"", templates),
        ("\"a%{ if x }b%{ endif }\"", templates),
        ("<<E\nx ${y}\nE", templates),
        ("yes", "a bare word is not a value: put it in quotes, or write true or false"),
        ("a.b", "this is not a value: put it in quotes"),
        ("1 + 1", "operators are not supported: write the value itself"),
        ("!true", "operators are not supported: write the value itself"),
        ("(\"a\")", "operators are not supported: write the value itself"),
        ("true ? \"a\" : \"b\"", "conditionals are not supported: write the value itself"),
        ("null", "null is not a value: leave the word out"),
        ("upper(\"x\")", "there is no function `upper`: only env(\"NAME\") and env(\"NAME\", \"default\")"),
        ("ns::env(\"x\")", "there is no such function"),
        ("env()", "write env(\"NAME\") or env(\"NAME\", \"default\")"),
        ("env(\"A\", 5)", "write env(\"NAME\") or env(\"NAME\", \"default\")"),
        ("env(\"NOPE\")", "the environment variable \"NOPE\" is not set: set it, or write env(\"NOPE\", \"default\")"),
        ("file(\"x\")", "name: expected text, found file(...), which is for checks"),
        ("env_of_service(\"X\")", "name: expected text, found env_of_service(...), which is for checks"),
        ("env_of_service()", "write env_of_service(\"NAME\")"),
        (
            "0644",
            "a number must not begin with a zero, it would be read as decimal: a mode is written as text, as in \"0640\"",
        ),
    ] {
        assert_eq!(errors_of(&format!("name = {value}")), format!("a.hcl:1:8: {error}"), "{value}");
    }
}

#[test]
fn env_reads_lictor_s_own_environment() {
    let text = format!("name = env(\"NAME\")\nconsul {{\n  token = env(\"NONE\", \"fallback\")\n}}\n{LEAST}");
    let settings = Case { environment: &[("NAME", "billing")], ..Case::of(&[("a.hcl", &text)]) }.settings();
    assert_eq!(settings.name, "billing");
    assert_eq!(settings.consul.token, Some("fallback".into()));
}

#[test]
fn plain_text_in_every_dress() {
    let text = "// a comment\nexec {\n  command = [\"x\"] /* another */\n  env {\n    custom = [\n      \"A=1\",\n      \
                <<-E\n        B=two\n          lines\n      E\n      ,\n    ]\n  }\n}\nfile {\n  path = \"/x\"\n}\n";
    let custom = Case::of(&[("a.hcl", text)]).settings().rules.custom;
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(custom, [pair("A", "1"), pair("B", "two\n  lines\n")]);
}

#[test]
fn escaped_templates_are_characters() {
    let pair = vec![("A".to_owned(), "${b} %{c} \"d\" \\".to_owned())];
    let text = "exec {\n  command = [\"x\"]\n  env {\n    custom = [\"A=$${b} %%{c} \\\"d\\\" \\\\\"]\n  }\n}\nfile {\n  path = \"/x\"\n}\n";
    assert_eq!(Case::of(&[("a.hcl", text)]).settings().rules.custom, pair);
}

#[test]
fn every_error_at_once_but_one_syntax_error_a_file() {
    let files = [
        ("a.hcl", "upcase = 5\ncolour = 1\nwait {\n  min = \"1M\"\n}\n"),
        ("b.hcl", "x = \n= y\n"),
        ("c.json", "{\"sanitize\": 1,}"),
        ("d.hcl", "check \"D\" {\n  interval = \"5\"\n}\n"),
    ];
    let errors = Case::of(&files).errors();
    assert_eq!(
        errors.lines().collect::<Vec<_>>(),
        [
            "a.hcl:1:10: upcase: expected true or false, without quotes, found a number",
            "a.hcl:2:1: unknown word `colour`",
            "a.hcl:4:9: wait.min: months and years are not units here: write hours or days, as in \"720h\"",
            "b.hcl:1:5: the value is missing: it stands on the same line",
            "c.json:1:16: key must be a string",
            "d.hcl:1:1: check \"D\": has nothing to probe: write an http {}, tcp {}, postgres {} or another such block in it",
            "d.hcl:2:14: check \"D\".interval: a duration needs a unit, as in \"5s\", \"250ms\" or \"1m30s\"",
        ]
    );
}

#[test]
fn a_byte_order_mark_is_no_error() {
    let text = format!("\u{feff}name = \"billing\"\r\n{LEAST}");
    assert_eq!(Case::of(&[("a.hcl", &text)]).settings().name, "billing");
}

#[test]
fn json_has_the_same_shape() {
    let text = r#"{
  "name": "billing",
  "prefix": [{"path": "global/"}, {"path": "billing/"}],
  "file": {"path": "/etc/x.env"},
  "exec": {"command": ["/bin/app"], "env": {"custom": ["A=1"]}},
  "check": {"Web": {"http": {"url": "http://h/"}}, "Port": {"tcp": {"address": "h:1"}}},
  "statsd": {"tags": {"env": "prod"}}
}"#;
    for name in ["a.json", "a.hcl"] {
        let settings = Case::of(&[(name, text)]).settings();
        assert_eq!(settings.name, "billing");
        let names: Vec<&str> = settings.sources.iter().map(|source| &*source.name).collect();
        assert_eq!(names, ["consul global/", "consul billing/", "file /etc/x.env"]);
        let checks: Vec<&str> = settings.checks.iter().map(|check| check.rule.name.as_str()).collect();
        assert_eq!(checks, ["Web", "Port"]);
        assert_eq!(settings.statsd.tags, [("env".to_owned(), "prod".to_owned())]);
        assert_eq!(settings.rules.custom, [("A".to_owned(), "1".to_owned())]);
    }
}

#[test]
fn json_s_errors_have_their_place() {
    let text = "{\n  \"exec\": {\"command\": [\"x\"], \"bogus\": 1,\n  \"kill_timeout\": 5},\n  \"prefix\": [{\"path\": 4}],\n  \
                \"check\": {\"D\": [{\"grpc\": {}}], \"C\": 4},\n  \"wait\": null, \"wait\": \"5s\"\n}";
    let errors = Case::of(&[("a.json", text)]).errors();
    assert_eq!(
        errors.lines().collect::<Vec<_>>(),
        [
            "a.json:2:39: unknown word `bogus` in exec",
            "a.json:3:19: exec.kill_timeout: a duration needs a unit, as in \"5s\", \"250ms\" or \"1m30s\"",
            "a.json:4:23: prefix.path: expected text, in quotes, found a number",
            "a.json:5:28: check \"D\".grpc: `address` is missing",
            "a.json:5:39: check: expected a block, found a number",
            "a.json:6:11: null is not a value: leave the word out",
            "a.json:6:25: `wait` is given twice, here and on line 6: write it once",
        ]
    );
    for (text, error) in [
        ("[1]", "a.json:1:1: the whole file must be one object: { ... }"),
        ("{\"a\" 1}", "a.json:1:6: expected `:`"),
        ("{} x", "a.json:1:4: trailing characters"),
    ] {
        assert_eq!(Case::of(&[("a.json", text)]).errors(), error, "{text}");
    }
}
