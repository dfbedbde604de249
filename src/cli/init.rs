//! `lictor init`: a first configuration with comments, from the command line of `lictor run`.

use std::fmt::Write as _;

use super::configuration::Configuration;
use crate::config::{FlagValue, Override, SourceFlag};

/// Reads a variable of the environment.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

const FILE: &[&str] = &["consul", "token_file"];

/// The command line does not make a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Lacking {
    #[error("which command? write it at the end, as in `lictor init --prefix billing/ -- /opt/billing/billing`")]
    Command,
    #[error(
        "which source? give --prefix, --file or --directory, as in `lictor init --prefix billing/ -- /opt/billing/billing`"
    )]
    Source,
    #[error("-c names files that are there already; `lictor init` writes a first one from flags and a command")]
    Files,
}

const CHECKS: &str = r#"
# Without a check, a process that lasts counts as healthy. With one, a change of the configuration that makes the
# service sick is taken back. Kinds: http, tcp, command, grpc, postgres, mysql, redis, sqs.
# check "Web" {
#   http {
#     url = "http://127.0.0.1:8080/healthz"
#   }
#   interval = "5s"
#   timeout  = "2s"
# }

apply {
  min_healthy = "10s" # a change is good once the service has been healthy on it for this long without a break ...
  deadline    = "90s" # ... by this long after its start; otherwise the last good configuration comes back
}

guard {
  max_loss = "50%" # a change that loses this share of a source's keys at once waits for an operator
}

# What lictor rejects before it touches the service, one block a variable:
# key "DATABASE_URL" {
#   required = true
#   type     = "url"
# }

# More: `lictor help states`, the manual pages, and the README. Check this file with `lictor check FILE`.
"#;

/// What the file takes over from the environment, where a unit would not have it: the variables, the first one that is set wins,
/// and the attribute of `consul {}`.
const TAKEN_OVER: [(&[&str], &[&str]); 3] = [
    (&["CONSUL_HTTP_ADDR"], &["consul", "address"]),
    (&["CONSUL_TOKEN_FILE", "CONSUL_HTTP_TOKEN_FILE"], &["consul", "token_file"]),
    (&["CONSUL_NAMESPACE"], &["consul", "namespace"]),
];
/// The token itself is not written into a file that is meant to be read by people.
const TOKENS: [&str; 2] = ["CONSUL_TOKEN", "CONSUL_HTTP_TOKEN"];

const TOKEN: &str = "
# CONSUL_HTTP_TOKEN is set, but a token does not belong into this file. Write it into a file that only the service's
# user may read, and name that file here:
# consul {
#   token_file = \"/etc/lictor/consul.token\"
# }
";

/// The file, for these flags, this command and this environment.
pub(super) fn written(configuration: &Configuration, lookup: Lookup<'_>) -> Result<String, Lacking> {
    let Configuration { paths, flags, command } = configuration;
    if !paths.is_empty() {
        return Err(Lacking::Files);
    }
    if command.is_empty() {
        return Err(Lacking::Command);
    }
    if flags.sources.is_empty() {
        return Err(Lacking::Source);
    }
    let mut text = "# What lictor runs, and where its configuration comes from.\n".to_owned();
    // Writing to a string cannot fail.
    let of_environment = of_environment(configuration, lookup);
    let _ = settings(&mut text, &flags.overrides.iter().chain(&of_environment).collect::<Vec<_>>(), 0);
    if wants_a_token_file(configuration, &of_environment, lookup) {
        text.push_str(TOKEN);
    }
    for source in &flags.sources {
        let (block, path, comment) = match source {
            SourceFlag::Prefix(path) => ("prefix", path, "a folder of Consul's KV store; of several, later ones win"),
            SourceFlag::File(path) => ("file", path, "NAME=value lines, as systemd's EnvironmentFile= reads them"),
            SourceFlag::Directory(path) => ("directory", path, "one file a variable, as a mounted ConfigMap"),
        };
        let no_prefix = match (source, flags.no_prefix) {
            (SourceFlag::Prefix(_), Some(no_prefix)) => format!("  no_prefix = {no_prefix}\n"),
            _ => String::new(),
        };
        let _ = write!(text, "\n# {comment}\n{block} {{\n  path = {}\n{no_prefix}}}\n", quoted(path));
    }
    let words: Vec<String> = command.iter().map(|word| quoted(word)).collect();
    let _ = write!(text, "\nexec {{\n  command = [{}]\n", words.join(", "));
    let of_exec: Vec<_> =
        flags.overrides.iter().filter(|given| given.path[0] == "exec" && given.path.len() == 2).collect();
    for given in of_exec.iter().filter(|given| given.path[1] != "command") {
        let _ = writeln!(text, "  {} = {}", given.path[1], value(&given.value));
    }
    text.push_str("}\n");
    text.push_str(CHECKS);
    Ok(text)
}

