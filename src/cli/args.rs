//! The command line: its words, and nothing of what they do.

mod fleet;
mod manual;
mod operator;
mod promote;
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
pub use operator::{
    EnvArgs, HistoryArgs, HoldArgs, PatientArgs, PlainArgs, ReleaseArgs, ReloadArgs, RetryArgs, SignalArgs,
};
pub use promote::Promote;
pub use run::{ConfigurationArgs, RunArgs, Times};
pub use table::flags;

use super::configuration::Configuration;
use crate::config::duration;

/// What somebody asks of lictor.
#[derive(Debug, Parser)]
#[command(name = "lictor", version, about = "A runtime sidecar for one Go service on a Linux host", after_long_help = manual::LICTOR,
    disable_help_subcommand = true)]
pub struct Cli {
    /// The verb and its own words.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Runs the service, in the foreground
    Run(Box<RunArgs>),
    /// Shows what runs here, and whether it is healthy
    Status(StatusArgs),
    /// For a deployment's validation hook: waits, then answers yes or no, with the reason
    ///
    /// Without --version, the build that is installed must be the one that runs. A deployment is recognised by the
    /// variables of its hook, and the answer is kept on the board and in the history. All lines are short.
    Validate(ValidateArgs),
    /// Shows what the newest values would change, and what lictor does about it
    ///
    /// With a configuration (-c, or the flags of `lictor run`), the lictor that runs with it is asked. If none runs,
    /// its sources are asked once, and the result is compared with the newest good environment in the state directory.
    /// Only the values of public keys are shown; for the others, the fingerprint and the length.
    Plan(Box<PlanArgs>),
    /// Reads the configuration and reports every mistake in it
    ///
    /// It takes the same arguments as `lictor run`, so that the line of a unit can be checked as it is.
    Check(Box<CheckArgs>),
    /// Checks the surroundings: what is missing or wrong, each with its remedy
    ///
    /// It asks Consul for each prefix, with the configured token, and checks the command, the addresses, the
    /// directories, the receiver of the metrics, the kernel and the settings of a unit. Nothing is changed. Run it as
    /// the user of the unit.
    Doctor(Box<DoctorArgs>),
    /// Writes a first configuration, with comments, to standard output
    Init(Box<InitArgs>),
    /// Shows the service's variables: names, fingerprints and origins; values of public keys only
    Env(EnvArgs),
    /// Shows what became of each change, and what operators did: when, who, which keys, and the outcome
    History(HistoryArgs),
    /// Holds back every change until unhold
    ///
    /// A trial that is going on ends as it would without the hold, and a service that crashes is restarted on its good
    /// environment. The hold survives a restart of lictor; without --for it lasts until `lictor unhold`. The very first
    /// start is not held back: there would be nothing else to run.
    Hold(HoldArgs),
    /// Ends the hold; the newest change goes ahead
    Unhold(PlainArgs),
    /// Releases the change that the guard holds
    Release(ReleaseArgs),
    /// Tries the newest change once more, even if it has failed before
    ///
    /// It is for a change that was reverted and is in quarantine, that was rejected, or that has got no verdict. The
    /// answer is the verdict: done if the change is good, no if it is taken back again.
    Retry(RetryArgs),
    /// Goes back to the good environment before the present one, and holds back every change
    ///
    /// The answer comes once the service has been healthy on it. No change is tried until `lictor unhold`.
    Revert(PatientArgs),
    /// Restarts the service on its present environment
    ///
    /// The answer is the one that a trial of the new process would give: done once it has been healthy for
    /// `apply.min_healthy`, no if it ends or is not healthy by `apply.deadline`.
    Restart(PatientArgs),
    /// Reads lictor's own configuration again, from the same files, flags and environment
    ///
    /// Sources, mapping, checks, waits and the rules of apply and crash change at once, without touching the service.
    /// If that changes its variables, that is a change like any other. What concerns the service's process (exec,
    /// version) waits for its next start; name, addresses, sockets, logs and the state directory wait for the next
    /// start of lictor. What waits is listed here and by `lictor status`. A configuration with an error changes
    /// nothing. SIGHUP does the same.
    Reload(ReloadArgs),
    /// Has lictor begin anew from its file, under the running service, after an upgrade
    ///
    /// The process stays the same one, with its PID, and so do the service and its sockets. First the file has to say
    /// its version and to accept the configuration, and a change, a start or a stop that is under way is waited for;
    /// else nothing happens. It is done once the new lictor answers.
    Reexec(PatientArgs),
    /// Sends a signal to the service's main process
    Signal(SignalArgs),
    /// Shows all instances of a service, and acts on all of them, through Consul alone
    ///
    /// The fleet is named by its service, by --prefix (its folder in the KV store) or by -c with a configuration that
    /// has fleet {}. Without -c, Consul is found by the variables of Consul's own client.
    Fleet(Fleet),
    /// Writes a set of config that is good at one Consul into another one, by check-and-set, after a plan
    ///
    /// The plan names what is added (+), changed (~), removed (-) and kept (=). Nothing is written unless the set is
    /// good on every live instance of the source's fleet, and unless every key of the target is still as the plan saw
    /// it. Up to 64 keys are one transaction; a larger set needs the target's commit key, which is written last. What
    /// is skipped (--skip) stays as it is on each side. Beside the addresses, the variables of Consul's own client
    /// count for both.
    Promote(Box<Promote>),
    /// Explains a verb, the words of a configuration, or what each word on the board means and asks of you
    Help(HelpArgs),
    /// Shows version and build settings of a Go binary
    Buildinfo(BuildinfoArgs),
    /// For the unit's ExecStopPost=: ends the processes that a killed lictor has left behind
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

/// Which running lictor is asked; if neither is given, the only one on the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct TargetArgs {
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
pub struct StatusArgs {
    /// The board as JSON
    #[arg(long)]
    pub json: bool,
    /// Keeps running and shows every change, also after a restart of lictor
    #[arg(long)]
    pub watch: bool,
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `lictor validate`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = manual::VALIDATE)]
pub struct ValidateArgs {
    /// The version that must be running
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    /// How long to wait for a yes, and for a lictor to ask
    #[arg(long, value_name = "DURATION", default_value = "150s", value_parser = duration::parse)]
    pub timeout: Duration,
    /// Which lictor is asked.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `lictor plan`.
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = manual::PLAN,
    override_usage = "lictor plan [--socket PATH | --name NAME] [--exit-code | --watch] [--json]\n       \
                      lictor plan [--exit-code | --watch] [--json] [-c FILE|DIR]... [flags of run] [-- COMMAND ARG...]"
)]
pub struct PlanArgs {
    /// Exits with 3 if there are changes
    #[arg(long, conflicts_with = "watch")]
    pub exit_code: bool,
    /// The plan as JSON
    #[arg(long)]
    pub json: bool,
    /// Keeps running and shows the plan again whenever it is another one, also after a restart of lictor
    #[arg(long)]
    pub watch: bool,
    /// The admin socket of the lictor to ask
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Whose lictor is asked or, if none runs on it, whose sources.
    #[command(flatten)]
    pub configuration: ConfigurationArgs,
    #[command(flatten)]
    unit: UnitArgs,
}

