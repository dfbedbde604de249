//! The events of the machine. Every fact carries the number of its run, check or turn.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::build::{Build, Version};
use super::deployment::{Deployment, Verdict};
use super::numbers::{CheckId, RequestId, RunId, TurnId};
use super::reload::Pending;
use crate::environment::{Environment, Fingerprint, Freshness};

/// An event. It is serialised without any value, so that a log from production can be replayed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// All sources have answered, and compose to this environment.
    Wish {
        /// The environment.
        #[serde(flatten, with = "recorded")]
        environment: Arc<Environment>,
        /// Which rules of `key {}` it breaks, in short sentences without values.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        violations: Vec<String>,
    },
    /// All sources have answered, but do not compose to an environment, for example because of a NUL in a value.
    Unfit {
        /// Why not, in short sentences without values.
        reasons: Vec<String>,
    },
    /// The freshness of the sources. It is only shown, and decides nothing.
    Sources {
        /// One for each source, in the order of the configuration.
        sources: Vec<SourceReport>,
    },
    /// Whether lictor can write its state to the disk. It is only shown, and decides nothing.
    Disk {
        /// Why it cannot; `None`: it can.
        problem: Option<String>,
    },
    /// Whether the sockets that lictor holds for the service work completely. It is only shown, and decides nothing.
    Sockets {
        /// What does not work; `None`: everything does.
        problem: Option<String>,
    },
    /// Whether the fleet is as a person would have it: settings that differ between hosts, two instances under one id, what
    /// cannot be read. It decides nothing, it is shown.
    FleetProblems {
        /// What is not; none: all is well.
        problems: Vec<String>,
    },
    /// Whether new connections can be steered from one run to another.
    Steering {
        /// Why they cannot; `None`: they can.
        problem: Option<String>,
    },
    /// A run beside which another one is started listens on ports of its own, besides what is held for it.
    OwnPorts {
        /// Which run.
        run: RunId,
        /// Some of the ports.
        ports: Vec<u16>,
    },
    /// New connections now go to this run, as ordered.
    Steered {
        /// Which run.
        run: RunId,
    },
    /// New connections could not be steered to this run; nothing has changed.
    SteerFailed {
        /// Which run.
        run: RunId,
        /// Why, as a sentence.
        error: String,
    },
    /// The executable on the disk has this identity now.
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
        /// The run that it is from now on.
        run: RunId,
        /// Its PID.
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
    /// The build and version of the running process, read from its executable or reported by it.
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
        /// Its result.
        outcome: ProbeResult,
        /// How long it took.
        #[serde(with = "millis")]
        took: Duration,
    },
    /// A reload of the service could not be carried out; nothing was touched.
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
        /// Its verdict.
        verdict: CheckVerdict,
    },
    /// The fleet grants us the turn.
    TurnGranted {
        /// Which request.
        turn: TurnId,
    },
    /// The turn is lost (its session has ended).
    TurnLost {
        /// Which request.
        turn: TurnId,
    },
    /// The fleet does not grant the turn yet, or not at all. This is not a failure: the wish waits where it is.
    TurnRefused {
        /// Which request.
        turn: TurnId,
        /// Why.
        why: TurnRefusal,
    },
    /// The process is now in traffic, or out of it.
    TrafficChanged {
        /// Which run.
        run: RunId,
        /// Its state in traffic.
        state: TrafficState,
    },
    /// Whether traffic can be steered. It is only shown, and decides nothing.
    TrafficTrouble {
        /// Why it cannot; `None`: it can.
        problem: Option<String>,
    },
    /// Our own configuration was read again.
    Policy {
        /// The new policy.
        policy: Box<super::policy::Policy>,
    },
    /// Our own configuration was read again on request.
    Reloaded {
        /// The uid of the requester; `None`: it was a signal, or the kernel did not provide the uid.
        who: Option<u32>,
        /// The settings that wait for a restart, or every error with its place.
        outcome: Result<Pending, Vec<String>>,
    },
    /// An operator's request over the admin socket; answered by `Answer`.
    Operator {
        /// The verb.
        verb: Verb,
        /// The requester, and the number of the request.
        by: Requester,
    },
    /// A signal to pass on to the main process.
    Signal {
        /// Its number.
        signal: i32,
    },
    /// The host, or lictor, did not run for this long.
    Paused {
        /// How long.
        length: Duration,
    },
    /// Stop the service and end; a second time: kill it now.
    Shutdown,
    /// Time has passed; nothing else.
    Tick,
}