/// What the environment says about Consul and no flag does, if Consul is asked.
fn of_environment(configuration: &Configuration, lookup: Lookup<'_>) -> Vec<Override> {
    if !asks_consul(configuration) {
        return Vec::new();
    }
    let read = |name: &&str| lookup(name).filter(|value| !value.is_empty());
    let taken = |(variables, path): &(&[&str], &'static [&'static str])| {
        let hidden = given(configuration, path) || *path == FILE && given(configuration, &["consul", "token"]);
        let text = variables.iter().find_map(read).filter(|_| !hidden)?;
        Some(Override { flag: "", path, value: FlagValue::Text(text) })
    };
    TAKEN_OVER.iter().filter_map(taken).collect()
}

fn wants_a_token_file(configuration: &Configuration, taken: &[Override], lookup: Lookup<'_>) -> bool {
    let is_set = TOKENS.iter().any(|name| lookup(name).is_some_and(|value| !value.is_empty()));
    let has_file = taken.iter().any(|taken| taken.path == FILE);
    asks_consul(configuration) && is_set && !has_file && !given(configuration, &["consul", "token"])
}

fn asks_consul(configuration: &Configuration) -> bool {
    configuration.flags.sources.iter().any(|source| matches!(source, SourceFlag::Prefix(_)))
}

fn given(configuration: &Configuration, path: &[&str]) -> bool {
    configuration.flags.overrides.iter().any(|given| given.path == path)
}

/// Attributes first, then a block for each first word of a longer path. `exec` has a place of its own.
fn settings(text: &mut String, given: &[&Override], depth: usize) -> std::fmt::Result {
    let indent = "  ".repeat(depth);
    for attribute in given.iter().filter(|given| given.path.len() == depth + 1) {
        writeln!(text, "{indent}{} = {}", attribute.path[depth], value(&attribute.value))?;
    }
    let mut blocks: Vec<&str> = Vec::new();
    for given in given.iter().filter(|given| given.path.len() > depth + 1 && given.path[0] != "exec") {
        if !blocks.contains(&given.path[depth]) {
            blocks.push(given.path[depth]);
        }
    }
    for block in blocks {
        let within: Vec<&Override> =
            given.iter().copied().filter(|given| given.path.len() > depth + 1 && given.path[depth] == block).collect();
        let gap = if depth == 0 { "\n" } else { "" };
        writeln!(text, "{gap}{indent}{block} {{")?;
        settings(text, &within, depth + 1)?;
        writeln!(text, "{indent}}}")?;
    }
    Ok(())
}

fn value(value: &FlagValue) -> String {
    match value {
        FlagValue::Text(text) => quoted(text),
        FlagValue::Switch(switch) => switch.to_string(),
    }
}

