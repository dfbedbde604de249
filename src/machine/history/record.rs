//! Makes a line of history, for the disk and for the tail on the board.

use std::sync::Arc;

use super::super::build::Build;
use super::super::moment::Moment;
use super::super::process::Process;
use super::super::process::slot::Slot;
use super::super::target::Targets;
use super::steps::Steps;
use super::{Entry, Outcome, Subject};

/// How many lines of history stand on the board.
pub(in super::super) const TAIL: usize = 20;

/// How many characters of a reason one line of history has.
const REASON: usize = 2000;

/// How many names of variables one line of history has; more are counted.
const NAMED: usize = 100;

/// For how many of them it shows where they come from.
const TRACED: usize = 20;

impl Entry {
    /// What became of this at this moment, and why.
    pub(in super::super) fn new(at: Moment, at_unix_ms: u64, outcome: Outcome, subject: Subject, why: String) -> Self {
        let mut keys = subject.keys;
        let more_keys = keys.len().saturating_sub(NAMED);
        keys.truncate(NAMED);
        let environment = subject.environment.as_ref().filter(|_| outcome.is_of_a_wish());
        let from =
            environment.map(|environment| environment.origins(&keys[..keys.len().min(TRACED)])).unwrap_or_default();
        Self {
            at,
            at_unix_ms,
            outcome,
            generation: subject.generation,
            environment: subject.environment.map(|environment| environment.fingerprint()),
            build: subject.build,
            run: subject.run,
            keys,
            more_keys,
            from,
            why: shortened(why),
            propagation_ms: subject.propagation.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            steps: if outcome.is_of_a_wish() { subject.took } else { Steps::default() },
            who: subject.who,
            deployment: subject.deployment,
        }
    }
}

impl Subject {
    /// What a start starts now, and the process, if there is one.
    pub(in super::super) fn present(targets: &Targets, process: &Process, installed: &Build, now: Moment) -> Self {
        let target = targets.present();
        let slot = process.slot();
        Self {
            generation: target.map(|target| target.generation).unwrap_or_default(),
            environment: target.map(|target| Arc::clone(&target.environment)),
            build: slot.map_or_else(|| installed.clone(), |slot| slot.build.clone()),
            run: slot.map(|slot| slot.id),
            keys: target.map(|target| target.keys.clone()).unwrap_or_default(),
            took: targets.took(process.alive(), now),
            propagation: None,
            who: None,
            deployment: None,
        }
    }

    /// The same for a run that has ended.
    pub(in super::super) fn in_run(self, slot: &Slot) -> Self {
        Self { build: slot.build.clone(), run: Some(slot.id), ..self }
    }
}

/// Cuts a sentence that is too long, such as one about a thousand wrong values.
fn shortened(mut why: String) -> String {
    if let Some((end, _)) = why.char_indices().nth(REASON) {
        why.truncate(end);
        why.push_str("...");
    }
    why
}
