//! What has been proved: the environments that were good and the pairs that failed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::build::Build;
use super::super::numbers::GenerationId;
use crate::environment::{Environment, Fingerprint};

/// One environment that has been good, with the builds that it was good on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Good {
    /// The environment, with its values (the serialised form has none; `state` keeps them by hand).
    pub environment: Arc<Environment>,
    /// The builds that were healthy on it, newest first.
    pub builds: Vec<Build>,
    /// The generation in which it was good last.
    pub generation: GenerationId,
    /// When it was promoted, Unix milliseconds.
    pub at_unix_ms: u64,
}

/// One environment and one build that were tried together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The environment's fingerprint.
    pub environment: Fingerprint,
    /// The build.
    pub build: Build,
}

/// One pair that failed its trial while the environment before it was healthy again afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// Which environment with which build.
    pub pair: Pair,
    /// Why it failed, as a sentence.
    pub reason: String,
    /// When, Unix milliseconds.
    pub at_unix_ms: u64,
    /// Whether that is proved or only suspected.
    #[serde(default)]
    pub standing: Standing,
}

/// How sure it is that a pair is to blame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The environment before it was healthy again afterwards.
    #[default]
    Proved,
    /// It has failed, and the environment before it is not healthy yet. It is kept for a lictor that starts before the
    /// verdict.
    Suspected,
}

/// How many good environments are kept: the operator can go back this far.
pub const GOOD_KEPT: usize = 5;

/// How many pairs in quarantine are kept; the oldest goes first.
pub const QUARANTINE_KEPT: usize = 64;

/// The good environments, newest first, and the quarantine, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in super::super) struct Ledger {
    good: Vec<Good>,
    quarantine: Vec<Quarantined>,
}

impl Ledger {
    pub(super) fn new(good: Vec<Good>, quarantine: Vec<Quarantined>) -> Self {
        Self { good, quarantine }
    }

    pub(in super::super) fn good(&self) -> &[Good] {
        &self.good
    }

    pub(in super::super) fn quarantine(&self) -> &[Quarantined] {
        &self.quarantine
    }

    /// The environment that was good last.
    pub(in super::super) fn newest(&self) -> Option<&Good> {
        self.good.first()
    }

    /// Where to go back to from `environment`: the newest other good one that is not in quarantine with this build.
    pub(in super::super) fn fallback(&self, environment: &Environment, build: &Build) -> Option<&Good> {
        let usable =
            |good: &&Good| *good.environment != *environment && self.quarantined(&good.environment, build).is_none();
        self.good.iter().find(usable)
    }

    /// What to run when nothing else can run: the newest good environment that is not in quarantine, or else the
    /// newest.
    pub(in super::super) fn resort(&self, build: &Build) -> Option<&Good> {
        let usable = |good: &&Good| self.quarantined(&good.environment, build).is_none();
        self.good.iter().find(usable).or_else(|| self.newest())
    }

    /// The good environment, if this environment has been good on this build.
    pub(in super::super) fn holds(&self, environment: &Environment, build: &Build) -> Option<&Good> {
        self.good.iter().find(|good| *good.environment == *environment && good.builds.contains(build))
    }

    /// Whether this environment has been good on any build.
    pub(in super::super) fn knows(&self, environment: &Environment) -> bool {
        self.good.iter().any(|good| *good.environment == *environment)
    }

    /// Why this pair is in quarantine, if it is.
    pub(in super::super) fn quarantined(&self, environment: &Environment, build: &Build) -> Option<&Quarantined> {
        self.kept_of(environment, build).filter(|held| held.standing == Standing::Proved)
    }

    /// Whether an earlier lictor was about to find out whether this pair is to blame.
    pub(in super::super) fn is_suspected(&self, environment: &Environment, build: &Build) -> bool {
        self.kept_of(environment, build).is_some_and(|held| held.standing == Standing::Suspected)
    }

    fn kept_of(&self, environment: &Environment, build: &Build) -> Option<&Quarantined> {
        let fingerprint = environment.fingerprint();
        self.quarantine.iter().find(|held| held.pair.environment == fingerprint && held.pair.build == *build)
    }

