//! The rules of the road, one by one, as stories: what happens, told to a machine, and what it does about it.

mod builds;
mod first;
mod hold;
mod life;
mod overlap;
mod overtaking;
mod promotion;
mod restored;
mod revert;
mod shutdown;
pub(super) mod story;
mod trial;
mod turns;
mod wait;

use super::Restored;
use super::board::{ConfigState, Phase};
use super::event::ProbeResult;
use super::history::Outcome;
use super::ledger::Pair;
use super::ledger::{Good, Quarantined};
use super::order::Pace;
use super::policy::{Handover, Policy, Revert, Role, StepSetting};
use story::{Nature, Part, SECOND, Story, Weather, check};