/// The verbs of operators that the machine carries out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Restart the service on its present environment.
    Restart,
    /// Pass a signal on to the main process.
    Signal {
        /// Its number.
        signal: i32,
    },
    /// Hold all wishes before the step *turn*.
    Hold {
        /// The reason, for the board; may be empty.
        reason: String,
        /// After this long it ends by itself; `None`: never.
        length: Option<Duration>,
    },
    /// End the hold.
    Unhold,
    /// Let the wish through that the guard holds.
    Release {
        /// The fingerprint that must be held; `None`: any.
        fingerprint: Option<Fingerprint>,
    },
    /// Try the newest wish once more, although it is in quarantine, was rejected or was inconclusive.
    Retry {
        /// What the newest wish must be; `None`: whatever it is.
        fingerprint: Option<Fingerprint>,
    },
    /// The same, without the fleet's turn.
    RetryAlone {
        /// What the newest wish must be; `None`: whatever it is.
        fingerprint: Option<Fingerprint>,
    },
    /// Go back to the previous good environment, and hold.
    Revert,
    /// Record the result of a deployment's validation. Nothing else follows from it.
    Validated {
        /// Which deployment.
        deployment: Deployment,
        /// Yes or no.
        verdict: Verdict,
        /// The answer, as a short sentence.
        reason: String,
    },
}

/// The requester, and the number that the answer goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    /// The number of the request.
    pub request: RequestId,
    /// The uid of the requester; `None`: the kernel did not provide it.
    pub uid: Option<u32>,
}

/// The check command's verdict on an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckVerdict {
    /// The service accepts it.
    Passed,
    /// The service refuses it.
    Refused {
        /// Why not, as a sentence.
        why: String,
    },
    /// There was no answer: the command took too long, was killed, or could not be run. It is run again.
    Unanswered {
        /// Why, as a sentence.
        why: String,
    },
}

/// Why the fleet does not grant a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnRefusal {
    /// Something else comes first, as a sentence for the board.
    Waits(String),
    /// The change failed on another host.
    Halted {
        /// The instance that took it back.
        by: String,
        /// Why, as a sentence.
        why: String,
    },
}

/// Whether a process is in traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrafficState {
    /// Consul's catalog shows it as passing.
    In,
    /// No more requests arrive, or `drain.max` has passed.
    Out,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// It was killed by this signal.
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

/// The result of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeResult {
    /// The probe passed.
    Pass,
    /// The probe failed; the reason, as a short sentence without a secret.
    Fail(String),
}

impl ProbeResult {
    /// Whether the probe passed.
    pub fn passes(&self) -> bool {
        match self {
            Self::Pass => true,
            Self::Fail(_) => false,
        }
    }
}

/// One source on the board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    /// Its name for people: `consul billing/`, `directory /etc/billing/conf.d`.
    pub name: Arc<str>,
    /// The number of its keys; `None`: it has not answered yet.
    pub keys: Option<usize>,
    /// Whether wishes wait for it.
    #[serde(default, skip_serializing_if = "Need::is_none")]
    pub need: Need,
    /// How fresh its keys are.
    #[serde(flatten)]
    pub freshness: Freshness,
}

/// Whether wishes wait for a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// They do not: it has answered, is replaced by the last good environment, or is not required.
    #[default]
    None,
    /// They do: there is no new wish until it has answered.
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
