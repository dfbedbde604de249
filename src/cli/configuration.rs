//! The configuration of `lictor run`, `check` and `plan`: files, flags and a command.

use std::path::PathBuf;

use crate::config::{self, Errors, Flags, Inputs, Settings, Warning};

/// Where the configuration is, and what the command line sets over it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Configuration {
    /// Files, and directories of files.
    pub(super) paths: Vec<PathBuf>,
    /// What flags set over them.
    pub(super) flags: Flags,
    /// The command and its arguments; empty: they are in a file.
    pub(super) command: Vec<String>,
}

impl Configuration {
    /// Whether the command line has any part of it, besides the name of a service.
    pub(super) fn is_given(&self) -> bool {
        let Flags { sources, no_prefix, overrides, warnings: _ } = &self.flags;
        let overrides = overrides.iter().any(|given| given.path != ["name"]);
        !(self.paths.is_empty() && sources.is_empty() && no_prefix.is_none() && self.command.is_empty()) || overrides
    }

    /// Reads it, with this process's environment.
    ///
    /// # Errors
    /// Every error of the configuration, each with its place.
    pub(super) fn load(&self) -> Result<(Settings, Vec<Warning>), Errors> {
        let lookup = |name: &str| std::env::var(name).ok();
        config::load(Inputs { paths: &self.paths, flags: &self.flags, command: &self.command, lookup: &lookup })
    }
}
