//! Probes at regular intervals: one task for each check. Every finding goes to the machine's inbox.
//!
//! The first probe of a run happens at once. Until a check has passed in this run it is probed more often: again after 100 ms, then
//! 200 ms, doubling up to its interval. So a new process is known to be healthy, and a trial gets its verdict, as soon as possible; a
//! probe that is refused at once costs next to nothing. Afterwards each check keeps to its interval, at a place of its own in it, so
//! that the probes of two hundred checks are spread evenly.
//!
//! The machine decides what the findings mean. Two decisions are made here, in pure files: `schedule` (when a check is probed next)
//! and `startup` (which checks are held back until the service has started).

#![cfg_attr(
    not(all(feature = "grpc", feature = "mysql", feature = "postgres", feature = "redis", feature = "sqs")),
    allow(dead_code, reason = "what only a kind of check needs that is not built in")
)]

mod database;
mod kinds;
mod net;
mod reason;
mod round;
mod schedule;
mod startup;
mod text;
mod tls;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OnceCell, mpsc, watch};

pub use database::{Place, Sql, is_of_mysql, is_of_postgres, is_of_redis};
pub use kinds::{Command, Expression, Field, Grpc, Http, Kind, Scalar, Sqs, Statuses, Tcp};
pub use net::fetch::{Fetched, Unfetched, fetch};
pub use schedule::on_trial;
pub use text::Text;
pub use tls::{Tls, TlsMode};

#[cfg(feature = "sqs")]
use self::kinds::Kept;
use self::kinds::{Probes, Surroundings};
use self::net::Access;
use self::net::file::Files;
use self::round::Round;
use self::startup::Startup;
use self::text::OfService;
use self::tls::Roots;
use crate::environment::Environment;
use crate::listen::Reach;
use crate::machine::order::Pace;
use crate::machine::policy::CheckRule;
use crate::machine::{Event, RunId};
use crate::resolve::Resolver;
use crate::service::OwnChildren;

/// One check, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Its label, role, words, rise and fall.
    pub rule: CheckRule,
    /// The probe.
    pub kind: Kind,
    /// The time from the start of one probe to the start of the next.
    pub interval: Duration,
    /// The timeout of a probe.
    pub timeout: Duration,
}

/// Makes the whole environment of a command from the composed one: the same as for the service.
pub type BuildEnvironment = Arc<dyn Fn(&Environment) -> Vec<(OsString, OsString)> + Send + Sync>;

/// What the checks need to know about their service.
pub struct Context {
    /// `apply.min_healthy`: on trial every check is probed at least every third of it.
    pub min_healthy: Duration,
    /// The user of `command` checks (`exec.user`); `None`: lictor's.
    pub user: Option<String>,
    /// The working directory of `command` checks (`exec.directory`).
    pub directory: Option<PathBuf>,
    /// The record of lictor's own children, for `command` checks.
    pub own_children: OwnChildren,
    /// Makes the environment of `command` checks.
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

/// What the checks of a run were started with; a new command for a later run does not change it.
#[derive(Clone, Debug)]
struct Equipment {
    context: Arc<Context>,
    /// The reader of files, which is kept from run to run, because a read that hangs outlives its run.
    files: Files,
}

impl Equipment {
    fn of(context: Context) -> Self {
        Self { files: Files::new(context.user.clone()), context: Arc::new(context) }
    }
}

/// A run that is being probed.
#[derive(Debug)]
struct Probed {
    round: Round,
    equipment: Equipment,
    /// The present composed environment of this run.
    composed: watch::Sender<Arc<Environment>>,
}

/// All checks of the service. Its methods never wait; the results come as [`Event::Probed`].
#[derive(Debug)]
pub struct Checks {
    specs: Arc<[Spec]>,
    min_healthy: Duration,
    /// The settings for the next run.
    equipment: Equipment,
    inbox: mpsc::Sender<Event>,
    /// The resolver of names, which is kept from run to run, because a lookup that hangs outlives its run.
    resolver: Resolver,
    /// While one run takes over from another, both are probed.
    probed: BTreeMap<RunId, Probed>,
    /// The runs that began before this lictor.
    adopted: BTreeSet<RunId>,
    /// Temporary keys for AWS.
    #[cfg(feature = "sqs")]
    kept: Kept,
}

impl Checks {
    /// The checks; nothing is probed before the first [`Checks::probe`].
    pub fn new(specs: Vec<Spec>, context: Context, inbox: mpsc::Sender<Event>) -> Self {
        Self {
            specs: specs.into(),
            min_healthy: context.min_healthy,
            equipment: Equipment::of(context),
            inbox,
            resolver: Resolver::default(),
            probed: BTreeMap::new(),
            adopted: BTreeSet::new(),
            #[cfg(feature = "sqs")]
            kept: Kept::default(),
        }
    }

