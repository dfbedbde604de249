//! The answer to a question about the service, and whether waiting could change it. Pure.

use std::time::Duration;

use super::question::{About, Question};
use crate::line::one_line;
use crate::machine::board::{Board, ConfigState, words};

/// After the wrong build has been there for this long, waiting is not expected to help.
pub(super) const SURE_AFTER: Duration = Duration::from_secs(5);
/// The longest reason, in characters: it becomes one line in the log of a deployment.
const LONGEST_REASON: usize = 180;

/// The answer to a question at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The condition holds.
    Yes,
    /// The condition does not hold.
    No {
        /// What is missing.
        lack: Lack,
        /// Whether the answer could become yes by waiting.
        outlook: Outlook,
        /// The reason, as one short line.
        reason: String,
    },
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// The service is not healthy, or its config is not settled yet: 503.
    Readiness,
    /// The service is healthy, but not the one that was asked for: 409.
    Identity,
}

/// Whether waiting makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// The answer may still become yes.
    Open,
    /// The answer will stay no without a new deploy, a new wish or an operator.
    Sure,
}

/// How the builds, running and on disk, compare with the version that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// The build that runs or the one on disk has the version; or the disk cannot be read.
    None,
    /// It is not known yet: there is a process, but it has not been identified.
    Unclear,
    /// The running build (if any) and the one on disk are known to have other versions; or, if no version was asked for, the
    /// running build is not the one on disk.
    Both,
}

/// Compares the build, running and on disk, with the version asked for.
pub(super) fn difference(about: &About, board: &Board) -> Difference {
    let wanted = match about {
        About::Version(wanted) => wanted,
        About::Settled if board.build.outdated => return Difference::Both,
        About::Settled | About::Health => return Difference::None,
    };
    let same = |version: &Option<String>| version.as_ref().map(|version| version == wanted);
    match (same(&board.build.running.version), same(&board.build.installed.version)) {
        (Some(true), _) | (_, Some(true) | None) => Difference::None,
        (Some(false), Some(false)) => Difference::Both,
        (None, Some(false)) if board.process.is_none() => Difference::Both,
        (None, Some(false)) => Difference::Unclear,
    }
}

/// Decides; `differed` is how long [`Difference::Both`] has held.
pub(super) fn decide(question: &Question, board: &Board, differed: Duration) -> Verdict {
    let no = |lack, outlook, reason: &str| {
        let reason = one_line(reason, LONGEST_REASON).into_owned();
        Verdict::No { lack, outlook, reason }
    };
    if let Some(meant) = question.service.as_ref().filter(|meant| **meant != board.service) {
        let reason = format!("this is the lictor of {}, not of {}", board.service, one_line(meant, 60));
        return no(Lack::Identity, Outlook::Sure, &reason);
    }
    let other_build = other_build(&question.about, board);
    let refused = refused(&question.about, board);
    // A refusal of the config on an earlier build says nothing about the build that is awaited.
    // This build was tried beside the one that runs, and did not take over.
    let given_up = board.config.state == ConfigState::BuildFailed && board.healthy && board.build.outdated;
    let sure = differed >= SURE_AFTER || given_up || (refused.is_some() && other_build.is_none());
    let outlook = if sure { Outlook::Sure } else { Outlook::Open };
    if !board.healthy {
        let config = board.config.message.as_deref().or(refused);
        let mut reason = words::unhealthy(board);
        for more in [other_build.as_deref(), config].into_iter().flatten() {
            reason = format!("{}; {more}", one_line(&reason, 100));
        }
        return no(Lack::Readiness, outlook, &reason);
    }
    if let Some(reason) = other_build {
        let failed = board.config.message.as_ref().filter(|_| given_up);
        let reason = failed.map_or(reason.clone(), |message| format!("{reason}; {message}"));
        return no(Lack::Identity, outlook, &reason);
    }
    if let Some(reason) = refused {
        return no(Lack::Identity, outlook, reason);
    }
    if question.about != About::Health && !board.config.settled {
        return no(Lack::Readiness, Outlook::Open, words::newest_config(board));
    }
    Verdict::Yes
}

/// Why the running build is not the one that was asked for; `None`: it is, or none was asked for.
fn other_build(about: &About, board: &Board) -> Option<String> {
    let wanted = match about {
        About::Version(wanted) => wanted,
        About::Settled => return not_restarted(board),
        About::Health => return None,
    };
    let (running, installed) = (&board.build.running.version, &board.build.installed.version);
    if running.as_ref() == Some(wanted) {
        return None;
    }
    let wanted = one_line(wanted, 40);
    let runs = match running {
        Some(running) => format!("running {}, not {wanted}", one_line(running, 40)),
        None if board.process.is_some() => format!("the running version is unknown, not {wanted}"),
        None => format!("not running {wanted}"),
    };
    Some(match (not_restarted(board), installed) {
        (Some(why), _) => format!("{runs}; {why}"),
        (None, Some(installed)) if Some(installed) != running.as_ref() => {
            format!("{runs}; {} is installed", one_line(installed, 40))
        }
        _ => runs,
    })
}

/// The sentence for a process whose executable is not the one on disk.
pub fn not_restarted(board: &Board) -> Option<String> {
    let version = || one_line(board.build.installed.version.as_deref().unwrap_or("another build"), 40);
    board.build.outdated.then(|| format!("{} is installed but not restarted", version()))
}

/// The message about the newest wish, if it was reverted or rejected.
fn refused<'a>(about: &About, board: &'a Board) -> Option<&'a str> {
    let is_refused = matches!(board.config.state, ConfigState::Reverted | ConfigState::Rejected);
    (is_refused && *about != About::Health).then(|| words::newest_config(board))
}

#[cfg(test)]
mod tests;
