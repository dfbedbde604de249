//! Boards for tests.

use crate::machine::board::{
    Board, BuildPicture, CheckPicture, CheckState, ConfigPicture, ConfigState, Phase, ProcessPicture,
};
use crate::machine::numbers::{GenerationId, RunId};
use crate::machine::policy::Role;
use crate::machine::totals::Totals;
use crate::machine::{Moment, Version};

/// A healthy service "billing" that runs 1.214 on good config, with no checks.
pub(super) fn board() -> Board {
    let fingerprint = Some("3f9a0c12be77".parse().unwrap());
    let version = Version { version: Some("1.214".to_owned()), ..Version::default() };
    Board {
        index: 1,
        epoch_unix_ms: 1_790_000_000_000,
        service: "billing".to_owned(),
        phase: Phase::Up,
        phase_since: Moment(3_000),
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
        build: BuildPicture { running: version, ..BuildPicture::default() },
        config: ConfigPicture {
            violations: Vec::new(),
            pending_restart: Vec::new(),
            state: ConfigState::Good,
            fingerprint,
            generation: GenerationId(1),
            variables: 12,
            since: Some(Moment(2_000)),
            wish: fingerprint,
            settled: true,
            held_since: None,
            message: None,
            good: fingerprint,
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

/// A readiness check in this state.
pub(super) fn check(name: &str, state: CheckState) -> CheckPicture {
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