    /// Probes this run from now on, at this pace; other runs are probed as before. `reach` is how to reach this run if another one
    /// listens at the same address. For a run that is probed already, only the pace and the environment for `env_of_service`
    /// change, unless the checks have changed. Must be called within a tokio runtime.
    pub fn probe(&mut self, run: RunId, pace: Pace, environment: &Arc<Environment>, reach: Option<Reach>) {
        if let Some(Probed { round, composed, .. }) = self.probed.get(&run)
            && round.is_by(&self.specs)
        {
            composed.send_replace(Arc::clone(environment));
            round.set_pace(pace);
            return;
        }
        // The probes of the earlier checks end here.
        let before = self.probed.remove(&run).map(|probed| (probed.round.startup(&self.specs), probed.equipment));
        let (startup, equipment) = before.unwrap_or_else(|| {
            let began_before = self.adopted.contains(&run);
            let startup = if began_before { Startup::started(&self.specs) } else { Startup::of(&self.specs) };
            (startup, self.equipment.clone())
        });
        let composed = watch::Sender::new(Arc::clone(environment));
        let probes = Probes {
            specs: Arc::clone(&self.specs),
            access: Access {
                resolver: self.resolver.clone(),
                files: equipment.files.clone(),
                roots: Roots::default(),
                service: OfService::new(composed.subscribe(), Arc::clone(&equipment.context.environment)),
                reach,
                resolving: Arc::default(),
            },
            surroundings: surroundings(&equipment.context, environment),
            #[cfg(feature = "sqs")]
            kept: self.kept.clone(),
        };
        let plan = round::Plan { run, specs: Arc::clone(&self.specs), min_healthy: self.min_healthy };
        let round = Round::begin(plan, startup, pace, probes, &self.inbox);
        self.probed.insert(run, Probed { round, equipment, composed });
    }

    /// Notes that this run began before this lictor: its startup checks hold nothing back.
    pub fn adopt(&mut self, run: RunId) {
        self.adopted.insert(run);
    }

    /// Stops the probes of this run at once: no finding is sent any more, and a running command is killed.
    pub fn stop(&mut self, run: RunId) {
        self.probed.remove(&run);
    }

    /// Replaces the checks and `apply.min_healthy`, from the next [`Checks::probe`] on, also for the same run.
    pub fn update(&mut self, specs: Vec<Spec>, min_healthy: Duration) {
        if *self.specs == *specs && self.min_healthy == min_healthy {
            return;
        }
        self.specs = specs.into();
        self.min_healthy = min_healthy;
    }

    /// Sets the command that is about to run: from the next [`Checks::probe`] of another run on, the checks concern that one.
    pub fn equip(&mut self, context: Context) {
        let files = (self.equipment.context.user == context.user).then(|| self.equipment.files.clone());
        self.equipment = Equipment::of(context);
        if let Some(files) = files {
            self.equipment.files = files;
        }
    }
}

/// The user, directory and environment of commands.
fn surroundings(context: &Context, environment: &Arc<Environment>) -> Surroundings {
    Surroundings {
        composed: Arc::clone(environment),
        directory: context.directory.clone(),
        user: context.user.clone(),
        own_children: context.own_children.clone(),
        ready: OnceCell::new(),
    }
}

#[cfg(test)]
mod tests;
