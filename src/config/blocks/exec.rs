//! `exec {}`: what runs, and how it is stopped.

use crate::config::reference::{Block, TakenUp, Type, attribute, ignored};
use std::path::PathBuf;
use std::time::Duration;

use super::signals;
use crate::config::read::report::Finding;
use crate::config::read::section::Section;
use crate::config::read::tree::{Node, Value};
use crate::config::read::value;
use crate::environment::Rules;
use crate::environment::glob::Glob;
use crate::service::{Command, Inherit};

pub(crate) static BLOCK: Block = Block::new("exec", "What runs, and how it is stopped.")
    .attributes(&[
        attribute(
            "command",
            Type::Command,
            "[\"/opt/billing/billing\", \"-addr\", \":8080\"]",
            "The program and its arguments; no shell is involved unless you name one. Words after `--` on the command line \
             win.",
        )
        .needed(),
        attribute("directory", Type::Path, "/opt/billing", "The service's working directory.").otherwise("lictor's own"),
        attribute("user", Type::Text, "billing", "The service's user; only when lictor runs as root.")
            .otherwise("lictor's own user"),
        attribute("kill_signal", Type::Signal, "SIGINT", "The signal that stops the service, sent to its process group.")
            .default("SIGTERM"),
        attribute("kill_timeout", Type::Duration, "5s", "Processes that have not ended this long after the signal are killed.")
            .default("30s"),
        attribute(
            "reload_signal",
            Type::Signal,
            "SIGUSR1",
            "The signal for a change of keys with `on_change = \"reload\"`, sent to the main process; `\"\"` sends none.",
        )
        .default("SIGHUP"),
        attribute(
            "env_file",
            Type::Path,
            "/run/billing/env",
            "A file with the environment, in the form of systemd's `EnvironmentFile` and with mode 0600. It is written before each start and before the reload signal.",
        ),
        ignored("enabled", "a command is always run"),
        ignored("splay", "lictor does not wait at random before it stops the service"),
        ignored("timeout", "the service runs as long as it wants"),
    ])
    .holding(&[&ENV])
    .taken_up(TakenUp::ByStartOfTheService);

static ENV: Block = Block::new("env", "Which variables the service gets besides those of the sources.")
    .attributes(&[
        attribute("pristine", Type::Boolean, "true", "`true` keeps lictor's own environment from the service.")
            .default("false"),
        attribute("custom", Type::Texts, "[\"GOMAXPROCS=2\"]", "Variables that win over those of the sources.")
            .taken_up(TakenUp::ByReload),
        attribute(
            "allowlist",
            Type::Globs,
            "[\"APP_*\"]",
            "If any are written, only variables that match one are passed on.",
        ),
        attribute(
            "denylist",
            Type::Globs,
            "[\"AWS_*\"]",
            "Variables that match are not passed on; it wins over `allowlist`.",
        ),
    ])
    .taken_up(TakenUp::ByStartOfTheService);

/// The result; the command is missing if it was not given or is wrong.
#[derive(Debug, Default)]
pub(crate) struct Exec {
    pub(crate) command: Option<Command>,
    pub(crate) rules: Rules,
}

/// Whether the word at the top keeps lictor's own environment from the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pristine {
    Yes,
    No,
}

pub(crate) fn read(root: &mut Section<'_>, pristine: Pristine) -> Exec {
    let exec = root.within("exec", |section| block(section, pristine));
    exec.unwrap_or_else(|| {
        root.missing(NO_COMMAND);
        Exec::default()
    })
}

const NO_COMMAND: &str = "no command: write it after `--`, or as command = [\"/path/to/program\"] in exec {}";

fn block(section: &mut Section<'_>, pristine: Pristine) -> Exec {
    if !section.has("command") {
        section.missing(NO_COMMAND);
    }
    let command = section.read("command", words);
    let directory = section.read("directory", value::maybe_text).flatten().map(PathBuf::from);
    let user = section.read("user", value::maybe_text).flatten();
    let kill_signal = section.read("kill_signal", value::parsed(signals::parse));
    let kill_timeout = section.read("kill_timeout", value::duration).unwrap_or(Duration::from_secs(30));
    let reload_signal = section.read("reload_signal", value::parsed(signals::parse_or_none));
    let reload_signal = reload_signal.unwrap_or(Some(rustix::process::Signal::HUP.as_raw()));
    let env_file = section.read("env_file", value::maybe_text).flatten().map(PathBuf::from);
    let env = section.within("env", env).unwrap_or_default();

    let inherit = Inherit {
        pristine: env.pristine || pristine == Pristine::Yes,
        allowlist: env.rules.allowlist.clone(),
        denylist: env.rules.denylist.clone(),
    };
    let command = command.map(|words| {
        let (program, arguments) = program(words);
        Command {
            program,
            arguments,
            directory,
            user,
            kill_signal: kill_signal.unwrap_or(rustix::process::Signal::TERM.as_raw()),
            kill_timeout,
            reload_signal,
            env_file,
            inherit,
        }
    });
    Exec { command, rules: env.rules }
}

/// The words of a command. A list is taken as it is; one text is one word, and is not split.
pub(crate) fn words(node: &Node) -> Result<Vec<String>, Finding> {
    let words = match &node.value {
        Value::List(nodes) => nodes.iter().map(value::text).collect::<Result<Vec<_>, _>>()?,
        Value::Text(text) if text.trim().contains(char::is_whitespace) => {
            let sentence = "a command is not split into words: write a list, as in [\"/path/to/program\", \"-flag\"], \
                            or name a shell, as in [\"sh\", \"-c\", \"...\"]";
            return Err(node.wrong(sentence));
        }
        Value::Text(_) => vec![value::text(node)?],
        _ => return Err(node.unlike("a list of words, as in [\"/path/to/program\", \"-flag\"]")),
    };
    match words.first() {
        Some(program) if !program.trim().is_empty() => Ok(words),
        _ => Err(node.wrong("names no program")),
    }
}

/// The program and its arguments.
pub(crate) fn program(words: Vec<String>) -> (PathBuf, Vec<String>) {
    let mut words = words.into_iter();
    (words.next().unwrap_or_default().into(), words.collect())
}

/// `exec.env {}`: the lists that decide which variables the service gets.
#[derive(Debug, Default)]
struct Env {
    pristine: bool,
    rules: Rules,
}

fn env(section: &mut Section<'_>) -> Env {
    Env {
        pristine: section.read("pristine", value::boolean).unwrap_or(false),
        rules: Rules {
            custom: section.read("custom", custom).unwrap_or_default(),
            allowlist: section.read("allowlist", globs).unwrap_or_default(),
            denylist: section.read("denylist", globs).unwrap_or_default(),
            ..Rules::default()
        },
    }
}

/// `["NAME=value"]`. The entries are not repeated in messages: values may be secrets.
fn custom(node: &Node) -> Result<Vec<(String, String)>, Finding> {
    let pair = |text: &String| {
        let (name, value) = text.split_once('=')?;
        (!name.is_empty()).then(|| (name.to_owned(), value.to_owned()))
    };
    let texts = value::texts(node)?;
    texts.iter().map(|text| pair(text).ok_or_else(|| node.wrong("each entry is written \"NAME=value\""))).collect()
}

fn globs(node: &Node) -> Result<Vec<Glob>, Finding> {
    value::texts(node)?.iter().map(|text| Glob::parse(text).map_err(|why| node.wrong(why.to_string()))).collect()
}
