//! Boards for tests.

use crate::machine::Moment;
use crate::machine::board::{
    Board, BuildPicture, CheckPicture, CheckState, ConfigPicture, ConfigState, Phase, ProcessPicture,
};
use crate::machine::build::{Build, Version};
use crate::machine::numbers::{GenerationId, RunId};
use crate::machine::policy::Role;
use crate::machine::totals::Totals;

/// A healthy service "billing" that runs 1.214 on settled config, with no checks.
pub(crate) fn board() -> Board {
    Board {
        index: 7,
        epoch_unix_ms: 1_790_000_000_000,
        service: "billing".to_owned(),
        phase: Phase::Up,
        phase_since: Moment(3_000),
        beside: None,
        process: Some(ProcessPicture {
            run: RunId(1),
            pid: Some(4711),
            started: Moment(2_000),
            generation: GenerationId(1),
            healthy_since: Some(Moment(3_000)),
        }),
        restarts: 0,
        totals: Totals::default(),
        last_exit: None,
        next_start: None,
        build: BuildPicture {
            running: version("1.214"),
            running_build: Some(Build("go:a".to_owned())),
            installed: version("1.214"),
            installed_build: Build("go:a".to_owned()),
            outdated: false,
        },
        config: ConfigPicture {
            violations: Vec::new(),
            pending_restart: Vec::new(),
            state: ConfigState::Good,
            fingerprint: Some("3f9a0c12be77".parse().unwrap()),
            generation: GenerationId(1),
            variables: 12,
            since: Some(Moment(2_000)),
            wish: Some("3f9a0c12be77".parse().unwrap()),
            settled: true,
            held_since: None,
            message: None,
            good: Some("3f9a0c12be77".parse().unwrap()),
            quarantine: Vec::new(),
        },
        hold: None,
        reload: None,
        deployment: None,
        candidate: None,
        sources: Vec::new(),
        disk: None,
        traffic: None,
        traffic_trouble: None,
        sockets: None,
        fleet: Vec::new(),
        checks: Vec::new(),
        healthy: true,
        ready: true,
        live: true,
        stopping: false,
        history: Vec::new(),
        environment: None,
        wish: None,
    }
}

/// What is known of a build of this version.
pub(crate) fn version(version: &str) -> Version {
    Version { version: Some(version.to_owned()), source: Some("ldflags".to_owned()), ..Version::default() }
}

/// A readiness check in this state.
pub(crate) fn check(name: &str, state: CheckState) -> CheckPicture {
    let word = match state {
        CheckState::Unknown => "Unknown",
        CheckState::Passing => "Healthy",
        CheckState::Failing => "Unhealthy",
    };
    CheckPicture {
        name: name.to_owned(),
        role: Role::Readiness,
        state,
        word: word.to_owned(),
        since: Moment(3_000),
        why: None,
        latency_ms: None,
        latency_p50_ms: None,
        latency_p99_ms: None,
        failures: 0,
        probes: 0,
    }
}
