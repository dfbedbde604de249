//! Yes or no to a question about the service, and whether waiting could change it. Pure.

use std::time::Duration;

use super::question::{About, Question};
use crate::line::one_line;
use crate::machine::board::{Board, ConfigState, words};

/// A build that has been the wrong one for this long will not be the right one by waiting.
pub(super) const SURE_AFTER: Duration = Duration::from_secs(5);
/// The longest reason, in characters: it ends up as one line in the log of a deployment.
const LONGEST_REASON: usize = 180;

/// The answer to a question, as things stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is so.
    Yes,
    /// It is not.
    No {
        /// What is missing.
        lack: Lack,
        /// Whether time alone could make it a yes.
        outlook: Outlook,
        /// Why, as one short line.
        reason: String,
    },
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// The service is not healthy, or its config is still on the road: 503.
    Readiness,
    /// It is healthy, but not what was asked for: 409.
    Identity,
}

/// Whether waiting makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// It may still become a yes.
    Open,
    /// It will not without a new deploy, a new wish or an operator.
    Sure,
}

/// How the build stands to the version that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// The build that runs or the one on disk has the version; or the disk cannot be read.
    None,
    /// Nothing says so yet: a process is there, but has not been identified.
    Unclear,
    /// What runs (if anything does) and what is on disk are known to have other versions; or, if any version will do, what
    /// runs is not what is on disk.
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

/// Decides; `differed` is for how long [`Difference::Both`] has held.
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
    // That an earlier build's config was refused means nothing for the build that is awaited.
    // A build that was tried beside the one that runs, and did not take over.
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

/// Why the running build is not the one asked for; `None`: it is, or none was asked for.
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

/// What to say while the process was started on another executable than the one on disk.
pub fn not_restarted(board: &Board) -> Option<String> {
    let version = || one_line(board.build.installed.version.as_deref().unwrap_or("another build"), 40);
    board.build.outdated.then(|| format!("{} is installed but not restarted", version()))
}

/// What became of the newest wish, if it was reverted or rejected.
fn refused<'a>(about: &About, board: &'a Board) -> Option<&'a str> {
    let is_refused = matches!(board.config.state, ConfigState::Reverted | ConfigState::Rejected);
    (is_refused && *about != About::Health).then(|| words::newest_config(board))
}

#[cfg(test)]
mod tests;
