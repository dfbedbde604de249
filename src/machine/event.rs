//! What can happen. Every fact carries the number of the run, check or turn that it is about.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::build::{Build, Version};
use super::deployment::{Deployment, Verdict};
use super::numbers::{CheckId, RequestId, RunId, TurnId};
use super::reload::Pending;
use crate::environment::{Environment, Fingerprint, Freshness};

/// Everything that can happen. It is serialised without any value, so that a log from the field replays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The sources, all of them heard, compose to this.
    Wish {
        /// The newest environment wanted.
        #[serde(flatten, with = "recorded")]
        environment: Arc<Environment>,
        /// Which rules of `key {}` it breaks, in short sentences without values.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        violations: Vec<String>,
    },
    /// The sources, all of them heard, do not compose: a NUL in a value, say.
    Unfit {
        /// Why not, in short sentences without values.
        reasons: Vec<String>,
    },
    /// What is known of the sources' freshness; it decides nothing, it is shown.
    Sources {
        /// One for each source, in the order of the configuration.
        sources: Vec<SourceReport>,
    },
    /// Whether what should be kept on disk is kept; it decides nothing, it is shown.
    Disk {
        /// Why it is not; `None`: it is.
        problem: Option<String>,
    },
    /// Whether the sockets that are held for the service do all that they should; it decides nothing, it is shown.
    Sockets {
        /// What they do not; `None`: all is well.
        problem: Option<String>,
    },
    /// Whether new connections can be steered from one run to another.
    Steering {
        /// Why they can't; `None`: they can.
        problem: Option<String>,
    },
    /// New connections go to this run now, as was ordered.
    Steered {
        /// Which run.
        run: RunId,
    },
    /// They could not be steered to this run; nothing has changed.
    SteerFailed {
        /// Which run.
        run: RunId,
        /// Why, as a sentence.
        error: String,
    },
    /// The executable on disk is this one now.
    Installed {
        /// Its identity.
        build: Build,
        /// Its version.
        version: Version,
    },
    /// A process has been started.
    Started {
        /// Which run.
        run: RunId,
        /// Its PID.
        pid: u32,
    },
    /// A process of an earlier lictor still runs, and has been taken over as this run, the first one.
    Adopted {
        /// Which run it is from now on.
        run: RunId,
        /// Its number.
        pid: u32,
        /// The fingerprint of the environment that it was started with.
        environment: Fingerprint,
        /// The build that it was started on.
        build: Build,
    },
    /// A process could not be started at all: it counts as a crash.
    StartFailed {
        /// Which run.
        run: RunId,
        /// Why, as a sentence.
        error: String,
    },
    /// The main process has ended, and nothing that it started is left.
    Exited {
        /// Which run.
        run: RunId,
        /// How it ended.
        exit: Exit,
    },
    /// What the running process is, read from its executable or asked of it.
    Identified {
        /// Which run.
        run: RunId,
        /// The identity of the executable that it runs.
        build: Build,
        /// Its version.
        version: Version,
    },
    /// One probe of one check has come back.
    Probed {
        /// Which run was probed.
        run: RunId,
        /// The check's place in the policy.
        check: usize,
        /// What it found.
        outcome: ProbeResult,
        /// How long it took.
        #[serde(with = "millis")]
        took: Duration,
    },
    /// A reload could not be carried out; nothing was touched.
    ReloadFailed {
        /// Which run.
        run: RunId,
        /// Why, as a sentence.
        error: String,
    },
    /// The check command has ended.
    Checked {
        /// Which one.
        check: CheckId,
        /// What it says.
        verdict: CheckVerdict,
    },
    /// The fleet lets us restart.
    TurnGranted {
        /// Which request.
        turn: TurnId,
    },
    /// The right to restart is gone (the session died).
    TurnLost {
        /// Which request.
        turn: TurnId,
    },
    /// The fleet doesn't let us restart yet, or not at all. It isn't a failure: the wish waits where it is.
    TurnRefused {
        /// Which request.
        turn: TurnId,
        /// Why.
        why: TurnRefusal,
    },
    /// The process has got into traffic, or out of it.
    TrafficChanged {
        /// Which run.
        run: RunId,
        /// Where it is now.
        state: TrafficState,
    },
    /// Whether traffic can be steered; it decides nothing, it is shown.
    TrafficTrouble {
        /// Why it can't; `None`: it can.
        problem: Option<String>,
    },
    /// Our own configuration was read again.
    Policy {
        /// The new policy.
        policy: Box<super::policy::Policy>,
    },
    /// Somebody asked for our own configuration to be read again, and it was.
    Reloaded {
        /// The uid of who asked; `None`: a signal, or the kernel could not tell.
        who: Option<u32>,
        /// What waits for a restart, or every error with its place.
        outcome: Result<Pending, Vec<String>>,
    },
    /// An operator asks, over the admin socket; answered by `Answer`.
    Operator {
        /// What for.
        verb: Verb,
        /// Who, and under which number.
        by: Requester,
    },
    /// A signal to be passed on to the main process.
    Signal {
        /// Its number.
        signal: i32,
    },
    /// Nothing moved for so long: the host, or lictor, stood still.
    Paused {
        /// How long.
        length: Duration,
    },
    /// Stop the service and end; once more: kill it now.
    Shutdown,
    /// Time has passed; nothing else.
    Tick,
}

