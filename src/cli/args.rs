//! The command line: its words, and nothing of what they do.

mod fleet;
mod manual;
mod operator;
mod refused;
mod run;
mod switch;
mod table;
#[cfg(test)]
mod tests;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use fleet::{Fleet, FleetVerb};
pub use operator::{Env, History, Hold, Patient, Plain, Release, Reload, Retry, Signal};
pub use run::{Run, Times};

use crate::config::duration;

/// What somebody asks of lictor.
#[derive(Debug, Parser)]
#[command(name = "lictor", version, about = "A runtime sidecar for one Go service on a Linux host", after_long_help = manual::LICTOR)]
pub struct Cli {
    /// The verb and its own words.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// The sidecar, in the foreground
    Run(Box<Run>),
    /// What is live here, as a person reads it
    Status(Status),
    /// For a deployment's validation hook: waits, then says yes or no, and why
    ///
    /// Without --version, what lies on the disk must run. A deployment whose hook asks is known by its variables, and what
    /// it was answered is kept on the board and in the history. All lines are short.
    Validate(Validate),
    /// What the newest wish would change, and what is or would be done about it
    ///
    /// With -c and no lictor running, the sources are asked once, and what they say is compared with the newest good
    /// environment of the state directory. Ends with 0, with 1 if the newest wish is refused (rejected, or in
    /// quarantine), with --exit-code with 3 if there are changes (what only waits for a restart is none), with 69 if
    /// neither a lictor nor a required source answers, and with 78 if the configuration is wrong. Values are shown only
    /// of public keys; of others fingerprint and length.
    Plan(Plan),
    /// Reads the configuration and says what is wrong with it
    Check(Check),
    /// The service's variables: name, fingerprint, where from; values only of public keys
    Env(Env),
    /// What was applied, held, rejected, reverted, and what operators did: when, who, which keys, outcome
    History(History),
    /// Stops every wish until unhold
    ///
    /// A trial that is going on ends as it would, and the service is restarted when it crashes, on its good environment. The
    /// hold survives a restart of lictor; without --for it lasts until `lictor unhold`. A very first start is not held:
    /// there would be nothing else to run.
    Hold(Hold),
    /// Ends the hold; the newest wish sets out
    Unhold(Plain),
    /// Lets through what the guard holds
    Release(Release),
    /// Tries the newest wish once more, whatever is known against it
    ///
    /// For what was reverted and is in quarantine, was rejected, or was healthy on neither environment. It is answered with
    /// the verdict: done if the wish is good, no if it is taken back again.
    Retry(Retry),
    /// Back to the good environment before the present one, and holds
    ///
    /// It is answered when the service is healthy on it. No wish is tried until `lictor unhold`.
    Revert(Patient),
    /// Restarts the service on the environment that it has; answered when it is healthy again
    Restart(Patient),
    /// Reads lictor's own configuration again, from the same files, flags and environment
    ///
    /// Sources, mapping, checks, waits and the rules of apply and crash change at once, without touching the service; if
    /// that gives it other variables, they are a wish like any other. What concerns its process (exec, version) waits for
    /// its next start; name, addresses, sockets, logs and the state directory wait for the next start of lictor: both are
    /// said here and by `lictor status`. A configuration with an error changes nothing. SIGHUP does the same.
    Reload(Reload),
    /// Sends a signal to the service's main process
    Signal(Signal),
    /// All instances of a service, and what concerns all of them, from Consul alone
    ///
    /// The fleet is named by its service, by --prefix (its folder in the KV store) or by -c with a configuration that has
    /// fleet {}. Without -c, Consul is found by the variables of Consul's own client.
    Fleet(Fleet),
    /// Version and build settings out of a Go binary
    Buildinfo(Buildinfo),
    /// For the unit's ExecStopPost=: ends what a lictor that is gone has left of its service
    #[command(hide = true)]
    AfterStop(AfterStop),
}

/// `lictor after-stop`.
#[derive(Debug, clap::Args)]
pub struct AfterStop {
    /// The whole name of the unit
    #[arg(long, value_name = "UNIT")]
    pub unit: String,
    /// Waits for the next lictor, and ends what is left if none comes
    #[arg(long)]
    pub guard: bool,
}

/// Which running lictor is asked; with neither, the only one on the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct Target {
    /// The admin socket of the lictor to ask
    #[arg(long, value_name = "PATH", conflicts_with = "name")]
    pub socket: Option<PathBuf>,
    /// The name of the service whose lictor to ask
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// `lictor status`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = manual::STATUS)]
pub struct Status {
    /// The board as JSON
    #[arg(long)]
    pub json: bool,
    /// Goes on, and shows every change
    #[arg(long)]
    pub watch: bool,
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: Target,
}

/// `lictor validate`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = manual::VALIDATE)]
pub struct Validate {
    /// The version that must be running
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    /// How long to wait for a yes, and for a lictor to ask
    #[arg(long, value_name = "DURATION", default_value = "150s", value_parser = duration::parse)]
    pub timeout: Duration,
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: Target,
}

/// `lictor plan`.
#[derive(Debug, clap::Args)]
pub struct Plan {
    /// A file or directory of configuration: the lictor that runs on it is asked or, if none does, its sources
    #[arg(short, long, value_name = "FILE|DIR")]
    pub config: Vec<PathBuf>,
    /// Ends with 3 if there are changes
    #[arg(long)]
    pub exit_code: bool,
    /// The plan as JSON
    #[arg(long)]
    pub json: bool,
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: Target,
}

/// `lictor check`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = manual::CHECK)]
pub struct Check {
    /// A file, or a directory of *.hcl and *.json files
    #[arg(short, long, value_name = "FILE|DIR")]
    pub config: Vec<PathBuf>,
}

/// `lictor buildinfo`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = manual::BUILDINFO)]
pub struct Buildinfo {
    /// The Go binary
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// There is nothing to do but to print this and to end.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct Ended {
    /// What to print, without a last newline.
    pub text: String,
    /// What to end with.
    pub code: u8,
    /// Where it goes.
    pub stream: Stream,
}

/// Where a text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// It was asked for: help, the version.
    Stdout,
    /// It is an error.
    Stderr,
}

/// Wrong usage ends with this.
const USAGE: u8 = 2;

impl Ended {
    fn refused(sentence: impl Into<String>) -> Self {
        Self { text: sentence.into(), code: USAGE, stream: Stream::Stderr }
    }
}

impl From<clap::Error> for Ended {
    fn from(error: clap::Error) -> Self {
        let text = error.render().to_string().trim_end().to_owned();
        if error.use_stderr() { Self::refused(text) } else { Self { text, code: 0, stream: Stream::Stdout } }
    }
}

/// Reads the command line, with the program's own name as its first word.
///
/// # Errors
/// Help, the version, and wrong usage: see [`Ended`].
pub fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Cli, Ended> {
    let line = line.into_iter().map(OsString::into_string).collect::<Result<Vec<String>, _>>();
    let line = line.map_err(|_| Ended::refused("the command line is not UTF-8"))?;
    let mut command = Cli::command();
    let words::Normal { line, warnings } = words::normalise(line, &command).map_err(Ended::refused)?;
    let matches = command.try_get_matches_from_mut(line)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    if let Verb::Run(run) = &mut cli.verb {
        run.old_names = warnings;
    }
    Ok(cli)
}
