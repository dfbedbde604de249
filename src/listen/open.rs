//! Opens all sockets at a start: takes back those that have outlived an earlier lictor, and binds the rest.

use std::io;

use super::found::Found;
use super::pair::Pair;
use super::program::{Marks, Steering};
use super::sides::{Side, Width};
use super::{ListenError, Spec};

/// The open sockets.
#[derive(Debug)]
pub(super) enum Opened {
    /// All of them.
    Held {
        pairs: Vec<Pair>,
        /// The side that connections go to.
        active: Side,
        /// The side of the service that still runs.
        survivor: Option<Side>,
        /// Whether some of them have outlived an earlier lictor, and may have connections in their queues.
        history: History,
    },
    /// The sockets that only the service that still runs has, because they cannot be copied from it.
    WithTheSurvivor,
}

/// Whether sockets have outlived an earlier lictor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum History {
    New,
    Old,
}

/// Where the sockets of one `listen` came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PairOrigin {
    /// Both of its sockets had been kept.
    BothKept,
    /// One had been kept, and the other is new.
    HalfKept,
    /// Both are new.
    New,
}

/// Opens the sockets of every `listen`.
///
/// # Errors
/// The first one that cannot be opened, although no service of ours runs that might have it.
pub(super) fn open(specs: &[Spec], width: Width, marks: Marks, found: &mut Found) -> Result<Opened, ListenError> {
    let survivor = found.side();
    let active = survivor.unwrap_or(Side::A);
    let mut pairs = Vec::new();
    let mut origins = Vec::new();
    for spec in specs {
        match one(spec, width, Steering::to(active, marks), found) {
            Ok((origin, pair)) => {
                origins.push(origin);
                pairs.push(pair);
            }
            Err(error) if survivor.is_some() => {
                tracing::warn!("{}", crate::chain::sentence(&error));
                return Ok(Opened::WithTheSurvivor);
            }
            Err(error) => return Err(error),
        }
    }
    let half_kept = origins.contains(&PairOrigin::HalfKept);
    if half_kept && active == Side::B {
        // The one that had been kept has become side A.
        if origins.contains(&PairOrigin::BothKept) {
            tracing::warn!("some of the sockets that were kept are missing");
            return Ok(Opened::WithTheSurvivor);
        }
        let steering = Steering::to(Side::A, marks);
        for (pair, spec) in pairs.iter().zip(specs) {
            let unfit = |source| ListenError::of(&spec.name, &spec.address, source);
            pair.steer(steering).map_err(unfit)?;
        }
    }
    let (mut active, survivor) = if half_kept { (Side::A, survivor.map(|_| Side::A)) } else { (active, survivor) };
    let history = if origins.iter().all(|origin| *origin == PairOrigin::New) { History::New } else { History::Old };
    if survivor.is_none() && history == History::Old && waiting(&pairs, active.other()) > waiting(&pairs, active) {
        // No process has a side: the next one takes that where more connections wait, so that they are not carried.
        active = active.other();
        for (pair, spec) in pairs.iter().zip(specs) {
            let unfit = |source| ListenError::of(&spec.name, &spec.address, source);
            pair.steer(Steering::to(active, marks)).map_err(unfit)?;
        }
    }
    Ok(Opened::Held { pairs, active, survivor, history })
}

/// How many connections wait on this side; nobody waits on one that there is not.
fn waiting(pairs: &[Pair], side: Side) -> u32 {
    let both = pairs.iter().filter(|pair| pair.sockets().any(|(there, _)| there == side));
    both.map(|pair| pair.queue(side).waiting).fold(0, u32::saturating_add)
}

fn one(spec: &Spec, width: Width, steering: Steering, found: &mut Found) -> Result<(PairOrigin, Pair), ListenError> {
    let failed = |source: io::Error| ListenError::of(&spec.name, &spec.address, source);
    let copy = found.copy(spec);
    let (kept, first) = found.take(spec);
    match (kept, copy) {
        ([Some(a), Some(b)], _) if width == Width::Two => {
            Pair::kept(spec, [a, b], first, steering).map(|pair| (PairOrigin::BothKept, pair)).map_err(failed)
        }
        (_, Some(left)) | ([Some(left), None] | [None, Some(left)], None) => {
            Pair::around(spec, left, width, steering.marks).map(|pair| (PairOrigin::HalfKept, pair)).map_err(failed)
        }
        _ => Pair::bind(spec, width, steering).map(|pair| (PairOrigin::New, pair)),
    }
}
