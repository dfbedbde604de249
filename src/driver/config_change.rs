//! Our own configuration, read again, on its way to what it is about.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::check::{self, Context};
use crate::consul::Client;
use crate::environment::Rules;
use crate::machine::reload::Pending;
use crate::machine::{Build, Policy, Version};
use crate::service::Command;
use crate::source;
use crate::state::StateIdentity;
use crate::version::{Program, Subject};

/// Our own configuration was read again.
#[derive(Debug)]
pub struct ConfigChange {
    /// The uid of who asked for it; `None`: a signal, or the kernel could not tell.
    pub who: Option<u32>,
    /// What there is from now on, or every error with its place.
    pub new: Result<Box<NewConfig>, Vec<String>>,
    /// Where the outcome goes.
    pub answer: oneshot::Sender<Result<Pending, Vec<String>>>,
}

/// Everything that can change under a running service.
#[derive(Debug)]
pub struct NewConfig {
    /// The road, the process's life and the checks' rules.
    pub policy: Policy,
    /// The checks, in the order of the policy.
    pub checks: Vec<check::Spec>,
    /// The check command's words, and how long it has.
    pub check_command: (Vec<String>, Duration),
    /// The sources, later ones win.
    pub sources: Vec<source::Spec>,
    /// What holds for all of them.
    pub rules: Rules,
    /// Who asks Consul; the same one as before if nothing about that has changed.
    pub client: Option<Arc<Client>>,
    /// What the next start of the service starts.
    pub next_start: NextStart,
    /// What the state on disk belongs to.
    pub identity: StateIdentity,
    /// What only another start of lictor can take up, as words of the configuration.
    pub for_lictor: Vec<String>,
}

/// What a start of the service takes, and what goes with it.
#[derive(Debug)]
pub struct NextStart {
    /// What to run, and how to stop it.
    pub command: Command,
    /// What the checks know of it.
    pub context: Context,
    /// Whose version is asked for; its PID is filled in at the start.
    pub subject: Subject,
    /// What the start executes.
    pub program: Program,
    /// What was found of that program when the configuration was read; `None`: it was not looked at.
    pub found: Option<(Build, Version)>,
}

impl NextStart {
    /// In which words of the configuration it differs from what runs.
    pub(super) fn differences(&self, command: &Command, subject: &Subject) -> Vec<String> {
        // Taken apart, so that a word that is new there is not forgotten here.
        let Command {
            program,
            arguments,
            directory,
            user,
            kill_signal,
            kill_timeout,
            reload_signal,
            env_file,
            inherit,
        } = &self.command;
        let old = command;
        let words = [
            ("exec.command", *program == old.program && *arguments == old.arguments),
            ("exec.directory", *directory == old.directory),
            ("exec.user", *user == old.user),
            ("exec.kill_signal", *kill_signal == old.kill_signal),
            ("exec.kill_timeout", *kill_timeout == old.kill_timeout),
            ("exec.reload_signal", *reload_signal == old.reload_signal),
            ("exec.env_file", *env_file == old.env_file),
            ("exec.env", *inherit == old.inherit),
            ("version", self.subject.spec == subject.spec),
        ];
        words.into_iter().filter(|(_, same)| !same).map(|(word, _)| word.to_owned()).collect()
    }
}