impl PlanArgs {
    /// Which running lictor is asked.
    pub fn target(&self) -> TargetArgs {
        TargetArgs { socket: self.socket.clone(), name: self.configuration.name() }
    }
}

/// `lictor check`.
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = manual::CHECK,
    override_usage = "lictor check [--sources] [FILE|DIR]... [flags of run] [-- COMMAND ARG...]"
)]
pub struct CheckArgs {
    /// A file, or a directory of *.hcl and *.json files
    #[arg(value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// Asks every source once too: what it gives, which lines and keys are left out, and whether a service could start
    #[arg(long)]
    pub sources: bool,
    #[command(flatten)]
    configuration: ConfigurationArgs,
    #[command(flatten)]
    unit: UnitArgs,
}

impl CheckArgs {
    /// What is checked.
    pub(super) fn configuration(&self) -> Configuration {
        self.configuration.with_files(&self.files)
    }
}

/// Words of `run` that change nothing for `check` and `plan`, so that the line of a unit can be checked as it stands.
#[derive(Debug, clap::Args)]
struct UnitArgs {
    /// Only `run` uses it
    #[arg(long, hide = true, value_name = "BOOL", value_parser = switch::parse, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", overrides_with = "once")]
    once: Option<bool>,
}

/// `lictor doctor`.
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = manual::DOCTOR,
    override_usage = "lictor doctor [--unit UNIT] [FILE|DIR]... [flags of run] [-- COMMAND ARG...]"
)]
pub struct DoctorArgs {
    /// A file, or a directory of *.hcl and *.json files
    #[arg(value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// A unit of systemd's to look at too; without it, the one in which this runs
    #[arg(long = "unit", value_name = "UNIT")]
    pub unit: Option<String>,
    #[command(flatten)]
    configuration: ConfigurationArgs,
    #[command(flatten)]
    of_run: UnitArgs,
}

impl DoctorArgs {
    /// Whose surroundings are looked at.
    pub(super) fn configuration(&self) -> Configuration {
        self.configuration.with_files(&self.files)
    }
}

/// `lictor init`.
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = manual::INIT,
    override_usage = "lictor init [--prefix PATH | --file FILE | --directory DIR]... [flags of run] -- COMMAND ARG..."
)]
pub struct InitArgs {
    /// What is written down.
    #[command(flatten)]
    pub configuration: ConfigurationArgs,
}

/// `lictor help`.
#[derive(Debug, clap::Args)]
pub struct HelpArgs {
    /// A verb; `config` with or without a block or an attribute, as in `config apply.watch`; or `states` with or
    /// without one of the board's words
    #[arg(value_name = "TOPIC")]
    pub topic: Vec<String>,
}

/// `lictor buildinfo`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = manual::BUILDINFO)]
pub struct BuildinfoArgs {
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
    /// The exit code.
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
    let configuration = match &mut cli.verb {
        Verb::Run(run) => Some(&mut run.configuration),
        Verb::Check(check) => Some(&mut check.configuration),
        Verb::Plan(plan) => Some(&mut plan.configuration),
        Verb::Init(init) => Some(&mut init.configuration),
        Verb::Doctor(doctor) => Some(&mut doctor.configuration),
        _ => None,
    };
    if let Some(configuration) = configuration {
        configuration.old_names = warnings;
    }
    Ok(cli)
}
