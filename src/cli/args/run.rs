//! `lictor run`: where the configuration is, and what the command line sets over it.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::table::Overrides;
use super::{manual, switch};
use crate::cli::configuration::Configuration;
use crate::config::{Flags, SourceFlag, Warning};

/// Where the configuration is, and what the command line says over it: what `run`, `check` and `plan` have in common.
#[derive(Debug, Default, clap::Args)]
pub struct ConfigurationArgs {
    /// A file, or a directory of *.hcl and *.json files
    #[arg(short, long, value_name = "FILE|DIR")]
    config: Vec<PathBuf>,
    #[command(flatten)]
    sources: Sources,
    /// With =false the prefix's path stands before each name; for the prefixes of the command line
    #[arg(long, help_heading = "Variables", value_name = "BOOL", value_parser = switch::parse, num_args = 0..=1,
          require_equals = true, default_missing_value = "true", overrides_with = "no_prefix")]
    no_prefix: Option<bool>,
    #[command(flatten)]
    overrides: Overrides,
    /// The command and its arguments, run without a shell; they win over exec.command
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
    /// The warnings about old names of flags.
    #[arg(skip)]
    pub(super) old_names: Vec<Warning>,
}

impl ConfigurationArgs {
    /// The whole configuration, with these files before those of `-c`.
    pub(in super::super) fn with_files(&self, files: &[PathBuf]) -> Configuration {
        let flags = Flags {
            sources: self.sources.0.clone(),
            no_prefix: self.no_prefix,
            overrides: self.overrides.0.clone(),
            warnings: self.old_names.clone(),
        };
        Configuration { paths: [files, &self.config].concat(), flags, command: self.command.clone() }
    }

    /// All of it.
    pub(in super::super) fn configuration(&self) -> Configuration {
        self.with_files(&[])
    }

    /// `--name`.
    pub fn name(&self) -> Option<String> {
        self.overrides.text("--name")
    }
}

/// `lictor run`.
#[derive(Debug, clap::Args)]
#[command(
    version,
    disable_version_flag = true,
    after_long_help = manual::RUN,
    override_usage = "lictor run [-c FILE|DIR]... [flags] [-- COMMAND ARG...]"
)]
pub struct RunArgs {
    /// What is read as the configuration.
    #[command(flatten)]
    pub configuration: ConfigurationArgs,
    /// Waits for the sources, runs the command once, and exits with its code
    #[arg(long, value_name = "BOOL", value_parser = switch::parse, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", overrides_with = "once")]
    once: Option<bool>,
    /// Prints the version
    #[arg(short = 'v', long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// Whether the service is supervised or run once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// `run --once`.
    Once,
    /// Until lictor is stopped.
    Always,
}

impl RunArgs {
    /// `--once`.
    pub fn times(&self) -> Times {
        if self.once == Some(true) { Times::Once } else { Times::Always }
    }
}

/// `--prefix`, `--file` and `--directory` in the order in which they were written.
#[derive(Clone, Debug, Default)]
struct Sources(Vec<SourceFlag>);

/// A flag, the name of its value, its help, and the source that it adds.
type SourceKind = (&'static str, &'static str, &'static str, fn(String) -> SourceFlag);

const KINDS: [SourceKind; 3] = [
    ("prefix", "PATH", "A folder of Consul's KV store; repeatable, later ones win", SourceFlag::Prefix),
    ("file", "FILE", "A file in systemd's EnvironmentFile grammar; repeatable", SourceFlag::File),
    ("directory", "DIR", "A directory with one file for each variable; repeatable", SourceFlag::Directory),
];

impl clap::Args for Sources {
    fn augment_args(command: Command) -> Command {
        KINDS.iter().fold(command, |command, (name, value, help, _)| {
            let arg = Arg::new(*name).long(*name).value_name(*value).help(*help).action(ArgAction::Append);
            command.arg(arg.help_heading("Sources"))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Sources {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut sources: Vec<(usize, SourceFlag)> = Vec::new();
        for (name, _, _, source) in KINDS {
            let indices = matches.indices_of(name).into_iter().flatten();
            let values = matches.get_many::<String>(name).into_iter().flatten();
            sources.extend(indices.zip(values.map(|value| source(value.clone()))));
        }
        sources.sort_by_key(|(index, _)| *index);
        Ok(Self(sources.into_iter().map(|(_, source)| source).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = <Self as clap::FromArgMatches>::from_arg_matches(matches)?;
        Ok(())
    }
}
