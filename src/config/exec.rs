//! `exec {}`: what runs, and how it is stopped.

mod command;
mod env;

use std::path::PathBuf;
use std::time::Duration;

pub(crate) use command::{program, words};

use super::section::Section;
use super::{signals, value};
use crate::environment::Rules;
use crate::service::{Command, Inherit};

/// What was read; the command is missing if it was not given or is wrong.
#[derive(Debug, Default)]
pub(crate) struct Exec {
    pub(crate) command: Option<Command>,
    pub(crate) rules: Rules,
}

/// Whether lictor's own environment is kept from the service by the word at the top.
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
    section.no_effect("enabled", "a command is always run");
    section.no_effect("splay", "lictor does not wait at random before it stops the service");
    section.no_effect("timeout", "the service runs as long as it wants");
    let env = section.within("env", env::read).unwrap_or_default();

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