    /// A good environment is healthy on this build: the pairs that were suspected on it are to blame. Returns them.
    pub(super) fn confirm_suspected(&mut self, build: &Build) -> Vec<Quarantined> {
        let suspected = |held: &&mut Quarantined| held.standing == Standing::Suspected && held.pair.build == *build;
        let confirm = |held: &mut Quarantined| {
            held.standing = Standing::Proved;
            held.clone()
        };
        self.quarantine.iter_mut().filter(suspected).map(confirm).collect()
    }

    /// Forgets what is suspected, without a verdict; returns whether anything was.
    pub(super) fn forget_suspected(&mut self) -> Changed {
        let before = self.quarantine.len();
        self.quarantine.retain(|held| held.standing == Standing::Proved);
        if self.quarantine.len() == before { Changed::No } else { Changed::Yes }
    }

    /// Puts an environment at the front; returns whether anything changed. What the running process was started with stays
    /// on the list: the next lictor takes it up only if it knows it.
    pub(super) fn promote(
        &mut self,
        environment: &Arc<Environment>,
        build: &Build,
        generation: GenerationId,
        at_unix_ms: u64,
        started_with: &Environment,
    ) -> Changed {
        let known = self.good.iter().position(|good| good.environment == *environment);
        let as_known = |good: &Good| good.environment.source_keys() == environment.source_keys();
        if known == Some(0) && self.good[0].builds.first() == Some(build) && as_known(&self.good[0]) {
            return Changed::No;
        }
        let mut builds = known.map(|index| self.good.remove(index).builds).unwrap_or_default();
        builds.retain(|other| other != build);
        builds.insert(0, build.clone());
        builds.truncate(GOOD_KEPT);
        self.good.insert(0, Good { environment: Arc::clone(environment), builds, generation, at_unix_ms });
        while self.good.len() > GOOD_KEPT {
            let spare = self.good.iter().rposition(|good| *good.environment != *started_with).unwrap_or(GOOD_KEPT);
            self.good.remove(spare);
        }
        Changed::Yes
    }

    /// Notes from which keys the sources give a good environment, if these have changed.
    pub(super) fn renew_keys(&mut self, environment: &Arc<Environment>) -> Changed {
        let differs = |good: &&mut Good| good.environment.source_keys() != environment.source_keys();
        let known = self.good.iter_mut().find(|good| good.environment == *environment).filter(differs);
        let Some(good) = known else { return Changed::No };
        good.environment = Arc::clone(environment);
        Changed::Yes
    }

    /// The good environments, for a change of what may be shown.
    pub(super) fn environments(&mut self) -> impl Iterator<Item = &mut Arc<Environment>> {
        self.good.iter_mut().map(|good| &mut good.environment)
    }

    /// Puts a good environment at the front, so that it is the first to go back to.
    pub(super) fn prefer(&mut self, environment: &Environment) {
        if let Some(index) = self.good.iter().position(|good| *good.environment == *environment) {
            self.good[..=index].rotate_right(1);
        }
    }

    /// Takes back that this pair was good; an environment that was good on no other build leaves the list.
    pub(super) fn demote(&mut self, environment: &Environment, build: &Build) {
        for good in self.good.iter_mut().filter(|good| *good.environment == *environment) {
            good.builds.retain(|other| other != build);
        }
        self.good.retain(|good| !good.builds.is_empty());
    }

    pub(super) fn put_in_quarantine(&mut self, held: Quarantined) {
        self.quarantine.retain(|other| other.pair != held.pair);
        self.quarantine.insert(0, held);
        self.quarantine.truncate(QUARANTINE_KEPT);
    }

    /// Takes one pair out; returns whether it was there.
    pub(super) fn release(&mut self, environment: &Environment, build: &Build) -> Changed {
        let before = self.quarantine.len();
        let fingerprint = environment.fingerprint();
        self.quarantine.retain(|held| held.pair.environment != fingerprint || held.pair.build != *build);
        if self.quarantine.len() == before { Changed::No } else { Changed::Yes }
    }
}

/// Whether a list has changed, and so has to be written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    /// It has changed.
    Yes,
    /// It has not.
    No,
}