/// The text as an HCL literal: JSON's escapes, and `$` or `%` doubled where it would begin a template.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::fs::PermissionsExt;

    use super::{Lacking, written};
    use crate::cli::args::{self, Cli, Verb};
    use crate::cli::configuration::Configuration;
    use crate::config::Settings;

    fn configuration(words: &[&str]) -> Configuration {
        let line = ["lictor", "init"].iter().chain(words).map(OsString::from);
        match args::parse(line) {
            Ok(Cli { verb: Verb::Init(init) }) => init.configuration.configuration(),
            other => panic!("{words:?}: {other:?}"),
        }
    }

    fn read(text: &str) -> Settings {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.hcl");
        std::fs::write(&path, text).unwrap();
        // As a file that holds a token should be.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let configuration = Configuration { paths: vec![path], ..Configuration::default() };
        let (settings, warnings) = configuration.load().unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
        assert!(warnings.is_empty(), "{warnings:?}\n{text}");
        settings
    }

    #[test]
    fn what_it_writes_means_what_the_flags_mean() {
        for words in [
            &["--prefix", "global/", "-prefix", "billing/", "--", "/opt/billing/billing", "-addr", ":8080"][..],
            &["--file", "/etc/a \"b\" ${x}.env", "--name", "b", "-upcase", "--", "/bin/sh", "-c", "echo \"%{a}\" \\\n"],
            &["--directory", "/etc/b", "-consul-addr", "h:1", "-consul-ssl-verify=false", "-wait", "1s:2s", "--", "/x"],
            &["--prefix", "a", "-no-prefix=false", "-exec-kill-signal", "SIGINT", "-status", "127.0.0.1:1", "--", "/x"],
        ] {
            let configuration = configuration(words);
            let text = written(&configuration, &|_| None).unwrap();
            let (meant, _) = configuration.load().unwrap();
            let written = read(&text);
            assert_eq!(format!("{:?}", written.sources), format!("{:?}", meant.sources), "{text}");
            assert_eq!(format!("{:?}", written.command), format!("{:?}", meant.command), "{text}");
            assert_eq!(format!("{:?}", written.consul), format!("{:?}", meant.consul), "{text}");
            assert_eq!((written.name, written.status), (meant.name, meant.status), "{text}");
        }
    }

    #[test]
    fn what_the_environment_says_about_consul_is_taken_over_and_a_token_never() {
        let environment = |name: &str| {
            let value = match name {
                "CONSUL_HTTP_ADDR" => "consul.test:8500",
                "CONSUL_HTTP_TOKEN_FILE" => "/etc/token",
                "CONSUL_HTTP_TOKEN" => "s3cret",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let made = |words: &[&str], lookup| written(&configuration(&[words, &["--", "/x"]].concat()), lookup).unwrap();
        let text = made(&["--prefix", "a"], &environment);
        let consul = read(&text).consul;
        assert_eq!(
            (consul.address.as_str(), consul.token_file),
            ("consul.test:8500", Some("/etc/token".into())),
            "{text}"
        );
        assert!(!text.contains("s3cret") && !text.contains("CONSUL_HTTP_TOKEN"), "{text}");

        let consul = read(&made(&["--prefix", "a", "-consul-addr", "h:1"], &environment)).consul;
        assert_eq!(consul.address, "h:1", "a flag wins");
        let token = read(&made(&["--prefix", "a", "-consul-token", "x"], &environment)).consul;
        assert_eq!(token.token_file, None, "a token of the command line hides the file");

        let alone = |name: &str| environment(name).filter(|_| name == "CONSUL_HTTP_TOKEN");
        let text = made(&["--prefix", "a"], &alone);
        assert!(text.contains("#   token_file = ") && !text.contains("s3cret"), "{text}");
        assert_eq!(made(&["--file", "/f"], &environment), made(&["--file", "/f"], &|_| None), "Consul is not asked");
    }

    #[test]
    fn what_is_commented_out_can_be_used() {
        let text = written(&configuration(&["--prefix", "a", "--", "/x"]), &|_| None).unwrap();
        let used: Vec<String> = text
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest) if rest.ends_with('{') || rest.starts_with(' ') || rest == "}" => rest.to_owned(),
                _ => line.to_owned(),
            })
            .collect();
        let settings = read(&used.join("\n"));
        assert_eq!((settings.checks.len(), settings.keys.len()), (1, 1), "{used:#?}");
    }

    #[test]
    fn what_is_lacking_is_named() {
        let lacking = |words| written(&configuration(words), &|_| None);
        assert_eq!(lacking(&["--prefix", "a"]), Err(Lacking::Command));
        assert_eq!(lacking(&["--", "/x"]), Err(Lacking::Source));
        assert_eq!(lacking(&["-c", "a", "--prefix", "a", "--", "/x"]), Err(Lacking::Files));
    }
}