/// What an operator can ask of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Stop and start the service on the environment that it has.
    Restart,
    /// Pass a signal on to the main process.
    Signal {
        /// Its number.
        signal: i32,
    },
    /// Stop all wishes before *turn*.
    Hold {
        /// Why, for the board; may be empty.
        reason: String,
        /// After this long it ends by itself; `None`: never.
        length: Option<Duration>,
    },
    /// End the hold.
    Unhold,
    /// Let through what the guard holds.
    Release {
        /// What must be held for it; `None`: whatever is.
        fingerprint: Option<Fingerprint>,
    },
    /// Try the newest wish once more: what is quarantined, was rejected or was inconclusive.
    Retry {
        /// What the newest wish must be; `None`: whatever it is.
        fingerprint: Option<Fingerprint>,
    },
    /// The same, without the fleet's turn.
    RetryAlone {
        /// What the newest wish must be; `None`: whatever it is.
        fingerprint: Option<Fingerprint>,
    },
    /// Back to the previous good environment, and hold.
    Revert,
    /// Keep what a deployment's validation has come to. It asks for nothing to be done.
    Validated {
        /// Which deployment.
        deployment: Deployment,
        /// Yes or no.
        verdict: Verdict,
        /// The answer, as a short sentence.
        reason: String,
    },
}

/// Who asks, and under which number the answer goes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    /// The number of the request.
    pub request: RequestId,
    /// The uid of who asks; `None`: the kernel could not tell.
    pub uid: Option<u32>,
}

/// What the check command says about an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckVerdict {
    /// The service would bear it.
    Passed,
    /// It would not.
    Refused {
        /// Why not, as a sentence.
        why: String,
    },
    /// It did not come to an answer: it took too long, was killed, or could not be run. It is asked again.
    Unanswered {
        /// Why, as a sentence.
        why: String,
    },
}

/// Why the fleet doesn't grant a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnRefusal {
    /// Somebody or something else comes first, as a sentence for the board.
    Waits(String),
    /// The change failed on another host.
    Halted {
        /// The instance that took it back.
        by: String,
        /// Why, as a sentence.
        why: String,
    },
}

/// Where a process stands with respect to traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrafficState {
    /// Consul's catalog shows it as passing.
    In,
    /// Nothing arrives any more, or `drain.max` has passed.
    Out,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Its exit status could not be collected (a process that was taken over).
    Unknown,
}

/// What the process did, to follow its name: `exited with 1`.
impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with {code}"),
            Self::Signal(signal) => write!(f, "was killed by signal {signal}"),
            Self::Unknown => f.write_str("ended"),
        }
    }
}

/// What one probe found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeResult {
    /// As it should be.
    Pass,
    /// Not as it should be, and why: a short sentence with no secret in it.
    Fail(String),
}

/// One source on the board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    /// As a person reads it: `consul billing/`, `directory /etc/billing/conf.d`.
    pub name: Arc<str>,
    /// How many keys it gave; `None`: it has not answered yet.
    pub keys: Option<usize>,
    /// Whether the wishes wait for it.
    #[serde(default, skip_serializing_if = "Need::is_none")]
    pub need: Need,
    /// How fresh that is.
    #[serde(flatten)]
    pub freshness: Freshness,
}

/// Whether wishes wait for a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// It has answered, or something else stands in for it, or it is not required.
    #[default]
    None,
    /// Nothing new is wished for until it has answered.
    Awaited,
}

impl Need {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(took.as_secs_f64() * 1000.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let millis = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(millis / 1000.0).map_err(serde::de::Error::custom)
    }
}

/// An environment together with what each source gave for it.
mod recorded {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::environment::{Environment, SourceKeys, WriteInfo};

    #[derive(Serialize)]
    struct Recorded<'a> {
        environment: &'a Environment,
        record: &'a SourceKeys,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        written: BTreeMap<&'a str, &'a WriteInfo>,
    }

    #[derive(Deserialize)]
    struct Read {
        environment: Environment,
        #[serde(default)]
        record: SourceKeys,
        #[serde(default)]
        written: BTreeMap<String, WriteInfo>,
    }

    pub(super) fn serialize<S: Serializer>(environment: &Arc<Environment>, serializer: S) -> Result<S::Ok, S::Error> {
        Recorded { environment, record: environment.source_keys(), written: environment.write_infos() }
            .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Environment>, D::Error> {
        let Read { environment, record, written } = Read::deserialize(deserializer)?;
        Ok(Arc::new(environment.with_source_keys(record).with_write_infos(written)))
    }
}
