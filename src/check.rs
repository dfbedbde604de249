//! Probes on their own clock: one task a check, and every finding goes to the machine's inbox.
//!
//! The first probe of a run happens at once. Until a check has passed in this run it is probed quickly: again after
//! 100 ms, then 200 ms, doubling up to its interval, so that a fresh start is known to be healthy, and a trial gets its
//! verdict, as soon as may be; a probe that is refused at once costs next to nothing. Afterwards the checks of a run keep
//! to their intervals, each at its own place in it, so that two hundred of them are a trickle and not a burst.
//!
//! What the findings mean is not decided here: `machine` adds them up. What is decided here stands in two pure files,
//! `schedule` (when a check is probed next) and `startup` (what is held back until the service has started).

#![cfg_attr(
    not(all(feature = "mysql", feature = "postgres", feature = "redis")),
    allow(dead_code, reason = "what only a kind of check needs that is not built in")
)]

#[cfg(any(feature = "mysql", feature = "postgres", feature = "redis"))]
mod answer;
mod command;
mod dial;
mod encrypt;
mod file;
mod finding;
#[cfg(feature = "postgres")]
mod frames;
#[cfg(feature = "grpc")]
mod grpc;
mod http;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod probe;
mod reason;
#[cfg(feature = "redis")]
mod redis;
mod round;
mod schedule;
mod spec;
#[cfg(feature = "sqs")]
mod sqs;
mod startup;
pub mod target;
mod tcp;
mod text;
mod tls;
mod trust;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

pub use spec::{
    Command, Expression, Field, Grpc, Http, Kind, Place, Redis, Scalar, Spec, Sql, Sqs, Statuses, Tcp, Tls, TlsMode,
};
pub use text::Text;

use self::command::Surroundings;
use self::encrypt::Roots;
use self::probe::Probes;
use self::round::Round;
use self::text::OfService;
use crate::environment::{Environment, Redactor};
use crate::machine::order::Pace;
use crate::machine::{Event, RunId};
use crate::service::roster::Roster;

/// Makes the whole environment of a command out of the composed one: the same that the service gets.
pub type BuildEnvironment = Arc<dyn Fn(&Environment) -> Vec<(OsString, OsString)> + Send + Sync>;

/// What the checks need to know of the service that they are about.
pub struct Context {
    /// `apply.min_healthy`: on trial every check is probed at least every third of it.
    pub min_healthy: Duration,
    /// As whom `command` checks run (`exec.user`); `None`: as lictor does.
    pub user: Option<String>,
    /// Where `command` checks run (`exec.directory`).
    pub directory: Option<PathBuf>,
    /// Where `command` checks are put down as lictor's own children.
    pub roster: Roster,
    /// The environment that `command` checks run with.
    pub environment: BuildEnvironment,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("min_healthy", &self.min_healthy)
            .field("user", &self.user)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

/// All checks of the service. Its orders never wait; what comes of them is [`Event::Probed`].
#[derive(Debug)]
pub struct Checks {
    specs: Arc<[Spec]>,
    context: Context,
    inbox: mpsc::Sender<Event>,
    /// There is one if a check needs it: with the system's certificates it takes some 0.4 MB.
    client: Option<http::Client>,
    round: Option<Round>,
    /// What lictor composes for the service, as it is at the moment.
    composed: watch::Sender<Arc<Environment>>,
    /// Keys for AWS that were handed out.
    #[cfg(feature = "sqs")]
    kept: sqs::Kept,
}

impl Checks {
    /// Nothing is probed before the first [`Checks::probe`].
    pub fn new(specs: Vec<Spec>, context: Context, inbox: mpsc::Sender<Event>) -> Self {
        let client = http::Client::for_checks(&specs);
        Self {
            specs: specs.into(),
            context,
            inbox,
            client,
            round: None,
            composed: watch::Sender::default(),
            #[cfg(feature = "sqs")]
            kept: sqs::Kept::default(),
        }
    }

    /// Probes this run from now on, at this pace. For the run that is being probed only the pace and what
    /// `env_of_service` finds change, unless there are new checks since. Must be called within a tokio runtime.
    pub fn probe(&mut self, run: RunId, pace: Pace, environment: &Arc<Environment>) {
        self.composed.send_replace(Arc::clone(environment));
        if let Some(round) = &self.round
            && round.is_of(run, &self.specs)
        {
            round.set_pace(pace);
            return;
        }
        self.nothing();
        let probes = Probes {
            specs: Arc::clone(&self.specs),
            client: self.client.clone(),
            surroundings: self.surroundings(environment),
            service: OfService::new(self.composed.subscribe(), Arc::clone(&self.context.environment)),
            roots: Roots::default(),
            #[cfg(feature = "sqs")]
            kept: self.kept.clone(),
        };
        let plan = round::Plan { run, specs: Arc::clone(&self.specs), min_healthy: self.context.min_healthy };
        self.round = Some(Round::begin(plan, pace, probes, &self.inbox));
    }

    /// Stops all probes at once: no finding of theirs is sent any more, and a command on its way is killed.
    pub fn nothing(&mut self) {
        self.round = None;
    }

    /// Replaces the checks and `apply.min_healthy`, from the next [`Checks::probe`] on, be it for the same run.
    pub fn update(&mut self, specs: Vec<Spec>, min_healthy: Duration) {
        if *self.specs == *specs && self.context.min_healthy == min_healthy {
            return;
        }
        if http::Need::of(&self.specs) != http::Need::of(&specs) {
            self.client = http::Client::for_checks(&specs);
        }
        self.specs = specs.into();
        self.context.min_healthy = min_healthy;
    }

    /// Another command is about to run: from the next [`Checks::probe`] of another run on, the checks are about that one.
    pub fn equip(&mut self, context: Context) {
        self.context = context;
    }

    /// What commands are run in; without any, nothing is prepared.
    fn surroundings(&self, environment: &Environment) -> Option<Surroundings> {
        let commands = self.specs.iter().any(|spec| matches!(spec.kind, Kind::Command(_)));
        commands.then(|| {
            let variables = (self.context.environment)(environment);
            Surroundings {
                redactor: Redactor::of(environment).with_inherited(environment, &variables),
                environment: command::Environment(variables),
                directory: self.context.directory.clone(),
                user: self.context.user.clone(),
                roster: self.context.roster.clone(),
            }
        })
    }
}

#[cfg(test)]
mod tests;
