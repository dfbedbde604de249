//! Our own configuration, read again, on its way to the rooms that it concerns.

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

/// Our own configuration, read again.
#[derive(Debug)]
pub struct ConfigChange {
    /// The uid of the requester; `None`: it was a signal, or the kernel did not provide the uid.
    pub who: Option<u32>,
    /// The new configuration, or every error with its place.
    pub new: Result<Box<NewConfig>, Vec<String>>,
    /// The channel for the result.
    pub answer: oneshot::Sender<Result<Pending, Vec<String>>>,
}

/// Every setting that can change under a running service.
#[derive(Debug)]
pub struct NewConfig {
    /// The settings of the road, of the process's life and of the checks.
    pub policy: Policy,
    /// The checks, in the order of the policy.
    pub checks: Vec<check::Spec>,
    /// The check command's words, and how long it has.
    pub check_command: (Vec<String>, Duration),
    /// The sources, later ones win.
    pub sources: Vec<source::Spec>,
    /// The rules for all of them.
    pub rules: Rules,
    /// The client for Consul; the same one as before if its settings have not changed.
    pub client: Option<Arc<Client>>,
    /// The settings for the next start of the service.
    pub next_start: NextStart,
    /// The identity that the state on disk belongs to.
    pub identity: StateIdentity,
    /// The settings that need another start of lictor, as words of the configuration.
    pub for_lictor: Vec<String>,
}

/// The settings of a start of the service, and what belongs to them.
#[derive(Debug)]
pub struct NextStart {
    /// The command, and how to stop it.
    pub command: Command,
    /// What the checks need to know about it.
    pub context: Context,
    /// The process whose version is wanted; its PID is filled in at the start.
    pub subject: Subject,
    /// The program that the start executes.
    pub program: Program,
    /// The build and version of that program when the configuration was read; `None`: it was not looked at.
    pub found: Option<(Build, Version)>,
}

impl NextStart {
    /// The words of the configuration in which it differs from what runs.
    pub(super) fn differences(&self, command: &Command, subject: &Subject) -> Vec<String> {
        // Destructured, so that a new word there is not forgotten here.
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
